"""A chart over a period: every subgroup against what was normal when it was made.

A point is held against the newest baseline that was confirmed before its subgroup began and that no break parts from
it. Where none was, the next one that was confirmed is drawn, so that people see its own data in it; but it signals
nothing there, because nobody had said yet what is normal. So a point's signals do not change when baselines are made
later, and a replay of the past finds what was found live.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

from inspections.charting import counting
from inspections.charting.baselines import dispersion_of, newest_of, proposal
from inspections.charting.breaking import TICK, breaks_of
from inspections.charting.drawing import Normal, draw, lookback, undrawn
from inspections.charting.points import Break, Point, Proposal, Reading, Subgroup
from inspections.models import Baseline, Chart
from inspections.snapshots import Refused

MOST_BASELINES = 100  # of one chart that are read back


def read(chart: Chart, since: datetime, until: datetime, now: datetime, *, propose: bool = True) -> Reading:
    """The subgroups that begin in `since` to `until`, as they are known at `now`.

    `propose=False` leaves the proposal out, for whoever looks every few seconds.
    """
    until = min(until, now)
    history = _histories([chart], since, until, now)[chart.line_id]
    found = counting.subgroups(chart, since, until, now)
    points = _points(chart, found, history, since, now)
    offered = proposal(chart, now) if propose and history.standing is None else None
    return Reading(
        chart=chart,
        line=chart.line,
        points=points,
        breaks=tuple(one for one in history.breaks if since <= one.at < until),
        baseline=history.standing,
        proposal=offered if isinstance(offered, Proposal) else None,
        lacking=offered.reason if isinstance(offered, Refused) else "",
        dispersion=offered.dispersion if isinstance(offered, Proposal) else dispersion_of(history.latest(found)),
    )


def points_of(
    charts: Sequence[Chart], since: datetime, until: datetime, now: datetime, confirmed_until: datetime | None = None
) -> dict[int, tuple[Point, ...]]:
    """The same points of several lines, one chart each, all of one class; with `confirmed_until` as if no baseline had
    been confirmed later.

    The number of queries does not grow with them, but for charts whose rules or statistic look back before `since`.
    """
    until = min(until, now)
    histories = _histories(charts, since, until, now, confirmed_until)
    found = counting.subgroups_of(charts, since, until, now)
    return {
        chart.line_id: _points(chart, found[chart.line_id], histories[chart.line_id], since, now) for chart in charts
    }


def _points(
    chart: Chart, found: Sequence[Subgroup], history: "_History", since: datetime, now: datetime
) -> tuple[Point, ...]:
    return tuple(point for stretch in _stretches(found, history) for point in _drawn(chart, stretch, since, now))


@dataclass(frozen=True)
class _Stretch:
    """Subgroups in a row that are held against the same. `begins`: where its memory may reach back to at most."""

    subgroups: list[Subgroup]
    baseline: Baseline | None
    begins: datetime | None = None  # None: it signals nothing


@dataclass(frozen=True)
class _History:
    """The breaks and the baselines of a chart, as far as the period needs them."""

    breaks: list[Break]
    baselines: list[Baseline]  # oldest confirmation first, without those with a break in their own data
    standing: Baseline | None

    def part(self, moment: datetime) -> int:
        """How many breaks lie before it, or at it."""
        return bisect_right(self.breaks, moment, key=lambda one: one.at)

    def is_cut(self, one: Subgroup) -> bool:
        """A break lies within it, so that it belongs to neither side."""
        part = self.part(one.start)
        return part < len(self.breaks) and self.breaks[part].at < one.end

    def latest(self, found: Sequence[Subgroup]) -> list[Subgroup]:
        """The whole ones since the last break."""
        return [one for one in found if one.whole and self.part(one.start) == len(self.breaks)]

    def held(self, one: Subgroup) -> tuple[Baseline | None, datetime | None]:
        """The baseline for it, and from when on that signals; None where it was confirmed only later."""
        if self.is_cut(one):
            return None, None
        part = self.part(one.start)
        of_part = [each for each in self.baselines if self.part(each.since) == part]
        earlier = [each for each in of_part if each.confirmed_at <= one.start]
        if not earlier:
            return (of_part[0] if of_part else None), None
        return earlier[-1], max(earlier[-1].confirmed_at, self.breaks[part - 1].at if part else earlier[-1].since)


def _histories(
    charts: Sequence[Chart], since: datetime, until: datetime, now: datetime, confirmed_until: datetime | None = None
) -> dict[int, _History]:
    rows = newest_of(charts, min(now, confirmed_until or now), MOST_BASELINES)
    wanted = {line_id: _needed(some[::-1], since, until) for line_id, some in rows.items()}
    first = min([since, *(one.since for some in wanted.values() for one in some)])
    broken = breaks_of(rows, first, now + TICK)
    return {line_id: _history(some, wanted[line_id], broken[line_id]) for line_id, some in rows.items()}


def _history(rows: Sequence[Baseline], wanted: Sequence[Baseline], found: list[Break]) -> _History:
    """`rows`: newest first; `wanted`: those of them that the period needs, oldest first."""
    stands = next((one for one in rows[:1] if not any(each.at > one.since for each in found)), None)
    whole = [one for one in wanted if not any(one.since < each.at < one.until for each in found)]
    return _History(found, whole, stands)


def _needed(rows: Sequence[Baseline], since: datetime, until: datetime) -> list[Baseline]:
    """Of all, oldest first: what stood at the beginning, what was confirmed in the period, and the next one after."""
    before = [one for one in rows if one.confirmed_at <= since]
    within = [one for one in rows if since < one.confirmed_at <= until]
    after = [one for one in rows if one.confirmed_at > until]
    return [*before[-1:], *within, *after[:1]] + ([rows[-1]] if len(after) > 1 else [])


def _stretches(found: Sequence[Subgroup], history: _History) -> Iterator[_Stretch]:
    held = [(one, *history.held(one), history.part(one.start)) for one in found]
    for (key, _part, begins), rows in groupby(held, lambda row: (row[1] and row[1].pk, row[3], row[2])):
        several = list(rows)
        yield _Stretch([row[0] for row in several], several[0][1] if key else None, begins)


def _drawn(chart: Chart, stretch: _Stretch, since: datetime, now: datetime) -> list[Point]:
    if stretch.baseline is None:
        return [undrawn(chart, one) for one in stretch.subgroups]
    return [
        replace(point, baseline=stretch.baseline) for point in _limited(chart, stretch, stretch.baseline, since, now)
    ]


def _limited(chart: Chart, stretch: _Stretch, baseline: Baseline, since: datetime, now: datetime) -> list[Point]:
    normal, begins = Normal.of(baseline), stretch.begins
    if begins is None:
        return [replace(point, signals=()) for point in draw(chart, normal, stretch.subgroups)]
    earlier = counting.before(chart, since, begins, lookback(chart), now) if begins < since else []
    points = draw(chart, normal, [*earlier, *stretch.subgroups])[len(earlier) :]
    return [point if point.subgroup.whole else replace(point, signals=()) for point in points]
