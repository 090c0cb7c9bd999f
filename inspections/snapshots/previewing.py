"""What a snapshot would hold if it were made now, and what its reader should know first. Nothing is written."""

from collections.abc import Sequence
from dataclasses import dataclass

from inspections.models import Purpose, Side, Snapshot
from inspections.snapshots import objections
from inspections.snapshots.candidates import Candidate
from inspections.snapshots.extending import used_by_training
from inspections.snapshots.freezing import Pool, golden_files, learnt_files, newest_golden, pool, sides_for
from inspections.snapshots.placing import for_golden, for_training
from inspections.snapshots.storing import described, in_order


@dataclass(frozen=True)
class Preview:
    """`snapshot` is described and not stored. `objection`: why it would be refused. `without`: by side, the classes
    in use that have labels and none of them there."""

    snapshot: Snapshot
    objection: str
    without: dict[Side, list[str]]


@dataclass(frozen=True)
class FreeSource:
    """A source that never trained and could be given to the golden set: its labelled images by class."""

    name: str
    counts: dict[str, int]


def of_training(classes: Sequence[str] | None = None) -> Preview:
    found = pool()
    if objection := objections.to_classes(classes):
        return Preview(described(Purpose.TRAIN, [], found.codes), objection, {})
    chosen = {key for key, code in found.codes.items() if classes is None or code in classes}
    placed = for_training(found.candidates, sides_for(found), chosen, golden_files())
    snapshot = described(Purpose.TRAIN, placed, found.codes)
    return Preview(snapshot, objections.to_training(snapshot, classes), _without(snapshot, found, (Side.VAL,)))


def of_golden() -> tuple[Preview, list[FreeSource]]:
    """The next version of the golden set, and the sources that could be given to it, by name."""
    found = pool()
    sides = sides_for(found)
    placed = for_golden(found.candidates, sides, learnt_files())
    snapshot = described(Purpose.GOLDEN, placed, found.codes)
    snapshot.parent = newest_golden()
    preview = Preview(snapshot, objections.to_golden(snapshot), _without(snapshot, found, (Side.GOLDEN,)))
    trained = used_by_training()
    free = [one for one in found.candidates if one.source not in trained and sides.get(one.source) != Side.GOLDEN]
    return preview, _by_source(free, found)


def _without(snapshot: Snapshot, found: Pool, sides: Sequence[Side]) -> dict[Side, list[str]]:
    labelled = {found.codes[one.class_id] for one in found.candidates if not one.reason}
    lacking = {side: in_order(labelled - snapshot.counts.get(side, {}).keys()) for side in sides}
    return {side: codes for side, codes in lacking.items() if codes}


def _by_source(candidates: Sequence[Candidate], found: Pool) -> list[FreeSource]:
    counts: dict[str, dict[str, int]] = {}
    for one in candidates:
        mine = counts.setdefault(one.source, {})
        code = found.codes[one.class_id]
        mine[code] = mine.get(code, 0) + 1
    return [FreeSource(name, counts[name]) for name in sorted(counts)]
