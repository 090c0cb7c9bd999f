"""Who calls: a camera with its key, or a person with a session."""

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.request import Request

from inspections import locking
from inspections.models import Camera, CameraKey

SCHEME = "Api-Key"


class CameraKeyAuthentication(BaseAuthentication):
    """`Authorization: Api-Key <key>`. The key is looked up each time, so a revocation holds at once everywhere."""

    def authenticate(self, request: Request) -> tuple[Camera, CameraKey] | None:
        scheme, _space, sent = request.headers.get("Authorization", "").partition(" ")
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


class Locked(exceptions.AuthenticationFailed):
    """Nobody touched the terminal for a while: what acts in a person's name waits for their password."""

    kind = "locked"
    default_detail = _("Nobody touched this terminal for a while. Give the password to go on.")


class PersonSessionAuthentication(SessionAuthentication):
    """A signed-in person. Unsafe methods need the CSRF token, and a terminal that is not locked."""

    def authenticate(self, request: Request) -> Any:
        found = super().authenticate(request)
        if found is not None and locking.is_refused(request._request, timezone.now()):
            raise Locked
        return found

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
