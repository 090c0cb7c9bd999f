"""A class that is seen again in the very five minutes in which its alarm was resolved by a person."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from inspections.alarms.troubles import Habit, Look, Trouble
from inspections.models import AlarmRule, Capture, Line
from inspections.models.defect_class import held_for
from inspections.models.rollup import SLOT


def seen_anew(rule: AlarmRule, line: Line, seen: list[Look], known: Sequence[Trouble], habit: Habit) -> list[Look]:
    """The same looks; where a resolution, or the cool-down after it, ends within a slot, the look at this slot lies at
    its first image of the class that was made afterwards, if there is one. What a slot counts does not tell."""
    edges = sorted(one.ended + habit.cool_down for one in known if one.ended and one.end(habit) == one.ended)
    return [_after(rule, line, look, edges) for look in seen] if edges else seen


def _after(rule: AlarmRule, line: Line, look: Look, edges: Sequence[datetime]) -> Look:
    edge = next((one for one in reversed(edges) if look.at <= one < look.at + SLOT), None)
    if edge is None or not look.over:
        return look
    rows = Capture.objects.filter(held_for(rule.defect_class), line=line, anomaly=True)
    rows = rows.filter(counted_at__gt=edge, counted_at__lt=look.at + SLOT)
    made = list(rows.order_by("counted_at").values_list("counted_at", flat=True))
    return replace(look, at=made[0], began=made[0], figures={"count": len(made)}) if made else look
