"""Orders that follow a list of captures: what would teach most, and where a challenger in shadow disagrees.

The capture's open question is used where there is one. Else one of the kind `teach` comes to be when it is leased: the
model may have passed the image, and nobody had asked. Nothing in these orders is blind, for its place tells why it is
asked; what is asked blind, or measures people, is passed over.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from inspections.models import (
    Capture,
    Comparison,
    Kind,
    ModelVersion,
    Person,
    ReviewItem,
    SetAside,
    State,
    Status,
    TeachPick,
)
from inspections.models.defect_class import UNKNOWN
from inspections.review.rows import is_mine
from inspections.review.wanted import Order, Wanted

KINDS = (Kind.FLAGGED, Kind.TEACH)
PLACE = {Order.TEACH: "rank", Order.DISAGREE: "pk"}  # what orders each list: upwards, and downwards
SPARE = 3  # rows read for each place: some are being taken by others at this moment


def rows(wanted: Wanted) -> QuerySet[Any]:
    """Picks or comparisons about captures that nobody has labelled yet, in their order. No capture comes twice."""
    if wanted.order is Order.TEACH:
        found: QuerySet[Any] = TeachPick.objects.order_by("rank", "id")
    else:
        found = _newest_of_each(list(_in_shadow())).order_by("-id")
    found = found.filter(line__in=wanted.lines, capture__label=None, capture__status=Status.JUDGED)
    return of_class(found, wanted.defect_class)


def beyond(found: QuerySet[Any], order: Order, place: float | None) -> QuerySet[Any]:
    """What comes after this place in the list."""
    if place is None:
        return found
    whole = int(min(max(place, 0), 2**31 - 1))
    return found.filter(rank__gt=whole) if order is Order.TEACH else found.filter(pk__lt=whole)


def _in_shadow() -> QuerySet[ModelVersion, int]:
    return ModelVersion.objects.filter(state=State.SHADOW).values_list("pk", flat=True)


def _unseen() -> QuerySet[Comparison]:
    """Where a version that is in shadow now says something else, and nobody has looked."""
    return Comparison.objects.filter(version__in=_in_shadow(), recall=None, agrees=False, seen_at=None)


def _newest_of_each(versions: list[int]) -> QuerySet[Comparison]:
    """The same of these versions. Where there are several, the newest about each capture."""
    found = Comparison.objects.filter(version__in=versions, recall=None, agrees=False, seen_at=None)
    if len(versions) < 2:
        return found
    return found.exclude(Exists(found.filter(capture=OuterRef("capture"), pk__gt=OuterRef("pk"))))


def of_class(found: QuerySet[Any], code: str) -> QuerySet[Any]:
    """Those whose capture is of this class, or unknown; all of them for an empty code."""
    if code == UNKNOWN:
        return found.filter(capture__defect_class=None)
    return found.filter(capture__defect_class__code=code) if code else found


def open_to(person: Person, wanted: Wanted) -> QuerySet[Any]:
    """Without what this person put aside, and what is asked blind or measures people."""
    barred = ReviewItem.objects.open().filter(Q(blind=True) | ~Q(kind__in=KINDS), capture=OuterRef("capture"))
    aside = SetAside.objects.filter(person=person, item__closed_at=None, item__capture=OuterRef("capture"))
    return rows(wanted).exclude(Exists(barred)).exclude(Exists(aside))


def take(person: Person, wanted: Wanted, most: int, now: datetime) -> list[ReviewItem]:
    """What this person holds of the list, then its best that nobody holds; to be leased in this transaction."""
    mine = ReviewItem.objects.held_by(person, now).filter(kind__in=KINDS, blind=False, line__in=wanted.lines)
    held = {item.capture_id: item for item in mine.select_for_update(of=("self",))}
    listed = open_to(person, wanted).filter(capture__in=held).values_list("capture_id", flat=True)
    found = [held[key] for key in listed][:most]
    return [*found, *_others(person, wanted, most - len(found), now, held)]


def _others(person: Person, wanted: Wanted, room: int, now: datetime, held: dict[UUID, ReviewItem]) -> list[ReviewItem]:
    if room <= 0:
        return []
    elsewhere = ReviewItem.objects.open().filter(lease_until__gte=now, capture=OuterRef("capture"))
    free = open_to(person, wanted).exclude(capture__in=held).exclude(Exists(elsewhere))
    keys = list(free.values_list("capture_id", flat=True)[: SPARE * room])
    return _questions(person, keys, room, now)


def _questions(person: Person, keys: Sequence[UUID], room: int, now: datetime) -> list[ReviewItem]:
    """Up to `room` questions: the open one of each, or a new one; none for what somebody takes at this moment."""
    asked = ReviewItem.objects.open().filter(capture__in=keys)
    taken = set(asked.values_list("capture_id", flat=True))
    free = asked.filter(kind__in=KINDS, blind=False).free_for(person, now)
    items = {item.capture_id: item for item in free.select_for_update(of=("self",), skip_locked=True)}
    left = iter([key for key in keys if key in items or key not in taken])
    while some := list(islice(left, room)):
        items |= _asked_about([key for key in some if key not in items], now)
        if found := [items[key] for key in some if key in items]:
            return found
    return []


def _asked_about(keys: Sequence[UUID], now: datetime) -> dict[UUID, ReviewItem]:
    """New questions. They come to be in the order of their captures, whichever order the list has: of two who ask about
    the same ones at once, one waits for the other, and never each for the other."""
    captures = Capture.objects.in_bulk(keys)
    made = [(key, _asked(captures[key], now)) for key in sorted(captures)]
    return {key: item for key, item in made if item is not None}


def _asked(capture: Capture, now: datetime) -> ReviewItem | None:
    """None where somebody asks about this capture, or answers it, at the same moment."""
    if not is_mine(capture):
        return None
    try:
        with transaction.atomic():
            return ReviewItem.objects.create(
                capture=capture,
                line_id=capture.line_id,
                kind=Kind.TEACH,
                rank=capture.severity,
                counted_at=capture.counted_at,
                created_at=now,
            )
    except IntegrityError:
        return None


def left(person: Person, wanted: Wanted) -> int:
    """How many of the list wait for this person, those held included."""
    return open_to(person, wanted).count()


def mark_seen(keys: Sequence[UUID], person: Person, now: datetime) -> None:
    """Who labels an image has looked at what challengers said of it."""
    Comparison.objects.filter(capture__in=keys, seen_at=None).update(seen_by=person, seen_at=now)


def mark_unseen(key: UUID, person: Person, at: datetime) -> None:
    """The label of that moment is taken back."""
    Comparison.objects.filter(capture=key, seen_by=person, seen_at=at).update(seen_by=None, seen_at=None)


def close_stale(now: datetime) -> int:
    """Questions of the kind `teach` that are on no list any more and that nobody holds."""
    idle = ReviewItem.objects.exclude(kind=Kind.FLAGGED).filter(kind=Kind.TEACH, closed_at=None)
    idle = idle.exclude(lease_until__gte=now)
    on_list = Q(capture__in=TeachPick.objects.values("capture")) | Q(capture__in=_unseen().values("capture"))
    return idle.exclude(on_list).update(closed_at=now)
