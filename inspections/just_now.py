"""A form that is sent twice, because somebody pressed twice, is one deed: the second time finds it done."""

from datetime import datetime, timedelta

from inspections.models import AuditEvent, Person

JUST_NOW = timedelta(minutes=1)


def did(person: Person, action: str, subject: str, now: datetime) -> AuditEvent | None:
    """The latest change of the subject, where that is this one, by this person, just now."""
    last = AuditEvent.objects.filter(subject=subject).order_by("-id").first()
    if last is None or (last.person_id, last.action) != (person.pk, action):
        return None
    return last if last.at > now - JUST_NOW else None
