"""The rollups held against the captures they were counted from, and made anew from them.

Both go step by step, a step being one line's UTC day or some rolls, and may run while others judge and label.

- `verify` compares each step in one statement, which locks nothing.
- `rebuild` writes each step in a transaction of its own that first keeps every other writer of the rollups out. On
  SQLite a transaction does so by itself. On PostgreSQL it locks the tables that it writes, in the order in which
  `tally` writes them, so that neither waits for the other for ever: whoever has counted already is waited for and
  seen, and whoever has not will add to the new counts. They wait for one step, some milliseconds.

What is counted is what is there: captures that were deleted are counted no more.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Model

from inspections.models import Capture, Line, Roll
from inspections.models.rollup import LengthCount, RollCount
from inspections.recount_sql import Scope, counted, differences
from inspections.tally import ROLLUPS, Rollup

DAY = timedelta(days=1)
ROLLS = 20  # in one step
BY_ROLL = tuple(one for one in ROLLUPS if one.first)
BY_TIME = tuple(one for one in ROLLUPS if not one.first)


@dataclass(frozen=True)
class Difference:
    """One row of a rollup that does not say what the captures say. Amounts in the order of `names`."""

    table: str
    key: dict[str, Any]
    names: tuple[str, ...]
    kept: tuple[int, ...]
    counted: tuple[int, ...]

    @property
    def kept_by_name(self) -> dict[str, int]:
        return dict(zip(self.names, self.kept, strict=True))

    @property
    def counted_by_name(self) -> dict[str, int]:
        return dict(zip(self.names, self.counted, strict=True))

    @property
    def unlike(self) -> dict[str, tuple[int, int]]:
        """By name, what is kept and what was counted; empty where `first_at` lies behind, or the style."""
        pairs = zip(self.names, self.kept, self.counted, strict=True)
        return {name: (kept, found) for name, kept, found in pairs if kept != found}


@dataclass(frozen=True)
class Step:
    """What is looked at together."""

    words: str
    parts: tuple[tuple[Rollup, Scope], ...]


def steps(lines: Sequence[Line], since: datetime | None = None, *, every_line: bool = False) -> Iterator[Step]:
    """All of these lines, from the UTC day of `since` on. Rolls that were seen since then are taken whole."""
    start = None if since is None else _day(since)
    for line in lines:
        for day in _days(line, start):
            yield Step(f"{line.slug} {day:%Y-%m-%d}", tuple((one, _of_day(one, line, day)) for one in BY_TIME))
    if every_line and start is None:
        yield from _by_roll(Roll.objects.order_by("pk").values_list("pk", flat=True), None)
        return
    for line in lines:
        yield from _by_roll(sorted(_rolls(line, start)), line)


def verify(step: Step) -> list[Difference]:
    """The rows of this step that differ."""
    found = []
    with connection.cursor() as cursor:
        for rollup, scope in step.parts:
            cursor.execute(differences(rollup, scope), (*scope.values, *scope.values))
            found += [_difference(rollup, row) for row in cursor.fetchall()]
    return found


def rebuild(step: Step) -> None:
    """Count this step anew."""
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            for rollup, _scope in step.parts:
                cursor.execute(f"LOCK TABLE {rollup.table} IN SHARE ROW EXCLUSIVE MODE")
        for rollup, scope in step.parts:
            cursor.execute(f"DELETE FROM {rollup.table} WHERE {scope.kept}", scope.values)  # noqa: S608  ours
            names = ", ".join(rollup.named)
            cursor.execute(f"INSERT INTO {rollup.table} ({names}) {counted(rollup, scope)}", scope.values)


def _difference(rollup: Rollup, row: Sequence[Any]) -> Difference:
    keys, amounts = len(rollup.columns), len(rollup.amounts)
    sums = tuple(int(value) for value in row[keys:])
    key = dict(zip(rollup.columns, row[:keys], strict=True))
    return Difference(rollup.table, key, rollup.amounts, sums[:amounts], sums[amounts:])


def _of_day(rollup: Rollup, line: Line, day: datetime) -> Scope:
    start = rollup.columns[1]
    when = tuple(connection.ops.adapt_datetimefield_value(moment) for moment in (day, day + DAY))
    return Scope(
        captures="c.line_id = %s AND c.counted_at >= %s AND c.counted_at < %s",
        kept=f"line_id = %s AND {start} >= %s AND {start} < %s",
        values=(line.pk, *when),
    )


def _by_roll(rolls: Iterable[int], line: Line | None) -> Iterator[Step]:
    keys = list(rolls)
    for start in range(0, len(keys), ROLLS):
        some = keys[start : start + ROLLS]
        where = f"{line.slug} " if line else ""
        parts = tuple((one, _of_rolls(one, some, line)) for one in BY_ROLL)
        yield Step(f"{where}rolls {some[0]} to {some[-1]}", parts)


def _of_rolls(rollup: Rollup, rolls: Sequence[int], line: Line | None) -> Scope:
    places = ", ".join(["%s"] * len(rolls))
    placed = " AND c.position_m IS NOT NULL" if "piece" in rollup.columns else ""
    return Scope(
        captures=f"c.roll_id IN ({places}){placed}{' AND c.line_id = %s' if line else ''}",
        kept=f"roll_id IN ({places}){' AND line_id = %s' if line else ''}",
        values=(*rolls, *((line.pk,) if line else ())),
    )


def _days(line: Line, start: datetime | None) -> Iterator[datetime]:
    """The days on which something was captured or is kept: each is a seek in an index, however far apart they lie."""
    cursor = start
    while (moment := _next(line, cursor)) is not None:
        day = _day(moment)
        yield day
        cursor = day + DAY


def _next(line: Line, start: datetime | None) -> datetime | None:
    kinds: list[tuple[type[Model], str]] = [(Capture, "counted_at"), *((one.model, one.columns[1]) for one in BY_TIME)]
    found = [_earliest(model, field, line, start) for model, field in kinds]
    return min((moment for moment in found if moment), default=None)


def _earliest(model: type[Model], field: str, line: Line, start: datetime | None) -> datetime | None:
    rows = model._default_manager.filter(line=line, **({f"{field}__gte": start} if start else {}))
    moment: datetime | None = rows.order_by(field).values_list(field, flat=True).first()
    return moment


def _day(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _rolls(line: Line, start: datetime | None) -> set[int]:
    captures = Capture.objects.filter(line=line, roll__isnull=False, **({"counted_at__gte": start} if start else {}))
    kept = [
        one.objects.filter(line=line, **({"first_at__gte": start} if start else {})) for one in (LengthCount, RollCount)
    ]
    return {key for rows in (captures, *kept) for key in rows.values_list("roll_id", flat=True).distinct() if key}
