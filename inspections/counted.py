"""What was counted of lines over stretches of time: by class, and by place across the width.

Whole hours come from the hourly rollup and what an edge cuts from the five minutes', so every figure is exact and half
a year is a few thousand rows. Places are kept by hours: whole days of them come from the daily rollup. The database
adds up: what comes back is one row a stretch and class, whatever the history.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from itertools import pairwise
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Model

from inspections.models import DailyPlaceCount, HourlyCount, HourlyTotal, PlaceCount, SlotCount
from inspections.models.defect_class import GOOD
from inspections.rates import HOUR, NOTHING, Tally, hour_of
from inspections.spans import DAY, MARK, mark_after, mark_before, moment_of
from inspections.tally import AMOUNTS

MINUTE = timedelta(minutes=1)
WEEK = 7 * DAY
# A stretch up to the first is told in steps of the second.
STEPS = (
    (90 * MINUTE, 5 * MINUTE),
    (3 * HOUR, 10 * MINUTE),
    (13 * HOUR, 30 * MINUTE),
    (50 * HOUR, HOUR),
    (8 * DAY, 6 * HOUR),
    (46 * DAY, DAY),
)


def step_of(length: timedelta) -> timedelta:
    """The step that a stretch of this length is told in: some ten to fifty of them."""
    return next((step for most, step in STEPS if length <= most), WEEK)


def bounds_of(
    since: datetime, until: datetime, step: timedelta, zone: tzinfo, mark: timedelta = MARK
) -> list[datetime]:
    """Where each step begins, and where the last one ends. The first and the last may be cut short.

    Steps under a day lie on the clock, six hours from midnight on; days and weeks are local ones. A day begins at its
    midnight; with `mark` HOUR at its first full UTC hour, for what is counted by hours alone.
    """
    inner = _round(since, until, step) if step <= HOUR else _local(since, until, step, zone, mark)
    return [since, *(at for at in inner if since < at < until), until]


def _round(since: datetime, until: datetime, step: timedelta) -> list[datetime]:
    first = hour_of(since)
    return [first + step * number for number in range((until - first) // step + 1)]


def _local(since: datetime, until: datetime, step: timedelta, zone: tzinfo, mark: timedelta) -> list[datetime]:
    day = since.astimezone(zone).date()
    if step == WEEK:
        day -= timedelta(days=day.weekday())
    found = []
    while (start := mark_after(moment_of(datetime.combine(day, time()), zone), mark)) < until:
        found += [start + step * number for number in range(max(DAY // step, 1))]
        day += max(step, DAY)
    return found


def whole_hours(since: datetime, until: datetime) -> tuple[datetime, datetime]:
    """The stretch, widened to hours."""
    return hour_of(since), mark_after(until, HOUR)


# --- by class -----------------------------------------------------------------------------------------------------

Stretch = tuple[datetime, datetime]  # from, and until before
Classes = dict[str, Tally]  # by code; failed captures have the code ""


def by_class(line_ids: Collection[int], stretches: Sequence[Stretch]) -> dict[int, list[Classes]]:
    """What each line counted in each stretch; they are in order and share no time. At most two queries."""
    found: dict[int, list[Classes]] = {line_id: [{} for _ in stretches] for line_id in line_ids}
    for number, line_id, code, *counts in summed(BY_CLASS, line_ids, stretches, ("defect_class",), AMOUNTS):
        classes, tally = found[line_id][number], Tally(*counts)
        classes[code] = classes[code] + tally if code in classes else tally
    return found


def by_steps(line_ids: Collection[int], bounds: Sequence[datetime]) -> dict[int, list[Classes]]:
    """The same of steps that touch."""
    return by_class(line_ids, list(pairwise(bounds)))


def by_step(line_id: int, bounds: Sequence[datetime]) -> list[Classes]:
    """The same of one line."""
    return by_steps([line_id], bounds)[line_id]


def total(steps: Sequence[Classes], code: str | None = None) -> Tally:
    """Of everything, or of one class."""
    return sum((one for classes in steps for key, one in classes.items() if code in (None, key)), NOTHING)


def leading(anomalies: Mapping[str, int]) -> str:
    """The defect that most anomalies are of, the same wherever one is named; "" where all are of no class. What was
    flagged and is of no class is held for `good`: it is no defect, however many there are."""
    defects = {code: count for code, count in anomalies.items() if count and code not in ("", GOOD)}
    return min(defects, key=lambda code: (-defects[code], code), default="")


# --- by place -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Place:
    """What one camera judged, and the anomalies of it, in one step and band: its number from the left selvedge, NO_BAND
    where that was not said."""

    step: int
    camera: int
    band: int
    tally: Tally


def by_place(line_id: int, bounds: Sequence[datetime]) -> list[Place]:
    """At most two queries; `bounds` are whole hours."""
    found: dict[tuple[int, int, int], Tally] = {}
    rows = summed(BY_PLACE, [line_id], list(pairwise(bounds)), ("camera_id", "band"), ("judged", "anomalies"))
    for step, _line, camera, band, judged, anomalies in rows:
        key = step, camera, band
        found[key] = found.get(key, NOTHING) + Tally(judged=judged, anomalies=anomalies)
    return [Place(*key, tally) for key, tally in found.items()]


# --- the rollups --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Grain:
    """A rollup by time: its rows are `size` long and begin at `column`."""

    model: type[Model]
    column: str
    size: timedelta


BY_CLASS = (Grain(HourlyCount, "hour", HOUR), Grain(SlotCount, "slot", MARK))
BY_SLOT = BY_CLASS[-1:]
BY_HOUR = (Grain(HourlyTotal, "hour", HOUR),)  # of whole hours alone
BY_PLACE = (Grain(DailyPlaceCount, "day", DAY), Grain(PlaceCount, "hour", HOUR))
FEW = 2  # parts
SPARSE = 8  # times as long as the parts together is what they lie in
Part = tuple[int, datetime, datetime]  # of which stretch, from, until before


def summed(
    grains: Sequence[Grain],
    line_ids: Collection[int],
    stretches: Sequence[Stretch],
    keys: Sequence[str],
    amounts: Sequence[str],
) -> Iterator[Any]:
    """(number of the stretch, line, *keys, *amounts), from each grain what lies whole in a stretch and in no coarser
    one. A key comes once a grain."""
    parts: list[Part] = [(number, since, until) for number, (since, until) in enumerate(stretches)]
    for grain in grains:
        whole, parts = _split(parts, grain.size) if grain is not grains[-1] else (parts, [])
        if whole and line_ids:
            yield from _read(grain, line_ids, whole, keys, amounts)


def _split(parts: Sequence[Part], size: timedelta) -> tuple[list[Part], list[Part]]:
    """What of the parts lies on whole multiples of `size`, and what is left of them."""
    whole: list[Part] = []
    rest: list[Part] = []
    for number, since, until in parts:
        first, last = mark_after(since, size), mark_before(until, size)
        if first >= last:
            rest.append((number, since, until))
            continue
        whole.append((number, first, last))
        rest += [one for one in ((number, since, first), (number, last, until)) if one[1] < one[2]]
    return whole, rest


def _are_sparse(parts: Sequence[Part]) -> bool:
    """The half hours beside each midnight that is no full hour of UTC, out of weeks."""
    length = sum((until - since for _number, since, until in parts), timedelta())
    return SPARSE * length < max(until for *_, until in parts) - min(since for _number, since, _until in parts)


class _Asked(NamedTuple):
    """What is read of a rollup: its columns, their sums, from where, and by which time."""

    columns: str
    sums: str
    rows: str
    lines: list[int]
    time: str


Query = tuple[str, list[Any]]


def _read(
    grain: Grain, line_ids: Collection[int], parts: Sequence[Part], keys: Sequence[str], amounts: Sequence[str]
) -> list[Any]:
    """Each part is a range of the index by line and time."""
    asked = _Asked(
        columns=", ".join(("c.line_id", *(f"c.{key}" for key in keys))),
        sums=", ".join(f"SUM(c.{name})" for name in amounts),
        rows=f"{grain.model._meta.db_table} c WHERE c.line_id IN ({', '.join(['%s'] * len(line_ids))})",
        lines=list(line_ids),
        time=f"c.{grain.column}",
    )
    with connection.cursor() as cursor:
        cursor.execute(*_query(asked, parts))
        found: list[Any] = cursor.fetchall()
        return found


def _query(asked: _Asked, parts: Sequence[Part]) -> Query:
    if len(parts) <= FEW:
        return _one_by_one(asked, parts)
    if connection.vendor == "postgresql" and _are_sparse(parts):
        return _sought(asked, parts)
    return _together(asked, parts)


def _one_by_one(asked: _Asked, parts: Sequence[Part]) -> Query:
    """The edges of a stretch, each by itself, so that a planner sees how short it is."""
    one = (
        f"SELECT %s, {asked.columns}, {asked.sums} FROM {asked.rows}"  # noqa: S608  all of it is ours
        f" AND {asked.time} >= %s AND {asked.time} < %s GROUP BY {asked.columns}"
    )
    return " UNION ALL ".join([one] * len(parts)), [
        value for number, *ends in map(_adapted, parts) for value in (number, *asked.lines, *ends)
    ]


def _sought(asked: _Asked, parts: Sequence[Part]) -> Query:
    """Each sought by itself, where PostgreSQL would read all that lies between them."""
    sql = (
        f"{_with(parts)} SELECT part.number, q.* FROM part CROSS JOIN LATERAL (SELECT {asked.columns}, {asked.sums}"  # noqa: S608
        f" FROM {asked.rows} AND {asked.time} >= part.since AND {asked.time} < part.until GROUP BY {asked.columns}) q"
    )
    return sql, [*(value for part in parts for value in _adapted(part)), *asked.lines]


def _together(asked: _Asked, parts: Sequence[Part]) -> Query:
    """CROSS JOIN, so that SQLite takes the parts first; the ends of all, so that PostgreSQL sees how little."""
    sql = (
        f"{_with(parts)} SELECT part.number, {asked.columns}, {asked.sums} FROM part CROSS JOIN {asked.rows}"  # noqa: S608
        f" AND {asked.time} >= part.since AND {asked.time} < part.until AND {asked.time} >= %s AND {asked.time} < %s"
        f" GROUP BY part.number, {asked.columns}"
    )
    ends = _adapted((0, min(since for _number, since, _until in parts), max(until for *_, until in parts)))
    return sql, [*(value for part in parts for value in _adapted(part)), *asked.lines, *ends[1:]]


def _with(parts: Sequence[Part]) -> str:
    return f"WITH part (number, since, until) AS (VALUES {', '.join(['(%s, %s, %s)'] * len(parts))})"


def _adapted(part: Part) -> tuple[Any, Any, Any]:
    number, since, until = part
    adapt = connection.ops.adapt_datetimefield_value
    return number, adapt(since), adapt(until)
