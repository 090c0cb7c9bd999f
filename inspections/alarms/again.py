"""Telling once more: what was given up, and a test of a channel. Workers send; here it is asked for."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from inspections.models import Alarm, AuditEvent, Channel, Delivery, DeliveryState, Person
from inspections.snapshots import Refused

TEST = "test"  # what a delivery tells of: that the channel works


def send_again(delivery: Delivery, person: Person, now: datetime) -> Delivery | Refused:
    """What was given up is tried anew, from the beginning."""
    with transaction.atomic():
        found = Delivery.objects.select_for_update(of=("self",)).select_related("channel").get(pk=delivery.pk)
        if found.state != DeliveryState.FAILED:
            return Refused(_("This was not given up: it was sent, or it is still being tried."))
        if not found.channel.enabled:
            return Refused(_("The channel is switched off."))
        _wait(found, now)
        AuditEvent.note(person, "tell-again", f"alarm {found.alarm_id}", now, channel=found.channel.name)
    return found


def send_test(channel: Channel, person: Person, now: datetime) -> Delivery | Refused:
    """The newest alarm goes out marked as a test, by the same way as a real one; its row says what came of it."""
    alarm = Alarm.objects.order_by("-id").first()
    if alarm is None:
        return Refused(_("There is no alarm yet that could be told. A test sends the newest one, marked as a test."))
    if not channel.enabled:
        return Refused(_("The channel is switched off."))
    with transaction.atomic():
        found, _made = Delivery.objects.get_or_create(
            alarm=alarm, channel=channel, event=TEST, defaults={"next_at": now}
        )
        found.took = ""  # a test goes to everybody
        _wait(found, now)
        AuditEvent.note(person, "test-channel", f"channel {channel.pk}", now, name=channel.name)
    return found


def _wait(delivery: Delivery, now: datetime) -> None:
    delivery.state, delivery.attempts, delivery.next_at = DeliveryState.WAITING, 0, now
    delivery.error, delivery.sent_at = "", None
    delivery.save(update_fields=["state", "attempts", "next_at", "error", "sent_at", "took"])
