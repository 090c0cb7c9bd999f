"""A snapshot's counts as the pages draw them: classes down, sides across, bars on one scale."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from inspections.models import LeftOut, Purpose, Side, Snapshot

SIDES = {Purpose.TRAIN: (Side.TRAIN, Side.VAL), Purpose.GOLDEN: (Side.GOLDEN,)}


@dataclass(frozen=True)
class Cell:
    """Images of one class on one side, and of how many sources; `share` is of the longest bar, in percent."""

    side: Side
    images: int
    sources: int
    share: float


@dataclass(frozen=True)
class ClassRow:
    code: str
    name: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Reason:
    code: str
    words: str
    images: int


@dataclass(frozen=True)
class Table:
    """`sides`: what each column is, with the images in all."""

    sides: tuple[tuple[str, int], ...]
    rows: tuple[ClassRow, ...]
    reasons: tuple[Reason, ...]

    @property
    def images(self) -> int:
        return sum(count for _side, count in self.sides)

    @property
    def left_out(self) -> int:
        return sum(reason.images for reason in self.reasons)


def table_of(snapshot: Snapshot, names: Mapping[str, str], also: Iterable[str] = ()) -> Table:
    """`also`: classes that it lacks and that shall stand there with 0."""
    sides = SIDES[Purpose(snapshot.purpose)]
    top = max((count for side in sides for count in snapshot.counts.get(side, {}).values()), default=1)
    codes = [*snapshot.classes, *(code for code in also if code not in snapshot.classes)]
    return Table(
        sides=tuple((str(side.label), sum(snapshot.counts.get(side, {}).values())) for side in sides),
        rows=tuple(ClassRow(code, names.get(code, code), _cells(snapshot, code, sides, top)) for code in codes),
        reasons=tuple(Reason(code, str(LeftOut(code).label), count) for code, count in snapshot.left_out.items()),
    )


def _cells(snapshot: Snapshot, code: str, sides: Sequence[Side], top: int) -> tuple[Cell, ...]:
    def of(kept: Mapping[str, Any], side: Side) -> int:
        return int(kept.get(side, {}).get(code, 0))

    return tuple(
        Cell(side, of(snapshot.counts, side), of(snapshot.sources, side), 100 * of(snapshot.counts, side) / top)
        for side in sides
    )
