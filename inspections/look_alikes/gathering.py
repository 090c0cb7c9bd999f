"""Of which versions an index is kept, and which captures it holds: labelled ones of any age, and the last days'."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from math import ceil
from uuid import UUID

import numpy as np
from django.conf import settings
from django.db.models import Q, Sum

from inspections import registry
from inspections.ids import id_at
from inspections.look_alikes import rows
from inspections.look_alikes.table import Table, joined
from inspections.models import Capture, ChangeState, HourlyCount, Line, ModelVersion, VersionChange

HOUR = timedelta(hours=1)
IN_FLIGHT = timedelta(seconds=30)  # no verdict is committed longer than that after its id was made


def versions(now: datetime) -> list[ModelVersion]:
    """What is in force anywhere, and what was so in the last days: its captures are recent ones too."""
    since = now - timedelta(days=settings.LOOK_ALIKE_DAYS)
    left = VersionChange.objects.filter(state=ChangeState.ACTIVE, decided_at__gte=since).values("previous")
    return list(ModelVersion.objects.filter(Q(pk__in=registry.all_in_force().values("pk")) | Q(pk__in=left)))


def seen_through(now: datetime) -> UUID:
    """Every verdict with a smaller id stands in the database by now."""
    return id_at(now - IN_FLIGHT)


def gather(version: ModelVersion, size: int, now: datetime, through: UUID) -> Table:
    """At most LOOK_ALIKE_MOST captures, each once: labelled ones, the newest first and half of the room at most, then
    recent ones, of which `through` is the end."""
    labelled = rows.of_captures(version, size, _labelled(settings.LOOK_ALIKE_MOST // 2))
    found = joined([labelled, *_recent(version, size, now, through, settings.LOOK_ALIKE_MOST - len(labelled))])
    _keys, first = np.unique(found.keys, return_index=True)
    return found.take(np.sort(first))


def _labelled(most: int) -> list[UUID]:
    lines = list(Line.objects.values_list("pk", flat=True))
    found = Capture.objects.filter(line__in=lines, label__isnull=False).order_by("-counted_at", "-id")
    return list(found.values_list("pk", flat=True)[:most])


def _recent(version: ModelVersion, size: int, now: datetime, through: UUID, most: int) -> Iterator[Table]:
    """The newest first. Where there are more than `most`, of each hour its share, so that days are met as a whole and
    not by their last minutes. How many there are is read from the rollups."""
    start = now - timedelta(days=settings.LOOK_ALIKE_DAYS)
    judged = _judged(_hour(start))
    share = most / max(1, sum(judged.values()))
    if share >= 1:
        yield _between(version, size, id_at(start), through, most)
        return
    since = _hour(now)
    while since > start - HOUR and most > 0:
        wanted = min(most, ceil(share * judged.get(since, 0)))
        part = _between(version, size, id_at(since), min(id_at(since + HOUR), through), wanted)
        yield part
        most -= len(part)
        since -= HOUR


def _between(version: ModelVersion, size: int, first: UUID, through: UUID, most: int) -> Table:
    return rows.newest(version, size, most, after=first, before=through) if most else Table.empty(size)


def _judged(since: datetime) -> dict[datetime, int]:
    """Captures judged in the mill, by UTC hour."""
    counted = HourlyCount.objects.filter(hour__gte=since).values_list("hour").annotate(count=Sum("judged"))
    return dict(counted.order_by())


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
