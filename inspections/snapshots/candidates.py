"""Every labelled capture with what is needed to freeze it, read in one statement.

One statement sees one state of the database, on PostgreSQL and on SQLite: a label that is made, changed or undone
meanwhile is wholly in or wholly out, and so is a bulk of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from inspections.models import How, Label, LeftOut, Role, Status
from inspections.models.capture import path_of
from inspections.snapshots.standing import Answer, doubt

BLOCK = 2000  # rows fetched at once


@dataclass(frozen=True, slots=True)
class Candidate:
    """One labelled capture. `reason`: why it is on no side, empty where nothing speaks against it."""

    capture: UUID
    label: UUID
    class_id: int
    source: str
    sha256: bytes
    weight: float
    person: int
    camera: int
    labelled_at: datetime
    licence: str
    path: str
    reason: str = ""
    sure: bool = False  # its class is a known answer


class _Row(NamedTuple):
    """One answer about a labelled capture. The order is that of FIELDS."""

    capture: UUID
    effective: UUID
    sha256: bytes
    suffix: str
    status: int
    counted_at: datetime
    camera: int
    camera_slug: str
    line: str
    roll: str | None
    licence: str | None
    known: int | None
    label: UUID
    person: int
    role: str
    at: datetime
    how: str
    class_id: int | None
    beside: bool
    kind: str | None


FIELDS = (
    "capture_id", "capture__label_id", "capture__sha256", "capture__suffix", "capture__status",
    "capture__counted_at", "capture__camera_id", "capture__camera__slug", "capture__line__slug", "capture__roll__code",
    "capture__roll__licence", "capture__known_answer__defect_class_id",
    "id", "person_id", "person__role", "at", "how", "defect_class_id", "beside", "item__kind",
)  # fmt: skip


def read() -> list[Candidate]:
    """All labelled captures, in the order of their ids."""
    weighs = weights()
    rows = (_Row(*values) for values in _answers().values_list(*FIELDS).iterator(BLOCK))
    return [_candidate(list(said), weighs) for _key, said in groupby(rows, key=lambda row: row.capture)]


def _answers() -> QuerySet[Label]:
    """What was said of labelled captures and not taken back."""
    stands = Label.objects.filter(undone_by=None, capture__label__isnull=False).exclude(how=How.UNDO)
    return stands.order_by("capture_id", "id")


def _candidate(said: Sequence[_Row], weighs: Mapping[str, float]) -> Candidate:
    answers = [_answer(row) for row in said]
    chosen = next(row for row in said if row.label == row.effective)
    assert chosen.class_id is not None  # an effective label names a class
    failed = LeftOut.FAILED if chosen.status == Status.FAILED else None
    reason = failed or doubt(_answer(chosen), answers, chosen.known)
    return Candidate(
        capture=chosen.capture,
        label=chosen.label,
        class_id=chosen.class_id,
        source=source_of(chosen.roll, chosen.line, chosen.camera_slug, chosen.counted_at),
        sha256=bytes(chosen.sha256),
        weight=weighs[chosen.how],
        person=chosen.person,
        camera=chosen.camera,
        labelled_at=chosen.at,
        licence=chosen.licence or "",
        path=path_of(chosen.capture, chosen.suffix),
        reason=reason or "",
        sure=chosen.known is not None,
    )


def _answer(row: _Row) -> Answer:
    sees_all = row.role in {Role.MANAGER, Role.ADMIN}
    return Answer(row.label, row.person, row.at, row.how, row.class_id, row.beside, row.kind or "", sees_all)


def source_of(roll: str | None, line: str, camera: str, at: datetime) -> str:
    """What keeps neighbours together: the roll, else the camera and the UTC hour that the capture is counted in."""
    return roll or f"camera {line}/{camera} {at.astimezone(UTC):%Y-%m-%dT%H}"


def weights() -> Mapping[str, float]:
    """How much a label counts in training, by how it was given."""
    return {How.SINGLE: 1.0, How.BLIND: 1.0, How.IMPORT: 1.0, How.BULK: settings.LABEL_WEIGHT_BULK}
