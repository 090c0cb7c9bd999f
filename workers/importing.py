"""Bringing in images that were labelled elsewhere: captures like a camera's, each with its label in the same commit.

An image is named by the SHA-256 of its bytes, so what is there already is met again and not doubled: a second run, or
one after a kill, goes on where the first ended.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from django.db import transaction
from django.utils import timezone

from inspections import intake
from inspections.images import Refused
from inspections.models import Camera, Capture, DefectClass, How, Label, Line, Person, Roll
from inspections.models.label import MOST_NOTE
from inspections.models.plant import IMPORT
from inspections.review.asking import close
from inspections.review.effective import settle
from inspections.review.rows import locked, open_items
from ml.rows import Row
from workers.import_plan import roll_code


@dataclass
class Brought:
    """What came of it."""

    rows: int = 0
    new: int = 0  # captures
    there: int = 0  # met again
    labelled: int = 0
    other_label: int = 0  # met again with a label of another class, which stands
    skipped: list[str] = field(default_factory=list)  # where, and why


def camera_of(slug: str) -> Camera:
    """The camera that stands for imports on this line; both are made where they are not there."""
    line = Line.objects.get_or_create(slug=slug)[0]
    return Camera.objects.get_or_create(line=line, slug=IMPORT)[0]


def bring_in(
    rows: Iterable[Row],
    camera: Camera,
    by: Person,
    classes: Mapping[str, DefectClass] | None,
    step: Callable[[Brought], None],
) -> Brought:
    """Take the rows in one by one. `classes` by label; None: images alone. `step` hears of each row.

    OSError where the storage fails: what came before stays, and the next run goes on.
    """
    brought = Brought()
    for row in rows:
        brought.rows += 1
        _take(row, camera, by, classes[row.label] if classes else None, brought)
        step(brought)
    return brought


def _take(row: Row, camera: Camera, by: Person, label: DefectClass | None, brought: Brought) -> None:
    try:
        data = row.read()
    except FileNotFoundError:
        brought.skipped.append(f"{row.where}: missing file")
        return
    name = sha256(data).hexdigest()
    known = Capture.objects.filter(camera=camera, capture_id=name).first()
    if known is None:
        _new(row, data, name, camera, by, label, brought)
    else:
        brought.there += 1
        _again(known, row, by, label, brought)


def _new(
    row: Row, data: bytes, name: str, camera: Camera, by: Person, label: DefectClass | None, brought: Brought
) -> None:
    _of_licence(row)
    fields = {"capture_id": name, "roll": roll_code(row.group)}

    def also(capture: Capture) -> None:
        if label is not None:
            _say(capture, row, by, label)

    found = intake.accept(camera, data, fields, timezone.now(), also=also, ring=False)
    if isinstance(found, Refused):
        brought.skipped.append(f"{row.where}: {found.detail}")
    elif isinstance(found, intake.Accepted):
        brought.new += 1
        brought.labelled += label is not None
    else:
        brought.there += 1  # another import was faster by a moment; the next run labels it


def _of_licence(row: Row) -> None:
    if row.licence:
        values = {"licence": row.licence[:120]}
        Roll.objects.get_or_create(code=roll_code(row.group), defaults=values)


def _again(known: Capture, row: Row, by: Person, label: DefectClass | None, brought: Brought) -> None:
    """An image that is there: labelled if nobody has said anything and no import was taken back."""
    if label is None:
        return
    with transaction.atomic():
        (capture,) = locked([known.pk])
        if capture.label_id is None and not capture.labels.filter(how=How.IMPORT).exists():
            _say(capture, row, by, label)
            close(open_items([capture.pk]).values(), timezone.now())
            brought.labelled += 1
        elif capture.label_id is not None and capture.defect_class_id != label.pk:
            brought.other_label += 1


def _say(capture: Capture, row: Row, by: Person, label: DefectClass) -> None:
    """The label, in the transaction that holds the row. The note says where it came from."""
    Label.objects.create(
        capture=capture, person=by, at=timezone.now(), how=How.IMPORT, defect_class=label, note=row.name[:MOST_NOTE]
    )
    settle([capture])
