"""The ways by which people hear of alarms besides the pages: e-mail, webhook, MQTT."""

import secrets
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.translation import gettext as _

from inspections.alarms.addresses import literal, may_reach, parts
from inspections.models import AuditEvent, Channel, ChannelKind, Delivery, DeliveryState, Person
from inspections.snapshots import Refused

MOST_TARGET = 500
MOST_ADDRESSES = 20
LEAST_SECRET = 16


@dataclass(frozen=True)
class ChannelWish:
    """A channel as somebody wants it. `target`: e-mail addresses separated by commas, a webhook's URL, or the
    beginning of an MQTT topic. `secret`: a webhook's key; "" keeps the present one, or makes one. `channel`: the one
    that it changes; None makes a new one."""

    name: str
    kind: ChannelKind
    target: str
    secret: str = ""
    dry_run: bool = False
    enabled: bool = True
    channel: Channel | None = None


def channel_objection(wish: ChannelWish) -> str:
    """Why this channel cannot be, in words; empty where it can."""
    name = wish.name.strip()
    if not name or len(name) > 60:
        return _("Give it a name of at most 60 characters.")
    same = Channel.objects.filter(name=name)
    if (same.exclude(pk=wish.channel.pk) if wish.channel else same).exists():
        return _("There is a channel of this name already.")
    if wish.kind not in ChannelKind.values:
        return _("Choose e-mail, webhook or MQTT.")
    if wish.channel and wish.channel.kind != wish.kind:
        return _("A channel keeps its kind. Make a new one, and switch this one off.")
    if len(wish.target) > MOST_TARGET:
        return _("The target is too long.")
    checks = {ChannelKind.EMAIL: _mail, ChannelKind.WEBHOOK: _webhook, ChannelKind.MQTT: _topic}
    return checks[ChannelKind(wish.kind)](wish)


def addresses_of(target: str) -> list[str]:
    """The e-mail addresses of a target."""
    return [one.strip() for one in target.split(",") if one.strip()]


def _mail(wish: ChannelWish) -> str:
    found = addresses_of(wish.target)
    if not 1 <= len(found) <= MOST_ADDRESSES:
        return _("Give 1 to 20 e-mail addresses, separated by commas.")
    for one in found:
        try:
            validate_email(one)
        except ValidationError:
            return _("“%(address)s” is no e-mail address.") % {"address": one}
    return ""


def _webhook(wish: ChannelWish) -> str:
    """What can be told without asking a name server; the sender checks every address that the name leads to."""
    found = parts(wish.target.strip())
    if found is None:
        return _("Give an address such as https://example.org/alarms, without user and password.")
    host = found[1]
    address = literal(host)
    if address and not may_reach(host, address, settings.ALARM_PRIVATE_HOSTS):
        return _("%(host)s is a private address. Name it in ALARM_PRIVATE_HOSTS to allow it.") % {"host": host}
    if wish.secret and len(wish.secret) < LEAST_SECRET:
        return _("The secret has at least 16 characters; leave it empty to have one made.")
    return ""


def _topic(wish: ChannelWish) -> str:
    topic = wish.target.strip().strip("/")
    if not topic or any(sign in topic for sign in "+#\0") or topic.startswith("$") or not topic.isprintable():
        return _("Give the beginning of a topic, such as mill/selvedge, without + and #.")
    return ""


def save_channel(wish: ChannelWish, person: Person, now: datetime) -> Channel | Refused:
    """Make or change a channel. Switched off, what waits to be told by it is given up and says so."""
    if reason := channel_objection(wish):
        return Refused(reason)
    with transaction.atomic():
        found = Channel.objects.select_for_update().get(pk=wish.channel.pk) if wish.channel else Channel()
        found.name, found.kind, found.target = wish.name.strip(), wish.kind, wish.target.strip()
        found.dry_run, found.enabled = wish.dry_run, wish.enabled
        if wish.kind == ChannelKind.WEBHOOK:
            found.secret = wish.secret or found.secret or secrets.token_urlsafe(32)
        found.save()
        if not found.enabled:
            waiting = Delivery.objects.filter(channel=found, state=DeliveryState.WAITING)
            waiting.update(state=DeliveryState.FAILED, error=_("The channel was switched off."))
        AuditEvent.note(
            person, "change-channel" if wish.channel else "make-channel", f"channel {found.pk}", now,
            name=found.name, kind=found.kind, target=found.target, dry_run=found.dry_run, enabled=found.enabled,
            new_secret=bool(wish.secret),
        )  # fmt: skip
    return found
