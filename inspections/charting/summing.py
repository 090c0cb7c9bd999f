"""What a chart counts, out of the rollups by five minutes and by pieces of cloth: added up by the database.

Read without models, because a chart of weeks has ten thousand of them.
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection

from inspections.models import LengthCount, Roll, SlotCount
from inspections.spans import as_moment

EPOCH, SECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(seconds=1)
SLOTS, PIECES, ROLLS = (model._meta.db_table for model in (SlotCount, LengthCount, Roll))


class Step(NamedTuple):
    """A line's slots that begin in the same multiple of its size since 1970: all that was judged, and what the chart
    counts of it."""

    at: datetime
    judged: int
    anomalies: int


def steps(sizes: Mapping[int, timedelta], code: str, since: datetime, until: datetime) -> Iterator[tuple[int, Step]]:
    """Line and step, in their order, of the slots from `since` until before `until`; each line by its own size, which
    is whole slots."""
    count, values = _count(code)
    which = " ".join(["WHEN %s THEN %s"] * len(sizes))
    sql = (
        f"SELECT line_id, {_second('slot')} / CASE line_id {which} END AS step, SUM(judged), {count} FROM {SLOTS}"  # noqa: S608
        f" WHERE line_id IN ({_places(sizes)}) AND slot >= %s AND slot < %s"
        " GROUP BY line_id, step ORDER BY line_id, step"
    )
    seconds = [value for line_id, size in sizes.items() for value in (line_id, size // SECOND)]
    for line_id, step, judged, some in _rows(sql, [*seconds, *values, *sizes, _written(since), _written(until)]):
        yield line_id, Step(EPOCH + step * sizes[line_id], int(judged), int(some))


def _second(column: str) -> str:
    """Of a time, since 1970. The database cuts it into steps: a month of slots is 8000 rows, and each costs as much to
    bring here as to add up."""
    if connection.vendor == "postgresql":
        return f"CAST(EXTRACT(EPOCH FROM {column}) AS BIGINT)"
    return f"CAST(strftime('%%s', {column}) AS INTEGER)"


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


def lengths(
    line_ids: Collection[int], code: str, each: int, since: datetime, until: datetime
) -> Iterator[tuple[int, Length]]:
    """Line and length, of all lengths of `each` pieces of which a row began in the period, each with all its pieces.

    A piece begins with the earliest of its classes.
    """
    count, values = _count(code)
    sql = (
        "SELECT n.line_id, n.roll_id, n.part, r.code, n.started, n.ended, n.judged, n.counted"  # noqa: S608
        " FROM (SELECT p.line_id, p.roll_id, p.part, MIN(p.first_at) AS started, MAX(p.first_at) AS ended,"
        " SUM(p.judged) AS judged, SUM(p.counted) AS counted"
        " FROM (SELECT q.line_id, q.roll_id, w.part, MIN(q.first_at) AS first_at, SUM(judged) AS judged,"
        f" {count} AS counted"
        f" FROM (SELECT DISTINCT line_id, roll_id, piece / %s AS part FROM {PIECES}"
        f" WHERE line_id IN ({_places(line_ids)}) AND first_at >= %s AND first_at < %s) w CROSS JOIN {_sought()}"
        " GROUP BY q.line_id, q.roll_id, w.part, q.piece) p GROUP BY p.line_id, p.roll_id, p.part) n"
        f" JOIN {ROLLS} r ON r.id = n.roll_id"  # last, so that the names are not sorted with the pieces
    )
    asked = [*values, each, *line_ids, _written(since), _written(until), each, each]
    for line_id, roll, part, name, start, end, judged, some in _rows(sql, asked):
        yield line_id, Length((roll, part), name, as_moment(start), as_moment(end), int(judged), int(some))


def _sought() -> str:
    """The pieces `q` of the length `w`, sought for each: SQLite keeps a cross join's order, and PostgreSQL would read
    the whole table for a month of them but for OFFSET, which keeps the search inside."""
    pieces = (
        f"{PIECES} q WHERE q.line_id = w.line_id AND q.roll_id = w.roll_id"
        " AND q.piece >= w.part * %s AND q.piece < (w.part + 1) * %s"
    )
    return f"LATERAL (SELECT * FROM {pieces} OFFSET 0) q" if connection.vendor == "postgresql" else pieces  # noqa: S608


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
