"""From subgroups and a frozen baseline to points: values, limits, signals. Pure but for the rows it is given."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from inspections import spc
from inspections.charting.points import Point, Subgroup
from inspections.models import Baseline, Chart, ChartKind, RuleSet
from inspections.spc.limits import Floats
from inspections.spc.rules import Signs

MEMORY = 100  # subgroups after which an EWMA (λ .2) has forgotten all but 2e-10, and a CUSUM has been at 0 or h
NAMES = {1: "beyond", 2: "side", 3: "trend", 4: "alternating"}


@dataclass(frozen=True)
class Normal:
    """What a baseline freezes, or a proposal would."""

    centre: float
    sigma_z: float = 1.0

    @classmethod
    def of(cls, baseline: Baseline) -> "Normal":
        return cls(baseline.centre, baseline.sigma_z)


@dataclass(frozen=True)
class Limits:
    """Of one subgroup, on the scale of the rate."""

    centre: float
    lower: float
    upper: float


def limits(baseline: Baseline, judged: int) -> Limits:
    """Within which the rate of so many judged captures lies while nothing changes. ValueError where judged is 0."""
    found = _limits(baseline.kind, Normal.of(baseline), [judged])
    return Limits(found.centre, float(found.lower[0]), float(found.upper[0]))


def lookback(chart: Chart) -> int:
    """How many subgroups before a period say what its first points mean."""
    if chart.in_deviations:
        return MEMORY
    lengths = {2: _side_length(chart) - 1, 3: spc.rules.TREND - 1, 4: spc.rules.ALTERNATING - 1}
    return max((lengths.get(rule, 0) for rule in chart.rules), default=0)


def draw(chart: Chart, normal: Normal, subgroups: Sequence[Subgroup]) -> list[Point]:
    """The points of one stretch without a break, with every signal in it."""
    if not subgroups:
        return []
    z = deviations(chart.kind, normal, subgroups)
    if chart.kind == ChartKind.EWMA:
        return _ewma(subgroups, z, chart.weight)
    if chart.kind == ChartKind.CUSUM:
        return _cusum(subgroups, z, chart.decision)
    return _shewhart(chart, normal, subgroups, z)


def undrawn(chart: Chart, subgroup: Subgroup) -> Point:
    """Where nothing stands: the rate alone. A statistic in standard deviations has no value there."""
    return Point(subgroup, None if chart.in_deviations else subgroup.rate)


def deviations(kind: str, normal: Normal, subgroups: Sequence[Subgroup]) -> Floats:
    """Each subgroup's z, shape (m,)."""
    found = _limits(kind, normal, [one.judged for one in subgroups])
    return spc.standardised([one.rate for one in subgroups], found)


def _limits(kind: str, normal: Normal, judged: Sequence[int]) -> spc.Limits:
    make = spc.u_limits if kind == ChartKind.U else spc.p_limits
    return make(normal.centre, judged, normal.sigma_z)


def _shewhart(chart: Chart, normal: Normal, subgroups: Sequence[Subgroup], z: Floats) -> list[Point]:
    found = _limits(chart.kind, normal, [one.judged for one in subgroups])
    rules = spc.of_set(chart.rule_set == RuleSet.WESTERN_ELECTRIC)
    signs = {NAMES[number]: rules[number](z) for number in sorted({1, *chart.rules})}
    return [
        Point(one, one.rate, found.centre, float(found.lower[place]), float(found.upper[place]), _keys(signs, place))
        for place, one in enumerate(subgroups)
    ]


def _ewma(subgroups: Sequence[Subgroup], z: Floats, weight: float) -> list[Point]:
    values, width = spc.ewma(_finite(z), weight), spc.ewma_width(z.size, weight)
    signs = {"ewma": _signs(values, width)}
    return [
        Point(one, float(values[place]), 0.0, -float(width[place]), float(width[place]), _keys(signs, place))
        for place, one in enumerate(subgroups)
    ]


def _cusum(subgroups: Sequence[Subgroup], z: Floats, decision: float) -> list[Point]:
    """One line for both sums: whichever is larger, the lower one below zero."""
    sums = spc.cusum(_finite(z), decision=decision)
    values = np.where(sums.high >= sums.low, sums.high, -sums.low)
    signs = {"cusum": _signs(values, np.full(z.size, decision))}
    return [
        Point(one, float(values[place]), 0.0, -decision, decision, _keys(signs, place))
        for place, one in enumerate(subgroups)
    ]


def _finite(z: Floats) -> Floats:
    """A baseline without spread gives infinite deviations, which a memory would never lose."""
    return np.clip(z, -1000.0, 1000.0)


def _signs(values: Floats, width: Floats) -> Signs:
    return ((values > width).astype(np.int8) - (values < -width).astype(np.int8)).astype(np.int8)


def _keys(signs: dict[str, Signs], place: int) -> tuple[str, ...]:
    return tuple(_key(name, sign[place] > 0) for name, sign in signs.items() if sign[place])


def _key(name: str, is_high: bool) -> str:
    """Ups and downs in turn have no direction."""
    return name if name == NAMES[4] else f"{name}-{'high' if is_high else 'low'}"


def _side_length(chart: Chart) -> int:
    return spc.rules.WESTERN_SIDE if chart.rule_set == RuleSet.WESTERN_ELECTRIC else spc.rules.NELSON_SIDE
