"""The rows that an answer changes, locked in one order: captures by id, then their questions by id.

No locking query joins: after waiting for a lock PostgreSQL reads the row anew and the joined ones not. Captures are
locked without their key, which a question's foreign key to them would otherwise wait for.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q

from inspections.models import Capture, DefectClass, Kind, Person, ReviewItem, SetAside

LATE = timedelta(hours=12)  # an answer that was kept in a browser may arrive so long after its question was closed


def locked(keys: Iterable[UUID]) -> list[Capture]:
    """The captures, with their classes: `settle` counts by them."""
    rows = list(Capture.objects.filter(pk__in=list(keys)).order_by("pk").select_for_update(no_key=True))
    classes = DefectClass.objects.in_bulk()
    for row in rows:
        row.defect_class = classes[row.defect_class_id] if row.defect_class_id else None
    return rows


def is_mine(capture: Capture) -> bool:
    """Hold the capture's row to the end of this transaction; False where somebody else holds it now."""
    rows = Capture.objects.filter(pk=capture.pk).select_for_update(no_key=True, skip_locked=True)
    return rows.values_list("pk", flat=True).first() is not None


def open_items(keys: Iterable[UUID]) -> dict[UUID, ReviewItem]:
    """The open question about each of these captures, where there is one."""
    rows = ReviewItem.objects.open().filter(capture__in=list(keys)).order_by("pk").select_for_update()
    return {item.capture_id: item for item in rows}


def was_shown(person: Person, item: ReviewItem) -> bool:
    """This person holds it, held it last, or passed it on unanswered."""
    return item.holder_id == person.pk or SetAside.objects.filter(item=item, person=person, unsure=False).exists()


def late_question(person: Person, capture: Capture, now: datetime) -> ReviewItem | None:
    """A question that measures this person, shown to them, answered by somebody else before their answer came."""
    shown = Q(holder=person) | Q(set_aside__person=person, set_aside__unsure=False)
    closed = ReviewItem.objects.filter(capture=capture, kind__in=[Kind.CONTROL, Kind.SECOND], closed_at__gte=now - LATE)
    return closed.filter(shown).exclude(answers__person=person).order_by("-closed_at").first()
