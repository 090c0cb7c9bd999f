"""Questions come to be: for what the model flagged when it judged, and again where a person was unsure or undid."""

import random
from collections.abc import Iterable
from datetime import datetime

from django.conf import settings

from inspections.models import Capture, Kind, ReviewItem

OF_ITSELF = [Kind.AUDIT, Kind.FLAGGED, Kind.TEACH]  # kinds that ask what the capture shows; they sort by themselves


def ask_about(captures: Iterable[Capture], now: datetime, chance: random.Random | None = None) -> None:
    """Put flagged captures into the queue, in the transaction that stores their verdicts.

    Whether one is asked blind is drawn here, once: who skips and takes it again must not find out more.
    """
    chance = chance or random.SystemRandom()
    items = [_question(capture, now, chance.random() < settings.BLIND_SHARE) for capture in captures]
    ReviewItem.objects.bulk_create(items)


def ask_again(capture: Capture, now: datetime) -> ReviewItem:
    """The open question about the capture itself; it is opened again, or asked anew, where there is none.

    One that measures people makes way: whoever holds it may still answer it, and is measured. What is asked anew is
    not blind: its answers were seen. The capture's row is locked.
    """
    found = ReviewItem.objects.open().filter(capture=capture).first()
    if found is not None and not found.is_beside:
        return found
    close([found] if found else [], now)
    former = ReviewItem.objects.filter(capture=capture, kind__in=OF_ITSELF).order_by("kind").first()
    if former is None:
        former = _question(capture, now, blind=False)
        former.save(force_insert=True)
    ReviewItem.objects.filter(pk=former.pk).update(closed_at=None)
    former.closed_at = None
    return former


def close(items: Iterable[ReviewItem], now: datetime) -> None:
    ids = [item.pk for item in items]
    if ids:
        ReviewItem.objects.filter(pk__in=ids, closed_at=None).update(closed_at=now, lease_until=None)


def _question(capture: Capture, now: datetime, blind: bool) -> ReviewItem:
    return ReviewItem(
        capture=capture,
        line_id=capture.line_id,
        kind=Kind.FLAGGED,
        blind=blind,
        rank=capture.severity,
        counted_at=capture.counted_at,
        created_at=now,
    )
