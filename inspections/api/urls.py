"""The addresses of the API."""

from django.urls import path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from inspections.api.captures import CapturesView, CaptureView
from inspections.api.health import healthz, metrics, readyz
from inspections.api.heartbeat import HeartbeatView
from inspections.api.lines import LinesView
from inspections.api.look_alikes import LookAlikesView
from inspections.api.models import GateView
from inspections.api.permissions import ForPerson
from inspections.api.rates import RatesView
from inspections.api.review import CaptureLabelsView, LabelsView, LabelView, QueueView, RenewView, SkipView

urlpatterns = [
    path("api/v1/captures/", CapturesView.as_view(), name="api-captures"),
    path("api/v1/captures/<uuid:pk>/", CaptureView.as_view(), name="api-capture"),
    path("api/v1/captures/<uuid:pk>/labels/", CaptureLabelsView.as_view(), name="api-capture-labels"),
    path("api/v1/captures/<uuid:pk>/look-alikes/", LookAlikesView.as_view(), name="api-capture-look-alikes"),
    path("api/v1/captures/<uuid:pk>/skip/", SkipView.as_view(), name="api-capture-skip"),
    path("api/v1/labels/", LabelsView.as_view(), name="api-labels"),
    path("api/v1/labels/<uuid:label>/", LabelView.as_view(), name="api-label"),
    path("api/v1/queue/", QueueView.as_view(), name="api-queue"),
    path("api/v1/queue/renew/", RenewView.as_view(), name="api-queue-renew"),
    path("api/v1/cameras/heartbeat/", HeartbeatView.as_view(), name="api-heartbeat"),
    path("api/v1/lines/", LinesView.as_view(), name="api-lines"),
    path("api/v1/lines/<slug:slug>/rates/", RatesView.as_view(), name="api-line-rates"),
    path("api/v1/models/<str:name>/gate/", GateView.as_view(), name="api-gate"),
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
