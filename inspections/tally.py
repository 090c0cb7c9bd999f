"""Counting as it happens: the rollups are written in the commits of what they count.

Rows are written in a fixed order, table by table, so that two writers never deadlock.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from django.db import connection
from django.db.models import Model

from inspections.models.capture import Capture
from inspections.models.defect_class import GOOD, UNKNOWN
from inspections.models.roll import Roll
from inspections.models.rollup import (
    BAND_MM,
    NO_BAND,
    PIECE_M,
    SLOT,
    DailyPlaceCount,
    HourlyCount,
    HourlyTotal,
    LengthCount,
    PlaceCount,
    RollCount,
    SlotCount,
)

AMOUNTS = ("judged", "flagged", "anomalies", "defects", "failed")  # what every rollup counts
SAID = ("flagged_defects", "flagged_good")  # of the flagged, what a person called a defect, and good
ROWS = 200  # in one statement


@dataclass(frozen=True)
class Counted:
    """One capture's share of the rollups. `defect_class` is the effective label's code, else the predicted one;
    `failed` captures have none. `labelled`: a person said so."""

    line_id: int
    at: datetime
    camera_id: int
    defect_class: str = ""
    flagged: bool = False
    failed: bool = False
    labelled: bool = False
    offset_mm: float | None = None
    roll_id: int | None = None
    position_m: float | None = None

    @classmethod
    def of(cls, capture: Capture, code: str = "", *, flagged: bool = False, labelled: bool = False) -> Self:
        """A capture that was judged as `code`; without one it failed."""
        return cls(
            line_id=capture.line_id,
            at=capture.counted_at.astimezone(UTC),  # hours elsewhere may begin at half past
            camera_id=capture.camera_id,
            defect_class=code,
            flagged=flagged,
            failed=not code,
            labelled=labelled,
            offset_mm=capture.offset_mm,
            roll_id=capture.roll_id,
            position_m=capture.position_m,
        )

    @property
    def hour(self) -> datetime:
        return self.at.replace(minute=0, second=0, microsecond=0)

    @property
    def day(self) -> datetime:
        return self.hour.replace(hour=0)

    @property
    def slot(self) -> datetime:
        minutes = int(SLOT.total_seconds()) // 60
        return self.at.replace(minute=self.at.minute // minutes * minutes, second=0, microsecond=0)

    @property
    def band(self) -> int:
        return NO_BAND if self.offset_mm is None else int(self.offset_mm // BAND_MM)

    @property
    def piece(self) -> int | None:
        """None where it is not known on which length of which cloth it lies."""
        return None if self.roll_id is None or self.position_m is None else int(self.position_m // PIECE_M)

    @property
    def is_defect(self) -> bool:
        return self.defect_class not in {GOOD, UNKNOWN}

    @property
    def is_anomaly(self) -> bool:
        """Flagged and not labelled good, or labelled a defect."""
        return self.is_defect if self.labelled else self.flagged

    @property
    def amounts(self) -> tuple[int, ...]:
        """In the order of AMOUNTS, then of SAID."""
        if self.failed:
            return 0, 0, 0, 0, 1, 0, 0
        said, is_good = self.flagged and self.labelled, self.defect_class == GOOD
        of_said = int(said and not is_good), int(said and is_good)
        return 1, int(self.flagged), int(self.is_anomaly), int(self.is_defect), 0, *of_said


Key = tuple[Any, ...]


@dataclass(frozen=True)
class Rollup:
    """One table of counts: its key's columns, and the key of one capture, None where it does not count there.
    `amounts`: what it counts, AMOUNTS first."""

    model: type[Model]
    columns: tuple[str, ...]
    key: Callable[[Counted], Key | None]
    first: bool = False  # it keeps the time of its earliest capture
    style: bool = False  # it keeps the style of its roll, the last of its columns
    amounts: tuple[str, ...] = AMOUNTS

    @property
    def table(self) -> str:
        return self.model._meta.db_table

    @property
    def extras(self) -> tuple[str, ...]:
        """What it keeps besides its key and its counts."""
        return (*(("first_at",) if self.first else ()), *(("style",) if self.style else ()))

    @property
    def named(self) -> tuple[str, ...]:
        """All its columns, in the order in which they are written."""
        return (*self.columns, *self.extras, *self.amounts)

    def add_sql(self, rows: int) -> str:
        named = self.named
        row = f"({', '.join(_style_sql() if name == 'style' else '%s' for name in named)})"
        sums = ", ".join(f"{name} = {self.table}.{name} + excluded.{name}" for name in self.amounts)
        earliest = (
            f", first_at = CASE WHEN excluded.first_at < {self.table}.first_at THEN excluded.first_at"
            f" ELSE {self.table}.first_at END"
        )
        return (
            f"INSERT INTO {self.table} ({', '.join(named)}) VALUES {', '.join([row] * rows)}"  # noqa: S608  ours
            f" ON CONFLICT ({', '.join(self.columns)}) DO UPDATE SET {sums}{earliest if self.first else ''}"
        )

    @property
    def take_sql(self) -> str:
        """Taking away is an UPDATE: a row to insert that is below zero fails its check before any conflict is seen."""
        sums = ", ".join(f"{name} = {name} + %s" for name in self.amounts)
        where = " AND ".join(f"{name} = %s" for name in self.columns)
        return f"UPDATE {self.table} SET {sums} WHERE {where}"  # noqa: S608


def _style_sql() -> str:
    """The style of the roll of this key. Locked, so that whoever says another one meanwhile is waited for, or waits and
    then finds the row: `roll_keeping`."""
    lock = " FOR KEY SHARE" if connection.features.has_select_for_update else ""
    return f"(SELECT r.style FROM {Roll._meta.db_table} r WHERE r.id = %s{lock})"  # noqa: S608  all of it is ours


def _by_length(one: Counted) -> Key | None:
    piece = one.piece
    return None if piece is None else (one.line_id, one.roll_id, piece, one.defect_class)


def _by_roll(one: Counted) -> Key | None:
    return None if one.roll_id is None else (one.line_id, one.roll_id)


ROLLUPS = (
    Rollup(
        DailyPlaceCount,
        ("line_id", "day", "camera_id", "band"),
        lambda one: (one.line_id, one.day, one.camera_id, one.band),
    ),
    Rollup(HourlyCount, ("line_id", "hour", "defect_class"), lambda one: (one.line_id, one.hour, one.defect_class)),
    Rollup(HourlyTotal, ("line_id", "hour"), lambda one: (one.line_id, one.hour), amounts=(*AMOUNTS, *SAID)),
    Rollup(LengthCount, ("line_id", "roll_id", "piece", "defect_class"), _by_length, first=True),
    Rollup(
        PlaceCount,
        ("line_id", "hour", "camera_id", "band"),
        lambda one: (one.line_id, one.hour, one.camera_id, one.band),
    ),
    Rollup(RollCount, ("line_id", "roll_id"), _by_roll, first=True, style=True),
    Rollup(SlotCount, ("line_id", "slot", "defect_class"), lambda one: (one.line_id, one.slot, one.defect_class)),
)


def add(counted: Iterable[Counted]) -> None:
    """Add to the rollups; call it inside the transaction that writes what is counted."""
    move((), counted)


def move(before: Iterable[Counted], after: Iterable[Counted]) -> None:
    """Captures that counted as `before` count as `after` now; call it inside the transaction that changes them."""
    changes = Counter(after)
    changes.subtract(before)
    with connection.cursor() as cursor:
        for rollup in ROLLUPS:
            _write(cursor, rollup, changes)


def _write(cursor: Any, rollup: Rollup, changes: Mapping[Counted, int]) -> None:
    """In the order of the keys, whether added or taken: else two who relabel against each other would deadlock."""
    totals, firsts = _summed(rollup, changes)
    keys = [key for key in sorted(totals) if any(totals[key])]
    if all(min(totals[key]) >= 0 for key in keys):
        for start in range(0, len(keys), ROWS):
            _add(cursor, rollup, keys[start : start + ROWS], totals, firsts)
        return
    for key in keys:
        if min(totals[key]) >= 0:
            _add(cursor, rollup, [key], totals, firsts)
        else:
            _take(cursor, rollup, key, totals[key])


def _add(
    cursor: Any, rollup: Rollup, keys: Sequence[Key], totals: dict[Key, tuple[int, ...]], firsts: dict[Key, datetime]
) -> None:
    values: list[Any] = []
    for key in keys:
        first = (_time(firsts[key]),) if rollup.first else ()
        roll = (key[-1],) if rollup.style else ()
        values += (*_written(key), *first, *roll, *totals[key])
    cursor.execute(rollup.add_sql(len(keys)), values)


def _take(cursor: Any, rollup: Rollup, key: Key, amounts: tuple[int, ...]) -> None:
    cursor.execute(rollup.take_sql, [*amounts, *_written(key)])
    if cursor.rowcount != 1:
        raise RuntimeError(f"nothing in {rollup.table} to take from: {key}")


def _summed(rollup: Rollup, changes: Mapping[Counted, int]) -> tuple[dict[Key, tuple[int, ...]], dict[Key, datetime]]:
    totals: dict[Key, tuple[int, ...]] = {}
    firsts: dict[Key, datetime] = {}
    for one, times in changes.items():
        key = rollup.key(one)
        if key is None:
            continue
        so_far = totals.get(key, (0,) * len(rollup.amounts))
        amounts = one.amounts[: len(rollup.amounts)]
        totals[key] = tuple(a + times * b for a, b in zip(so_far, amounts, strict=True))
        firsts[key] = min(firsts.get(key, one.at), one.at)
    return totals, firsts


def _written(key: Key) -> Key:
    return tuple(_time(part) if isinstance(part, datetime) else part for part in key)


def _time(moment: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(moment)
