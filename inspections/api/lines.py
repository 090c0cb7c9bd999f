"""`/api/v1/lines/`: a person's lines, and how their cameras do."""

from typing import Any

from django.db.models import Prefetch, QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView

from inspections.api.captures import problems
from inspections.api.permissions import ForPerson
from inspections.api.serializers import Instant
from inspections.models import Camera, Line


class CameraOut(serializers.ModelSerializer[Camera]):
    silent = serializers.SerializerMethodField(help_text="Enabled, and nothing heard for longer than it may be silent.")
    seen_at = Instant(read_only=True, allow_null=True)
    heartbeat_at = Instant(read_only=True, allow_null=True)

    class Meta:
        model = Camera
        fields = (
            "slug", "enabled", "silent", "silent_after_s", "seen_at", "heartbeat_at", "spooled", "dropped", "client",
            "clock_off_s",
        )  # fmt: skip
        read_only_fields = fields

    def get_silent(self, camera: Camera) -> bool:
        return camera.is_silent(self.context["now"])


class LineOut(serializers.ModelSerializer[Line]):
    model = serializers.CharField(
        source="version.name", default=None, allow_null=True, read_only=True,
        help_text="The line's own version; null: the mill's.",
    )  # fmt: skip
    rates = serializers.SerializerMethodField(help_text="Where its rates are.")
    cameras = CameraOut(many=True, read_only=True)

    class Meta:
        model = Line
        fields = ("slug", "name", "model", "threshold", "rates", "cameras")
        read_only_fields = fields

    @extend_schema_field({"type": "string", "format": "uri"})
    def get_rates(self, line: Line) -> str:
        return reverse("api-line-rates", args=[line.slug], request=self.context["request"])


class LinesOut(serializers.Serializer[Any]):
    results = LineOut(many=True)


def lines_of(request: Request) -> QuerySet[Line]:
    user: Any = request.user
    return Line.objects.seen_by(user).distinct()


class LinesView(APIView):
    permission_classes = [ForPerson]

    @extend_schema(operation_id="lines_list", responses={(200, "application/json"): LinesOut, **problems(401, 403)})
    def get(self, request: Request) -> Response:
        """The lines of this person, with how their cameras do."""
        cameras = Prefetch("cameras", Camera.objects.order_by("slug"))
        rows = lines_of(request).select_related("version").prefetch_related(cameras)
        return Response(LinesOut({"results": rows}, context={"request": request, "now": timezone.now()}).data)
