"""What waits to be told: taken, sent, settled. Tried again with growing pauses, and given up with its reason."""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from inspections.alarms.again import TEST
from inspections.models import ChannelKind, Delivery, DeliveryState
from workers.telling import mail, mqtt, webhook
from workers.telling.final import Final

MOST_ATTEMPTS = 12
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=10), timedelta(minutes=30)  # two hours and a bit, all together
LEASE = timedelta(minutes=2)  # longer than any channel takes for one

Clock = Callable[[], datetime]
log = structlog.get_logger(__name__)


def due(now: datetime) -> QuerySet[Delivery]:
    """What may be sent now. What came first of an alarm goes first by each channel, so that no end is told before its
    beginning; a test waits for nothing."""
    earlier = Delivery.objects.filter(
        alarm=OuterRef("alarm"), channel=OuterRef("channel"), state=DeliveryState.WAITING, pk__lt=OuterRef("pk")
    )
    found = Delivery.objects.filter(state=DeliveryState.WAITING, next_at__lte=now, channel__enabled=True)
    return found.filter(Q(event=TEST) | ~Exists(earlier)).order_by("next_at", "pk")


def channels_due(now: datetime) -> list[int]:
    """The channels by which something is to be told now."""
    return sorted(set(due(now).values_list("channel_id", flat=True)))


def tell(channel: int, clock: Clock) -> None:
    """Tell what is due by one channel, one after the other, until nothing is left or one fails."""
    while delivery := take(channel, clock()):
        if delivery.attempts > MOST_ATTEMPTS:
            settle(delivery, delivery.error or "every attempt ended without an answer", clock())
        elif not settle(delivery, _send(delivery), clock()):
            return


def take(channel: int, now: datetime) -> Delivery | None:
    """The next one, now this caller's for LEASE. The attempt is counted before it is made."""
    for key in due(now).filter(channel=channel).values_list("pk", flat=True)[:5]:
        free = Delivery.objects.filter(pk=key, state=DeliveryState.WAITING, next_at__lte=now)
        if free.update(next_at=now + LEASE, attempts=F("attempts") + 1):
            return Delivery.objects.select_related("channel", "alarm__rule", "alarm__line").get(pk=key)
    return None


def _send(delivery: Delivery) -> str:
    if delivery.channel.dry_run:
        log.info("alarm-told-dry", delivery=delivery.pk, channel=delivery.channel.name, about=delivery.event)
        return ""
    ways = {ChannelKind.EMAIL: mail.send, ChannelKind.WEBHOOK: webhook.send, ChannelKind.MQTT: mqtt.send}
    return ways[ChannelKind(delivery.channel.kind)](delivery)


def settle(delivery: Delivery, error: str, now: datetime) -> bool:
    """Write down what came of it; True if it was told. Only by whoever still holds it."""
    mine = Delivery.objects.filter(pk=delivery.pk, state=DeliveryState.WAITING, attempts=delivery.attempts)
    if not error:
        said = "dry run: written down, not sent" if delivery.channel.dry_run else ""
        mine.update(state=DeliveryState.SENT, sent_at=None if delivery.channel.dry_run else now, error=said)
        return True
    log.warning("alarm-not-told", delivery=delivery.pk, channel=delivery.channel.name, reason=error)
    words = "".join(letter if letter.isprintable() else " " for letter in error)[:300]  # some are another machine's
    if isinstance(error, Final) or delivery.attempts >= MOST_ATTEMPTS:
        mine.update(state=DeliveryState.FAILED, error=words)
    else:
        mine.update(next_at=now + pause(delivery.attempts), error=words)
    return False


def pause(attempts: int) -> timedelta:
    """After so many attempts."""
    return min(timedelta(seconds=FIRST_PAUSE.total_seconds() * 2 ** (attempts - 1)), LONGEST_PAUSE)
