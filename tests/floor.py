"""What the overview shows, planted: lines with a day of counts, a standing baseline, alarms in each state."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from inspections.models import Alarm, AlarmRule, Baseline, Camera, HourlyCount, HourlyTotal, Line, RuleKind, SlotCount
from inspections.models.rollup import SLOT
from inspections.standing import slot_of
from tests.alarmed import a_rule
from tests.cast import a_camera, a_line
from tests.judged import judged

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
IN_A_SLOT = 100


def an_alarm(line: str = "loom-1", rule: AlarmRule | None = None, **fields: Any) -> Alarm:
    """Raised a quarter of an hour ago; its first sign came five minutes before that."""
    raised = fields.pop("raised_at", timezone.now() - timedelta(minutes=15))
    usual = {"words": "Anomaly rate 9.0 %: above 5.0 %.", "since": raised - timedelta(minutes=5), "last_at": raised}
    rule = rule or AlarmRule.objects.first() or a_rule()
    return Alarm.objects.create(line=a_line(line), rule=rule, raised_at=raised, **{**usual, **fields})


def critical_rule(**fields: Any) -> AlarmRule:
    values = {"name": "metal was seen", "defect_class": "metal_contamination", "critical": True, **fields}
    return a_rule(RuleKind.CLASS_SEEN, **values)


def a_standing_baseline(line: Line, centre: float = 0.02) -> Baseline:
    """Confirmed a week ago and broken by nothing since."""
    now = timezone.now()
    return Baseline.objects.create(
        line=line, kind="p", subgroup_by="time", size=10, since=now - 14 * DAY, until=now - 7 * DAY, subgroups=500,
        judged=50_000, centre=centre, confirmed_at=now - 7 * DAY,
    )  # fmt: skip


def in_a_slot(line: Line, slot: datetime, anomalies: int, code: str = "hole", judged: int = IN_A_SLOT) -> None:
    """Rows of the rollups by time alone."""
    hour = slot.replace(minute=0)
    for name, count, bad in ((code, anomalies, anomalies), ("good", judged - anomalies, 0)):
        of_class = {"defect_class": name}
        for model, key in (
            (SlotCount, {"slot": slot, **of_class}),
            (HourlyCount, {"hour": hour, **of_class}),
            (HourlyTotal, {"hour": hour}),
        ):
            row, _made = model._default_manager.get_or_create(line=line, **key)
            row.judged, row.flagged, row.anomalies = row.judged + count, row.flagged + bad, row.anomalies + bad
            row.save()


def a_running_line(slug: str = "loom-1", anomalies: int = 2, bad: int | None = None, bad_slots: int = 3) -> Line:
    """Two hours of slots up to now, `anomalies` of a hundred; of the last ones `bad`. Its camera spoke just now."""
    now = timezone.now()
    camera: Camera = a_camera(slug, seen_at=now)
    judged(camera, "good", 0.01, at=now)
    for back in range(24):
        count = bad if bad is not None and back < bad_slots else anomalies
        in_a_slot(camera.line, slot_of(now) - SLOT * back, count)
    return camera.line
