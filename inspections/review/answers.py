"""Answers. One commit appends the label, derives what is effective and closes the question."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID, uuid5

from django.db import transaction

from inspections.models import (
    AuditEvent,
    Capture,
    DefectClass,
    How,
    Kind,
    Label,
    Person,
    ReviewItem,
    SetAside,
    Status,
    Verdict,
)
from inspections.models.label import MOST_NOTE, UNSURE
from inspections.review.asking import ask_again, close
from inspections.review.blind import withheld
from inspections.review.effective import settle
from inspections.review.listed import mark_seen
from inspections.review.outcomes import Changed, Conflicts, Decided, DecidedMany, Held, Outcome, Refused, Replayed
from inspections.review.rows import late_question, locked, open_items, was_shown

LONGEST_MS = 60 * 60 * 1000  # an image that was open for longer was not looked at for longer


@dataclass(frozen=True)
class Said:
    """What a person says, the same for one capture or many."""

    defect_class: DefectClass | None  # None: unsure
    at: datetime
    how: How
    note: str = ""
    took_ms: int | None = None
    token: UUID | None = None


@dataclass(frozen=True)
class Place:
    """Where an answer belongs: the capture, the question about it, and whether that was put to this person."""

    row: Capture
    item: ReviewItem | None
    shown: bool = False

    @property
    def unseen(self) -> bool:
        """Asked blind: what stands was withheld, so there is nothing to have missed."""
        return self.shown and self.item is not None and self.item.blind

    @property
    def beside(self) -> bool:
        return self.shown and self.item is not None and self.item.is_beside

    @property
    def question(self) -> ReviewItem | None:
        """What the answer answers. One that measures people is answered by those alone to whom it was put."""
        return self.item if self.item is None or self.shown or not self.item.is_beside else None


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
    with transaction.atomic():
        (row,) = locked([capture.pk])
        if token and (before := Label.objects.filter(person=person, token=token).first()):
            return Replayed(before) if before.capture_id == row.pk else _token_used()
        defect_class = _class_of(answer)
        if isinstance(defect_class, Refused):
            return defect_class
        place = _place(person, row, open_items([row.pk]).get(row.pk), expected, now)
        if objection := _objection(person, place, expected, now):
            return objection
        how = How.BLIND if place.unseen and not _spoke(person, place) else How.SINGLE
        took = took_ms if took_ms is not None and 0 <= took_ms <= LONGEST_MS else None
        said = Said(defect_class, now, how, note.strip()[:MOST_NOTE], took, token)
        (label,) = _append(person, [place], said, {})
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
    """One answer about many captures, seen together: for all of them, or for none."""
    with transaction.atomic():
        rows = locked(capture.pk for capture in captures)
        tokens = {row.pk: uuid5(token, str(row.pk)) for row in rows} if token else {}
        if before := list(Label.objects.filter(person=person, token__in=tokens.values())):
            return DecidedMany(before) if len(before) == len(rows) else _token_used()
        defect_class = _class_of(answer)
        if isinstance(defect_class, Refused):
            return defect_class
        if withheld(person) & {row.pk for row in rows}:
            return Refused("asked-blind", "You are asked about one of these in the queue; answer it there first.")
        items = open_items(row.pk for row in rows)
        places = [Place(row, items.get(row.pk)) for row in rows]
        found = [_objection(person, place, expected.get(place.row.pk), now) for place in places]
        if refused := next((one for one in found if isinstance(one, Refused)), None):
            return refused
        if conflicts := [one for one in found if isinstance(one, Changed | Held)]:
            return Conflicts(conflicts)
        return DecidedMany(_append(person, places, Said(defect_class, now, How.BULK), tokens))


def _class_of(answer: str) -> DefectClass | Refused | None:
    """None: unsure."""
    if answer == UNSURE:
        return None
    found = DefectClass.objects.filter(code=answer).first()
    if found is None:
        return Refused("class-unknown", f"There is no class {answer!r}.")
    if not found.active:
        return Refused("class-retired", f"The class “{found.name}” was retired and takes no new labels.")
    return found


def _token_used() -> Refused:
    return Refused("token-used", "This token was used for another answer.")


def _place(person: Person, row: Capture, item: ReviewItem | None, expected: UUID | None, now: datetime) -> Place:
    if item is not None and was_shown(person, item):
        return Place(row, item, shown=True)
    late = late_question(person, row, now) if expected is None else None
    if late is not None and (item is None or not item.is_held(now)):
        return Place(row, late, shown=True)
    return Place(row, item)


def _objection(person: Person, place: Place, expected: UUID | None, now: datetime) -> Changed | Held | Refused | None:
    row, item = place.row, place.item
    if row.status != Status.JUDGED:
        words = {Status.PENDING: "has not been judged yet", Status.FAILED: "could not be judged"}
        return Refused("not-judged", f"This capture {words[Status(row.status)]}; it takes no label.")
    if item is not None and item.holder_id not in {None, person.pk} and item.is_held(now) and item.closed_at is None:
        assert item.holder is not None
        assert item.lease_until is not None
        return Held(row, item.holder, item.lease_until)
    return Changed(row, _standing(row)) if not place.unseen and row.label_id != expected else None


def _spoke(person: Person, place: Place) -> bool:
    """Who answered about this capture once, whatever the question, and took that back, has seen the model's answer.

    An image that they imported with its label they have not.
    """
    return Label.objects.filter(capture=place.row, person=person).exclude(how=How.IMPORT).exists()


def _standing(row: Capture) -> Label | None:
    if row.label_id is None:
        return None
    return Label.objects.select_related("person", "defect_class").get(pk=row.label_id)


def _append(person: Person, places: Sequence[Place], said: Said, tokens: Mapping[UUID, UUID]) -> list[Label]:
    """Write the labels and all that follows from them: what is effective, the questions, the log."""
    if said.defect_class is None:
        places = [_passed_on(place, person, said.at) for place in places]
    keys = [place.row.pk for place in places]
    verdicts = {row.capture_id: row for row in Verdict.objects.filter(capture__in=keys, effective=True)}
    labels = [
        Label(
            capture=place.row,
            person=person,
            at=said.at,
            how=said.how,
            defect_class=said.defect_class,
            item=place.question,
            beside=place.beside,
            verdict=verdicts.get(place.row.pk),
            note=said.note,
            took_ms=said.took_ms,
            token=tokens.get(place.row.pk, said.token),
        )
        for place in places
    ]
    Label.objects.bulk_create(labels)
    if said.defect_class is not None:
        settle([place.row for place in places if not place.beside])
        close([place.question for place in places if place.question], said.at)
        mark_seen(keys, person, said.at)
    AuditEvent.note_many(person, "label", said.at, {f"capture {label.capture_id}": _told(label) for label in labels})
    return labels


def _told(label: Label) -> dict[str, str]:
    return {"label": label.answer, "label_id": str(label.pk), "how": str(label.how)}


def _passed_on(place: Place, person: Person, now: datetime) -> Place:
    """Somebody else shall look: there is an open question, nobody holds it, and it is not this person's again."""
    item = place.question if place.question and place.question.closed_at is None else ask_again(place.row, now)
    SetAside.objects.update_or_create(item=item, person=person, defaults={"at": now, "unsure": True})
    kind = Kind.FLAGGED if item.kind == Kind.TEACH else item.kind  # a colleague works in whichever order
    ReviewItem.objects.filter(pk=item.pk).update(holder=None, lease_until=None, kind=kind)
    return replace(place, item=item, shown=place.shown and item == place.item)
