"""The looks of the rules that read the rollups and charts. Now and in a replay they come from here."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from django.db.models import Case, F, IntegerField, Sum, Value, When

from inspections import charting
from inspections.alarms.series import Counted, limit_looks, seen_looks, signal_looks
from inspections.alarms.troubles import MEMORY, Habit, Look
from inspections.models import AlarmRule, Chart, Line, RuleKind, SlotCount, SubgroupBy
from inspections.models.rollup import SLOT

QUIET = timedelta(minutes=15)  # without a sign for longer than this, a trouble is over
BY_LENGTH = timedelta(hours=1)  # the same where a chart's subgroups are lengths of cloth


def looks(rule: AlarmRule, lines: Collection[Line], since: datetime, until: datetime) -> dict[int, list[Look]]:
    """Each line's looks after `since` up to `until`, oldest first. A rate's looks end with the last full slot."""
    if rule.kind == RuleKind.SIGNAL:
        return {chart.line_id: _signals(chart, since, until) for chart in charts(rule, lines)}
    if rule.kind == RuleKind.CLASS_SEEN:
        running = slots([line.pk for line in lines], rule.defect_class, since - SLOT, until)
        return {
            line_id: [one for one in seen_looks(found) if one.at > since - SLOT] for line_id, found in running.items()
        }
    over = timedelta(minutes=rule.minutes)
    counted = slots([line.pk for line in lines], rule.defect_class, since - over, until)
    limit = 1.0 if rule.limit is None else rule.limit
    return {
        line_id: [one for one in limit_looks(found, until, SLOT, over, limit, rule.at_least) if one.at > since]
        for line_id, found in counted.items()
    }


def habits(rule: AlarmRule, lines: Collection[Line]) -> dict[int, Habit]:
    """Each line's. Two subgroups of a chart without a signal, and a quarter of an hour at the least, end a trouble.
    The last n subgroups of a chart count together also where they take longer than a day."""
    usual = Habit(QUIET, timedelta(seconds=rule.cool_down_s), rule.k, rule.n)
    if rule.kind != RuleKind.SIGNAL:
        return {line.pk: usual for line in lines}
    return {
        chart.line_id: replace(usual, quiet=_quiet(chart), memory=_memory(chart, rule.n))
        for chart in charts(rule, lines)
    }


def _quiet(chart: Chart) -> timedelta:
    by_time = chart.subgroup_by == SubgroupBy.TIME
    return max(QUIET, 2 * timedelta(minutes=chart.size)) if by_time else BY_LENGTH


def _memory(chart: Chart, n: int) -> timedelta:
    by_time = chart.subgroup_by == SubgroupBy.TIME
    return max(MEMORY, n * timedelta(minutes=chart.size)) if by_time else MEMORY


def charts(rule: AlarmRule, lines: Collection[Line]) -> list[Chart]:
    """The charts of the rule's class, a default where nobody has chosen one; one query."""
    found = charting.charts_of([line.pk for line in lines], rule.defect_class)
    return [found.get(line.pk) or Chart(line=line, defect_class=rule.defect_class) for line in lines]


def slots(line_ids: Collection[int], code: str, since: datetime, until: datetime) -> dict[int, list[Counted]]:
    """Judged captures and anomalies (of this class; "": of any) by line and slot; one query."""
    count = Case(When(defect_class=code, then=F("anomalies")), default=Value(0), output_field=IntegerField())
    rows = SlotCount.objects.filter(line__in=line_ids, slot__gte=since, slot__lt=until)
    summed = rows.values("line_id", "slot").annotate(n=Sum("judged"), found=Sum(count if code else F("anomalies")))
    return _by_line(summed.order_by("line_id", "slot").values_list("line_id", "slot", "n", "found"))


def _by_line(rows: Iterable[tuple[int, datetime, int, int]]) -> dict[int, list[Counted]]:
    found: dict[int, list[Counted]] = defaultdict(list)
    for line_id, slot, judged, count in rows:
        found[line_id].append(Counted(slot, judged, count))
    return found


def _signals(chart: Chart, since: datetime, until: datetime) -> list[Look]:
    """A subgroup belongs to the period that it begins in, so the one that `since` cuts is read too."""
    back = timedelta(minutes=chart.size) if chart.subgroup_by == SubgroupBy.TIME else BY_LENGTH
    points = charting.read(chart, since - back, until, until, propose=False).points
    unit = "σ" if chart.in_deviations else ""
    found = signal_looks(points, partial(charting.signal_words, chart=chart), unit)
    return sorted((one for one in found if since < one.at <= until), key=lambda one: one.at)
