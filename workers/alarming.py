"""When alarms are looked for, and how thoroughly: all of it where a slot has ended or old counts have changed."""

from collections.abc import Hashable
from datetime import datetime
from typing import Any

from django.db.models import Max, Sum

from inspections import alarms
from inspections.alarms.looking import REACH, settled
from inspections.models import AlarmRule, SlotCount
from inspections.tally import AMOUNTS

_seen: Hashable = None  # by the last thorough look of this process


def watch(now: datetime) -> None:
    """One round. What other processes have seen is written down by them, so that looking again writes nothing."""
    global _seen
    state = _state(now)
    alarms.look(now, deep=state != _seen)
    _seen = state


def forget() -> None:
    """The next round is thorough."""
    global _seen
    _seen = None


def _state(now: datetime) -> Hashable:
    """What rates and charts depend on: which slot was the last to end, what the slots up to it hold, and the rules."""
    mark = settled(now)
    rows = SlotCount.objects.filter(slot__gte=now - REACH, slot__lt=mark)
    counted: dict[str, Any] = rows.aggregate(**{name: Sum(name) for name in AMOUNTS})
    rules = AlarmRule.objects.aggregate(at=Max("made_at"))["at"]
    return mark, tuple(counted.values()), rules
