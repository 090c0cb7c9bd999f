"""The last 24 hours of lines, out of the hourly totals.

The clock is a parameter, and nothing here counts captures: the work is the same after a day and after ten years.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from inspections.counted import BY_HOUR, summed
from inspections.rates import HOUR, NOTHING, Tally, hour_of
from inspections.tally import AMOUNTS

HOURS_SHOWN = 24


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


def days(line_ids: Collection[int], now: datetime) -> dict[int, Day]:
    """The last 24 hours of each line; one query, however many lines."""
    last = hour_of(now)
    bounds = [last - HOUR * back for back in range(HOURS_SHOWN - 1, -2, -1)]
    rows = summed(BY_HOUR, line_ids, list(pairwise(bounds)), (), AMOUNTS)
    found = {(line_id, number): Tally(*counts) for number, line_id, *counts in rows}
    return {
        line_id: Day(
            tuple(Hour(start, found.get((line_id, number), NOTHING)) for number, start in enumerate(bounds[:-1]))
        )
        for line_id in line_ids
    }
