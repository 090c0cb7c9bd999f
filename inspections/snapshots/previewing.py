"""What a snapshot would hold if it were made now, and what its reader should know first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from inspections.models import DefectClass, Purpose, Side, Snapshot
from inspections.snapshots import objections
from inspections.snapshots.foreseen import Foreseen, foresee
from inspections.snapshots.freezing import newest_golden
from inspections.snapshots.storing import in_order


@dataclass(frozen=True)
class Preview:
    """`snapshot` is described and not stored. `objection`: why it would be refused. `without`: by side, the classes
    in use that have labels and none of them there. `at`: when it was counted; None: now."""

    snapshot: Snapshot
    objection: str
    without: dict[Side, list[str]]
    at: datetime | None = None


@dataclass(frozen=True)
class FreeSource:
    """A source that never trained and could be given to the golden set: its labelled images by class."""

    name: str
    counts: dict[str, int]


@dataclass(frozen=True)
class Free:
    """The first of them by name, and how many there are."""

    sources: list[FreeSource]
    count: int


def of_training(now: datetime, classes: Sequence[str] | None = None) -> Preview:
    """Of these classes, or of every class of the mill."""
    if objection := objections.to_classes(classes):
        return Preview(Snapshot(purpose=Purpose.TRAIN, classes=[], counts={}, sources={}), objection, {})
    found = foresee(now)
    chosen = DefectClass.objects.values_list("code", flat=True) if classes is None else classes
    snapshot = found.training(set(chosen))
    objection = objections.to_training(snapshot, classes)
    return Preview(snapshot, objection, _without(snapshot, found, (Side.VAL,)), found.at)


def of_golden(now: datetime) -> tuple[Preview, Free]:
    """The next version of the golden set, and the sources that could be given to it, by name."""
    found = foresee(now)
    snapshot = found.golden()
    snapshot.parent = newest_golden()
    preview = Preview(snapshot, objections.to_golden(snapshot), _without(snapshot, found, (Side.GOLDEN,)), found.at)
    free = [FreeSource(name, counts) for name, counts in found.body["free"]]
    return preview, Free(free, found.body["free_count"])


def _without(snapshot: Snapshot, found: Foreseen, sides: Sequence[Side]) -> dict[Side, list[str]]:
    lacking = {side: in_order(found.labelled - snapshot.counts.get(side, {}).keys()) for side in sides}
    return {side: codes for side, codes in lacking.items() if codes}
