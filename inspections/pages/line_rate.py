"""The line page's chart of the rate: by the chart's own subgroups, and by hours or days where the period is long."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from inspections import charting
from inspections.charting import Point, Subgroup
from inspections.charting.longer import draw_longer
from inspections.counted import Classes, bounds_of, by_steps, total
from inspections.models import Chart, SubgroupBy
from inspections.pages.charts import anomalies_url
from inspections.pages.line_plots import Frame, when_words
from inspections.pages.periods import counted_words, percent, rounded
from inspections.pages.plots import Cell, Plot, Series, Spot, Table
from inspections.rates import HOUR
from inspections.spans import DAY, Span

BY_SUBGROUPS = 26 * HOUR  # up to here every subgroup is a point
MOST_POINTS = 200  # so many subgroups of a longer period are points too
STEPS = ((8 * DAY, HOUR), (31 * DAY, 6 * HOUR))  # else longer ones are; beyond the last, days

Points = Sequence[Point]


def rate_plot(frame: Frame, chart: Chart, compare: Span | None, now: datetime) -> Plot:
    """`chart` is of the anomaly rate or of one class; `frame` says when."""
    points, step = points_of([chart], frame.since, frame.until, now)[chart.line_id]
    is_deviation = in_deviations(chart, points, step)
    told = [told_of(chart, point, _url(frame, chart, point.subgroup)) for point in points]
    spots = [_spot(one, end, is_deviation) for one, end in zip(told, _ends(chart, points), strict=True)]
    name = frame.name(chart.defect_class) if chart.defect_class else _("Anomaly rate")
    series = [Series(name, spots)]
    if compare:
        series.append(_beside(frame, chart, compare, is_deviation, now))
    return Plot(
        key="rate",
        title=_("%(name)s over time") % {"name": name},
        words=f"{_said(chart, points, is_deviation)} {_step_words(chart, step)}",
        kind="control",
        data=frame.over_time(series, unit="σ" if is_deviation else "%"),
        table=Table(
            (_("Time"), _("Judged"), _("Anomalies"), _("Rate"), _("Limits"), _("Signal")),
            [_row(one, is_deviation) for one in reversed(told)],
        ),
        empty="" if points else _("Nothing was judged in this period."),
    )


def points_of(
    charts: Sequence[Chart], since: datetime, until: datetime, now: datetime, confirmed_until: datetime | None = None
) -> dict[int, tuple[Points, timedelta | None]]:
    """By line, one chart each, all of one class: the points, and what each of them is; None: one of the chart's own
    subgroups. With `confirmed_until` as if no baseline had been confirmed later."""
    steps = {chart.line_id: step_of(chart, until - since) for chart in charts}
    own = [chart for chart in charts if steps[chart.line_id] is None]
    longer = [chart for chart in charts if steps[chart.line_id] is not None]
    found: dict[int, Points] = {}
    if own:
        found |= charting.points_of(own, since, until, now, confirmed_until)
    if longer:
        every = _by_steps(longer, since, until, steps[longer[0].line_id] or DAY, now)
        found |= draw_longer(longer, every, now, confirmed_until)
    return {line_id: (_or_rates(points), steps[line_id]) for line_id, points in found.items()}


def _or_rates(points: Points) -> Points:
    """A chart with a memory has no value until a baseline stands: its rates are drawn meanwhile."""
    if any(point.value is not None for point in points):
        return points
    return [replace(point, value=point.subgroup.rate) for point in points]


def in_deviations(chart: Chart, points: Points, step: timedelta | None) -> bool:
    """Whether what is drawn are standard deviations, not rates; `points` and `step` as points_of gives them."""
    return step is None and chart.in_deviations and any(point.upper is not None for point in points)


def step_of(chart: Chart, length: timedelta) -> timedelta | None:
    if length <= BY_SUBGROUPS:
        return None
    if chart.subgroup_by == SubgroupBy.TIME and length / timedelta(minutes=chart.size) <= MOST_POINTS:
        return None
    return next((step for most, step in STEPS if length <= most), DAY)


def _by_steps(
    charts: Sequence[Chart], since: datetime, until: datetime, step: timedelta, now: datetime
) -> dict[int, list[Subgroup]]:
    """Of charts that are drawn by longer steps, where they judged something. How long a step is hangs on the period
    alone."""
    code = charts[0].defect_class
    bounds = bounds_of(since, until, step, timezone.get_current_timezone())
    counted = by_steps([chart.line_id for chart in charts], bounds)
    return {line_id: list(_subgroups(bounds, steps, code, now)) for line_id, steps in counted.items()}


def _subgroups(bounds: Sequence[datetime], steps: Sequence[Classes], code: str, now: datetime) -> Iterator[Subgroup]:
    for (since, until), classes in zip(pairwise(bounds), steps, strict=True):
        judged = total([classes]).judged
        if judged:
            yield Subgroup(since, until, judged, total([classes], code or None).anomalies, whole=until <= now)


def _ends(chart: Chart, points: Points) -> Iterator[datetime]:
    """Where the limits of each point end: by length of cloth, where the next length begins."""
    for place, point in enumerate(points):
        group = point.subgroup
        after = points[place + 1].subgroup.start if place + 1 < len(points) else group.end
        is_length = chart.subgroup_by == SubgroupBy.LENGTH and after - group.end < HOUR
        yield max(group.end, after) if is_length else group.end


# --- one point ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Told:
    """A point, and what plot and table both say of it."""

    point: Point
    name: str
    signal: str
    url: str


def told_of(chart: Chart, point: Point, url: str) -> Told:
    """`url`: what it opens."""
    return Told(point, group_words(point.subgroup), signal_words(chart, point), url)


def _spot(told: Told, end: datetime, is_deviation: bool) -> Spot:
    point = told.point
    scale = 1.0 if is_deviation else 100.0
    lower, centre, upper = (None if one is None else scale * one for one in (point.lower, point.centre, point.upper))
    return Spot(
        x=point.subgroup.start,
        y=None if point.value is None else scale * point.value,
        words="\n".join(_lines(told, is_deviation)),
        url=told.url,
        end=end,
        centre=centre,
        lower=lower,
        upper=upper,
        signal=told.signal,
    )


def _lines(told: Told, is_deviation: bool) -> list[str]:
    point = told.point
    found = [told.name, counts_words(point.subgroup)]
    if is_deviation and point.value is not None:
        found.append(_deviation_words(point.value))
    elif point.upper is not None:
        found.append(_("limits %(limits)s") % {"limits": limit_words(point)})
    return [*found, *([told.signal] if told.signal else [])]


def _deviation_words(value: float) -> str:
    return _("%(value)s standard deviations") % {"value": rounded(value, 1)}


def group_words(group: Subgroup) -> str:
    words = when_words(group.start, group.end)
    if group.from_m is None:
        return words
    return _("roll %(roll)s from %(metre)s m, %(time)s") % {
        "roll": group.roll,
        "metre": rounded(group.from_m, 0),
        "time": words,
    }


def counts_words(group: Subgroup) -> str:
    return counted_words(group.count, group.judged)


def limit_words(point: Point, is_deviation: bool = False) -> str:
    """The limits that the point is held against: of the rate, or of a chart with a memory, in standard deviations."""
    if point.lower is None or point.upper is None:
        return "–"
    if is_deviation:
        return f"± {rounded(point.upper, 2)} σ"
    return f"{percent(point.lower)} – {percent(point.upper)}"


def signal_words(chart: Chart, point: Point) -> str:
    return ", ".join(charting.signal_words(key, chart) for key in point.signals)


def _url(frame: Frame, chart: Chart, group: Subgroup) -> str:
    more = {"class": chart.defect_class} if chart.defect_class else {}
    if group.from_m is not None:  # whatever the time: other cloth may have been seen between its first and last metre
        metres = f"{group.from_m:.0f}-{group.from_m + chart.size:.0f}"
        return anomalies_url(frame.line, roll=group.roll, metres=metres, **more)
    end = group.end if group.end > group.start else group.start + timedelta(minutes=1)
    return frame.url(group.start, end, **more)


def _row(told: Told, is_deviation: bool) -> list[Cell]:
    group = told.point.subgroup
    return [
        Cell(told.name, told.url),
        Cell(rounded(group.judged, 0), value=group.judged),
        Cell(rounded(group.count, 0), told.url if group.count else "", group.count),
        Cell(percent(group.rate), value=group.rate),
        Cell(limit_words(told.point, is_deviation)),
        Cell(told.signal or "–"),
    ]


# --- the period that it is compared with --------------------------------------------------------------------------


def _beside(frame: Frame, chart: Chart, compare: Span, is_deviation: bool, now: datetime) -> Series:
    """Drawn where it would lie in this period, as far as this one reaches."""
    until = min(compare.until, compare.since + (frame.until - frame.since))
    points = _points_beside(frame, chart, compare.since, until, is_deviation, now)
    moved = frame.since - compare.since
    return Series(compare.words, [_spot_beside(frame, chart, *one, moved, is_deviation) for one in points], beside=True)


def _points_beside(
    frame: Frame, chart: Chart, since: datetime, until: datetime, is_deviation: bool, now: datetime
) -> list[tuple[Subgroup, float | None]]:
    """By the steps of this period; of a chart with a memory its statistic, where a baseline held then."""
    if is_deviation:
        return [(one.subgroup, one.value) for one in charting.points_of([chart], since, until, now)[chart.line_id]]
    if step := step_of(chart, frame.until - frame.since):
        groups: Sequence[Subgroup] = _by_steps([chart], since, until, step, now)[chart.line_id]
    else:
        groups = charting.subgroups(chart, since, until, now)
    return [(one, 100 * one.rate) for one in groups]


def _spot_beside(
    frame: Frame, chart: Chart, group: Subgroup, value: float | None, moved: timedelta, is_deviation: bool
) -> Spot:
    words = [group_words(group), counts_words(group), _("the period compared with")]
    if is_deviation and value is not None:
        words.insert(2, _deviation_words(value))
    return Spot(group.start + moved, value, "\n".join(words), _url(frame, chart, group), end=group.end + moved)


# --- in words -----------------------------------------------------------------------------------------------------


def _said(chart: Chart, points: Points, is_deviation: bool) -> str:
    if not points:
        return ""
    signals = sum(bool(point.signals) for point in points)
    if signals:
        first = next(point for point in points if point.signals)
        words = ngettext(
            "%(n)d point signals, at %(when)s: %(what)s.",
            "%(n)d points signal, the first at %(when)s: %(what)s.",
            signals,
        )
        said = words % {"n": signals, "when": group_words(first.subgroup), "what": signal_words(chart, first)}
    elif all(point.upper is None for point in points):
        said = _("No baseline stands, so there are no limits.")
        said += f" {_('Until one does, rates are drawn.')}" if chart.in_deviations else ""
    else:
        said = _("No point signals.")
    worst = max(points, key=lambda point: point.subgroup.rate)
    return f"{said} {_('Highest: %(when)s, %(counts)s.') % _named(worst)}" if not is_deviation else said


def _named(point: Point) -> dict[str, str]:
    return {"when": group_words(point.subgroup), "counts": counts_words(point.subgroup)}


def _step_words(chart: Chart, step: timedelta | None) -> str:
    if step == HOUR:
        return _("Points are hours, because the period is long: limits are for an hour’s captures.")
    if step == 6 * HOUR:
        return _("Points are six hours, because the period is long: limits are for six hours’ captures.")
    if step == DAY:
        return _("Points are days, because the period is long: limits are for a day’s captures.")
    if chart.subgroup_by == SubgroupBy.LENGTH:
        return _("A point is %(size)d m of cloth.") % {"size": chart.size}
    return _("A point is %(size)d minutes.") % {"size": chart.size}
