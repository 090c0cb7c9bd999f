"""When the rules about how it is now would have held before, as far as rows tell it.

A question keeps when it was asked and closed, an image when it was received and judged, a line which version judged it.
Nobody keeps heartbeats, that a version did not load, or when an image failed: `unknown` says so for a page.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any

from django.db.models import F, OuterRef, Q, QuerySet, Subquery, Window
from django.db.models.functions import Lag, Lead
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from inspections.alarms import present
from inspections.alarms.lasting import Lasting, Stretch, deeper
from inspections.models import (
    AlarmRule,
    Camera,
    Capture,
    Kind,
    Line,
    ModelVersion,
    ReviewItem,
    RuleKind,
    Status,
    Verdict,
)
from inspections.models.plant import BY_HAND
from inspections.turns import turns

Period = tuple[datetime, datetime]
Found = Iterator[tuple[int, list[Stretch]]]  # line, and what held there of one thing, oldest first
DAY = timedelta(days=1)  # images that came later than this after they were made are left out
FOREVER = datetime.max.replace(tzinfo=UTC)


def stretches(rule: AlarmRule, lines: Collection[Line], period: Period) -> Found:
    read = {RuleKind.SILENT: _silent, RuleKind.QUEUE: _queue, RuleKind.STALE: _stale}[RuleKind(rule.kind)]
    yield from read(rule, {line.pk: line for line in lines}, period)


def unknown(rule: AlarmRule, lines: Collection[Line]) -> tuple[str, str]:
    """(why it cannot be replayed, what else a replay does not know), in words; "" where there is nothing to say."""
    if rule.kind == RuleKind.QUEUE:
        return "", _("A question that was asked again counts as waiting all along.")
    if rule.kind == RuleKind.STALE:
        return "", _("That a version did not load is not kept, nor how long an image waited that failed.")
    beats = cameras_of(lines).filter(heartbeat_at__isnull=False).count()
    if beats and not cameras_of(lines).filter(heartbeat_at=None).exists():
        return _("These cameras send heartbeats, and those of before are not kept: this cannot be replayed."), ""
    words = _("Told by images alone, as they were received: whatever else was heard of a camera is not kept.")
    beating = ngettext(
        "%(n)d camera that sends heartbeats is left out.",
        "%(n)d cameras that send heartbeats are left out.",
        beats,
    )
    return "", f"{words} {beating % {'n': beats}}" if beats else words


# --- silent cameras -----------------------------------------------------------------------------------------------


def cameras_of(lines: Collection[Line] | Collection[int]) -> QuerySet[Camera]:
    """Those that may not be silent."""
    return Camera.objects.filter(line__in=lines, enabled=True).exclude(slug__in=BY_HAND)


def _silent(rule: AlarmRule, lines: dict[int, Line], period: Period) -> Found:
    cameras = list(cameras_of(lines.values()).filter(heartbeat_at=None).order_by("pk"))
    heard = _heard(cameras, period)
    for camera in cameras:
        after = timedelta(seconds=camera.silent_after_s)
        silent = deeper([(last + after, again) for last, again in heard[camera.pk]], 0, *period)
        told = partial(_told_silent, camera, sorted(last for last, _again in heard[camera.pk]))
        yield camera.line_id, [Stretch(*one, told) for one in silent]


def _heard(cameras: Collection[Camera], period: Period) -> dict[int, list[Lasting]]:
    """By camera: when an image was received, and when the next one was, where that took long; None: not yet. What was
    never heard before counts from when it was made."""
    since, until = period
    every = Capture.objects.filter(camera__in=cameras, line__in={one.line_id for one in cameras})
    every = every.filter(counted_at__gte=since - DAY, received_at__lt=until)
    least = timedelta(seconds=min((one.silent_after_s for one in cameras), default=0))
    by_camera: dict[str, Any] = {"partition_by": "camera", "order_by": "received_at"}
    rows = every.annotate(
        before=Window(Lag("received_at"), **by_camera), again=Window(Lead("received_at"), **by_camera)
    ).filter(Q(before=None) | Q(again=None) | Q(again__gt=F("received_at") + least))
    found: dict[int, list[Lasting]] = defaultdict(list)
    earlier = {one.pk: one.created_at for one in cameras} | _earlier(cameras, since - DAY)
    for key, last, before, again in rows.values_list("camera_id", "received_at", "before", "again"):
        if before is None:
            found[key].append((earlier[key], last))
        found[key].append((last, again))
    for key in earlier.keys() - found.keys():
        found[key].append((earlier[key], None))
    return found


def _earlier(cameras: Collection[Camera], until: datetime) -> dict[int, datetime]:
    """When the newest image of before was received; a seek for each camera."""
    rows = Capture.objects.filter(camera=OuterRef("pk"), status=Status.JUDGED, counted_at__lt=until)
    newest = Subquery(rows.order_by("-counted_at").values("received_at")[:1])
    found = Camera.objects.filter(pk__in=[one.pk for one in cameras]).annotate(newest=newest)
    return {key: at for key, at in found.values_list("pk", "newest") if at}


def _told_silent(camera: Camera, heard: list[datetime], at: datetime) -> tuple[datetime, str]:
    last = heard[bisect_right(heard, at) - 1]
    is_new = last == camera.created_at
    return last, present.never_words(camera) if is_new else present.silent_words(camera.slug, last)


# --- the queue ----------------------------------------------------------------------------------------------------


def _queue(rule: AlarmRule, lines: dict[int, Line], period: Period) -> Found:
    since, until = period
    rows = ReviewItem.objects.filter(line__in=lines, kind=Kind.FLAGGED, created_at__lt=until)
    rows = rows.filter(Q(closed_at=None) | Q(closed_at__gt=since)).order_by("created_at")
    asked: dict[int, list[Lasting]] = defaultdict(list)
    for line_id, created, closed in rows.values_list("line_id", "created_at", "closed_at"):
        asked[line_id].append((created, closed))
    limit = int(rule.limit or 0)
    for line_id, lastings in asked.items():
        told = partial(_told_queue, lastings, limit)
        yield line_id, [Stretch(*one, told) for one in deeper(lastings, limit, since, until)]


def _told_queue(asked: list[Lasting], limit: int, at: datetime) -> tuple[datetime, str]:
    waiting = _going_on(asked, at)
    return min(waiting), present.queue_words(len(waiting), limit)


def _going_on(lastings: list[Lasting], at: datetime) -> list[datetime]:
    """When those began that go on at this moment."""
    return [start for start, end in lastings if start <= at and (end is None or end > at)]


# --- the model ----------------------------------------------------------------------------------------------------


def _stale(rule: AlarmRule, lines: dict[int, Line], period: Period) -> Found:
    yield from _waiting(rule, lines, period)
    for line_id, found in _in_force(lines, period).items():
        none = [one for one, version in found if version is None]
        yield line_id, [Stretch(*one, _told_none) for one in deeper(none, 0, *period)]
        if rule.minutes:
            yield line_id, list(_old(found, timedelta(minutes=rule.minutes), period))


def _waiting(rule: AlarmRule, lines: dict[int, Line], period: Period) -> Found:
    """Images that waited longer than the limit, by line; of those that failed nobody knows how long."""
    since, until = period
    limit = timedelta(seconds=rule.limit or 0)
    judged = Verdict.objects.filter(
        capture__line__in=lines, capture__counted_at__gte=since - DAY, capture__received_at__lt=until, effective=True,
        latency_ms__gt=limit.total_seconds() * 1000, judged_at__gt=since,
    )  # fmt: skip
    rows = list(judged.values_list("capture__line_id", "capture__received_at", "judged_at"))
    waits = Capture.objects.filter(line__in=lines, status=Status.PENDING, received_at__lt=until)
    found: dict[int, list[Lasting]] = defaultdict(list)
    for line_id, received, done in [*rows, *((*one, None) for one in waits.values_list("line_id", "received_at"))]:
        found[line_id].append((received, done))
    for line_id, lastings in found.items():
        late = deeper([(received + limit, done) for received, done in lastings], 0, since, until)
        yield line_id, [Stretch(*one, partial(_told_waiting, lastings)) for one in late]


def _told_waiting(waits: list[Lasting], at: datetime) -> tuple[datetime, str]:
    oldest = min(_going_on(waits, at))
    return oldest, present.waiting_words(oldest)


def _in_force(lines: dict[int, Line], period: Period) -> dict[int, list[tuple[Lasting, ModelVersion | None]]]:
    """Which version judged each line, and from when until when."""
    since, until = period
    versions = {row.pk: row for row in ModelVersion.objects.defer("spec", "class_map")}
    mills = next((key for key, row in versions.items() if row.is_default), None)
    changed = turns(lines, since, FOREVER)
    found = {}
    for line_id, line in lines.items():
        every = list(reversed(changed.get(line_id, [])))
        keys = [every[0].before if every else line.version_id or mills, *(one.after for one in every)]
        marks = [max(since, line.created_at), *(one.at for one in every), None]
        spans = [(start, end) for start, end in pairwise(marks) if start and start < until]
        found[line_id] = [(span, versions.get(key or 0)) for span, key in zip(spans, keys, strict=False)]
    return found


def _old(found: list[tuple[Lasting, ModelVersion | None]], age: timedelta, period: Period) -> Iterator[Stretch]:
    for (start, end), version in found:
        if version:
            old = deeper([(max(start, version.installed_at + age), end)], 0, *period)
            yield from (Stretch(*one, partial(_told_old, version, age)) for one in old)


def _told_old(version: ModelVersion, age: timedelta, at: datetime) -> tuple[datetime, str]:
    return version.installed_at + age, present.old_words(version)


def _told_none(at: datetime) -> tuple[datetime, str]:
    return at, present.none_words()
