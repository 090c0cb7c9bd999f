"""Alarms of half a year, a few a day over all lines, most of them long resolved."""

from datetime import datetime, timedelta
from random import Random
from typing import Any

from inspections.models import Alarm, AlarmRule

A_DAY = 6  # over all lines


def alarms(mill: Any, since: datetime, until: datetime) -> None:
    chance = Random(until.toordinal())
    rules = list(AlarmRule.objects.all())
    number = int((until - since).total_seconds() / 86_400 * A_DAY)
    Alarm.objects.bulk_create([_alarm(mill, chance, rules, since, until, one) for one in range(number)])


def _alarm(mill: Any, chance: Random, rules: list[AlarmRule], since: datetime, until: datetime, number: int) -> Alarm:
    first = since + (until - since) * chance.random()
    raised, acted = first + timedelta(minutes=4), first + timedelta(minutes=4 + 20 * chance.random())
    ended = acted + timedelta(minutes=30)
    return Alarm(
        rule=chance.choice(rules), line=chance.choice(mill.lines), key=f"{number}-{first:%Y%m%d}", state="resolved",
        words="9.2 % of 218 in 10 minutes, above 8 %", since=first, raised_at=raised, last_at=ended, signs=7,
        acknowledged_at=acted, acknowledged_by=mill.manager, note="the knife was changed", acted_at=acted,
        resolved_at=ended, outcome="it ended",
    )  # fmt: skip
