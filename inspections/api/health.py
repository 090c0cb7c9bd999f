"""For the ones who watch the watchers: alive, ready, and numbers for Prometheus."""

import ipaddress
import secrets
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from inspections.api.problems import problem
from inspections.look_alikes import keeping
from inspections.look_alikes.gathering import versions
from inspections.models import Camera, Capture, HourlyTotal, Status
from inspections.readiness import readiness


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """This process answers."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 if everything needed to serve is there, else 503. Only a signed-in person learns the details."""
    checks = readiness()
    ready = all(check.ok for check in checks)
    body: dict[str, Any] = {"ready": ready}
    if checks[0].ok and request.user.is_authenticated:  # a session needs the database
        body["checks"] = [{"name": c.name, "ok": c.ok, "detail": c.detail} for c in checks]
    response = JsonResponse(body, status=200 if ready else 503)
    if not ready:
        response["Retry-After"] = "5"
    return response


def _may_scrape(request: HttpRequest) -> bool:
    """By token where one is set, else from this machine only."""
    if settings.METRICS_TOKEN:
        sent = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return secrets.compare_digest(sent.encode(), settings.METRICS_TOKEN.encode())
    address = request.META.get("REMOTE_ADDR") or "0.0.0.0"  # noqa: S104  an address of nobody
    return ipaddress.ip_address(address).is_loopback and not settings.BEHIND_TLS_PROXY


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text. Read from the rows, so every web process says the same."""
    if not _may_scrape(request):
        return problem(request, 401, "not-authenticated", "Send the metrics token.")
    registry = CollectorRegistry()
    _pending(registry)
    _counts(registry)
    _cameras(registry)
    _look_alikes(registry)
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _pending(registry: CollectorRegistry) -> None:
    waiting = Capture.objects.filter(status=Status.PENDING)
    oldest = waiting.order_by("id").values_list("received_at", flat=True).first()
    age = (timezone.now() - oldest).total_seconds() if oldest else 0.0
    Gauge("selvedge_pending_captures", "Captures without a verdict yet.", registry=registry).set(waiting.count())
    Gauge("selvedge_oldest_pending_seconds", "Age of the oldest of them.", registry=registry).set(age)


def _counts(registry: CollectorRegistry) -> None:
    names = ("judged", "flagged", "anomalies", "defects", "failed")
    gauges = {
        name: Gauge(f"selvedge_hour_{name}", f"Captures {name} this hour.", ["line"], registry=registry)
        for name in names
    }
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    for row in HourlyTotal.objects.filter(hour=hour).select_related("line"):
        for name, gauge in gauges.items():
            gauge.labels(row.line.slug).inc(getattr(row, name))


def _cameras(registry: CollectorRegistry) -> None:
    silent = Gauge("selvedge_camera_silent", "1 if the camera is silent.", ["line", "camera"], registry=registry)
    now = timezone.now()
    for camera in Camera.objects.select_related("line").filter(enabled=True):
        silent.labels(camera.line.slug, camera.slug).set(camera.is_silent(now))


def _look_alikes(registry: CollectorRegistry) -> None:
    held = Gauge("selvedge_look_alikes", "Captures in the index of look-alikes.", ["model"], registry=registry)
    spoilt = Gauge("selvedge_look_alikes_spoilt", "1 while it cannot be used whole.", ["model"], registry=registry)
    for version in versions(timezone.now()):
        index = keeping.index_of(version)
        held.labels(version.name).set(len(index) if isinstance(index, keeping.Index) else 0)
        spoilt.labels(version.name).set(bool(index.trouble))
