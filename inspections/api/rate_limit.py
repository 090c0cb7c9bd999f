"""A camera's own limit: so many images a second and web process, so that one that runs wild starves nobody."""

import threading
import time
from typing import Any

from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from inspections.models import Camera


class CameraThrottle(BaseThrottle):
    """Counts by whole seconds. Tells what is left in the RateLimit headers (draft-ietf-httpapi-ratelimit-headers)."""

    _lock = threading.Lock()
    _counts: dict[int, tuple[int, int]] = {}  # camera -> (second, images)

    def allow_request(self, request: Request, view: APIView) -> bool:
        caller: Any = request.user
        if not isinstance(caller, Camera):
            return True
        second = int(time.monotonic())
        with self._lock:
            before, images = self._counts.get(caller.pk, (second, 0))
            images = images + 1 if before == second else 1
            self._counts[caller.pk] = (second, images)
        request.rate_left = max(0, settings.CAMERA_RATE - images)  # type: ignore[attr-defined]
        return bool(images <= settings.CAMERA_RATE)

    def wait(self) -> float:
        return 0.5


def add_headers(request: Any, response: Response) -> None:
    """Say the limit and what is left of it, where one applied."""
    left = getattr(request, "rate_left", None)
    if left is not None:
        response["RateLimit-Policy"] = f'"camera";q={settings.CAMERA_RATE};w=1'
        response["RateLimit"] = f'"camera";r={left};t=1'
