"""The addresses of the API."""

from django.urls import path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from inspections.api.captures import CapturesView, CaptureView
from inspections.api.health import healthz, metrics, readyz
from inspections.api.permissions import ForPerson

urlpatterns = [
    path("api/v1/captures/", CapturesView.as_view(), name="api-captures"),
    path("api/v1/captures/<uuid:pk>/", CaptureView.as_view(), name="api-capture"),
    path("api/schema/", SpectacularAPIView.as_view(permission_classes=[ForPerson]), name="api-schema"),
    path(
        "api/docs/",
        SpectacularSwaggerSplitView.as_view(
            url_name="api-schema", permission_classes=[ForPerson], http_method_names=["get", "head"]
        ),
        name="api-docs",
    ),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
]
