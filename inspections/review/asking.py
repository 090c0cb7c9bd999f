"""Questions come to be: for what the model flagged when it judged, and again where a person was unsure or undid."""

import random
from collections.abc import Iterable
from datetime import datetime

from django.conf import settings

from inspections.models import Capture, Kind, ReviewItem


def ask_about(captures: Iterable[Capture], now: datetime, chance: random.Random | None = None) -> None:
    """Put flagged captures into the queue, in the transaction that stores their verdicts.

    Whether one is asked blind is drawn here, once: who skips and takes it again must not find out more.
    """
    chance = chance or random.SystemRandom()
    items = [_question(capture, now, chance.random() < settings.BLIND_SHARE) for capture in captures]
    ReviewItem.objects.bulk_create(items)


def ask_again(capture: Capture, now: datetime) -> ReviewItem:
    """The open question about this capture; a new one where there is none. Not blind: its answers were seen."""
    found = ReviewItem.objects.open().filter(capture=capture).first()
    if found is None:
        found = _question(capture, now, blind=False)
        found.save(force_insert=True)
    return found


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
