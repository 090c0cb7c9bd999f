"""A week of a mill: on Tuesday at 02:40 line 3 starts cutting, an operator acts at 03:05, a new model takes over on
Wednesday. The week's counts are rows alone; the night's defects are captures, and the alarms were looked at.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

import numpy as np
from PIL import Image

from inspections import alarms, charting
from inspections.models import (
    Alarm,
    Camera,
    ChangeKind,
    ChangeState,
    DailyPlaceCount,
    HourlyCount,
    HourlyTotal,
    Line,
    ModelVersion,
    Person,
    PlaceCount,
    Shift,
    SlotCount,
    State,
    VersionChange,
)
from inspections.models.rollup import SLOT, Counts
from ml.fabric import Roll as DrawnRoll
from tests import cast
from tests.cast import a_camera, a_line, a_person, encoded
from tests.judged import a_version, judged

TUESDAY = datetime(2026, 11, 17, tzinfo=UTC)
BEGAN = TUESDAY + timedelta(hours=2, minutes=40)
ACTED = TUESDAY + timedelta(hours=3, minutes=5)
MENDED = TUESDAY + timedelta(hours=3, minutes=15)
PROMOTED = TUESDAY + timedelta(days=1, hours=10)
NOW = TUESDAY + timedelta(days=1, hours=14)
FIRST = TUESDAY - timedelta(days=9)

LINES = ("line-1", "line-2", "line-3")
BANDS = 16
IN_A_SLOT = 120  # images of one line in five minutes
CUTTING = 10  # images in five minutes
NOTE = "Needle 4 of the third bar was broken. Changed."


@dataclass(frozen=True)
class Mill:
    third: Line
    mara: Person
    olga: Person
    alarm: Alarm


def the_week(now: datetime = NOW) -> Mill:
    """Everything up to then."""
    old = a_version("2026.11.1")
    cameras = {slug: [a_camera(slug, side) for side in ("left", "right")] for slug in LINES}
    for place, slug in enumerate(LINES):
        Line.objects.filter(slug=slug).update(name=f"Line {place + 1}")
    Camera.objects.update(seen_at=now, silent_after_s=10**6)
    mara, olga = cast.mara(), a_person("olga", cast.Role.OPERATOR, *(a_line(slug) for slug in LINES))
    _shifts()
    alarms.look(FIRST)
    rng = np.random.default_rng(17)
    for slug in LINES:
        _plant(cameras[slug], now, rng)
    for slug in LINES:
        chart = charting.chart_of(Line.objects.get(slug=slug))
        monday = TUESDAY - timedelta(days=1)
        charting.confirm(chart, monday - timedelta(days=7), monday, mara, "A week without trouble.", monday)
    alarm = _the_night(cameras["line-3"], olga, now)
    if now > PROMOTED:
        _promoted(old, mara)
    for slug in LINES:
        judged(cameras[slug][0], "good", 0.02, now - timedelta(seconds=20), offset_mm=300.0)
    alarms.look(now)
    alarm.refresh_from_db()
    return Mill(Line.objects.get(slug="line-3"), mara, olga, alarm)


def _shifts() -> None:
    for name, starts, ends in (("Early", 6, 14), ("Late", 14, 22), ("Night", 22, 6)):
        Shift.objects.create(name=name, starts=time(starts), ends=time(ends), days=[1, 2, 3, 4, 5, 6, 7], zone="UTC")


def _plant(cameras: list[Camera], now: datetime, rng: np.random.Generator) -> None:
    """The line's counts alone, without their images: steady, so that nothing of it signals."""
    sums = _Sums()
    at = FIRST
    while at < now:
        hour, day = at.replace(minute=0), at.replace(hour=0, minute=0)
        for code, count in _slot(rng).items():
            wrong = count if code != "good" else 0
            sums.add(SlotCount, (count, wrong), slot=at, defect_class=code)
            sums.add(HourlyCount, (count, wrong), hour=hour, defect_class=code)
            sums.add(HourlyTotal, (count, wrong), hour=hour)
            start = int(rng.integers(BANDS))
            for number in range(BANDS):
                place = (number - start) % BANDS
                part = (count // BANDS + (place < count % BANDS), wrong // BANDS + (place < wrong % BANDS))
                where = {"camera": cameras[number * 2 // BANDS], "band": number}
                sums.add(PlaceCount, part, hour=hour, **where)
                sums.add(DailyPlaceCount, part, day=day, **where)
        at += SLOT
    sums.write(cameras[0].line)


class _Sums:
    """Added up before there are rows: a row for each part would take most of the story's time."""

    def __init__(self) -> None:
        self.found: dict[tuple[type[Counts], tuple[tuple[str, Any], ...]], list[int]] = {}

    def add(self, model: type[Counts], part: tuple[int, int], **where: Any) -> None:
        """`part`: judged, and of these the defects, all of which were flagged."""
        row = self.found.setdefault((model, tuple(where.items())), [0, 0])
        row[0] += part[0]
        row[1] += part[1]

    def write(self, line: Line) -> None:
        rows: dict[type[Counts], list[Counts]] = defaultdict(list)
        for (model, where), (count, wrong) in self.found.items():
            rows[model].append(
                model(line=line, judged=count, flagged=wrong, anomalies=wrong, defects=wrong, **dict(where))
            )
        for model, some in rows.items():
            model._default_manager.bulk_create(some, batch_size=2000)


def _slot(rng: np.random.Generator) -> dict[str, int]:
    found = {"thread": int(rng.integers(0, 3)), "hole": int(rng.integers(0, 2)), "color": int(rng.integers(0, 2))}
    return {"good": IN_A_SLOT - sum(found.values()), **found}


def _the_night(cameras: list[Camera], olga: Person, now: datetime) -> Alarm:
    """Line 3 cuts; the alarms are looked at every five minutes; Olga acknowledges, and changes the needle."""
    cloth = DrawnRoll(3)
    pictures = [encoded(Image.fromarray(cloth.frame(number, "cut").image)) for number in range(12)]
    at, shown = BEGAN, 0
    while at + SLOT <= min(TUESDAY + timedelta(hours=4), now):
        if at < MENDED:
            for number in range(CUTTING):
                taken = at + timedelta(seconds=20 + 25 * number)
                data = pictures[shown % len(pictures)]
                judged(cameras[1], "cut", 0.95 - number / 50, taken, data=data, offset_mm=1200.0, mm_per_px=0.2)
                shown += 1
        at += SLOT
        alarms.look(at)
        if at == ACTED:
            alarms.acknowledge(_alarm(cameras), olga, NOTE, at)
    return _alarm(cameras)


def _alarm(cameras: list[Camera]) -> Alarm:
    return Alarm.objects.get(line=cameras[0].line)


def _promoted(old: ModelVersion, mara: Person) -> None:
    """2026.11.2 takes over for the whole mill."""
    ModelVersion.objects.filter(pk=old.pk).update(state=State.RETIRED, is_default=False)
    VersionChange.objects.create(
        kind=ChangeKind.PROMOTE, version=a_version("2026.11.2"), previous=old, asked_by=mara, asked_at=PROMOTED,
        decided_at=PROMOTED, state=ChangeState.ACTIVE, reason="Finds fine threads.",
    )  # fmt: skip
