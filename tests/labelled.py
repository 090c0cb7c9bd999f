"""Captures of named rolls with what people said of them, each image its own."""

from datetime import datetime, timedelta
from itertools import count
from typing import Any

from django.db import transaction
from django.utils import timezone

from inspections.models import Camera, Capture, DefectClass, How, Label, Person, Roll
from inspections.review.effective import settle
from inspections.review.rows import locked
from inspections.review.undoing import undo
from tests.cast import a_camera, a_png
from tests.judged import a_capture, a_judgement, a_version, judged
from workers.recording import record

_seeds = count(1000)


def a_roll(code: str, **fields: Any) -> Roll:
    return Roll.objects.get_or_create(code=code, defaults=fields)[0]


def an_answer(
    person: Person,
    capture: Capture,
    code: str | None,
    how: How = How.SINGLE,
    at: datetime | None = None,
    **fields: Any,
) -> Label:
    """One answer, written as `review.answers` writes it; code None: unsure."""
    found = DefectClass.objects.get(code=code) if code else None
    with transaction.atomic():
        rows = locked([capture.pk])
        label = Label.objects.create(
            capture=capture, person=person, at=at or timezone.now(), how=how, defect_class=found, **fields
        )
        settle(rows)
    return label


def labelled(
    person: Person, code: str, roll: str = "", camera: Camera | None = None, how: How = How.SINGLE, **fields: Any
) -> Capture:
    """A judged capture of this roll, and that person's label."""
    held = {"roll": a_roll(roll)} if roll else {}
    capture = judged(camera or a_camera(), "good", 0.01, data=a_png(next(_seeds)), **held, **fields)
    an_answer(person, capture, code, how)
    return capture


def a_mill_of_labels(person: Person, rolls: int = 6, classes: tuple[str, ...] = ("good", "hole")) -> list[Capture]:
    """On each roll one image of each class: enough for a snapshot, and from three rolls on for a golden set."""
    return [labelled(person, code, f"R{number}") for number in range(rolls) for code in classes]


def imported(person: Person, code: str, said: str, score: float | None, at: datetime, *, undone: bool) -> Capture:
    """A capture that came with its label and was judged after that; `undone`: the label was taken back in between."""
    capture = a_capture(a_camera(), at)
    label = an_answer(person, capture, code, How.IMPORT, at)
    if undone:
        undo(person, label, at)
    record(a_version(), [capture], [a_judgement(said, score)], at + timedelta(seconds=1))
    return capture
