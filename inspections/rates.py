"""A tally and its rate."""

from datetime import datetime, timedelta
from typing import NamedTuple

HOUR = timedelta(hours=1)


class Tally(NamedTuple):
    """What was counted, and the rate that follows. `failed` captures are outside both sides of it.

    A tuple, because a page of half a year adds up ten thousand of them.
    """

    judged: int = 0
    flagged: int = 0
    anomalies: int = 0
    defects: int = 0
    failed: int = 0

    def __add__(self, other: "Tally") -> "Tally":  # type: ignore[override]  # amounts are added, not put behind
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


def hour_of(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
