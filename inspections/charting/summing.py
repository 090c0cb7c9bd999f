"""What a chart counts, out of the rollups by five minutes and by pieces of cloth: added up by the database.

Read without models, because a chart of weeks has ten thousand of them.
"""

from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db import connection

from inspections.models import LengthCount, Roll, SlotCount

SLOTS, PIECES, ROLLS = (model._meta.db_table for model in (SlotCount, LengthCount, Roll))


class Slot(NamedTuple):
    """Five minutes: all that was judged, and what the chart counts of it."""

    at: datetime
    judged: int
    anomalies: int


def slots(line_ids: Collection[int], code: str, since: datetime, until: datetime) -> Iterator[tuple[int, Slot]]:
    """Line and slot, in their order."""
    count, values = _count(code)
    sql = (
        f"SELECT line_id, slot, SUM(judged), {count} FROM {SLOTS}"  # noqa: S608  all of it is ours
        f" WHERE line_id IN ({_places(line_ids)}) AND slot >= %s AND slot < %s"
        " GROUP BY line_id, slot ORDER BY line_id, slot"
    )
    for line_id, at, judged, some in _rows(sql, [*values, *line_ids, _written(since), _written(until)]):
        yield line_id, Slot(_read(at), int(judged), int(some))


Key = tuple[int, int]  # a roll, and which length of it


class Length(NamedTuple):
    """Some pieces in a row of one roll. `start` and `end`: when the first and the last of them began."""

    key: Key
    roll: str
    start: datetime
    end: datetime
    judged: int
    anomalies: int

    @property
    def part(self) -> int:
        return self.key[1]


class Where(NamedTuple):
    """Which pieces are read."""

    sql: str
    values: list[Any]


def begun(since: datetime, until: datetime) -> Where:
    """Those that began in a period."""
    return Where("first_at >= %s AND first_at < %s", [_written(since), _written(until)])


def of_lengths(wanted: Iterable[tuple[int, Key]], each: int) -> Where:
    """All of these lengths, which are `each` pieces long, by line."""
    rows = [(line_id, roll, part * each, (part + 1) * each) for line_id, (roll, part) in wanted]
    one = "(line_id = %s AND roll_id = %s AND piece >= %s AND piece < %s)"
    return Where(f"({' OR '.join([one] * len(rows))})", [value for row in rows for value in row])


def lengths(line_ids: Collection[int], code: str, each: int, where: Where) -> Iterator[tuple[int, Length]]:
    """Line and length, of the pieces that are wanted. A piece begins with the earliest of its classes."""
    count, values = _count(code)
    pieces = (
        f"SELECT line_id, roll_id, piece, MIN(first_at) AS first_at, SUM(judged) AS judged, {count} AS counted"  # noqa: S608
        f" FROM {PIECES} WHERE line_id IN ({_places(line_ids)}) AND {where.sql} GROUP BY line_id, roll_id, piece"
    )
    sql = (
        "SELECT p.line_id, p.roll_id, p.piece / %s AS part, r.code, MIN(p.first_at), MAX(p.first_at), SUM(p.judged),"  # noqa: S608
        f" SUM(p.counted) FROM ({pieces}) p JOIN {ROLLS} r ON r.id = p.roll_id"
        " GROUP BY p.line_id, p.roll_id, part, r.code"
    )
    for line_id, roll, part, name, start, end, judged, some in _rows(sql, [each, *values, *line_ids, *where.values]):
        yield line_id, Length((roll, part), name, _read(start), _read(end), int(judged), int(some))


def _count(code: str) -> tuple[str, list[str]]:
    """The sum of a chart's anomalies: of its class, where it has one."""
    if not code:
        return "SUM(anomalies)", []
    return "SUM(CASE WHEN defect_class = %s THEN anomalies ELSE 0 END)", [code]


def _places(values: Collection[Any]) -> str:
    return ", ".join(["%s"] * len(values))


def _rows(sql: str, values: list[Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        found: list[Any] = cursor.fetchall()
        return found


def _written(moment: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(moment)


def _read(value: datetime | str) -> datetime:
    """SQLite keeps times without their zone, which is UTC, and a sum of them comes as text."""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
