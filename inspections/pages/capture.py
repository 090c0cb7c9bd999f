"""One capture: the image, what the model said and why, where and when it was taken, and what happened to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from struct import iter_unpack
from uuid import UUID

from django.core.files.storage import default_storage
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from inspections.models import Capture, Status, Verdict
from inspections.models.defect_class import GOOD
from inspections.pages.access import PersonRequest, capture_of, page
from inspections.pages.files import SHOWN_BY_BROWSERS
from inspections.pages.live import live
from inspections.pages.overview import class_names

WARNINGS = {
    "clock": gettext_lazy("The camera's clock was wrong; the capture is counted by its arrival."),
    "first-frame": gettext_lazy("The file holds several pictures; the first one was judged."),
    "dark": gettext_lazy("Too dark to be judged."),
    "bright": gettext_lazy("Too bright to be judged."),
    "blurred": gettext_lazy("Too blurred to be judged."),
    "unfamiliar": gettext_lazy("This does not look like cloth that the model knows."),
    "not-a-number": gettext_lazy("The model did not answer in numbers."),
    "tiles-left-out": gettext_lazy("Parts of this large image were not looked at."),
}


@page
def capture(request: PersonRequest, key: UUID) -> HttpResponseBase:
    """The page of one capture; while it waits to be judged it looks again by itself."""
    found = capture_of(request.user, key, "line", "camera", "roll", "defect_class")
    names = class_names()
    verdicts = _verdicts(found)
    effective = next((verdict for verdict in verdicts if verdict.effective), None)
    context = {
        "capture": found,
        "state": state_of(found, effective),
        "name": name_of(effective, names),
        "verdict": effective,
        "has_heat": effective is not None and hasattr(effective, "evidence") and effective.evidence.heatmap_rows,
        "tiles": effective.evidence.tiles if effective is not None and hasattr(effective, "evidence") else None,
        "probabilities": probabilities(effective, names),
        "warnings": [WARNINGS.get(word, word) for word in found.warning_list],
        "has_wrong_clock": "clock" in found.warning_list,
        "history": history(found, verdicts, names),
        "sha256": bytes(found.sha256).hex(),
        "picture": _picture(found),
        "older": _beside(found, "-id", id__lt=found.pk),
        "newer": _beside(found, "id", id__gt=found.pk),
    }
    waits = found.status == Status.PENDING
    return live(request, "inspections/capture.html", "inspections/_capture.html", context, moving=waits)


def _verdicts(found: Capture) -> list[Verdict]:
    """Oldest first. The embedding and the heat-map stay in the database: this page reads neither."""
    rows = Verdict.objects.filter(capture=found).select_related("version", "defect_class", "evidence")
    return list(rows.defer("evidence__embedding", "evidence__heatmap", "version__spec").order_by("judged_at", "id"))


def _beside(found: Capture, order: str, **beyond: UUID) -> Capture | None:
    """The next capture of the same camera on one side."""
    return Capture.objects.filter(camera=found.camera_id, **beyond).order_by(order).only("id").first()


def _picture(found: Capture) -> str:
    """`there`, `gone` (the file is), or `other` (a browser cannot show its kind, and there is no display copy)."""
    if default_storage.exists(found.rendition_path):
        return "there"
    if not default_storage.exists(found.path):
        return "gone"
    return "there" if found.suffix in SHOWN_BY_BROWSERS else "other"


def state_of(found: Capture, verdict: Verdict | None) -> str:
    """pending, failed, unknown, flagged, or passed."""
    if found.status == Status.FAILED:
        return "failed"
    if found.status == Status.PENDING or verdict is None:
        return "pending"
    if verdict.defect_class is None:
        return "unknown"
    return "flagged" if found.flagged else "passed"


def name_of(verdict: Verdict | None, names: dict[str, str]) -> str:
    return "" if verdict is None else names.get(verdict.label, verdict.label)


@dataclass(frozen=True)
class Probability:
    name: str
    percent: float
    bar: int  # percent, whole: an SVG's width
    is_answer: bool
    is_good: bool


def probabilities(verdict: Verdict | None, names: dict[str, str]) -> list[Probability]:
    """Highest first; none where the model did not answer in numbers."""
    if verdict is None or not hasattr(verdict, "evidence") or verdict.evidence.probabilities is None:
        return []
    values = (value for (value,) in iter_unpack("<f", verdict.evidence.probabilities))
    pairs = sorted(zip(verdict.version.classes, values, strict=True), key=lambda pair: -pair[1])
    return [
        Probability(names.get(code, code), 100 * value, round(100 * value), code == verdict.label, code == GOOD)
        for code, value in pairs
    ]


@dataclass(frozen=True)
class Event:
    """One thing that happened; without a time where none was kept."""

    at: datetime | None
    title: str
    text: str = ""


def history(found: Capture, verdicts: Sequence[Verdict], names: dict[str, str]) -> list[Event]:
    """What happened to it, in the order in which our clock saw it."""
    events = [
        Event(found.captured_at, _("Taken"), _("by the camera's clock")),
        Event(found.received_at, _("Received"), _("from camera %(camera)s") % {"camera": found.camera.slug}),
        *(_judged(verdict, names) for verdict in verdicts),
    ]
    if found.status == Status.FAILED:
        reason = found.failure or _("no reason was written down")
        events.append(Event(None, pgettext("judging a capture", "Failed"), reason))
    return events


def _judged(verdict: Verdict, names: dict[str, str]) -> Event:
    title = _("Judged by %(version)s: %(label)s") % {
        "version": verdict.version.name,
        "label": names.get(verdict.label, verdict.label),
    }
    beside = "" if verdict.effective else _("stands beside; it is not the effective verdict")
    return Event(verdict.judged_at, title, beside)
