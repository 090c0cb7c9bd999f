"""`/api/v1/captures/`: cameras post images and learn the verdict; people read."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import django_filters
from django.db import InterfaceError, OperationalError
from django.db.models import F, Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from inspections import intake
from inspections.api.permissions import ForAnyone, ForCamera
from inspections.api.problems import MEDIA_TYPE, problem
from inspections.api.rate_limit import CameraThrottle, add_headers
from inspections.api.serializers import (
    CaptureOut,
    ProblemOut,
    UploadFields,
    UploadForm,
)
from inspections.api.uploads import PARSERS, bound, image_bytes
from inspections.api.waiting import wait_for_verdict, wanted_s
from inspections.images import Refused
from inspections.models import Camera, Capture, Status, Verdict
from inspections.models.defect_class import UNKNOWN
from inspections.review.blind import withheld

RAW_TYPES = ["image/jpeg", "image/png", "image/webp", "image/tiff", "image/bmp", "application/octet-stream"]


def problems(*statuses: int) -> dict[Any, Any]:
    return {(status, MEDIA_TYPE): OpenApiResponse(ProblemOut) for status in statuses}


def readable(request: Request) -> QuerySet[Capture]:
    """The captures that this caller may read, with what the answer needs."""
    user: Any = request.user
    verdicts = Verdict.objects.filter(effective=True).select_related("version", "defect_class", "evidence")
    verdicts = verdicts.defer("evidence__embedding", "evidence__texture")  # not told here
    rows = Capture.objects.of_camera(user) if isinstance(user, Camera) else Capture.objects.seen_by(user)
    return rows.select_related("line", "camera", "roll").prefetch_related(Prefetch("verdicts", verdicts))


def _withheld(request: Request) -> set[UUID]:
    """What this caller was asked blind; a camera is never asked."""
    user: Any = request.user
    return set() if isinstance(user, Camera) else withheld(user)


def _without_withheld(request: Request, rows: QuerySet[Capture]) -> QuerySet[Capture]:
    """A list can be narrowed to what is flagged, so being in it tells: what was asked blind stays out of every one."""
    kept_back = _withheld(request)
    return rows.exclude(pk__in=kept_back) if kept_back else rows


def in_utc(value: datetime, field: str) -> datetime:
    """The same moment in UTC: a database may refuse an offset of 22 hours that RFC 3339 allows."""
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValidationError({field: "This time does not exist."}) from error


class CaptureFilter(django_filters.FilterSet):  # type: ignore[misc]  # untyped
    line = django_filters.CharFilter("line__slug")
    camera = django_filters.CharFilter(method="by_camera", label="Slug of the camera")
    roll = django_filters.CharFilter("roll__code")
    status = django_filters.ChoiceFilter(
        choices=[(status.label, status.label) for status in Status], method="by_status"
    )
    flagged = django_filters.BooleanFilter()
    label = django_filters.CharFilter(method="by_label", label="Effective label, else predicted")
    since = django_filters.IsoDateTimeFilter(method="from_then", label="Counted at this time or later")
    until = django_filters.IsoDateTimeFilter(method="to_then", label="Counted before this time")

    class Meta:
        model = Capture
        fields: tuple[str, ...] = ()

    def by_camera(self, rows: QuerySet[Capture], _name: str, value: str) -> QuerySet[Capture]:
        """By key and not by a join: one camera's index holds its newest first, and is read where it is silent too. Of
        cameras of one name on several lines all that came in is walked from the newest: their indexes one after
        another would be sorted whole, which is what the sum keeps a database from."""
        keys = list(Camera.objects.filter(slug=value).values_list("pk", flat=True))
        if len(keys) < 2:
            return rows.filter(camera__in=keys)
        return rows.alias(camera_key=F("camera_id") + 0).filter(camera_key__in=keys)

    def by_status(self, rows: QuerySet[Capture], _name: str, value: str) -> QuerySet[Capture]:
        return rows.filter(status=next(status for status in Status if status.label == value))

    def from_then(self, rows: QuerySet[Capture], _name: str, value: datetime) -> QuerySet[Capture]:
        return rows.filter(counted_at__gte=in_utc(value, "since"))

    def to_then(self, rows: QuerySet[Capture], _name: str, value: datetime) -> QuerySet[Capture]:
        return rows.filter(counted_at__lt=in_utc(value, "until"))

    def by_label(self, rows: QuerySet[Capture], _name: str, value: str) -> QuerySet[Capture]:
        if value == UNKNOWN:
            return rows.filter(status=Status.JUDGED, defect_class=None)
        return rows.filter(defect_class__code=value)


class NewestFirst(CursorPagination):
    ordering = "-id"  # ids rise with the time of receipt
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200

    def decode_cursor(self, request: Request) -> Any:
        try:
            cursor = super().decode_cursor(request)
            if cursor and cursor.position:
                UUID(str(cursor.position))
            return cursor
        except (NotFound, ValueError) as error:
            raise ValidationError({"cursor": "Not a cursor of this list."}) from error


class CapturesView(APIView):
    """Post one image, or list captures."""

    parser_classes = PARSERS
    throttle_classes = [CameraThrottle]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.too_large = bound(request) if request.method == "POST" else None
        response: HttpResponse = super().dispatch(request, *args, **kwargs)  # type: ignore[assignment]
        return response

    def get_permissions(self) -> list[Any]:
        return [ForCamera()] if self.request.method == "POST" else [ForAnyone()]

    def get_throttles(self) -> list[Any]:
        return super().get_throttles() if self.request.method == "POST" else []

    @extend_schema(
        operation_id="captures_create",
        request={
            "multipart/form-data": UploadForm,
            **dict.fromkeys(RAW_TYPES, OpenApiTypes.BINARY),
        },
        parameters=[
            UploadFields,
            OpenApiParameter(
                "Prefer",
                str,
                OpenApiParameter.HEADER,
                description="`wait=N`: hold the answer up to N seconds (10).",
            ),
        ],
        responses={
            (201, "application/json"): CaptureOut,
            (200, "application/json"): CaptureOut,
            **problems(400, 401, 403, 409, 413, 415, 422, 429, 503, 507),
        },
    )
    def post(self, request: Request) -> HttpResponse:
        """Take one image. From a 201 on it is never lost; a retry with the same `capture_id` is harmless."""
        now = timezone.now()
        data = self.too_large or image_bytes(request.data, request.META.get("CONTENT_LENGTH") or "")
        if isinstance(data, Refused):
            return problem(request, data.status, data.kind, data.detail)
        sent = request.data if isinstance(request.data, QueryDict) else request.query_params
        fields = UploadFields(data=sent.dict())  # a plain dict, so that an empty value is wrong and not absent
        fields.is_valid(raise_exception=True)
        camera: Any = request.user
        result = intake.accept(camera, data, fields.validated_data, now)
        with suppress(OperationalError, InterfaceError):  # the image is safe: only the camera's light stays off
            camera.saw(now)
        return answer(request, result)

    @extend_schema(
        operation_id="captures_list",
        parameters=[
            OpenApiParameter("line", str), OpenApiParameter("camera", str), OpenApiParameter("roll", str),
            OpenApiParameter("status", str, enum=["pending", "judged", "failed"]),
            OpenApiParameter("flagged", bool),
            OpenApiParameter("label", str, description="The effective label, else the predicted; or `unknown`."),
            OpenApiParameter("since", OpenApiTypes.DATETIME), OpenApiParameter("until", OpenApiTypes.DATETIME),
            OpenApiParameter("cursor", str), OpenApiParameter("page_size", int),
        ],
        responses={
            (200, "application/json"): {
                "type": "object",
                "required": ["next", "previous", "results"],
                "properties": {
                    "next": {"type": ["string", "null"], "format": "uri"},
                    "previous": {"type": ["string", "null"], "format": "uri"},
                    "results": {"type": "array", "items": {"$ref": "#/components/schemas/CaptureOut"}},
                },
            },
            **problems(400, 401, 403),
        },
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        """The caller's captures, newest first, in cursor pages."""
        filtered = CaptureFilter(request.query_params, readable(request))
        if not filtered.is_valid():
            errors = [{"field": f, "detail": str(e)} for f, es in filtered.errors.items() for e in es]
            return problem(  # type: ignore[return-value]
                request, 400, "bad-request", "A filter is wrong.", errors=errors
            )
        pages = NewestFirst()
        rows: Any = pages.paginate_queryset(_without_withheld(request, filtered.qs), request, view=self)
        return pages.get_paginated_response(CaptureOut(rows, many=True, context={"request": request}).data)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        add_headers(request, response)
        return super().finalize_response(request, response, *args, **kwargs)


def answer(request: Request, result: Any) -> HttpResponse:
    """What intake decided, in the words of the contract."""
    if isinstance(result, Refused):
        return problem(request, result.status, result.kind, result.detail)
    if isinstance(result, intake.Conflict):
        detail = "This camera already sent this capture_id with other bytes."
        return problem(
            request, 409, "capture-id-conflict", detail,
            stored_sha256=result.stored_sha256, sent_sha256=result.sent_sha256,
        )  # fmt: skip
    return _with_capture(request, result)


def _with_capture(request: Request, result: intake.Accepted | intake.Duplicate) -> Response:
    capture, headers = result.capture, {}
    replayed = isinstance(result, intake.Duplicate)
    seconds = wanted_s(request.headers.get("Prefer", ""))
    # The image is stored. A database that goes away while we wait must not make the camera send it again.
    with suppress(OperationalError, InterfaceError):
        waited = seconds is not None and wait_for_verdict(capture.pk, seconds)
        if replayed or waited:
            capture = readable(request).get(pk=capture.pk)
        if waited:
            headers["Preference-Applied"] = f"wait={seconds}"
    if replayed:
        headers["Idempotent-Replayed"] = "true"
    body = CaptureOut(capture, context={"request": request}).data
    return Response(body, status=200 if replayed else 201, headers={**headers, "Location": body["url"]})


class CaptureView(APIView):
    """Read one capture."""

    permission_classes = [ForAnyone]

    @extend_schema(
        operation_id="captures_read",
        responses={(200, "application/json"): CaptureOut, **problems(401, 403, 404)},
    )
    def get(self, request: Request, pk: UUID) -> Response:
        """One capture with its verdict. What is not the caller's is not found."""
        capture = get_object_or_404(readable(request), pk=pk)
        context = {"request": request, "withheld": _withheld(request)}
        return Response(CaptureOut(capture, context=context).data)
