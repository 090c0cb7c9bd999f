"""The control chart of an alarm's hours, as the line's page draws it."""

from dataclasses import replace
from datetime import datetime, timedelta

from django.urls import reverse
from django.utils.translation import gettext as _

from inspections import charting
from inspections.alarms.acting import ABOUT_CLOTH
from inspections.models import Alarm, Chart, RuleKind
from inspections.pages.line_marks import marks_of, shifts_of
from inspections.pages.line_plots import Frame
from inspections.pages.line_rate import rate_plot
from inspections.pages.periods import percent
from inspections.pages.plots import Plot
from inspections.spans import Span
from inspections.standing import slot_of

BEFORE, AFTER = timedelta(hours=2), timedelta(hours=1)
LONGEST = timedelta(hours=24)


def alarm_plot(alarm: Alarm, names: dict[str, str], now: datetime) -> Plot | None:
    """From two hours before its first sign to an hour after its last; None where it is not about cloth."""
    if alarm.rule.kind not in ABOUT_CLOTH:
        return None
    since = slot_of(alarm.since - BEFORE)
    until = slot_of(min(alarm.last_at + AFTER, now, since + LONGEST)) + timedelta(minutes=5)
    span = Span(since, until, "")
    frame = Frame(alarm.line, since, until, names, marks_of(alarm.line, span), shifts_of(span), _choose(alarm))
    chart = charting.chart_of(alarm.line, alarm.rule.defect_class)
    if alarm.rule.kind == RuleKind.LIMIT and chart.in_deviations:
        # The limit is a rate, so it is drawn where rates are.
        chart = Chart(line=chart.line, defect_class=chart.defect_class, subgroup_by=chart.subgroup_by, size=chart.size)
    found = rate_plot(frame, chart, None, now)
    limit = alarm.figures.get("limit")  # as it was seen: the rule may have changed since
    if alarm.rule.kind != RuleKind.LIMIT or limit is None:
        return found
    level = {"y": 100 * limit, "words": _("limit %(limit)s") % {"limit": percent(limit)}}
    return replace(found, data={**found.data, "levels": [level]})


def _choose(alarm: Alarm) -> str:
    return reverse("line", args=[alarm.line.slug])
