"""An alarm's life: raised, acknowledged, resolved. Each step is told to the rule's channels, in the same commit."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from inspections.alarms.acting import first_label
from inspections.alarms.troubles import Trouble
from inspections.models import Alarm, AlarmRule, AlarmState, AuditEvent, Delivery, Line, Person
from inspections.models.alarm import OPEN
from inspections.snapshots import Refused

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

MOST_WORDS = 500
RAISED, ACKNOWLEDGED, RESOLVED = "raised", "acknowledged", "resolved"  # what channels are told of


def open_alarms(lines: Iterable[Line]) -> list[Alarm]:
    """The open alarms of these lines: critical first, not acknowledged before acknowledged, then newest first. Sorted
    here and given the lines that are at hand: the overview asks every few seconds."""
    by_id = {line.pk: line for line in lines}
    found = list(
        Alarm.objects.filter(line__in=by_id, state__in=OPEN).select_related("rule", "acknowledged_by").order_by()
    )
    for alarm in found:
        alarm.line = by_id[alarm.line_id]
    found.sort(key=lambda one: (one.raised_at, one.pk), reverse=True)
    return sorted(found, key=lambda one: (not one.rule.critical, one.state != AlarmState.RAISED))


def raise_(
    rule: AlarmRule,
    line: Line,
    key: str,
    trouble: Trouble,
    words: str,
    figures: Mapping[str, Any],
    now: datetime,
    outcome: "StrOrPromise" = "",
) -> Alarm | None:
    """A new alarm; None where one of this trouble is open already. `outcome`: it is over, and resolved at once. Call it
    in a transaction."""
    over = {"state": AlarmState.RESOLVED, "resolved_at": now, "outcome": str(outcome)} if outcome else {}
    try:
        with transaction.atomic():
            alarm = Alarm.objects.create(
                rule=rule, line=line, key=key, words=words[:300], figures=dict(figures), since=trouble.since,
                raised_at=now, last_at=trouble.last, signs=trouble.signs, **over,
            )  # fmt: skip
    except IntegrityError:
        return None
    _tell(alarm, RAISED, now)
    if outcome:
        _tell(alarm, RESOLVED, now)
    return alarm


def acknowledge(alarm: Alarm, person: Person, note: str, now: datetime) -> Alarm | Refused:
    """Somebody has seen it and says what they do about it. Once: the first one stays."""
    with transaction.atomic():
        found = _locked(alarm)
        if found.state == AlarmState.ACKNOWLEDGED:
            return Refused(_("%(person)s has acknowledged it already.") % {"person": found.acknowledged_by})
        if found.state == AlarmState.RESOLVED:
            return Refused(_("It is resolved already."))
        found.state, found.acknowledged_at, found.acknowledged_by = AlarmState.ACKNOWLEDGED, now, person
        found.note, found.acted_at = note.strip()[:MOST_WORDS], _acted(found, now)
        found.save(update_fields=["state", "acknowledged_at", "acknowledged_by", "note", "acted_at"])
        AuditEvent.note(person, "acknowledge-alarm", f"alarm {found.pk}", now, line=found.line.slug, note=found.note)
        _tell(found, ACKNOWLEDGED, now)
    return found


def resolve(alarm: Alarm, person: Person, outcome: str, now: datetime) -> Alarm | Refused:
    """A person ends it and says how. Signs within the rule's cool-down raise no new one."""
    with transaction.atomic():
        found = _locked(alarm)
        if found.state == AlarmState.RESOLVED:
            return Refused(_("It is resolved already."))
        found.acted_at = _acted(found, now)
        end(found, person, outcome, now)
        detail = {"line": found.line.slug, "outcome": found.outcome}
        AuditEvent.note(person, "resolve-alarm", f"alarm {found.pk}", now, **detail)
    return found


def resolve_all(rule: AlarmRule, person: Person, outcome: str, now: datetime) -> None:
    """Every open alarm of a rule ends. Call it in a transaction."""
    for alarm in Alarm.objects.filter(rule=rule, state__in=OPEN).select_for_update(of=("self",)).order_by("pk"):
        end(alarm, person, outcome, now)


def end(alarm: Alarm, person: Person | None, outcome: "StrOrPromise", now: datetime) -> None:
    """Resolve a row that is locked and open. `person` None: its signs have ended."""
    alarm.state, alarm.resolved_at, alarm.resolved_by = AlarmState.RESOLVED, now, person
    alarm.outcome = str(outcome).strip()[:MOST_WORDS]
    alarm.acted_at = alarm.acted_at or first_label(alarm)
    alarm.save(update_fields=["state", "resolved_at", "resolved_by", "outcome", "acted_at"])
    _tell(alarm, RESOLVED, now)


def _acted(alarm: Alarm, now: datetime) -> datetime:
    return min(one for one in (alarm.acted_at, first_label(alarm), now) if one)


def _locked(alarm: Alarm) -> Alarm:
    return Alarm.objects.select_for_update(of=("self",)).get(pk=alarm.pk)


def _tell(alarm: Alarm, event: str, now: datetime) -> None:
    """What is new is told where the rule wants it, and the end also to those who heard of the beginning."""
    channels = set(alarm.rule.channels.filter(enabled=True).values_list("pk", flat=True))
    if event != RAISED:
        heard = Delivery.objects.filter(alarm=alarm, event=RAISED, channel__enabled=True)
        channels = set(heard.values_list("channel_id", flat=True))
    Delivery.objects.bulk_create(
        [Delivery(alarm=alarm, channel_id=key, event=event, next_at=now) for key in sorted(channels)],
        ignore_conflicts=True,
    )
