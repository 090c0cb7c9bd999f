"""Claiming pending captures: by conditional UPDATE, with a lease and an attempt count, evenly over the lines.

The attempt is counted before the work, so that work which kills its own process is counted too. A capture that was
tried before is claimed alone, so that a poisonous one takes nobody with it.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef

from inspections.models import Capture, Line, Status

Key = TypeVar("Key", UUID, int)

PUT_BACK_S = 5
MAX_BATCH_PIXELS = 64_000_000  # keeps a batch of large images well inside its lease


def lines_waiting(now: datetime) -> list[Line]:
    """The lines that have something to claim."""
    waiting = Capture.objects.claimable(now).filter(line=OuterRef("pk"), attempts__lt=settings.MAX_ATTEMPTS)
    return list(Line.objects.filter(Exists(waiting)).select_related("version").order_by("?"))


def claim_fresh(lines: Sequence[Line], now: datetime, most: int) -> list[Capture]:
    """Up to `most` captures that nobody tried yet, oldest first, an even share from each line."""
    share = -(-most // len(lines))
    found = [
        row
        for line in lines
        for row in Capture.objects.claimable(now)
        .filter(line=line, attempts=0)
        .order_by("id")
        .values_list("id", "width", "height")[:share]
    ]
    return _claim(bounded(found[:most]), now)


def claim_retry(lines: Sequence[Line], now: datetime) -> list[Capture]:
    """One capture that was tried before and whose lease ran out, alone."""
    rows = Capture.objects.claimable(now).filter(line__in=lines, attempts__gt=0, attempts__lt=settings.MAX_ATTEMPTS)
    return _claim(list(rows.order_by("id").values_list("id", flat=True)[:1]), now)


def put_back(captures: Sequence[Capture], now: datetime) -> None:
    """Give up claims without an attempt counted, for a few seconds: the storage was away, not the image at fault."""
    for capture in captures:
        held = Capture.objects.filter(pk=capture.pk, lease=capture.lease, status=Status.PENDING)
        held.update(attempts=F("attempts") - 1, lease_until=now + timedelta(seconds=PUT_BACK_S))


def bounded(found: Iterable[tuple[Key, int, int]]) -> list[Key]:
    """Of (id, width, height) as many as fit the pixel bound, at least one."""
    ids: list[Key] = []
    pixels = 0
    for key, width, height in found:
        pixels += width * height
        if ids and pixels > MAX_BATCH_PIXELS:
            break
        ids.append(key)
    return ids


def _claim(ids: Sequence[UUID], now: datetime) -> list[Capture]:
    """Those of `ids` that this call won, oldest first."""
    if not ids:
        return []
    lease = uuid4()
    with transaction.atomic():
        free = Capture.objects.claimable(now).filter(pk__in=ids)
        locked = free.select_for_update(skip_locked=True).values_list("pk", flat=True)
        won = Capture.objects.claimable(now).filter(pk__in=list(locked))
        until = now + timedelta(seconds=settings.LEASE_S)
        if not won.update(lease=lease, lease_until=until, attempts=F("attempts") + 1):
            return []
    return list(Capture.objects.filter(pk__in=ids, lease=lease).select_related("line").order_by("id"))
