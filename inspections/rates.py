"""A tally and its rate."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

HOUR = timedelta(hours=1)


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


def hour_of(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
