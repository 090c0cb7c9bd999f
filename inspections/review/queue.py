"""The queue: who looks at what next. Items are leased, so that two people never decide the same image at once."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import merge
from itertools import islice
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet, TextChoices
from django.utils.translation import gettext_lazy as _

from inspections.models import AuditEvent, Kind, Label, Line, Person, ReviewItem, SetAside
from inspections.models.defect_class import UNKNOWN
from inspections.review import drawing

MOST = 20  # held by one person at once


class Order(TextChoices):
    WORST = "worst", _("Worst first")
    NEW = "new", _("Newest first")
    OLD = "old", _("Oldest first")


@dataclass(frozen=True)
class Wanted:
    """Which part of the queue: lines that this person may see, an order, and a predicted class or none."""

    lines: tuple[Line, ...]
    order: Order = Order.WORST
    defect_class: str = ""


def take(
    person: Person, wanted: Wanted, most: int, now: datetime, chance: random.Random | None = None
) -> list[ReviewItem]:
    """Lease up to `most` items to this person: what they hold already, then the best of the others.

    At each place in the queue chance decides whether it is given to a hidden item instead: an audit of what the model
    passed, a known answer, a second reading. A part of the queue that is narrowed to a class has none, nor anything
    blind: there, the class alone would tell.
    """
    chance = chance or random.SystemRandom()
    with transaction.atomic():
        held = _held(person, wanted, now)
        found = held[: min(most, MOST)]
        room = min(most, MOST) - len(found)
        free = iter(_lock(_free(person, wanted, room, now), person, now)) if room > 0 else iter(())
        for item in islice(_mixed(person, wanted, free, now, chance), max(room, 0)):
            found.append(item)
        _lease(found, person, now)
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
    # Who was shown a blind item goes on being its last holder: it stays withheld from them.
    return held.update(lease_until=None)


def skip(person: Person, item: ReviewItem, now: datetime) -> None:
    """Not now, and not by me: the item goes to somebody else."""
    with transaction.atomic():
        SetAside.objects.get_or_create(item=item, person=person, defaults={"at": now})
        ReviewItem.objects.open().filter(pk=item.pk, holder=person).update(holder=None, lease_until=None)
        AuditEvent.note(person, "skip", f"capture {item.capture_id}", now)


def take_back(person: Person, item: ReviewItem, now: datetime) -> bool:
    """Fetch a skipped item, or one that was let go: True if this person holds it now."""
    with transaction.atomic():
        SetAside.objects.filter(item=item, person=person, unsure=False).delete()
        free = ReviewItem.objects.open().free_for(person, now).filter(pk=item.pk)
        locked = _lock(free, person, now)
        _lease(locked, person, now)
    return bool(locked)


def left(person: Person, wanted: Wanted) -> int:
    """How many wait for this person."""
    return _open(person, wanted).count()


def set_aside(person: Person, wanted: Wanted) -> int:
    """How many this person skipped and nobody has answered."""
    skipped = SetAside.objects.filter(person=person, unsure=False, item__closed_at=None, item__line__in=wanted.lines)
    return skipped.count()


def bring_back(person: Person, wanted: Wanted) -> None:
    """Ask this person again what they skipped."""
    SetAside.objects.filter(person=person, unsure=False, item__closed_at=None, item__line__in=wanted.lines).delete()


def done_since(person: Person, start: datetime) -> int:
    """Answers of this person since then that were not taken back."""
    return Label.objects.filter(person=person, at__gte=start, undoes=None, undone_by=None).count()


def _open(person: Person, wanted: Wanted) -> QuerySet[ReviewItem]:
    rows = ReviewItem.objects.open().filter(line__in=wanted.lines).exclude(set_aside__person=person)
    return _narrowed(rows, wanted)


def _narrowed(rows: QuerySet[ReviewItem], wanted: Wanted) -> QuerySet[ReviewItem]:
    if not wanted.defect_class:
        return rows
    known = Q(capture__defect_class__code=wanted.defect_class)
    return rows.filter(Q(capture__defect_class=None) if wanted.defect_class == UNKNOWN else known, blind=False)


def _held(person: Person, wanted: Wanted, now: datetime) -> list[ReviewItem]:
    rows = ReviewItem.objects.held_by(person, now).filter(line__in=wanted.lines)
    return list(_narrowed(rows, wanted).order_by(*_FIELDS[wanted.order]))


def _free(person: Person, wanted: Wanted, most: int, now: datetime) -> list[ReviewItem]:
    """The best flagged items that nobody holds. Each line is a seek in its own index; the lines are merged here."""
    per_line = [_of_line(person, wanted, line, most, now) for line in wanted.lines]
    return list(islice(merge(*per_line, key=lambda item: _place(item, wanted.order)), most))


_FIELDS = {Order.WORST: ("-rank", "id"), Order.NEW: ("-id",), Order.OLD: ("id",)}


def _of_line(person: Person, wanted: Wanted, line: Line, most: int, now: datetime) -> list[ReviewItem]:
    rows = ReviewItem.objects.open().filter(line=line, kind=Kind.FLAGGED).free_for(person, now)
    rows = rows.exclude(holder=person, lease_until__gte=now)  # those are counted already
    return list(_narrowed(rows, wanted).order_by(*_FIELDS[wanted.order])[:most])


def _place(item: ReviewItem, order: Order) -> tuple[float, int]:
    if order is Order.WORST:
        return -item.rank, item.pk.int
    return 0.0, -item.pk.int if order is Order.NEW else item.pk.int


def _mixed(
    person: Person, wanted: Wanted, flagged: Iterable[ReviewItem], now: datetime, chance: random.Random
) -> Iterable[ReviewItem]:
    """Flagged items, with hidden ones at random places among them; after the last, hidden ones that wait."""
    is_open = not wanted.defect_class
    for item in flagged:
        # Drawn anew until it is this item's turn: then the share holds however many are taken at once.
        while is_open and (hidden := drawing.maybe(person, wanted.lines, item.rank, now, chance)):
            _lease([hidden], person, now)  # at once, or the next place would be given the same one
            yield hidden
        yield item
    if is_open:
        yield from drawing.waiting(person, wanted.lines, now)


def _lock(items: Iterable[ReviewItem], person: Person, now: datetime) -> list[ReviewItem]:
    """Those that are still free when we have their rows; whoever is faster wins."""
    places = {item.pk: place for place, item in enumerate(items)}
    free = ReviewItem.objects.open().free_for(person, now).filter(pk__in=places).order_by("pk")
    rows = free.select_for_update(of=("self",), skip_locked=True)
    return sorted(rows, key=lambda item: places[item.pk])


def _lease(items: Sequence[ReviewItem], person: Person, now: datetime) -> None:
    until = now + timedelta(seconds=settings.REVIEW_LEASE_S)
    ReviewItem.objects.filter(pk__in=[item.pk for item in items]).update(holder=person, lease_until=until)
    for item in items:
        item.holder, item.lease_until = person, until
