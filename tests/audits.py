"""Hidden items and their answers, given as the product gives them."""

from datetime import datetime, timedelta

from inspections.models import (
    Camera,
    Capture,
    DefectClass,
    HourlyCount,
    HourlyTotal,
    Kind,
    Label,
    Line,
    Person,
    ReviewItem,
)
from inspections.review.answers import decide
from inspections.review.outcomes import Decided
from tests.cast import a_png
from tests.judged import judged


def volume(line: Line, at: datetime, passed: int, flagged: int = 0) -> None:
    """An hour's counts alone, without captures; `flagged` ones are predicted holes."""
    hour = at.replace(minute=0, second=0, microsecond=0)
    for code, counts in (
        ("good", {"judged": passed}),
        ("hole", {"judged": flagged, "flagged": flagged, "anomalies": flagged}),
    ):
        for model, key in ((HourlyCount, {"defect_class": code}), (HourlyTotal, {})):
            row, _made = model._default_manager.get_or_create(line=line, hour=hour, **key)
            for name, count in counts.items():
                setattr(row, name, getattr(row, name) + count)
            row.save()


def asked(capture: Capture, kind: Kind, at: datetime, person: Person | None = None, **more: object) -> ReviewItem:
    """A blind question, held by this person."""
    held = {"holder": person, "lease_until": at + timedelta(minutes=2)} if person else {}
    return ReviewItem.objects.create(
        capture=capture,
        line_id=capture.line_id,
        kind=kind,
        blind=True,
        counted_at=capture.counted_at,
        created_at=at,
        **held,
        **more,
    )


def said(person: Person, capture: Capture, answer: str, at: datetime) -> Label:
    capture.refresh_from_db()
    found = decide(person, capture, answer, at, expected=capture.label_id)
    assert isinstance(found, Decided), found
    return found.label


def audited(person: Person, camera: Camera, answer: str, at: datetime, seed: int = 0) -> Capture:
    """An image that the model passed, and what this person says of it; an empty answer leaves it waiting."""
    capture = judged(camera, "good", 0.01, at=at, data=a_png(seed))
    asked(capture, Kind.AUDIT, at + timedelta(hours=1))
    if answer:
        said(person, capture, answer, at + timedelta(hours=2))
    return capture


def controlled(person: Person, camera: Camera, truth: str, answer: str, at: datetime) -> Label:
    """A known answer that comes back to this person."""
    capture = judged(camera, "good", 0.01, at=at)
    asked(capture, Kind.CONTROL, at, person, truth=DefectClass.objects.get(code=truth))
    return said(person, capture, answer, at + timedelta(minutes=1))


def read_twice(first: Person, second: Person, camera: Camera, answers: tuple[str, str], at: datetime) -> Label:
    """The same flagged image, answered by one person and then, blind, by another."""
    capture = judged(camera, "hole", 0.9, at=at)
    label = said(first, capture, answers[0], at + timedelta(minutes=1))
    asked(capture, Kind.SECOND, at + timedelta(minutes=2), second, against=label)
    return said(second, capture, answers[1], at + timedelta(minutes=3))
