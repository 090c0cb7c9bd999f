"""Reckonings over what was kept with verdicts: what to label next, what the labels tell, and what has drifted."""

from datetime import timedelta

import structlog
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from inspections.models import Insight, InsightKind, JobState, TeachPick
from inspections.review import listed
from workers import stopping
from workers.reckonings import drift, labels, teach

LEASE = timedelta(seconds=300)  # renewed with every few hundred rows; the longest stretch between is a few seconds
MOST_ATTEMPTS = 3
KEPT = 20  # of each kind
log = structlog.get_logger(__name__)


class TakenAway(Exception):
    """Somebody else has it now, it was ended, or this worker ends and the next one begins anew."""


def work() -> None:
    """Work off what waits."""
    while not stopping.is_asked() and (insight := _claim()) is not None:
        _reckon(insight)


def _claim() -> Insight | None:
    now = timezone.now()
    found: Insight | None = Insight.objects.claim(now, now + LEASE, started_at=now)
    return found


def _reckon(insight: Insight) -> None:
    if insight.attempts > MOST_ATTEMPTS:
        insight.end(JobState.FAILED, timezone.now(), f"{MOST_ATTEMPTS} attempts ended without an answer")
        return
    if insight.state == JobState.CANCELLING:
        insight.end(JobState.CANCELLED, timezone.now())
        return
    try:
        _BY_KIND[InsightKind(insight.kind)](insight)
    except TakenAway:
        return
    _forget_old(insight)


def _teach(insight: Insight) -> None:
    picks, told = teach.reckon(insight.pk, timezone.now(), lambda: _beat(insight))
    now = timezone.now()
    with transaction.atomic():
        if insight.end(JobState.DONE, now, body=told):
            TeachPick.objects.all().delete()
            TeachPick.objects.bulk_create(picks)
            listed.close_stale(now)
    log.info("list-made", **told)


def _labels(insight: Insight) -> None:
    version, body = labels.reckon(insight.pk, lambda: _beat(insight))
    insight.end(JobState.DONE, timezone.now(), body=body, version=version)


def _drift(insight: Insight) -> None:
    insight.end(JobState.DONE, timezone.now(), body=drift.reckon(timezone.now(), lambda: _beat(insight)))


_BY_KIND = {InsightKind.TEACH: _teach, InsightKind.LABELS: _labels, InsightKind.DRIFT: _drift}


def _beat(insight: Insight) -> None:
    if stopping.is_asked():
        insight.renew(timezone.now(), attempts=F("attempts") - 1)
        raise TakenAway
    if not insight.renew(timezone.now() + LEASE):
        raise TakenAway


def _forget_old(insight: Insight) -> None:
    """What nobody will read again. The newest stay, and whatever has not ended."""
    same = Insight.objects.filter(kind=insight.kind)
    newest = list(same.order_by("-id").values_list("pk", flat=True)[:KEPT])
    same.filter(pk__lt=min(newest)).exclude(pk__in=Insight.objects.live().values("pk")).delete()
