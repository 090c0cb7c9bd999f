"""Who calls: a camera with its key, or a person with a session."""

from typing import Any

from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.request import Request

from inspections.models import Camera, CameraKey

SCHEME = "Api-Key"


class CameraKeyAuthentication(BaseAuthentication):
    """`Authorization: Api-Key <key>`. The key is looked up each time, so a revocation holds at once everywhere."""

    def authenticate(self, request: Request) -> tuple[Camera, CameraKey] | None:
        scheme, _, sent = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != SCHEME.lower():
            return None
        digest = CameraKey.digest_of(sent.strip())
        key = CameraKey.objects.select_related("camera__line").filter(digest=digest).first()
        if key is None:
            raise exceptions.AuthenticationFailed("Unknown key.")
        if not key.is_usable(timezone.now()):
            raise exceptions.PermissionDenied("This key was revoked or has expired.")
        if not key.camera.enabled:
            raise exceptions.PermissionDenied("This camera is disabled.")
        return key.camera, key

    def authenticate_header(self, request: Request) -> str:
        return SCHEME


class PersonSessionAuthentication(SessionAuthentication):
    """A signed-in person. Unsafe methods need the CSRF token."""

    def authenticate_header(self, request: Request) -> str:
        return SCHEME


class CameraKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "inspections.api.auth.CameraKeyAuthentication"
    name = "cameraKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": f"`{SCHEME} <key>`; `manage.py camera_key LINE CAMERA` makes one.",
        }


class PersonSessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "inspections.api.auth.PersonSessionAuthentication"
    name = "personSession"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": "sessionid"}
