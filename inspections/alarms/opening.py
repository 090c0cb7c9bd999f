"""What a new alarm is written down with: words, figures, the leading class, and when exactly the trouble began.
A replay says the same of what would have been."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Sum

from inspections.alarms import words
from inspections.alarms.troubles import Trouble
from inspections.models import AlarmRule, Capture, Line, SlotCount
from inspections.models.defect_class import GOOD
from inspections.models.rollup import SLOT
from inspections.spans import mark_before

LATE = timedelta(minutes=15)  # from the sign to the alarm; longer, and the alarm says that it is about the past


def alarm_of(rule: AlarmRule, line: Line, trouble: Trouble, now: datetime) -> tuple[str, dict[str, Any], Trouble]:
    """Of a rule that reads rollups or charts: its words, its figures, and the trouble with its exact beginning."""
    names, figures = words.class_names(), dict(trouble.figures)
    said, leading, since = opened(rule, line, trouble, names)
    if leading:
        figures["leading"] = leading
    if now - trouble.raised > LATE:
        figures["late"] = True
        said = f"{said} {words.late(since)}"
    return said, figures, replace(trouble, since=since)


def opened(rule: AlarmRule, line: Line, trouble: Trouble, names: words.Names) -> tuple[str, str, datetime]:
    """Its words, the class that leads where the rule asks for none, and its first defect. Two queries at most."""
    said = words.words_of(rule, trouble.figures, names)
    leading = "" if rule.defect_class else _leading(line, trouble)
    since = _first_defect(line, rule.defect_class or leading, trouble) or trouble.since
    return (f"{said} {words.mostly(leading, names)}" if leading else said), leading, since


def _first_defect(line: Line, code: str, trouble: Trouble) -> datetime | None:
    """The first flagged capture of its class while it grew: there are always some of the usual kinds before it."""
    found = Capture.objects.filter(line=line, flagged=True, counted_at__gte=trouble.since)
    found = found.filter(counted_at__lt=max(trouble.raised, trouble.since + SLOT))
    if code:
        found = found.filter(defect_class__code=code)
    return found.order_by("counted_at").values_list("counted_at", flat=True).first()


def _leading(line: Line, trouble: Trouble) -> str:
    """The class that most anomalies of its time are of; `good` is no defect, however suspicious."""
    first = mark_before(trouble.since)  # a length of cloth begins within a slot
    rows = SlotCount.objects.filter(line=line, slot__gte=first, slot__lte=trouble.last, anomalies__gt=0)
    by_class = rows.exclude(defect_class=GOOD).values("defect_class").annotate(n=Sum("anomalies"))
    return by_class.order_by("-n", "defect_class").values_list("defect_class", flat=True).first() or ""
