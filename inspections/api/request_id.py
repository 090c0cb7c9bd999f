"""Each request carries an id: echoed if the caller sent a sane one, made otherwise."""

import re
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponseBase

from inspections.ids import new_id

SANE = re.compile(r"[A-Za-z0-9._:-]{1,64}")


class RequestIdMiddleware:
    """Sets `request.request_id`, binds it to the log, and sends it back as `X-Request-ID`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        sent = request.headers.get("X-Request-ID", "")
        request_id = sent if SANE.fullmatch(sent) else str(new_id())
        request.request_id = request_id  # type: ignore[attr-defined]
        structlog.contextvars.bind_contextvars(request_id=request_id)
        response = self.get_response(request)
        response["X-Request-ID"] = request_id
        return response
