"""One capture: the image, what the model said and why, where and when it was taken, and who said what of it."""

from dataclasses import dataclass
from datetime import datetime
from struct import iter_unpack
from typing import Any
from uuid import UUID, uuid4

from django.core.files.storage import default_storage
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from inspections.models import Capture, DefectClass, Person, ReviewItem, Status, Verdict
from inspections.models.defect_class import GOOD, UNKNOWN
from inspections.pages.access import PersonRequest, capture_of, page
from inspections.pages.charts import flagged_url
from inspections.pages.files import SHOWN_BY_BROWSERS
from inspections.pages.history import Event, history, labels_of, said
from inspections.pages.live import live
from inspections.pages.worklist import Show
from inspections.review.blind import is_withheld

__all__ = [
    "WARNINGS",
    "Event",
    "Probability",
    "capture",
    "found_for",
    "history",
    "picture_of",
    "probabilities",
    "shown",
    "state_of",
    "verdicts_of",
]

PAGE, PART = "inspections/capture.html", "inspections/_capture.html"
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
    """The page of one capture; while it waits to be judged, or somebody decides it, it looks again by itself."""
    return shown(request, found_for(request.user, key), Draft())


def found_for(person: Person, key: UUID) -> Capture:
    return capture_of(
        person, key, "line", "camera", "roll", "defect_class", "label__person", "label__defect_class",
        "known_answer__defect_class", "known_answer__person",
    )  # fmt: skip


@dataclass(frozen=True)
class Draft:
    """What somebody was about to say when something stood in the way."""

    answer: str = ""
    note: str = ""
    objection: str = ""


def shown(request: PersonRequest, found: Capture, draft: Draft, *, status: int = 200) -> HttpResponseBase:
    """The whole page, with what was about to be said."""
    if is_withheld(request.user, found):
        context: dict[str, Any] = _bare(found)
        return live(request, PAGE, PART, context, status=status, moving=False)
    context = {**_bare(found), **_told(request.user, found, timezone.now()), "draft": draft}
    waits = found.status == Status.PENDING or bool(context["held"])
    return live(request, PAGE, PART, context, status=status, moving=waits)


def _bare(found: Capture) -> dict[str, Any]:
    """Image, place and time: all that is told of a capture that is asked blind."""
    return {
        "capture": found,
        "sha256": bytes(found.sha256).hex(),
        "picture": picture_of(found),
        "older": _beside(found, "-id", id__lt=found.pk),
        "newer": _beside(found, "id", id__gt=found.pk),
        "state": "withheld",
    }


def _told(person: Person, found: Capture, now: datetime) -> dict[str, Any]:
    """What the model and people said, who is at it, and what this person may do."""
    classes = list(DefectClass.objects.all())
    names = {**{one.code: one.title for one in classes}, UNKNOWN: _("Unknown")}
    verdicts = verdicts_of(found)
    effective = next((verdict for verdict in verdicts if verdict.effective), None)
    evidence = getattr(effective, "evidence", None)
    return {
        "state": state_of(found, effective),
        "name": name_of(effective, names),
        "verdict": effective,
        "has_heat": evidence is not None and evidence.heatmap_rows,
        "tiles": evidence.tiles if evidence is not None else None,
        "probabilities": probabilities(effective, names),
        "warnings": [WARNINGS.get(word, word) for word in found.warning_list],
        "has_wrong_clock": "clock" in found.warning_list,
        "history": [*history(found, verdicts, names), *said(labels_of(found), person, names)],
        "held": _held(person, found, now),
        "answers": [one for one in classes if one.active],
        "known": getattr(found, "known_answer", None),
        "token": uuid4(),
        "camera_url": flagged_url(found.line, show=Show.JUDGED, camera=found.camera.slug),
        "roll_url": flagged_url(found.line, show=Show.JUDGED, roll=found.roll.code) if found.roll else "",
    }


def _held(person: Person, found: Capture, now: datetime) -> ReviewItem | None:
    """The question about it, where somebody else decides it now."""
    held = ReviewItem.objects.open().filter(capture=found, lease_until__gte=now).exclude(holder=person)
    return held.select_related("holder").first()


def verdicts_of(found: Capture) -> list[Verdict]:
    """Oldest first. Embedding, texture and heat-map stay in the database: this page reads none of them."""
    rows = Verdict.objects.filter(capture=found).select_related("version", "defect_class", "model_class", "evidence")
    unread = ("evidence__embedding", "evidence__texture", "evidence__heatmap", "version__spec")
    return list(rows.defer(*unread).order_by("judged_at", "id"))


def _beside(found: Capture, order: str, **beyond: UUID) -> Capture | None:
    """The next capture of the same camera on one side."""
    return Capture.objects.filter(camera=found.camera_id, **beyond).order_by(order).only("id").first()


def picture_of(found: Capture) -> str:
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
