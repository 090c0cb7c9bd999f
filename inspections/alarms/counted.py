"""The looks of the rules that read the rollups and charts. Now and in a replay they come from here."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from django.db.models import Case, F, IntegerField, Sum, Value, When

from inspections import charting
from inspections.alarms.series import Counted, limit_looks, seen_looks, signal_looks
from inspections.alarms.troubles import Habit, Look
from inspections.models import AlarmRule, Line, RuleKind, SlotCount
from inspections.models.rollup import SLOT

QUIET = timedelta(minutes=15)  # without a sign for longer than this, a trouble is over


def looks(rule: AlarmRule, lines: Collection[Line], since: datetime, until: datetime) -> dict[int, list[Look]]:
    """Each line's looks from `since` to `until`, oldest first. A rate's looks end with the last full slot."""
    if rule.kind == RuleKind.SIGNAL:
        return {line.pk: _signals(rule, line, since, until) for line in lines}
    if rule.kind == RuleKind.CLASS_SEEN:
        seen = _slots_of_class([line.pk for line in lines], rule.defect_class, since, until)
        return {line_id: list(seen_looks(slots)) for line_id, slots in seen.items()}
    over = timedelta(minutes=rule.minutes)
    counted = slots([line.pk for line in lines], rule.defect_class, since - over, until)
    limit = 1.0 if rule.limit is None else rule.limit
    return {
        line_id: [one for one in limit_looks(found, until, SLOT, over, limit, rule.at_least) if one.at > since]
        for line_id, found in counted.items()
    }


def habit(rule: AlarmRule, line: Line) -> Habit:
    """Two subgroups of a chart without a signal, and a quarter of an hour at the least, end its trouble."""
    quiet = QUIET
    if rule.kind == RuleKind.SIGNAL:
        chart = charting.chart_of(line, rule.defect_class)
        quiet = max(QUIET, 2 * timedelta(minutes=chart.size)) if chart.subgroup_by == "time" else 2 * QUIET
    return Habit(quiet, timedelta(seconds=rule.cool_down_s), rule.k, rule.n)


def slots(line_ids: Collection[int], code: str, since: datetime, until: datetime) -> dict[int, list[Counted]]:
    """Judged captures and anomalies (of this class; "": of any) by line and slot; one query."""
    count = Case(When(defect_class=code, then=F("anomalies")), default=Value(0), output_field=IntegerField())
    rows = SlotCount.objects.filter(line__in=line_ids, slot__gte=since, slot__lt=until)
    summed = rows.values("line_id", "slot").annotate(n=Sum("judged"), found=Sum(count if code else F("anomalies")))
    return _by_line(summed.order_by("line_id", "slot").values_list("line_id", "slot", "n", "found"))


def _slots_of_class(line_ids: Collection[int], code: str, since: datetime, until: datetime) -> dict[int, list[Counted]]:
    rows = SlotCount.objects.filter(line__in=line_ids, slot__gt=since - SLOT, slot__lt=until, defect_class=code)
    return _by_line(rows.order_by("line_id", "slot").values_list("line_id", "slot", "judged", "anomalies"))


def _by_line(rows: Iterable[tuple[int, datetime, int, int]]) -> dict[int, list[Counted]]:
    found: dict[int, list[Counted]] = defaultdict(list)
    for line_id, slot, judged, count in rows:
        found[line_id].append(Counted(slot, judged, count))
    return found


def _signals(rule: AlarmRule, line: Line, since: datetime, until: datetime) -> list[Look]:
    chart = charting.chart_of(line, rule.defect_class)
    points = charting.read(chart, since, until, until).points
    return [one for one in signal_looks(points) if since < one.at <= until]
