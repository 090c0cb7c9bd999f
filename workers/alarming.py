"""When alarms are looked for, and how thoroughly: all of it where a slot has ended or old counts have changed."""

from collections.abc import Hashable
from datetime import datetime

from django.db.models import Max, Sum

from inspections import alarms
from inspections.alarms.looking import REACH, settled
from inspections.models import AlarmRule, Line, SlotCount

_seen: dict[int, Hashable] = {}  # each line as it was at the last thorough look of this process


def watch(now: datetime) -> None:
    """One round. What other processes have found stands in rows, so that looking once more writes nothing."""
    global _seen
    state = _state(now)
    alarms.look(now, deep=[line for line, what in state.items() if _seen.get(line) != what])
    _seen = state


def forget() -> None:
    """The next round is thorough on every line."""
    _seen.clear()


def _state(now: datetime) -> dict[int, Hashable]:
    """What rates and charts of each line depend on: which slot was the last to end, what the slots up to it hold, and
    the rules."""
    mark = settled(now)
    lines = list(Line.objects.order_by("pk").values_list("pk", flat=True))
    rows = SlotCount.objects.filter(line__in=lines, slot__gte=now - REACH, slot__lt=mark).values("line_id")
    sums = rows.annotate(n=Sum("judged"), found=Sum("anomalies"))
    counted = {row["line_id"]: (row["n"], row["found"]) for row in sums}
    rules = AlarmRule.objects.aggregate(at=Max("made_at"))["at"]
    return {line: (mark, rules, counted.get(line)) for line in lines}
