"""What a control chart is made of, as values."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from inspections.models import Baseline, Chart, Line
from inspections.spc import Dispersion

BreakKind = Literal["promotion", "threshold", "style"]


@dataclass(frozen=True)
class Subgroup:
    """A rational subgroup: `size` minutes of one line, or `size` metres of one roll on it. Never a single image.

    `count` of `judged` captures are anomalies (or anomalies of the chart's class). By time, `end` is exclusive; by
    length, `start` and `end` are when its first and its last piece began. `whole`: more of it is not to come.
    """

    start: datetime
    end: datetime
    judged: int
    count: int
    roll: str = ""
    from_m: float | None = None
    whole: bool = True

    @property
    def rate(self) -> float:
        return self.count / self.judged


@dataclass(frozen=True)
class Break:
    """The gauge or the cloth changed at `at`: what was normal before says nothing of what comes after."""

    at: datetime
    kind: BreakKind
    words: str
    url: str = ""


@dataclass(frozen=True)
class Point:
    """One subgroup on the chart. `value`: the rate; on an EWMA or CUSUM chart the statistic, in standard deviations.

    `centre`, `lower` and `upper` are None where no baseline holds; so is the `value` of a statistic. `signals` are keys
    (`signal_words` says them). They are there only where a baseline was confirmed before the subgroup began, and for
    whole subgroups that no break cuts. `baseline`: what the limits come from.
    """

    subgroup: Subgroup
    value: float | None
    centre: float | None = None
    lower: float | None = None
    upper: float | None = None
    signals: tuple[str, ...] = ()
    baseline: Baseline | None = field(default=None, repr=False, compare=False)

    @property
    def is_high(self) -> bool:
        """A signal that tells of more anomalies than usual; not of fewer, and not of ups and downs."""
        return any(one.endswith("-high") for one in self.signals)


@dataclass(frozen=True)
class Proposal:
    """A baseline that a person may confirm: made from the whole subgroups of `since` to `until` (exclusive)."""

    since: datetime
    until: datetime
    subgroups: int
    judged: int
    count: int
    centre: float
    sigma_z: float
    dispersion: Dispersion
    outside: int  # of its own subgroups that lie outside the limits that it would give
    made_of: tuple[Subgroup, ...] = field(default=(), repr=False, compare=False)


@dataclass(frozen=True)
class Reading:
    """A chart over a period. `points`, `breaks`: oldest first. `baseline`: what stands now.

    Where none stands, `proposal` is what could be confirmed, or `lacking` says in words what is missing for one.
    `dispersion` is of the proposal's data, and where a baseline stands of this period's.
    """

    chart: Chart
    line: Line
    points: tuple[Point, ...]
    breaks: tuple[Break, ...]
    baseline: Baseline | None
    proposal: Proposal | None
    lacking: str
    dispersion: Dispersion | None

    @property
    def in_deviations(self) -> bool:
        """The values are standard deviations (EWMA, CUSUM), not rates."""
        return self.chart.in_deviations
