"""A proposed baseline as a plot: its own subgroups within the limits that it would give."""

from datetime import timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from inspections import charting
from inspections.charting import Point, Proposal
from inspections.models import Chart
from inspections.pages.line_plots import Frame
from inspections.pages.line_rate import counts_words, group_words, limit_words, signal_words
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
    spots = [_spot(frame, chart, point, 1.0 if in_deviations else 100.0) for point in shown]
    return Plot(
        key="proposal",
        title=_("Its subgroups within the limits that it would give"),
        words=_told(offered, len(shown)),
        kind="control",
        data=over_time([Series(_("Rate"), spots)], shown[0].subgroup.start, until, unit="σ" if in_deviations else "%"),
        table=Table(
            (_("Time"), _("Judged"), _("Anomalies"), _("Rate"), _("Limits"), _("Signal")),
            [_row(frame, chart, point, in_deviations) for point in reversed(shown)],
        ),
    )


def _told(offered: Proposal, shown: int) -> str:
    words = ngettext(
        "%(out)d of %(n)d subgroups lies outside.", "%(out)d of %(n)d subgroups lie outside.", offered.outside
    ) % {"out": offered.outside, "n": offered.subgroups}
    if shown < offered.subgroups:
        words = f"{words} {_('The latest %(shown)d are drawn.') % {'shown': shown}}"
    return words


def _spot(frame: Frame, chart: Chart, point: Point, scale: float) -> Spot:
    lower, centre, upper = (None if one is None else scale * one for one in (point.lower, point.centre, point.upper))
    said = signal_words(chart, point)
    group = point.subgroup
    return Spot(
        x=group.start,
        y=None if point.value is None else scale * point.value,
        words="\n".join([group_words(group), counts_words(group), *([said] if said else [])]),
        url=_url(frame, chart, point),
        end=max(group.end, group.start + MINUTE),
        centre=centre,
        lower=lower,
        upper=upper,
        signal=said,
    )


def _url(frame: Frame, chart: Chart, point: Point) -> str:
    more = {"class": chart.defect_class} if chart.defect_class else {}
    start = point.subgroup.start
    return frame.url(start, max(point.subgroup.end, start + MINUTE), **more)


def _row(frame: Frame, chart: Chart, point: Point, in_deviations: bool) -> list[Cell]:
    group = point.subgroup
    return [
        Cell(group_words(group), _url(frame, chart, point)),
        Cell(rounded(group.judged, 0)),
        Cell(rounded(group.count, 0)),
        Cell(percent(group.rate)),
        Cell(limit_words(point, in_deviations)),
        Cell(signal_words(chart, point) or "–"),
    ]
