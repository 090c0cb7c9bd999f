"""Answers and their undoing. One commit appends the label, derives what is effective and closes the question."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from django.conf import settings
from django.db import transaction

from inspections.models import (
    AuditEvent,
    Capture,
    DefectClass,
    How,
    Label,
    Person,
    ReviewItem,
    SetAside,
    Status,
    Verdict,
)
from inspections.models.label import MOST_NOTE, UNSURE
from inspections.review.asking import ask_again
from inspections.review.effective import settle
from inspections.review.outcomes import (
    Changed,
    Conflicts,
    Decided,
    DecidedMany,
    Held,
    NotYours,
    Outcome,
    Refused,
    Replayed,
)

LONGEST_MS = 60 * 60 * 1000  # an image that was open for longer was not looked at for longer


@dataclass(frozen=True)
class Said:
    """What a person says, the same for one capture or many."""

    defect_class: DefectClass | None  # None: unsure
    at: datetime
    note: str = ""
    took_ms: int | None = None
    token: UUID | None = None


def decide(
    person: Person,
    capture: Capture,
    answer: str,
    now: datetime,
    *,
    expected: UUID | None = None,
    token: UUID | None = None,
    note: str = "",
    took_ms: int | None = None,
) -> Outcome:
    """One answer about one capture that this person may see: a class's code, or `unsure`.

    `expected` is the id of the effective label that the person saw, None where there was none. The same `token` again
    is the same answer.
    """
    said = _said(answer, now, note, took_ms, token)
    if isinstance(said, Refused):
        return said
    with transaction.atomic():
        row = _locked([capture.pk])[0]
        if token and (before := Label.objects.filter(person=person, token=token).first()):
            return Replayed(before) if before.capture_id == row.pk else _token_used()
        item = _open_items([row.pk]).get(row.pk)
        unseen = item is not None and item.blind and item.holder_id == person.pk
        if objection := _objection(person, row, item, expected, unseen, now):
            return objection
        label = _append(person, row, item, said, How.BLIND if unseen and not _spoke(person, item) else How.SINGLE)
        _after([(label, row, item)], person, now)
    return Decided(label)


def decide_many(
    person: Person,
    captures: Sequence[Capture],
    answer: str,
    now: datetime,
    *,
    expected: Mapping[UUID, UUID | None],
    token: UUID | None = None,
) -> DecidedMany | Conflicts | Refused:
    """One answer about many captures: for all of them, or for none."""
    said = _said(answer, now, "", None, token)
    if isinstance(said, Refused):
        return said
    with transaction.atomic():
        rows = _locked(capture.pk for capture in captures)
        tokens = {row.pk: uuid5(token, str(row.pk)) for row in rows} if token else {}
        if before := list(Label.objects.filter(person=person, token__in=tokens.values())):
            return DecidedMany(before)
        items = _open_items([row.pk for row in rows])
        found = [_objection(person, row, items.get(row.pk), expected.get(row.pk), False, now) for row in rows]
        if refused := next((one for one in found if isinstance(one, Refused)), None):
            return refused
        if conflicts := [one for one in found if isinstance(one, Changed | Held)]:
            return Conflicts(conflicts)
        each = [(row, items.get(row.pk), replace(said, token=tokens.get(row.pk))) for row in rows]
        made = [(_append(person, row, item, one, How.BULK), row, item) for row, item, one in each]
        _after(made, person, now)
    return DecidedMany([label for label, _row, _item in made])


def undo(person: Person, label: Label, now: datetime) -> Decided | Replayed | NotYours | Refused:
    """Take a label back by appending its undo. Own ones at any time; managers also others'."""
    if label.how == How.UNDO:
        return Refused("not-undoable", "An undo cannot be undone; decide again instead.")
    if label.person_id != person.pk and not person.sees_every_line:
        return NotYours(label.person)
    with transaction.atomic():
        (row,) = _locked([label.capture_id])
        if before := Label.objects.filter(undoes=label).first():
            return Replayed(before)
        taken_back = Label.objects.create(
            capture=row, person=person, at=now, how=How.UNDO, undoes=label, item=label.item, beside=label.beside
        )
        settle([row])
        _open_again(person, label, row, now)
        detail = {"label": label.answer, "label_id": str(label.pk), "of": label.person.get_username()}
        AuditEvent.note(person, "undo", f"capture {row.pk}", now, **detail)
    return Decided(taken_back)


def _said(answer: str, now: datetime, note: str, took_ms: int | None, token: UUID | None) -> Said | Refused:
    found = None if answer == UNSURE else DefectClass.objects.filter(code=answer).first()
    if found is None and answer != UNSURE:
        return Refused("class-unknown", f"There is no class {answer!r}.")
    if found is not None and not found.active:
        return Refused("class-retired", f"The class “{found.name}” was retired and takes no new labels.")
    took = took_ms if took_ms is not None and 0 <= took_ms <= LONGEST_MS else None
    return Said(found, now, note.strip()[:MOST_NOTE], took, token)


def _token_used() -> Refused:
    return Refused("token-used", "This token was used for another capture.")


def _locked(keys: Iterable[UUID]) -> list[Capture]:
    """The rows, locked in one order, with their class: `settle` counts by it."""
    rows = Capture.objects.filter(pk__in=list(keys)).order_by("pk").select_for_update(of=("self",))
    return list(rows.select_related("defect_class"))


def _open_items(keys: Sequence[UUID]) -> dict[UUID, ReviewItem]:
    rows = ReviewItem.objects.open().filter(capture__in=keys).order_by("pk").select_for_update(of=("self",))
    return {item.capture_id: item for item in rows.select_related("holder")}


def _objection(
    person: Person, capture: Capture, item: ReviewItem | None, expected: UUID | None, unseen: bool, now: datetime
) -> Changed | Held | Refused | None:
    if capture.status != Status.JUDGED:
        words = {Status.PENDING: "has not been judged yet", Status.FAILED: "could not be judged"}
        return Refused("not-judged", f"This capture {words[Status(capture.status)]}; it takes no label.")
    if item is not None and item.holder is not None and item.holder_id != person.pk and item.is_held(now):
        assert item.lease_until is not None
        return Held(capture, item.holder, item.lease_until)
    # Who was asked blind was not shown what stands, so there is nothing to have missed.
    if not unseen and capture.label_id != expected:
        return Changed(capture, _standing(capture))
    return None


def _spoke(person: Person, item: ReviewItem | None) -> bool:
    """Who answered it once, and took that back, has seen the model's answer."""
    return Label.objects.filter(item=item, person=person).exists()


def _standing(capture: Capture) -> Label | None:
    if capture.label_id is None:
        return None
    return Label.objects.select_related("person", "defect_class").get(pk=capture.label_id)


def _append(person: Person, capture: Capture, item: ReviewItem | None, said: Said, how: How) -> Label:
    is_asked = item is not None and (item.holder_id == person.pk or not item.is_beside)
    return Label.objects.create(
        capture=capture,
        person=person,
        at=said.at,
        how=how,
        defect_class=said.defect_class,
        item=item if is_asked else None,
        beside=item is not None and item.is_beside and item.holder_id == person.pk,
        verdict=Verdict.objects.filter(capture=capture, effective=True).first(),
        note=said.note,
        took_ms=said.took_ms,
        token=said.token,
    )


def _after(made: Sequence[tuple[Label, Capture, ReviewItem | None]], person: Person, now: datetime) -> None:
    """Derive what is effective, close or pass on the questions, write the log."""
    settle([row for label, row, _item in made if label.defect_class and not label.beside])
    for label, row, item in made:
        if label.defect_class is None:
            _pass_on(item or ask_again(row, now), person, now)
        elif label.item is not None:
            ReviewItem.objects.filter(pk=label.item.pk).update(closed_at=now, lease_until=None)
        detail = {"label": label.answer, "label_id": str(label.pk), "how": str(label.how)}
        AuditEvent.note(person, "label", f"capture {row.pk}", now, **detail)


def _pass_on(item: ReviewItem, person: Person, now: datetime) -> None:
    """Somebody else shall look: not this person again, and nobody holds it."""
    SetAside.objects.update_or_create(item=item, person=person, defaults={"at": now, "unsure": True})
    ReviewItem.objects.filter(pk=item.pk).update(holder=None, lease_until=None)


def _open_again(person: Person, label: Label, capture: Capture, now: datetime) -> None:
    """The question stands open again, held by who took the answer back if it was theirs."""
    item = label.item
    if item is not None:
        SetAside.objects.filter(item=item, person=label.person).delete()
    if not label.beside and capture.label_id is not None:
        return
    other = ReviewItem.objects.open().filter(capture=capture).first()
    if other is None and item is None and capture.flagged:
        item = ask_again(capture, now)
    if item is None or (other is not None and other.pk != item.pk):
        return
    mine = {"holder": person, "lease_until": now + timedelta(seconds=settings.REVIEW_LEASE_S)}
    theirs = {"holder": None, "lease_until": None}
    held = ReviewItem.objects.filter(pk=item.pk)
    if not item.is_held(now) or item.holder_id == person.pk:
        held.update(closed_at=None, **(mine if label.person_id == person.pk else theirs))
