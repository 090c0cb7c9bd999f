"""Every error of the API is application/problem+json: RFC 9457."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from django.http import Http404, HttpRequest, JsonResponse
from rest_framework import exceptions
from rest_framework.request import Request

from inspections.outage import outage_of

MEDIA_TYPE = "application/problem+json"
BASE = "https://selvedge.invalid/problems/"  # an identifier, not an address to open


def problem(
    request: HttpRequest | Request,
    status: int,
    kind: str,
    detail: str,
    *,
    errors: Sequence[Mapping[str, str]] = (),
    retry_after: int | None = None,
    headers: Mapping[str, str] | None = None,
    **members: Any,
) -> JsonResponse:
    """An RFC 9457 answer. `kind` is the last part of the problem type; `errors` name the fields."""
    body = {
        "type": f"{BASE}{kind}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": request.path,
        "request_id": getattr(request, "request_id", ""),
        **({"errors": list(errors)} if errors else {}),
        **members,
    }
    response = JsonResponse(body, status=status, content_type=MEDIA_TYPE, headers=dict(headers or {}))
    if retry_after is not None:
        response["Retry-After"] = str(retry_after)
    return response


KINDS = {
    400: "bad-request",
    401: "not-authenticated",
    403: "not-allowed",
    404: "not-found",
    405: "method-not-allowed",
    406: "not-acceptable",
    415: "unsupported-media-type",
    429: "too-many-requests",
}


def handle(error: Exception, context: dict[str, Any]) -> JsonResponse | None:
    """DRF's exception handler; None leaves what is unexpected to Django, which answers 500."""
    request: Request = context["request"]
    if outage := outage_of(error):
        return problem(request, outage.status, outage.kind, outage.detail, retry_after=outage.retry_after)
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    if not isinstance(error, exceptions.APIException):
        return None
    scheme = getattr(error, "auth_header", None)
    headers = {"WWW-Authenticate": str(scheme)} if scheme else {}
    fields = _field_errors(error.detail) if isinstance(error, exceptions.ValidationError) else []
    detail = "; ".join(f"{e['field']}: {e['detail']}" for e in fields) or str(error.detail)
    wait = getattr(error, "wait", None)
    return problem(
        request,
        error.status_code,
        getattr(error, "kind", None) or KINDS.get(error.status_code, "error"),
        detail,
        errors=fields,
        retry_after=int(wait) + 1 if wait is not None else None,
        headers=headers,
    )


def _field_errors(detail: Any) -> list[dict[str, str]]:
    if isinstance(detail, dict):
        return [
            {"field": str(field), "detail": str(text)}
            for field, texts in detail.items()
            for text in (texts if isinstance(texts, list) else [texts])
        ]
    return [{"field": "", "detail": str(text)} for text in detail]
