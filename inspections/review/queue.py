"""The queue: who looks at what next. Items are leased, so that two people never decide the same image at once."""

import random
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from heapq import merge
from itertools import islice
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from inspections import teaching
from inspections.models import AuditEvent, How, Kind, Label, Line, Person, ReviewItem, SetAside
from inspections.review import drawing, listed
from inspections.review.listed import of_class
from inspections.review.rows import was_shown
from inspections.review.wanted import Order, Wanted

__all__ = ["Order", "Wanted"]

MOST = 20  # held by one person at once


def take(
    person: Person, wanted: Wanted, most: int, now: datetime, chance: random.Random | None = None
) -> list[ReviewItem]:
    """Lease up to `most` items to this person: what they were shown and have not answered, then the best of the others.

    At each place in the queue chance decides whether it is given to a hidden item instead: an audit of what the model
    passed, a known answer, a second reading.
    """
    chance = chance or random.SystemRandom()
    most = min(most, MOST)
    with transaction.atomic():
        if wanted.is_listed:
            found = listed.take(person, wanted, most, now)
        else:
            found = list(_mine(person, wanted, now)[:most])
            found += islice(_others(person, wanted, most - len(found), now, chance), most - len(found))
        _lease(found, person, now)
    if wanted.order is Order.TEACH:
        teaching.keep_fresh(now, len(found))
    return found


def renew(person: Person, now: datetime) -> datetime:
    """Hold on to what this person holds; returns until when."""
    until = now + timedelta(seconds=settings.REVIEW_LEASE_S)
    ReviewItem.objects.held_by(person, now).update(lease_until=until)
    return until


def release(person: Person, now: datetime, only: Iterable[UUID] | None = None) -> int:
    """Let go of everything, or of the items named; others may take it at once."""
    held = ReviewItem.objects.held_by(person, now)
    if only is not None:
        held = held.filter(pk__in=list(only))
    # Who was shown an item goes on being its last holder: a blind one stays withheld from them.
    return held.update(lease_until=None)


def skip(person: Person, item: ReviewItem, now: datetime) -> bool:
    """Not now, and not by me: the item goes to somebody else. False where this person was not shown it."""
    with transaction.atomic():
        let_go = ReviewItem.objects.open().filter(pk=item.pk, holder=person).update(holder=None, lease_until=None)
        if let_go:
            SetAside.objects.get_or_create(item=item, person=person, defaults={"at": now})
            AuditEvent.note(person, "skip", f"capture {item.capture_id}", now)
    return bool(let_go)


def take_back(person: Person, item: ReviewItem, now: datetime) -> bool:
    """Fetch a skipped item, or one that was let go: True if this person holds it now.

    A blind or hidden one only where it was put to this person before: anybody else may have seen its answer.
    """
    with transaction.atomic():
        is_plain = item.kind == Kind.FLAGGED and not item.blind
        if not (is_plain or was_shown(person, item)):
            return False
        free = ReviewItem.objects.open().not_held_from(person, now).exclude(set_aside__in=_unsure(person))
        locked = list(free.filter(pk=item.pk).select_for_update())
        if locked:
            SetAside.objects.filter(item=item, person=person).delete()
            _lease(locked, person, now)
    return bool(locked)


def left(person: Person, wanted: Wanted) -> int:
    """How many wait for this person.

    Hidden items are not counted, or one that is drawn would add to the number and so tell what it is; one that was
    skipped is taken off, as a flagged one is.
    """
    if wanted.is_listed:
        return listed.left(person, wanted)
    open_ones = ReviewItem.objects.open().filter(line__in=wanted.lines).exclude(kind=Kind.TEACH)
    flagged = _narrowed(open_ones.filter(kind=Kind.FLAGGED), wanted).exclude(set_aside__person=person).count()
    if wanted.is_plain:
        return flagged
    skipped = _skipped(person, wanted).exclude(item__kind=Kind.FLAGGED).count()
    held = open_ones.filter(holder=person).count()
    return max(flagged - skipped, held)


def set_aside(person: Person, wanted: Wanted) -> int:
    """How many this person skipped and nobody else has taken up."""
    return _to_bring_back(person, wanted).count()


def bring_back(person: Person, wanted: Wanted) -> None:
    """Ask this person again what they skipped. Blind ones stay withheld meanwhile: they are this person's again."""
    with transaction.atomic():
        rows = _to_bring_back(person, wanted)
        items = list(rows.values_list("item_id", flat=True))
        rows.delete()
        ReviewItem.objects.open().filter(pk__in=items, blind=True, holder=None).update(holder=person)


def done_since(person: Person, start: datetime) -> int:
    """Answers of this person since then that were not taken back."""
    said = Label.objects.filter(person=person, at__gte=start).exclude(how=How.UNDO)
    return said.filter(undone_by=None).count()


def _unsure(person: Person) -> QuerySet[SetAside]:
    return SetAside.objects.filter(person=person, unsure=True)


def _skipped(person: Person, wanted: Wanted) -> QuerySet[SetAside]:
    # Asked of each, and not joined: SQLite would walk through all that waits to find the few that one person skipped.
    waits = ReviewItem.objects.open().filter(pk=OuterRef("item_id"), line__in=wanted.lines)
    mine = SetAside.objects.filter(Exists(waits), person=person, unsure=False)
    if wanted.is_listed:
        keys = mine.filter(item__blind=False).values_list("item__capture_id", flat=True)
        on_list = listed.rows(wanted).filter(capture__in=list(keys)).values_list("capture_id", flat=True)
        return mine.filter(item__capture__in=list(on_list))
    return mine.exclude(item__kind=Kind.TEACH)


def _to_bring_back(person: Person, wanted: Wanted) -> QuerySet[SetAside]:
    return _skipped(person, wanted).filter(Q(item__blind=False) | Q(item__holder=None))


def _narrowed(rows: QuerySet[ReviewItem], wanted: Wanted) -> QuerySet[ReviewItem]:
    if wanted.is_plain:
        rows = rows.filter(blind=False, kind=Kind.FLAGGED)
    return of_class(rows, wanted.defect_class)


FIELDS = {Order.WORST: ("-rank", "id"), Order.NEW: ("-id",), Order.OLD: ("id",)}


def _belongs_to(person: Person, now: datetime) -> Q:
    """What this person holds, and what they were shown blind and nobody took over.

    The latter comes back, of whatever kind it is: if flagged ones alone did, that would tell.
    """
    return Q(holder=person) & (Q(lease_until__gte=now) | Q(blind=True))


def _mine(person: Person, wanted: Wanted, now: datetime) -> QuerySet[ReviewItem]:
    rows = ReviewItem.objects.open().filter(_belongs_to(person, now), line__in=wanted.lines)
    rows = rows.exclude(kind=Kind.TEACH).exclude(set_aside__person=person)
    return _narrowed(rows, wanted).order_by(*FIELDS[wanted.order]).select_for_update(of=("self",))


def _others(person: Person, wanted: Wanted, room: int, now: datetime, chance: random.Random) -> Iterator[ReviewItem]:
    """Flagged items, with hidden ones at random places among them; after the last, hidden ones that wait."""
    if room <= 0:
        return
    for item in _free(person, wanted, room, now):
        # Drawn anew until it is this item's turn: then the share holds however many are taken at once.
        while not wanted.is_plain and (hidden := drawing.maybe(person, wanted.lines, item.rank, now, chance)):
            _lease([hidden], person, now)  # at once, or the next place would be given the same one
            yield hidden
        yield item
    if not wanted.is_plain:
        for hidden in drawing.after_the_last(person, wanted.lines, now, chance):
            _lease([hidden], person, now)
            yield hidden


def _free(person: Person, wanted: Wanted, most: int, now: datetime) -> Iterable[ReviewItem]:
    """The best flagged items that nobody holds. Each line is a seek in its own index; the lines are merged here."""
    per_line = [_of_line(person, wanted, line, most, now) for line in wanted.lines]
    return list(islice(merge(*per_line, key=lambda item: place(item, wanted.order)), most))


def _of_line(person: Person, wanted: Wanted, line: Line, most: int, now: datetime) -> list[ReviewItem]:
    """Locked: what somebody else is taking at this moment is passed over."""
    free = ReviewItem.objects.open().filter(line=line, kind=Kind.FLAGGED).free_for(person, now)
    rows = _narrowed(free.exclude(_belongs_to(person, now)), wanted).order_by(*FIELDS[wanted.order])
    return list(rows.select_for_update(of=("self",), skip_locked=True)[:most])


def place(item: ReviewItem, order: Order) -> tuple[float, int]:
    if order is Order.WORST:
        return -item.rank, item.pk.int
    return 0.0, -item.pk.int if order is Order.NEW else item.pk.int


def _lease(items: Sequence[ReviewItem], person: Person, now: datetime) -> None:
    """To this person, and no longer to who was shown them before: from them, blind ones stay withheld."""
    passed = [item for item in items if item.blind and item.holder_id not in {None, person.pk}]
    SetAside.objects.bulk_create(
        [SetAside(item=item, person=item.holder, at=now) for item in passed if item.holder], ignore_conflicts=True
    )
    until = now + timedelta(seconds=settings.REVIEW_LEASE_S)
    ReviewItem.objects.filter(pk__in=[item.pk for item in items]).update(holder=person, lease_until=until)
    for item in items:
        item.holder, item.lease_until = person, until
