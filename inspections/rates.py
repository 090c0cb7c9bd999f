"""Reading the rollups: counts and anomaly rates per line, hour and class. `tally` writes what is read here.

The clock is a parameter, and no function here counts captures: the work is the same after a day and after ten years.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt
from typing import Any, Self

from django.db.models import Sum

from inspections.models import HourlyCount
from inspections.models.defect_class import GOOD

HOUR = timedelta(hours=1)
HOURS_SHOWN = 24
NOW_HOURS = 2  # the running hour and the full one before it: the running one alone is empty at five past

ENOUGH_BEFORE = 200  # judged captures that make a habit
ENOUGH_NOW = 20
FEWEST_ANOMALIES = 3
SIGMAS = 3.0
NOTABLE = 1.5  # times the usual rate


@dataclass(frozen=True)
class Tally:
    """What was counted, and the rate that follows. `failed` captures are outside both sides of it."""

    judged: int = 0
    flagged: int = 0
    anomalies: int = 0
    defects: int = 0
    failed: int = 0

    def __add__(self, other: Self) -> "Tally":
        return Tally(
            self.judged + other.judged,
            self.flagged + other.flagged,
            self.anomalies + other.anomalies,
            self.defects + other.defects,
            self.failed + other.failed,
        )

    @property
    def rate(self) -> float | None:
        """Anomalies among the judged; None where nothing was judged."""
        return self.anomalies / self.judged if self.judged else None

    @property
    def percent(self) -> float | None:
        return None if self.rate is None else 100 * self.rate

    @property
    def is_empty(self) -> bool:
        return not (self.judged or self.failed)


NOTHING = Tally()


@dataclass(frozen=True)
class Hour:
    start: datetime
    tally: Tally

    @property
    def end(self) -> datetime:
        return self.start + HOUR


@dataclass(frozen=True)
class ClassCount:
    code: str  # `unknown` is one; failed captures have none and stand in no class
    tally: Tally


@dataclass(frozen=True)
class Day:
    """One line's last 24 hours, the running one last."""

    hours: tuple[Hour, ...]
    classes: tuple[ClassCount, ...]  # most anomalies first

    @property
    def total(self) -> Tally:
        return sum((hour.tally for hour in self.hours), NOTHING)

    @property
    def now(self) -> Tally:
        return sum((hour.tally for hour in self.hours[-NOW_HOURS:]), NOTHING)

    @property
    def now_since(self) -> datetime:
        return self.hours[-NOW_HOURS].start

    @property
    def before(self) -> Tally:
        """What `now` is compared with."""
        return sum((hour.tally for hour in self.hours[:-NOW_HOURS]), NOTHING)

    @property
    def leading(self) -> ClassCount | None:
        """The class that most anomalies are of; `good` is no defect, however suspicious its captures."""
        found = (one for one in self.classes if one.code != GOOD and one.tally.anomalies)
        return next(found, None)


def is_above(now: Tally, before: Tally) -> bool:
    """True if the rate is notably above what it was before, by more than chance explains (a p-chart's limit)."""
    if now.rate is None or before.rate is None:
        return False
    if now.judged < ENOUGH_NOW or before.judged < ENOUGH_BEFORE or now.anomalies < FEWEST_ANOMALIES:
        return False
    spread = sqrt(before.rate * (1 - before.rate) / now.judged)
    return now.rate > max(before.rate + SIGMAS * spread, before.rate * NOTABLE)


def hour_of(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def days(line_ids: Collection[int], now: datetime, *, by_class: bool = True) -> dict[int, Day]:
    """The last 24 hours of each line; two queries, however many lines, or one without classes."""
    last = hour_of(now)
    starts = [last - HOUR * back for back in reversed(range(HOURS_SHOWN))]
    rows = HourlyCount.objects.filter(line__in=line_ids, hour__gte=starts[0], hour__lte=last)
    by_hour = {(line_id, hour): Tally(*counts) for line_id, hour, *counts in _summed(rows, "line_id", "hour")}
    classes: dict[int, list[ClassCount]] = {}
    if by_class:
        for line_id, code, *counts in _summed(rows.exclude(defect_class=""), "line_id", "defect_class"):
            classes.setdefault(line_id, []).append(ClassCount(code, Tally(*counts)))
    return {
        line_id: Day(
            hours=tuple(Hour(start, by_hour.get((line_id, start), NOTHING)) for start in starts),
            classes=tuple(sorted(classes.get(line_id, []), key=_most_anomalies_first)),
        )
        for line_id in line_ids
    }


def _summed(rows: Any, *keys: str) -> Any:
    """Rows of the keys, then the sums in the order of a Tally's fields."""
    return rows.order_by().values_list(*keys).annotate(*(Sum(name) for name in Tally.__dataclass_fields__))


def _most_anomalies_first(one: ClassCount) -> tuple[int, int, str]:
    return -one.tally.anomalies, -one.tally.judged, one.code
