"""What is told of an alarm: the same facts by every channel."""

import json
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from inspections.alarms.again import TEST
from inspections.alarms.life import ACKNOWLEDGED, RAISED, RESOLVED
from inspections.models import Alarm, Delivery, Line


def facts(delivery: Delivery) -> dict[str, Any]:
    """What webhooks and MQTT carry; docs/alarms.md tells of each field. Times are UTC."""
    alarm = delivery.alarm
    return {
        "id": str(delivery.pk),
        "event": delivery.event,
        "alarm": {
            "id": alarm.pk,
            "line": alarm.line.slug,
            "rule": alarm.rule.name,
            "kind": alarm.rule.kind,
            "critical": alarm.rule.critical,
            "about": alarm.key,
            "state": alarm.state,
            "words": alarm.words,
            "figures": alarm.figures,
            "signs": alarm.signs,
            "since": _time(alarm.since),
            "raised_at": _time(alarm.raised_at),
            "last_at": _time(max(alarm.since, alarm.last_at)),
            "acknowledged_at": _time(alarm.acknowledged_at),
            "acknowledged_by": alarm.acknowledged_by.get_username() if alarm.acknowledged_by else None,
            "note": alarm.note,
            "resolved_at": _time(alarm.resolved_at),
            "outcome": alarm.outcome,
        },
        "url": link(alarm),
    }


def body(delivery: Delivery) -> bytes:
    return json.dumps(facts(delivery), separators=(",", ":"), sort_keys=True).encode()


def link(alarm: Alarm) -> str:
    """Where people open it; empty where nobody has said under which address. Not by `reverse`: the workers load no
    pages."""
    return f"{settings.PUBLIC_URL}/alarms/{alarm.pk}/" if settings.PUBLIC_URL else ""


def subject(delivery: Delivery) -> str:
    """One line, whatever a line or a class is called."""
    alarm = delivery.alarm
    told = {"line": alarm.line, "event": event_words(delivery.event), "words": alarm.words}
    text = _("%(line)s: %(event)s: %(words)s") % told
    if alarm.rule.critical:
        text = _("CRITICAL, %(text)s") % {"text": text}
    return " ".join(text.split())[:200]


def event_words(event: str) -> str:
    known = {
        RAISED: _("alarm"), ACKNOWLEDGED: _("alarm acknowledged"), RESOLVED: _("alarm resolved"),
        TEST: _("a test of this channel, with the newest alarm"),
    }  # fmt: skip
    return known[event]


def letter(delivery: Delivery) -> str:
    """The text of an e-mail."""
    alarm = delivery.alarm
    rows = [
        *([_("This is a test of the channel. It tells of the newest alarm.")] if delivery.event == TEST else []),
        alarm.words,
        "",
        _("Line: %(line)s") % {"line": _named(alarm.line)},
        _("Rule: %(rule)s") % {"rule": alarm.rule},
        _("It began: %(when)s") % {"when": _time(alarm.since)},
        _("Alarm raised: %(when)s") % {"when": _time(alarm.raised_at)},
    ]
    if alarm.acknowledged_at:
        told = {"person": alarm.acknowledged_by, "when": _time(alarm.acknowledged_at)}
        rows.append(_("Acknowledged by %(person)s: %(when)s") % told)
        rows += [alarm.note] if alarm.note else []
    if alarm.resolved_at:
        rows.append(_("Resolved: %(when)s") % {"when": _time(alarm.resolved_at)})
        rows += [alarm.outcome] if alarm.outcome else []
    return "\n".join([*rows, "", link(alarm)]).rstrip() + "\n"


def _named(line: Line) -> str:
    return f"{line.name} ({line.slug})" if line.name else line.slug


def _time(moment: Any) -> str | None:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z") if moment else None
