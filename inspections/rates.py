"""A tally and its rate, and the last 24 hours of lines out of the hourly totals. `tally` writes what is read here.

The clock is a parameter, and no function here counts captures: the work is the same after a day and after ten years.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from inspections.models import HourlyTotal
from inspections.tally import AMOUNTS

HOUR = timedelta(hours=1)
HOURS_SHOWN = 24


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
class Day:
    """One line's last 24 hours, the running one last."""

    hours: tuple[Hour, ...]


def hour_of(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def days(line_ids: Collection[int], now: datetime) -> dict[int, Day]:
    """The last 24 hours of each line; one query, however many lines."""
    last = hour_of(now)
    starts = [last - HOUR * back for back in reversed(range(HOURS_SHOWN))]
    rows = HourlyTotal.objects.filter(line__in=line_ids, hour__gte=starts[0], hour__lte=last)
    counted = rows.values_list("line_id", "hour", *AMOUNTS)
    by_hour = {(line_id, hour): Tally(*counts) for line_id, hour, *counts in counted}
    return {
        line_id: Day(tuple(Hour(start, by_hour.get((line_id, start), NOTHING)) for start in starts))
        for line_id in line_ids
    }
