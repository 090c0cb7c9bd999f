"""A week of a mill: on Tuesday at 02:40 line 3 starts cutting, an operator acts at 03:05, a new model takes over on
Wednesday. The week's counts are rows alone; the night's defects are captures, and the alarms were looked at.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

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
from inspections.models.rollup import SLOT
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
    line = cameras[0].line
    slots: list[SlotCount] = []
    hours: dict[tuple[datetime, str], HourlyCount] = {}
    totals: dict[datetime, HourlyTotal] = {}
    places: dict[tuple[datetime, int, int], PlaceCount] = {}
    days: dict[tuple[datetime, int, int], DailyPlaceCount] = {}
    at = FIRST
    while at < now:
        hour, day = at.replace(minute=0), at.replace(hour=0, minute=0)
        for code, count in _slot(rng).items():
            amounts = {"judged": count, **dict.fromkeys(("flagged", "anomalies", "defects"), count * (code != "good"))}
            slots.append(SlotCount(line=line, slot=at, defect_class=code, **amounts))
            _add(hours.setdefault((hour, code), HourlyCount(line=line, hour=hour, defect_class=code)), amounts)
            _add(totals.setdefault(hour, HourlyTotal(line=line, hour=hour)), amounts)
            start = int(rng.integers(BANDS))
            for number in range(BANDS):
                camera = cameras[number * 2 // BANDS]
                place = PlaceCount(line=line, hour=hour, camera=camera, band=number)
                part = {
                    name: amount // BANDS + ((number - start) % BANDS < amount % BANDS)
                    for name, amount in amounts.items()
                }
                _add(places.setdefault((hour, camera.pk, number), place), part)
                daily = DailyPlaceCount(line=line, day=day, camera=camera, band=number)
                _add(days.setdefault((day, camera.pk, number), daily), part)
        at += SLOT
    SlotCount.objects.bulk_create(slots, batch_size=2000)
    HourlyCount.objects.bulk_create(hours.values(), batch_size=2000)
    HourlyTotal.objects.bulk_create(totals.values(), batch_size=2000)
    PlaceCount.objects.bulk_create(places.values(), batch_size=2000)
    DailyPlaceCount.objects.bulk_create(days.values(), batch_size=2000)


def _slot(rng: np.random.Generator) -> dict[str, int]:
    found = {"thread": int(rng.integers(0, 3)), "hole": int(rng.integers(0, 2)), "color": int(rng.integers(0, 2))}
    return {"good": IN_A_SLOT - sum(found.values()), **found}


def _add(row: HourlyCount | HourlyTotal | PlaceCount | DailyPlaceCount, amounts: dict[str, int]) -> None:
    for name, amount in amounts.items():
        setattr(row, name, getattr(row, name) + amount)


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
