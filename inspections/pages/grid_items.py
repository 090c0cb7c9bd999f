"""Which images stand in the grid, and where its next page starts. No page counts, none skips rows."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Self
from uuid import UUID

from django.db.models import Q, QuerySet

from inspections.models import Capture, Kind, Line, Person, ReviewItem
from inspections.review import listed
from inspections.review.listed import of_class
from inspections.review.queue import FIELDS, Order, Wanted, place

PAGE = 120


@dataclass(frozen=True)
class Mark:
    """Where a page ended: the rank, and the id, which settles ties and is the age."""

    rank: float
    id: UUID

    @classmethod
    def of(cls, item: ReviewItem) -> Self:
        return cls(item.rank, item.pk)

    @classmethod
    def parse(cls, text: str) -> Self:
        """ValueError where the text is no mark."""
        rank, _tilde, key = text.partition("~")
        if not isfinite(float(rank)):
            raise ValueError(text)
        return cls(float(rank), UUID(key))

    def __str__(self) -> str:
        return f"{self.rank!r}~{self.id}"


@dataclass(frozen=True)
class Page:
    items: list[ReviewItem]
    next: Mark | None


def page(person: Person, wanted: Wanted, after: Mark | None, secret: Iterable[UUID], size: int = PAGE) -> Page:
    """Open flagged questions that are not asked blind and that this person has not put aside, held or not.

    Each line is a seek in its own index, and the lines are merged here.
    """
    if wanted.is_listed:
        return _of_list(person, wanted, after, secret, size)
    found = [item for line in wanted.lines for item in _of_line(person, wanted, line, after, secret, size + 1)]
    first = sorted(found, key=lambda item: place(item, wanted.order))
    related = ("capture__defect_class", "capture__line", "capture__roll", "holder")
    rows = ReviewItem.objects.select_related(*related).in_bulk([item.pk for item in first[:size]])
    shown = [rows[item.pk] for item in first[:size]]
    return Page(shown, Mark.of(shown[-1]) if len(first) > size else None)


def _of_list(person: Person, wanted: Wanted, after: Mark | None, secret: Iterable[UUID], size: int) -> Page:
    """The list's captures, with the open question of each, or one that is only drawn here: nothing is asked by this.

    Its rank is the place in the list, and its id the capture's.
    """
    rows = listed.beyond(listed.open_to(person, wanted), wanted.order, after.rank if after else None)
    places = dict(
        rows.exclude(capture__in=set(secret)).values_list("capture_id", listed.PLACE[wanted.order])[: size + 1]
    )
    keys = list(places)[:size]
    captures = Capture.objects.select_related("defect_class", "line", "roll").in_bulk(keys)
    asked = ReviewItem.objects.open().filter(capture__in=keys).select_related("holder")
    held = {item.capture_id: item for item in asked}
    shown = [_drawn(captures[key], held.get(key), places[key]) for key in keys]
    return Page(shown, Mark.of(shown[-1]) if len(places) > size else None)


def _drawn(capture: Capture, asked: ReviewItem | None, rank: float) -> ReviewItem:
    until, holder = (asked.lease_until, asked.holder) if asked else (None, None)
    return ReviewItem(pk=capture.pk, capture=capture, line=capture.line, rank=rank, lease_until=until, holder=holder)


def _of_line(
    person: Person, wanted: Wanted, line: Line, after: Mark | None, secret: Iterable[UUID], limit: int
) -> list[ReviewItem]:
    """Where the line's first ones stand; their rows are read once it is known which are shown."""
    mine = ReviewItem.objects.open().filter(line=line, kind=Kind.FLAGGED, blind=False)
    rows: QuerySet[ReviewItem] = mine.exclude(set_aside__person=person).exclude(capture__in=set(secret))
    rows = _beyond(of_class(rows, wanted.defect_class), wanted.order, after)
    return list(rows.only("rank").order_by(*FIELDS[wanted.order])[:limit])


def _beyond(rows: QuerySet[ReviewItem], order: Order, after: Mark | None) -> QuerySet[ReviewItem]:
    if after is None:
        return rows
    if order is Order.NEW:
        return rows.filter(pk__lt=after.id)
    if order is Order.OLD:
        return rows.filter(pk__gt=after.id)
    # The first half alone already bounds the index; the second settles ties.
    return rows.filter(rank__lte=after.rank).filter(Q(rank__lt=after.rank) | Q(pk__gt=after.id))


@dataclass(frozen=True)
class Tile:
    """One image of the grid. `held_by` is empty where this person may label it."""

    item: ReviewItem
    held_by: str
    icon: str

    @classmethod
    def of(cls, item: ReviewItem, person: Person, now: datetime, icons: Iterable[str]) -> Self:
        held = item.is_held(now) and item.holder_id != person.pk and item.holder is not None
        holder = item.holder if held else None
        name = (holder.get_full_name() or holder.get_username()) if holder else ""
        found = item.capture.defect_class
        code = "unknown" if found is None else found.code
        return cls(item, name, code if code in icons else "defect")
