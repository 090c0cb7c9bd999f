"""What was counted in each of many stretches of time, by class: from the rollups, in two queries however many.

A day of the mill and a shift begin on any five minutes of UTC, so hours that lie whole in a stretch come from the
hourly counts, and those that an edge cuts from the counts by five minutes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, tzinfo
from typing import Any

from django.db import connection

from inspections.models import HourlyCount, SlotCount
from inspections.rates import HOUR, NOTHING, Tally, hour_of
from inspections.spans import DAY, moment_of

AMOUNTS = tuple(Tally.__dataclass_fields__)


@dataclass
class Counts:
    """What was counted, by class; failed captures are of none."""

    classes: dict[str, Tally] = field(default_factory=dict)
    failed: int = 0

    @property
    def tally(self) -> Tally:
        return sum(self.classes.values(), Tally(failed=self.failed))

    def add(self, code: str, tally: Tally) -> None:
        self.failed += tally.failed
        if code:
            self.classes[code] = self.classes.get(code, NOTHING) + tally


@dataclass
class Bucket:
    """One stretch. `name`: of a shift; `day`: the local day that it is, or on which its shift begins."""

    since: datetime
    until: datetime
    day: date | None = None
    name: str = ""
    counts: Counts = field(default_factory=Counts)


def total(buckets: Iterable[Bucket]) -> Counts:
    found = Counts()
    for bucket in buckets:
        found.failed += bucket.counts.failed
        for code, tally in bucket.counts.classes.items():
            found.add(code, tally)
    return found


def hours(since: datetime, until: datetime) -> list[Bucket]:
    """The UTC hours that share time with the period."""
    start, found = hour_of(since), []
    while start < until:
        found.append(Bucket(start, start + HOUR))
        start += HOUR
    return found


def days(since: datetime, until: datetime, zone: tzinfo) -> list[Bucket]:
    """The zone's days that share time with the period; one of a change of clocks has 23 or 25 hours."""
    day, found = since.astimezone(zone).date(), []
    while (start := _midnight(day, zone)) < until:
        found.append(Bucket(start, _midnight(day + DAY, zone), day))
        day += DAY
    return found


def _midnight(day: date, zone: tzinfo) -> datetime:
    return moment_of(datetime.combine(day, time()), zone)


def fill(line_id: int, buckets: Sequence[Bucket]) -> None:
    """Count into the buckets, which are in order and share no time. The database adds up: what comes back is one row
    for each bucket and class, whatever the history."""
    whole: list[Part] = []
    cut: list[Part] = []
    for number, bucket in enumerate(buckets):
        first, last = _hour_after(bucket.since), hour_of(bucket.until)
        if first <= last:
            whole.append((number, first, last))
            cut += [(number, bucket.since, first), (number, last, bucket.until)]
        else:  # within one hour
            cut.append((number, bucket.since, bucket.until))
    for model, column, parts in ((HourlyCount, "hour", whole), (SlotCount, "slot", cut)):
        for number, code, *amounts in _summed(model._meta.db_table, column, line_id, parts):
            buckets[number].counts.add(code, Tally(*amounts))


Part = tuple[int, datetime, datetime]  # of which bucket, from, until before


def _hour_after(moment: datetime) -> datetime:
    return moment if moment == hour_of(moment) else hour_of(moment) + HOUR


def _summed(table: str, column: str, line_id: int, parts: Iterable[Part]) -> list[Any]:
    """(number, class, *AMOUNTS) over the parts. Each is a range of the index by line and time."""
    asked = [part for part in parts if part[1] < part[2]]
    if not asked:
        return []
    rows = ", ".join(["(%s, %s, %s)"] * len(asked))
    sums = ", ".join(f"SUM(counted.{name})" for name in AMOUNTS)
    sql = (
        f"WITH part (number, since, until) AS (VALUES {rows})"  # noqa: S608  names of ours
        f" SELECT part.number, counted.defect_class, {sums} FROM part JOIN {table} counted"
        f" ON counted.line_id = %s AND counted.{column} >= part.since AND counted.{column} < part.until"
        " GROUP BY part.number, counted.defect_class"
    )
    adapt = connection.ops.adapt_datetimefield_value
    values = [value for number, since, until in asked for value in (number, adapt(since), adapt(until))]
    with connection.cursor() as cursor:
        cursor.execute(sql, [*values, line_id])
        found: list[Any] = cursor.fetchall()
        return found
