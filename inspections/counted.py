"""What was counted of one line over a stretch of time: by class and step of time, and by place across the width.

Whole hours come from the hourly rollup and the rest at both ends from the five minutes', so every figure is exact and
half a year is a few thousand rows. Places are kept by the hour alone: they are read by whole hours.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from typing import Any

from django.db.models import Case, IntegerField, Q, QuerySet, Sum, Value, When

from inspections.models import HourlyCount, PlaceCount, SlotCount
from inspections.rates import HOUR, NOTHING, Tally, hour_of
from inspections.spans import DAY, moment_of
from inspections.tally import AMOUNTS

MINUTE = timedelta(minutes=1)
WEEK = 7 * DAY
# A stretch up to the first is told in steps of the second.
STEPS = (
    (90 * MINUTE, 5 * MINUTE),
    (3 * HOUR, 10 * MINUTE),
    (13 * HOUR, 30 * MINUTE),
    (50 * HOUR, HOUR),
    (8 * DAY, 6 * HOUR),
    (46 * DAY, DAY),
)


def step_of(length: timedelta) -> timedelta:
    """The step that a stretch of this length is told in: some ten to fifty of them."""
    return next((step for most, step in STEPS if length <= most), WEEK)


def bounds_of(since: datetime, until: datetime, step: timedelta, zone: tzinfo) -> list[datetime]:
    """Where each step begins, and where the last one ends. The first and the last may be cut short.

    Steps under a day lie on the clock, six hours from midnight on; days and weeks are local ones. A day begins with
    its first full UTC hour, because so the rollups count.
    """
    inner = _round(since, until, step) if step <= HOUR else _local(since, until, step, zone)
    return [since, *(at for at in inner if since < at < until), until]


def _round(since: datetime, until: datetime, step: timedelta) -> list[datetime]:
    first = hour_of(since)
    return [first + step * number for number in range((until - first) // step + 1)]


def _local(since: datetime, until: datetime, step: timedelta, zone: tzinfo) -> list[datetime]:
    day = since.astimezone(zone).date()
    if step == WEEK:
        day -= timedelta(days=day.weekday())
    found = []
    while (start := _day_start(datetime.combine(day, time()), zone)) < until:
        found += [start + step * number for number in range(max(DAY // step, 1))]
        day += max(step, DAY)
    return found


def _day_start(wall: datetime, zone: tzinfo) -> datetime:
    start = moment_of(wall, zone)
    return start if start == hour_of(start) else hour_of(start) + HOUR


# --- by class -----------------------------------------------------------------------------------------------------

Classes = dict[str, Tally]  # by code; failed captures have the code ""


def by_step(line_id: int, bounds: Sequence[datetime]) -> list[Classes]:
    """What each step counted, by class; at most two queries."""
    found: list[Classes] = [{} for _ in bounds[1:]]
    since, until = bounds[0], bounds[-1]
    first, last = _hour_after(since), hour_of(until)
    if all(at == hour_of(at) for at in bounds[1:-1]) and first < last:
        _add(found, HourlyCount.objects.filter(line=line_id, hour__gte=first, hour__lt=last), "hour", bounds)
        outside = Q(slot__gte=since, slot__lt=first) | Q(slot__gte=last, slot__lt=until)
        if since < first or last < until:
            _add(found, SlotCount.objects.filter(outside, line=line_id), "slot", bounds)
    else:
        _add(found, SlotCount.objects.filter(line=line_id, slot__gte=since, slot__lt=until), "slot", bounds)
    return found


def _hour_after(moment: datetime) -> datetime:
    return moment if moment == hour_of(moment) else hour_of(moment) + HOUR


def _add(found: list[Classes], rows: QuerySet[Any], field: str, bounds: Sequence[datetime]) -> None:
    for step, code, *counts in _summed(rows, field, bounds, "defect_class"):
        classes = found[step]
        classes[code] = classes.get(code, NOTHING) + Tally(*counts)


def _summed(
    rows: QuerySet[Any], field: str, bounds: Sequence[datetime], *keys: str, amounts: Sequence[str] = AMOUNTS
) -> Any:
    """Sums by step (its place) and keys."""
    sums = {f"sum_{name}": Sum(name) for name in amounts}
    step = _step(field, bounds, 0, len(bounds) - 1)
    return rows.order_by().annotate(step=step).values("step", *keys).annotate(**sums).values_list("step", *keys, *sums)


def _step(field: str, bounds: Sequence[datetime], first: int, last: int) -> Case | Value:
    """Which of the steps `first` to before `last` a row lies in, found by halves: a row of half a year is compared five
    times, not twenty."""
    if last - first <= 1:
        return Value(first)
    middle = (first + last) // 2
    return Case(
        When(**{f"{field}__lt": bounds[middle]}, then=_step(field, bounds, first, middle)),
        default=_step(field, bounds, middle, last),
        output_field=IntegerField(),
    )


def total(steps: Sequence[Classes], code: str | None = None) -> Tally:
    """Of everything, or of one class."""
    return sum((one for classes in steps for key, one in classes.items() if code in (None, key)), NOTHING)


# --- by place -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Place:
    """What one camera judged, and the anomalies of it, in one step and band: its number from the left selvedge, NO_BAND
    where that was not said."""

    step: int
    camera: int
    band: int
    tally: Tally


def whole_hours(since: datetime, until: datetime) -> tuple[datetime, datetime]:
    """The stretch, widened to hours."""
    return hour_of(since), _hour_after(until)


def by_place(line_id: int, bounds: Sequence[datetime]) -> list[Place]:
    """One query; `bounds` are whole hours."""
    rows = PlaceCount.objects.filter(line=line_id, hour__gte=bounds[0], hour__lt=bounds[-1])
    summed = _summed(rows, "hour", bounds, "camera_id", "band", amounts=("judged", "anomalies"))
    return [
        Place(step, camera, band, Tally(judged=judged, anomalies=anomalies))
        for step, camera, band, judged, anomalies in summed
    ]


# --- by hour and day, for charts ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Counted:
    """One step: how many were judged, and how many of them are anomalies (of one class, where one was asked for)."""

    since: datetime
    until: datetime
    judged: int
    count: int


def by_hour(line_id: int, since: datetime, until: datetime, code: str = "") -> list[Counted]:
    """Hours that judged something, oldest first; the first and the last may be cut short. At most two queries."""
    first, last = _hour_after(since), hour_of(until)
    rows = HourlyCount.objects.filter(line=line_id, hour__gte=first, hour__lt=last)
    found = {at: (judged, count) for at, judged, count in _judged(rows, "hour", code)}
    if since < first or last < until:
        outside = Q(slot__gte=since, slot__lt=min(first, until)) | Q(slot__gte=max(last, since), slot__lt=until)
        for at, judged, count in _judged(SlotCount.objects.filter(outside, line=line_id), "slot", code):
            so_far = found.get(hour_of(at), (0, 0))
            found[hour_of(at)] = so_far[0] + judged, so_far[1] + count
    return [
        Counted(max(at, since), min(at + HOUR, until), judged, count)
        for at, (judged, count) in sorted(found.items())
        if judged
    ]


def _judged(rows: QuerySet[Any], field: str, code: str) -> Any:
    count = Sum("anomalies", filter=Q(defect_class=code)) if code else Sum("anomalies")
    sums = rows.order_by().values(field).annotate(sum_judged=Sum("judged"), sum_count=count)
    return ((at, judged, some or 0) for at, judged, some in sums.values_list(field, "sum_judged", "sum_count"))


def by_bounds(hours: Sequence[Counted], bounds: Sequence[datetime]) -> list[Counted]:
    """The same by longer steps, where they judged something; see `bounds_of`."""
    found = []
    for since, until in zip(bounds, bounds[1:], strict=False):
        inside = hours[bisect_left(hours, since, key=_since) : bisect_left(hours, until, key=_since)]
        if inside:
            judged, count = sum(one.judged for one in inside), sum(one.count for one in inside)
            found.append(Counted(since, until, judged, count))
    return found


def _since(one: Counted) -> datetime:
    return one.since
