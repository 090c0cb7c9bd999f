"""Rules, and counts as the rollups hold them, for the tests of alarms."""

from datetime import UTC, datetime, timedelta
from typing import Any

from inspections.models import AlarmRule, Baseline, Channel, ChannelKind, Line, RuleKind, SlotCount
from inspections.models.rollup import SLOT

MONDAY = datetime(2026, 11, 16, 6, 0, tzinfo=UTC)
SOON = timedelta(seconds=40)  # after a slot's end: its last captures have been judged
MINUTE = timedelta(minutes=1)


def a_rule(kind: RuleKind = RuleKind.LIMIT, **fields: Any) -> AlarmRule:
    """Over 10 % of at least 20 in ten minutes, on every line, since long ago."""
    usual: dict[str, Any] = {"name": "a rule", "kind": kind, "made_at": MONDAY - timedelta(days=60)}
    if kind == RuleKind.LIMIT:
        usual["limit"] = 0.1
    return AlarmRule.objects.create(**{**usual, **fields})


def counted(line: Line, slot: datetime, judged: int, anomalies: int = 0, code: str = "hole") -> None:
    """What the five minutes from `slot` hold of a line, instead of what they held."""
    rows = ((code, anomalies, anomalies), ("good", judged - anomalies, 0))
    for name, n, bad in rows:
        values = {"judged": n, "flagged": bad, "anomalies": bad, "defects": bad}
        SlotCount.objects.update_or_create(line=line, slot=slot, defect_class=name, defaults=values)


def bad_slots(line: Line, start: datetime, count: int, anomalies: int = 30, code: str = "hole") -> datetime:
    """So many slots of 100, 30 of them bad; returns their end."""
    for number in range(count):
        counted(line, start + number * SLOT, 100, anomalies, code)
    return start + count * SLOT


def a_baseline(line: Line, centre: float = 0.02, code: str = "", **fields: Any) -> Baseline:
    """Confirmed the week before, of subgroups of ten minutes."""
    until = MONDAY - timedelta(days=7)
    usual: dict[str, Any] = {
        "kind": "p", "subgroup_by": "time", "size": 10, "since": until - timedelta(days=7), "until": until,
        "subgroups": 500, "judged": 50_000, "centre": centre, "confirmed_at": until,
    }  # fmt: skip
    return Baseline.objects.create(line=line, defect_class=code, **{**usual, **fields})


def a_channel(kind: ChannelKind = ChannelKind.WEBHOOK, target: str = "http://127.0.0.1:9/", **fields: Any) -> Channel:
    usual = {"name": f"by {kind}", "secret": "a secret of the mill"}
    return Channel.objects.create(kind=kind, target=target, **{**usual, **fields})
