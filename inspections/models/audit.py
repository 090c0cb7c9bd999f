"""The audit log: who changed what, when, and by which way. Rows are added, and nobody edits them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Self

from django.db import models

from inspections.ids import new_id
from inspections.models.person import Person


class AuditEvent(models.Model):
    """One change by one person; `person` is null where nobody was signed in."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    at = models.DateTimeField()
    person = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    action = models.CharField(max_length=40)  # label, undo, skip, known-answer, keys, upload, unlock …
    subject = models.CharField(max_length=80, blank=True)  # "capture <id>", "line <slug>" …
    detail = models.JSONField(default=dict)

    class Meta:
        indexes = (
            models.Index(fields=("subject", "-id"), name="audit_subject"),
            models.Index(fields=("person", "-id"), name="audit_person"),
        )

    def __str__(self) -> str:
        return f"{self.action} {self.subject}"

    @classmethod
    def note(cls, person: Person | None, action: str, subject: str, now: datetime, **detail: Any) -> Self:
        """Write one row, in the transaction of what it tells of."""
        return cls.objects.create(person=person, action=action, subject=subject, at=now, detail=detail)

    @staticmethod
    def note_many(person: Person, action: str, now: datetime, details: Mapping[str, Mapping[str, Any]]) -> None:
        """One row for each subject, with its details."""
        AuditEvent.objects.bulk_create(
            [
                AuditEvent(person=person, action=action, subject=key, at=now, detail=told)
                for key, told in details.items()
            ]
        )
