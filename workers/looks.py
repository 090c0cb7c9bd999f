"""Claiming second looks: as captures are claimed, with a lease and an attempt count, but for one version at a time."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from inspections.models import ModelVersion, Recall, SecondLook, State, Verdict
from workers.claims import PUT_BACK_S, bounded

log = structlog.get_logger(__name__)


def free(now: datetime) -> QuerySet[SecondLook]:
    return SecondLook.objects.filter(Q(lease_until=None) | Q(lease_until__lt=now))


def versions_waiting(now: datetime) -> list[ModelVersion]:
    """Whose looks wait, shadows first: two versions in turn would push each other out of memory."""
    waiting = free(now).filter(version=OuterRef("pk"))
    found = ModelVersion.objects.filter(Exists(waiting))
    return sorted(found, key=lambda one: (one.state != State.SHADOW, one.pk))


def claim_looks(version: ModelVersion, now: datetime, most: int) -> list[SecondLook]:
    """One that was tried before, alone; else up to `most` that nobody tried yet, oldest first."""
    rows = free(now).filter(version=version).order_by("id").values_list("id", "capture__width", "capture__height")
    return _claim(bounded(rows.filter(attempts__gt=0)[:1]), now) or _claim(bounded(rows.filter(attempts=0)[:most]), now)


def _claim(ids: Sequence[int], now: datetime) -> list[SecondLook]:
    """Those of `ids` that this call won, oldest first."""
    if not ids:
        return []
    lease, until = uuid4(), now + timedelta(seconds=settings.LEASE_S)
    with transaction.atomic():
        locked = free(now).filter(pk__in=ids).select_for_update(skip_locked=True).values_list("pk", flat=True)
        won = free(now).filter(pk__in=list(locked))
        won.update(lease=lease, lease_until=until, attempts=F("attempts") + 1)
    return list(SecondLook.objects.filter(pk__in=ids, lease=lease).select_related("capture__line").order_by("id"))


def judged_before(version: ModelVersion, looks: Sequence[SecondLook]) -> set[UUID]:
    """The captures that this version has a verdict of, so that nothing is to be judged."""
    rows = Verdict.objects.filter(version=version, capture__in=[look.capture_id for look in looks])
    return set(rows.values_list("capture_id", flat=True))


def let_go(looks: Sequence[SecondLook], now: datetime) -> None:
    """Give up claims without an attempt counted, for a few seconds: the storage was away."""
    for look in looks:
        held = SecondLook.objects.filter(pk=look.pk, lease=look.lease)
        held.update(attempts=F("attempts") - 1, lease_until=now + timedelta(seconds=PUT_BACK_S))


def drop_exhausted(now: datetime) -> int:
    """Looks whose every attempt ended without an answer are dropped and counted: their captures have a verdict."""
    used_up = free(now).filter(attempts__gte=settings.MAX_ATTEMPTS).order_by("pk")
    with transaction.atomic():
        ids = hold_recalls(used_up[:500])
        rows = list(used_up.filter(pk__in=ids).select_for_update(skip_locked=True)) if ids else []
        if rows:
            SecondLook.objects.filter(pk__in=[row.pk for row in rows]).delete()
            count_dropped(rows)
            log.warning("second-looks-dropped", captures=[str(row.capture_id) for row in rows])
    return len(rows)


def hold_recalls(looks: Iterable[SecondLook]) -> list[int]:
    """Lock their recalls, and only then the looks themselves, which are named: who ends a recall takes both in this
    order."""
    found = [(look.pk, look.recall_id) for look in looks]
    recalls = {recall for _key, recall in found if recall is not None}
    if recalls:
        list(Recall.objects.select_for_update(no_key=True).filter(pk__in=recalls).order_by("pk").values("pk"))
    return [key for key, _recall in found]


def count_dropped(looks: Sequence[SecondLook]) -> None:
    """Write down, on the recall or the version in shadow, how many ended without an answer."""
    for look in looks:
        if look.recall_id is not None:
            Recall.objects.filter(pk=look.recall_id).update(dropped=F("dropped") + 1)
        else:
            ModelVersion.objects.filter(pk=look.version_id).update(shadow_dropped=F("shadow_dropped") + 1)


def drop_pointless() -> None:
    """Looks of shadows that ended, by promotion or rejection too."""
    SecondLook.objects.filter(recall=None).exclude(version__state=State.SHADOW).delete()
