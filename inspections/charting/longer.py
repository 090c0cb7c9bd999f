"""A long period of a chart, by hours or days: the rate alone, against the baselines that the chart's own points have.

Half a year of ten-minute subgroups can be neither read quickly nor seen. Whatever the chart's kind, what is drawn is
the rate with the three-sigma limits of so many captures; the only signal is a rate beyond them. Where nothing was
confirmed before a step began, the next baseline is drawn and nothing signals, as in `reading`.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import datetime

from inspections.charting.baselines import MOST_SHOWN, newest_of
from inspections.charting.breaking import TICK, breaks_of
from inspections.charting.drawing import Limits, limits
from inspections.charting.points import Break, Point, Subgroup
from inspections.models import Baseline, Chart
from inspections.spc.limits import EDGE


def draw_longer(
    charts: Sequence[Chart],
    steps: Mapping[int, Sequence[Subgroup]],
    now: datetime,
    confirmed_until: datetime | None = None,
) -> dict[int, list[Point]]:
    """One point a step, in their order, of several lines, one chart each, all of one class. `steps`: by line. With
    `confirmed_until` as if no baseline had been confirmed later."""
    rows = newest_of(charts, min(now, confirmed_until or now), MOST_SHOWN)
    starts = [one.since for some in rows.values() for one in some] + [some[0].start for some in steps.values() if some]
    found = breaks_of(rows, min(starts, default=now), now + TICK)
    return {line_id: _drawn(some, rows[line_id][::-1], found[line_id]) for line_id, some in steps.items()}


def _drawn(steps: Sequence[Subgroup], rows: Sequence[Baseline], found: Sequence[Break]) -> list[Point]:
    """`rows`: oldest first."""
    good = [one for one in rows if _part(found, one.since) == _part(found, one.confirmed_at)]
    return [_point(one, good, found) for one in steps]


def _part(found: Sequence[Break], moment: datetime) -> int:
    return bisect_right(found, moment, key=lambda one: one.at)


def _point(step: Subgroup, baselines: Sequence[Baseline], found: Sequence[Break]) -> Point:
    part = _part(found, step.start)
    if any(step.start < one.at < step.end for one in found):
        return Point(step, step.rate)
    of_part = [one for one in baselines if _part(found, one.since) == part]
    before = [one for one in of_part if one.confirmed_at <= step.start]
    if not of_part:
        return Point(step, step.rate)
    baseline = before[-1] if before else of_part[0]
    held = limits(baseline, step.judged)
    signals = _signals(step.rate, held) if before and step.whole else ()
    return Point(step, step.rate, held.centre, held.lower, held.upper, signals, baseline)


def _signals(rate: float, held: Limits) -> tuple[str, ...]:
    if rate > held.upper + EDGE:
        return ("beyond-high",)
    return ("beyond-low",) if rate < held.lower - EDGE else ()
