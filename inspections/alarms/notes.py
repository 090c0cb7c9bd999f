"""What people add to an alarm while they work on it, and the history that all of it makes."""

from datetime import datetime

from django.utils.translation import gettext as _

from inspections.models import Alarm, AuditEvent, Person
from inspections.snapshots import Refused

MOST_WORDS = 500


def add_note(alarm: Alarm, person: Person, text: str, now: datetime) -> AuditEvent | Refused:
    """A note beside the states, for whoever comes next. It is written once and never edited."""
    words = text.strip()[:MOST_WORDS]
    if not words:
        return Refused(_("Write what you want to say."))
    return AuditEvent.note(person, "note-alarm", f"alarm {alarm.pk}", now, line=alarm.line.slug, note=words)


def told_of(alarm: Alarm) -> list[AuditEvent]:
    """What people did with it, oldest first."""
    return list(AuditEvent.objects.filter(subject=f"alarm {alarm.pk}").select_related("person").order_by("id"))
