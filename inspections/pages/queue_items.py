"""One image of the queue with all that stands beside it. What is asked blind is shown alike, less the answer."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.template.loader import render_to_string
from django.urls import reverse

from inspections.models import Capture, Label, Person, ReviewItem, Verdict
from inspections.models.defect_class import GOOD, UNKNOWN
from inspections.pages.capture import WARNINGS, Probability, picture_of, probabilities, state_of, verdicts_of
from inspections.pages.history import Event, history, labels_of, name_of, said
from inspections.pages.overview import class_names
from inspections.review.blind import withheld

BESIDE = 3  # neighbours on each side
LOOKED_AT = 200  # captures read back for a good reference
LIKELY = 3  # probabilities shown


@dataclass(frozen=True)
class Neighbour:
    """Another capture of the same camera. `state` is empty where it must not be told."""

    capture: Capture
    state: str


@dataclass(frozen=True)
class Shown:
    """Everything the templates say of one image."""

    capture: Capture
    item: ReviewItem | None
    blind: bool
    picture: str  # there, gone, other
    held_by: str  # somebody else who decides it now
    before: Sequence[Neighbour]
    after: Sequence[Neighbour]
    reference: Capture | None
    why: str = ""  # this one, in an order that follows a list
    verdict: Verdict | None = None
    state: str = ""
    name: str = ""
    suggested: str = ""
    has_heat: bool = False
    probabilities: Sequence[Probability] = ()
    warnings: Sequence[str] = ()
    history: Sequence[Event] = ()
    said: Label | None = None
    may_mark: bool = False  # as an example of a new class

    @property
    def lease_until(self) -> datetime | None:
        return self.item.lease_until if self.item and not self.held_by else None

    @property
    def expected(self) -> UUID | None:
        return None if self.blind else self.capture.label_id


@dataclass
class Desk:
    """What building several images in one request has in common."""

    person: Person
    now: datetime
    names: dict[str, str] = field(default_factory=class_names)
    secret: set[UUID] = field(default_factory=set)
    why: dict[UUID, str] = field(default_factory=dict)

    def read_secrets(self) -> None:
        """Anew after items were leased: some of them may be blind."""
        self.secret = withheld(self.person)

    def show(self, capture: Capture, item: ReviewItem | None) -> Shown:
        """The capture comes with its line, camera, roll and class."""
        blind = capture.pk in self.secret
        before, after = ([], []) if blind else self._beside(capture)
        common: dict[str, Any] = {
            "capture": capture,
            "item": item,
            "blind": blind,
            "picture": picture_of(capture),
            "held_by": self._held_by(item),
            "before": before,
            "after": after,
            "reference": self._reference(capture),
        }
        why = self.why.get(capture.pk, "")
        return Shown(**common) if blind else Shown(**common, why=why, **self._answer(capture))

    def _held_by(self, item: ReviewItem | None) -> str:
        if item is None or item.holder is None or item.holder_id == self.person.pk or not item.is_held(self.now):
            return ""
        return name_of(item.holder)

    def _answer(self, capture: Capture) -> dict[str, Any]:
        """What the model and others said; never asked for what is blind."""
        verdicts = verdicts_of(capture)
        effective = next((verdict for verdict in verdicts if verdict.effective), None)
        evidence = getattr(effective, "evidence", None)
        defect_class = effective.defect_class if effective else None
        return {
            "verdict": effective,
            "state": state_of(capture, effective),
            "name": self.names.get(effective.label, effective.label) if effective else "",
            "suggested": defect_class.code if defect_class and defect_class.active else "",
            "has_heat": bool(evidence and evidence.heatmap_rows),
            "probabilities": probabilities(effective, self.names)[:LIKELY],
            "warnings": [str(WARNINGS.get(word, word)) for word in capture.warning_list],
            "history": [*history(capture, verdicts, self.names), *said(labels_of(capture), self.person, self.names)],
            "said": _standing(capture),
            "may_mark": self.person.may_make_classes,
        }

    def _beside(self, capture: Capture) -> tuple[list[Neighbour], list[Neighbour]]:
        rows = Capture.objects.filter(camera=capture.camera_id).select_related("defect_class")
        before = list(rows.filter(pk__lt=capture.pk).order_by("-id")[:BESIDE])[::-1]
        after = list(rows.filter(pk__gt=capture.pk).order_by("id")[:BESIDE])
        return [self._neighbour(one) for one in before], [self._neighbour(one) for one in after]

    def _neighbour(self, capture: Capture) -> Neighbour:
        return Neighbour(capture, "" if capture.pk in self.secret else short_state(capture))

    def _reference(self, capture: Capture) -> Capture | None:
        """Good cloth of the same camera, the last before it, else the first after it: that is the same cloth, where
        the newest may be another roll. Else of the same line; never one that is asked blind."""
        mine = Capture.objects.filter(camera=capture.camera_id)
        line = Capture.objects.filter(line=capture.line_id).exclude(pk=capture.pk).order_by("-counted_at", "-id")
        before = self._good(mine.filter(pk__lt=capture.pk).order_by("-id"))
        return before or self._good(mine.filter(pk__gt=capture.pk).order_by("id")) or self._good(line)

    def _good(self, rows: Any) -> Capture | None:
        looked = rows.select_related("defect_class").only("id", "defect_class", "flagged", "label", "counted_at")
        for one in looked[:LOOKED_AT]:
            is_good = one.defect_class is not None and one.defect_class.code == GOOD
            if is_good and (one.label_id or not one.flagged) and one.pk not in self.secret:
                found: Capture = one
                return found
        return None


def short_state(capture: Capture) -> str:
    """pending, failed, unknown, labelled, flagged, or passed."""
    if capture.status == 0:
        return "pending"
    if capture.status == 2:
        return "failed"
    if capture.label_id:
        return "labelled"
    if capture.defect_class is None:
        return UNKNOWN
    return "flagged" if capture.flagged else "passed"


def _standing(capture: Capture) -> Label | None:
    if capture.label_id is None:
        return None
    return Label.objects.select_related("person", "defect_class").get(pk=capture.label_id)


def as_json(shown: Shown) -> dict[str, Any]:
    """What the script is given; the words are rendered here, so that they are translated here."""
    capture, blind = shown.capture, shown.blind
    view = reverse("capture-view", args=[capture.pk]) if shown.picture == "there" else None
    return {
        "item": str(shown.item.pk) if shown.item else None,
        "capture": str(capture.pk),
        "html": render_to_string("inspections/_queue_item.html", {"shown": shown}),
        "view_url": view,
        "heat_url": reverse("capture-heatmap", args=[capture.pk]) if shown.has_heat and view else None,
        "width": capture.width,
        "height": capture.height,
        "mm_per_px": capture.mm_per_px or capture.camera.mm_per_px,
        "expected": str(shown.expected) if shown.expected else None,
        "blind": blind,
        "label_suggested": shown.suggested or None,
        "lease_until": shown.lease_until.isoformat() if shown.lease_until else None,
        "held_by": shown.held_by or None,
        "said": _said_json(shown),
    }


def _said_json(shown: Shown) -> dict[str, str] | None:
    if shown.said is None:
        return None
    return {"id": str(shown.said.pk), "label": shown.said.answer, "person": shown.said.person.get_username()}


def captures_of(items: Iterable[ReviewItem]) -> dict[UUID, Capture]:
    """The items' captures, with what the templates read of them."""
    rows = Capture.objects.select_related("line", "camera", "roll", "defect_class")
    return rows.in_bulk([item.capture_id for item in items])
