"""Rows that control charts are read from, and what breaks a chart; planted as the product counts them."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from inspections import charting
from inspections.models import (
    Baseline,
    ChangeKind,
    ChangeState,
    Chart,
    LengthCount,
    Line,
    ModelVersion,
    Person,
    Roll,
    RollCount,
    SlotCount,
    ThresholdChange,
    VersionChange,
)

TEN = timedelta(minutes=10)
USUAL = (3, 5, 4, 2, 6, 4, 5, 3)  # of 200 each: two percent, and no more spread than chance


def usual(count: int) -> list[int]:
    return [USUAL[place % len(USUAL)] for place in range(count)]


def slots(
    line: Line, start: datetime, counts: Iterable[int], judged: int = 200, step: timedelta = TEN, code: str = "hole"
) -> datetime:
    """One slot in each `step`: so many anomalies of this class among the judged. Returns where the next one begins."""
    rows = []
    for number, count in enumerate(counts):
        at = start + number * step
        rows.append(SlotCount(line=line, slot=at, defect_class="good", judged=judged - count))
        seen = {"judged": count, "flagged": count, "anomalies": count, "defects": count}
        rows.append(SlotCount(line=line, slot=at, defect_class=code, **seen))
    SlotCount.objects.bulk_create(rows)
    return start + len(rows) // 2 * step


def a_roll(code: str, style: str = "twill") -> Roll:
    return Roll.objects.get_or_create(code=code, defaults={"style": style})[0]


def pieces(
    line: Line, roll: Roll, start: datetime, counts: Iterable[int], judged: int = 40, first: int = 0
) -> datetime:
    """Ten metres each, one a minute."""
    rows = []
    for number, count in enumerate(counts):
        key = {"line": line, "roll": roll, "piece": first + number, "first_at": start + timedelta(minutes=number)}
        rows.append(LengthCount(**key, defect_class="good", judged=judged - count))
        rows.append(LengthCount(**key, defect_class="hole", judged=count, flagged=count, anomalies=count))
    LengthCount.objects.bulk_create(rows)
    RollCount.objects.get_or_create(
        line=line, roll=roll, defaults={"judged": len(rows) // 2 * judged, "first_at": start, "style": roll.style}
    )
    return start + timedelta(minutes=len(rows) // 2)


def a_change(
    version: ModelVersion, at: datetime, previous: ModelVersion | None = None, line: Line | None = None
) -> VersionChange:
    """It took effect, of the mill or of the line."""
    return VersionChange.objects.create(
        kind=ChangeKind.PROMOTE,
        version=version,
        previous=previous,
        line=line,
        asked_at=at,
        reason="better",
        state=ChangeState.ACTIVE,
        decided_at=at,
    )


def a_threshold(line: Line, at: datetime, new: float, old: float | None = None) -> ThresholdChange:
    return ThresholdChange.objects.create(line=line, at=at, old=old, new=new, reason="too many flags")


def confirmed(chart: Chart, since: datetime, until: datetime, person: Person, now: datetime, **_more: Any) -> Baseline:
    found = charting.confirm(chart, since, until, person, "a quiet day", now)
    assert isinstance(found, Baseline), found
    return found
