"""The sweep: what was left lying is picked up. A second run of any of it is harmless."""

from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Q

from inspections import bell, new_class, tally
from inspections.ids import made_at
from inspections.models import (
    Capture,
    ChangeState,
    GateReport,
    Insight,
    Recall,
    SecondLook,
    Status,
    TrainingRun,
    VersionChange,
)

log = structlog.get_logger(__name__)

MOST = 500
SAFE_AGE = timedelta(minutes=10)  # no upload takes that long from file to row


def sweep(now: datetime) -> int:
    """Fail what used up its attempts; ring again if anything may be claimed. Returns how many failed."""
    failed = fail_exhausted(now)
    if Capture.objects.claimable(now).filter(attempts__lt=settings.MAX_ATTEMPTS).exists():
        bell.ring_now()
    for task in _unheard(now):
        bell.ring_now(task)
    return failed


def _unheard(now: datetime) -> list[str]:
    """The bells of work that waits, or whose worker was lost."""
    jobs = ((TrainingRun, bell.TRAIN), (GateReport, bell.ASSESS), (Insight, bell.RECKON), (Recall, bell.LOOK_AGAIN))
    found = [task for model, task in jobs if model.objects.claimable(now).exists()]
    if VersionChange.objects.filter(state=ChangeState.CHECKING).exists():
        found.append(bell.CHANGE)
    if new_class.is_work_left():
        found.append(bell.PROVISIONAL)
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    if bell.LOOK_AGAIN not in found and SecondLook.objects.filter(free).exists():
        found.append(bell.LOOK_AGAIN)
    return found


def fail_exhausted(now: datetime) -> int:
    """Captures whose every attempt ended without an answer are quarantined: `failed`, with the reason."""
    used_up = Capture.objects.claimable(now).filter(attempts__gte=settings.MAX_ATTEMPTS)
    reason = f"{settings.MAX_ATTEMPTS} attempts ended without an answer"
    with transaction.atomic():
        rows = list(used_up.order_by("pk").select_for_update(skip_locked=True)[:MOST])
        if not rows:
            return 0
        ids = [row.pk for row in rows]
        Capture.objects.filter(pk__in=ids).update(status=Status.FAILED, failure=reason, lease=None, lease_until=None)
        tally.add([tally.Counted.of(row) for row in rows])
    log.warning("captures-failed", count=len(ids), reason=reason)
    return len(ids)


def remove_orphans(now: datetime) -> int:
    """Delete files of today and yesterday that have no row: an upload died between file and row."""
    return sum(_remove_orphans(now, now - timedelta(days=days)) for days in (0, 1))


def _remove_orphans(now: datetime, day: datetime) -> int:
    folder = f"captures/{day:%Y/%m/%d}"
    try:
        names = default_storage.listdir(folder)[1]
    except FileNotFoundError:
        return 0
    ages = {name: key for name in names if (key := _id_of(name))}
    old = [name for name, key in ages.items() if now - made_at(key) > SAFE_AGE]
    removed = 0
    for start in range(0, len(old), MOST):
        some = {name: ages[name] for name in old[start : start + MOST]}
        known = set(Capture.objects.filter(pk__in=some.values()).values_list("pk", flat=True))
        for name, key in some.items():
            if key not in known or name.endswith(".part"):
                default_storage.delete(f"{folder}/{name}")
                removed += 1
    if removed:
        log.info("orphans-removed", count=removed, folder=folder)
    return removed


def _id_of(name: str) -> UUID | None:
    try:
        return UUID(name.split(".")[0])
    except ValueError:
        return None
