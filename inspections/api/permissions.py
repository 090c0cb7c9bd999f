"""Who may: a camera, a person, or either."""

from django.contrib.auth.models import AnonymousUser
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from inspections.models import Camera


class ForCamera(BasePermission):
    """A camera may; a person's role lacks the verb."""

    message = "Only a camera's key may do this."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return isinstance(request.user, Camera)


class ForAnyone(BasePermission):
    """A camera or a signed-in person: what they see is the query's business."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return request.user is not None and not isinstance(request.user, AnonymousUser)


class ForPerson(BasePermission):
    """A signed-in person; a camera's key opens no page."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return ForAnyone().has_permission(request, view) and not isinstance(request.user, Camera)
