"""A proposed baseline as a plot: its own subgroups within the limits that it would give."""

from datetime import timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from inspections import charting
from inspections.charting import Point, Proposal
from inspections.models import Chart
from inspections.pages.line_plots import Frame
from inspections.pages.line_rate import Told, counts_words, limit_words, told_of
from inspections.pages.periods import percent, rounded
from inspections.pages.plots import Cell, Plot, Series, Spot, Table, over_time

MOST_DRAWN = 600
MINUTE = timedelta(minutes=1)


def proposal_plot(chart: Chart, offered: Proposal) -> Plot:
    """The latest of them; a proposal has at least twenty."""
    shown = charting.preview(chart, offered, MOST_DRAWN)
    in_deviations = chart.in_deviations
    until = max(offered.until, shown[-1].subgroup.start + MINUTE)
    frame = Frame(chart.line, shown[0].subgroup.start, until, {})
    told = [_told_of(frame, chart, point) for point in shown]
    spots = [_spot(one, 1.0 if in_deviations else 100.0) for one in told]
    return Plot(
        key="proposal",
        title=_("Its subgroups within the limits that it would give"),
        words=_summed_up(offered, len(shown)),
        kind="control",
        data=over_time([Series(_("Rate"), spots)], shown[0].subgroup.start, until, unit="σ" if in_deviations else "%"),
        table=Table(
            (_("Time"), _("Judged"), _("Anomalies"), _("Rate"), _("Limits"), _("Signal")),
            [_row(one, in_deviations) for one in reversed(told)],
        ),
    )


def _summed_up(offered: Proposal, shown: int) -> str:
    words = ngettext(
        "%(out)d of %(n)d subgroups lies outside.", "%(out)d of %(n)d subgroups lie outside.", offered.outside
    ) % {"out": offered.outside, "n": offered.subgroups}
    if shown < offered.subgroups:
        words = f"{words} {_('The latest %(shown)d are drawn.') % {'shown': shown}}"
    return words


def _told_of(frame: Frame, chart: Chart, point: Point) -> Told:
    more = {"class": chart.defect_class} if chart.defect_class else {}
    start = point.subgroup.start
    url = frame.url(start, max(point.subgroup.end, start + MINUTE), **more)
    return told_of(chart, point, url)


def _spot(told: Told, scale: float) -> Spot:
    point, group = told.point, told.point.subgroup
    lower, centre, upper = (None if one is None else scale * one for one in (point.lower, point.centre, point.upper))
    return Spot(
        x=group.start,
        y=None if point.value is None else scale * point.value,
        words="\n".join([told.name, counts_words(group), *([told.signal] if told.signal else [])]),
        url=told.url,
        end=max(group.end, group.start + MINUTE),
        centre=centre,
        lower=lower,
        upper=upper,
        signal=told.signal,
    )


def _row(told: Told, in_deviations: bool) -> list[Cell]:
    group = told.point.subgroup
    return [
        Cell(told.name, told.url),
        Cell(rounded(group.judged, 0)),
        Cell(rounded(group.count, 0)),
        Cell(percent(group.rate)),
        Cell(limit_words(told.point, in_deviations)),
        Cell(told.signal or "–"),
    ]
