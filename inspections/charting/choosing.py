"""What is charted of a line: the kind of chart, its subgroups, its rules."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from inspections.models import AuditEvent, Chart, ChartKind, DefectClass, Line, Person, RuleSet, SubgroupBy
from inspections.models.defect_class import GOOD, UNKNOWN
from inspections.snapshots import Refused

MINUTES = (5, 10, 15, 20, 30, 60, 120, 240, 480)
METRES = (10, 20, 50, 100, 200, 500, 1000)
RULES = (1, 2, 3, 4)
WEIGHTS = (0.2, 0.25, 0.3)  # of an EWMA: the smaller, the longer its memory
DECISIONS = (4.0, 4.5, 5.0)  # of a CUSUM: the smaller, the sooner it signals, and the more often for nothing


@dataclass(frozen=True)
class Wish:
    """A chart as somebody wants it. `rules`: numbers of the set; rule 1 is always on. `weight` is an EWMA's, `decision`
    a CUSUM's."""

    kind: str
    subgroup_by: str
    size: int  # minutes or metres
    rule_set: str = RuleSet.NELSON
    rules: Sequence[int] = (1,)
    weight: float = WEIGHTS[0]
    decision: float = DECISIONS[-1]


def chart_of(line: Line, code: str = "") -> Chart:
    """The line's chart of a class; of the anomaly rate where `code` is empty. Unsaved where nobody has chosen one."""
    return charts_of([line.pk], code).get(line.pk) or Chart(line=line, defect_class=code)


def charts_of(line_ids: Collection[int], code: str = "") -> dict[int, Chart]:
    """Those that somebody has chosen."""
    rows = Chart.objects.filter(line__in=line_ids, defect_class=code).select_related("line")
    return {chart.line_id: chart for chart in rows}


def choose(line: Line, code: str, wish: Wish, person: Person, now: datetime) -> Chart | Refused:
    """Chart it so from now on. Where kind or subgroups change, the old baseline no longer fits and a new one is due."""
    objection = _objection_to(code, wish)
    if objection:
        return Refused(objection)
    rules = sorted({1, *wish.rules})
    values = {
        "kind": wish.kind,
        "subgroup_by": wish.subgroup_by,
        "size": wish.size,
        "rule_set": wish.rule_set,
        "rules": rules,
        "weight": wish.weight,
        "decision": wish.decision,
    }
    with transaction.atomic():
        Line.objects.select_for_update(of=("self",), no_key=True).get(pk=line.pk)  # two presses, one after the other
        stands = Chart.objects.filter(line=line, defect_class=code, **values).first()
        if stands:
            return stands
        chart, _made = Chart.objects.update_or_create(line=line, defect_class=code, defaults=values)
        told = {**values, **({"class": code} if code else {})}
        AuditEvent.note(person, "chart", f"line {line.slug}", now, **told)
    return chart


def _objection_to(code: str, wish: Wish) -> str:
    if code == GOOD or (code and code != UNKNOWN and not DefectClass.objects.filter(code=code).exists()):
        return _("There is no such class to chart.")
    if wish.kind not in ChartKind.values or wish.rule_set not in RuleSet.values:
        return _("There is no such chart.")
    if wish.weight not in WEIGHTS or wish.decision not in DECISIONS:
        return _("An EWMA weighs by 0.2, 0.25 or 0.3, a CUSUM decides at 4, 4.5 or 5.")
    if not set(wish.rules) <= set(RULES):
        return _("On attribute charts there are the rules 1 to 4 only.")
    if wish.subgroup_by == SubgroupBy.TIME:
        return "" if wish.size in MINUTES else _("A subgroup takes 5, 10, 15, 20, 30, 60, 120, 240 or 480 minutes.")
    if wish.subgroup_by == SubgroupBy.LENGTH:
        return "" if wish.size in METRES else _("A subgroup takes 10, 20, 50, 100, 200, 500 or 1000 metres.")
    return _("Subgroups are made by time or by length of cloth.")
