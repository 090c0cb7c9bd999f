"""`/api/v1/cameras/heartbeat/`: a camera says that it is there."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from inspections.api.captures import problems
from inspections.api.permissions import ForCamera
from inspections.api.rate_limit import CameraThrottle, add_headers
from inspections.api.serializers import Instant, no_control_characters
from inspections.models.plant import Beat

LARGEST = 2**31 - 1


class BeatIn(serializers.Serializer[Any]):
    """What a camera says of itself. Unknown fields are ignored."""

    sent_at = Instant(required=False, help_text="By the camera's clock: shows a wrong one.")
    spooled = serializers.IntegerField(
        required=False, min_value=0, max_value=LARGEST, help_text="Images that wait in the camera."
    )
    dropped = serializers.IntegerField(
        required=False, min_value=0, max_value=LARGEST, help_text="Images that it lost since it started."
    )
    version = serializers.CharField(
        required=False, max_length=60, validators=[no_control_characters], help_text="Of the camera's software."
    )


class HeartbeatView(APIView):
    permission_classes = [ForCamera]
    throttle_classes = [CameraThrottle]

    @extend_schema(
        operation_id="camera_heartbeat",
        request={"application/json": BeatIn},
        responses={204: None, **problems(400, 401, 403, 415, 429, 503)},
    )
    def post(self, request: Request) -> Response:
        """A camera is alive, whether or not it has images to send."""
        sent = BeatIn(data=request.data)
        sent.is_valid(raise_exception=True)
        said: dict[str, Any] = sent.validated_data
        camera: Any = request.user
        camera.beat(
            timezone.now(),
            Beat(said.get("sent_at"), said.get("spooled"), said.get("dropped"), said.get("version", "")),
        )
        return Response(status=204)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        add_headers(request, response)
        return super().finalize_response(request, response, *args, **kwargs)
