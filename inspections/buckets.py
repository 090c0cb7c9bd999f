"""What was counted in each of many stretches of time, by class: from the rollups, in two queries whatever the history.

A day of the mill and a shift begin on any five minutes of UTC, so hours that lie whole in a stretch come from the
hourly counts, and those that an edge cuts from the counts by five minutes.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any

from inspections.models import HourlyCount, SlotCount
from inspections.rates import HOUR, NOTHING, Tally, hour_of
from inspections.spans import DAY, MARK, moment_of

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
    """Count into the buckets, which are in order and share no time."""
    if not buckets:
        return
    starts = [bucket.since for bucket in buckets]
    within = {"line": line_id}
    whole = HourlyCount.objects.filter(**within, hour__gte=hour_of(starts[0]), hour__lt=buckets[-1].until)
    _add(buckets, starts, whole.values_list("hour", "defect_class", *AMOUNTS), HOUR)
    if slots := _cut(buckets):
        parts = SlotCount.objects.filter(**within, slot__in=slots)
        _add(buckets, starts, parts.values_list("slot", "defect_class", *AMOUNTS), MARK)


def _add(buckets: Sequence[Bucket], starts: Sequence[datetime], rows: Iterable[Any], length: timedelta) -> None:
    """Each row to the bucket that holds all of it; hours that an edge cuts are in none."""
    for start, code, *amounts in rows:
        bucket = buckets[max(0, bisect_right(starts, start) - 1)]
        if bucket.since <= start and start + length <= bucket.until:
            bucket.counts.add(code, Tally(*amounts))


def _cut(buckets: Sequence[Bucket]) -> list[datetime]:
    """The five minutes of every hour that an edge cuts."""
    edges = {edge for bucket in buckets for edge in (bucket.since, bucket.until) if edge != hour_of(edge)}
    return [
        hour + MARK * number for hour in sorted({hour_of(edge) for edge in edges}) for number in range(HOUR // MARK)
    ]
