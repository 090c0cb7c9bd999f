"""Taking a label back. Nothing is deleted: an undo is appended, and what follows from it is derived anew."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from inspections.models import AuditEvent, Capture, How, Kind, Label, Person, ReviewItem, SetAside
from inspections.review.asking import ask_again, close
from inspections.review.effective import settle
from inspections.review.listed import mark_unseen
from inspections.review.outcomes import Decided, NotYours, Refused, Replayed
from inspections.review.rows import locked


def undo(person: Person, label: Label, now: datetime) -> Decided | Replayed | NotYours | Refused:
    """Take a label back. Own ones at any time; managers also others'."""
    if label.how == How.UNDO:
        return Refused("not-undoable", "An undo cannot be undone; decide again instead.")
    if label.person_id != person.pk and not person.sees_every_line:
        return NotYours(label.person)
    with transaction.atomic():
        (row,) = locked([label.capture_id])
        if before := Label.objects.filter(undoes=label).first():
            return Replayed(before)
        taken_back = Label.objects.create(
            capture=row, person=person, at=now, how=How.UNDO, undoes=label, item=label.item, beside=label.beside
        )
        settle([row])
        SetAside.objects.filter(item=label.item_id, person=label.person_id).delete()
        mark_unseen(row.pk, label.person, label.at)
        if question := _question_again(label, row, now):
            _give(question, person if label.person_id == person.pk else None, now)
        detail = {"label": label.answer, "label_id": str(label.pk), "of": label.person.get_username()}
        AuditEvent.note(person, "undo", f"capture {row.pk}", now, **detail)
    return Decided(taken_back)


def _question_again(label: Label, row: Capture, now: datetime) -> ReviewItem | None:
    """The question that stands open now that this label is gone, or None where nothing need be asked."""
    item = label.item and ReviewItem.objects.get(pk=label.item.pk)
    if label.beside:
        return _measure_again(item, row)
    if row.label_id is None and (row.flagged or _is_audited(row) or (item and item.kind == Kind.TEACH)):
        return ask_again(row, now)
    # Asked because somebody was unsure, and nobody is any more.
    if item is not None and not SetAside.objects.filter(item=item, unsure=True).exists():
        close([item], now)
    return None


def _measure_again(item: ReviewItem | None, row: Capture) -> ReviewItem | None:
    """A question that measures people reopens only where nothing is asked about the capture itself."""
    other = ReviewItem.objects.open().filter(capture=row).first()
    if item is None or (other is not None and other.pk != item.pk):
        return None
    ReviewItem.objects.filter(pk=item.pk).update(closed_at=None)
    return item


def _is_audited(row: Capture) -> bool:
    return ReviewItem.objects.filter(capture=row, kind=Kind.AUDIT).exists()


def _give(item: ReviewItem, person: Person | None, now: datetime) -> None:
    """To who took their answer back, else to nobody; but never out of the hands of somebody who looks at it now."""
    if item.is_held(now) and item.holder_id != (person.pk if person else None):
        return
    until = now + timedelta(seconds=settings.REVIEW_LEASE_S) if person else None
    ReviewItem.objects.open().filter(pk=item.pk).update(holder=person, lease_until=until)
