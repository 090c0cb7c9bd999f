"""What people decided over a stretch of time: how much, how long it took, how far they agreed with the model.

Read from labels by time, counted by the database. At most MOST labels are read: where there are more, the stretch
begins later, and says so. `listed` tells the same decisions one by one.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Self
from uuid import UUID

from django.db.models import Case, Count, F, IntegerField, OuterRef, Q, QuerySet, Subquery, Sum, Value, When
from django.db.models.expressions import Combinable

from inspections.escape import Interval, clopper_pearson
from inspections.models import Capture, How, Label
from inspections.models.defect_class import GOOD, UNKNOWN

MOST = 5_000


@dataclass(frozen=True)
class Group:
    """Decisions that are alike. `step`: their place among the bounds; `said` empty: unsure; `model` empty: it had said
    nothing."""

    step: int
    line: int
    said: str
    model: str
    blind: bool
    flagged: bool
    stands: bool  # it is the capture's effective label
    count: int
    took_ms: int
    timed: int  # how many of them say how long they took


@dataclass(frozen=True)
class Decided:
    """The decisions since `since`; `cut`: there were more before, too many to read."""

    groups: tuple[Group, ...]
    bounds: tuple[datetime, ...]
    since: datetime
    cut: bool

    @property
    def count(self) -> int:
        return sum(one.count for one in self.groups)

    @property
    def first(self) -> datetime:
        """The moment from which on all are counted."""
        return self.since + timedelta(microseconds=1) if self.cut else self.since

    def of_line(self, line_id: int) -> Self:
        return replace(self, groups=tuple(one for one in self.groups if one.line == line_id))

    def between(self, since: datetime, until: datetime) -> Self:
        """The steps that begin in there."""
        inside = {step for step, at in enumerate(self.bounds[:-1]) if since <= at < until}
        return replace(self, groups=tuple(one for one in self.groups if one.step in inside))


@dataclass(frozen=True)
class Narrowed:
    """Which decisions are wanted; None and the empty text narrow nothing."""

    overkill: bool = False
    blind: bool | None = None  # of those about the model: its answer withheld, or in sight
    model: str = ""
    same: bool | None = None  # of those about the model: people said its class, or another


@dataclass(frozen=True)
class Listed:
    """The labels of some decisions since `since`, their keys, latest first; `cut`: as above."""

    labels: tuple[UUID, ...]
    since: datetime
    cut: bool


@dataclass(frozen=True)
class Cost:
    """Good images that were flagged and sent to people. `timed`: how many of them say how long they took."""

    images: int
    took_ms: int
    timed: int

    @property
    def minutes(self) -> float | None:
        """For all of them, by those that say; None where none does."""
        return self.took_ms / 60_000 * self.images / self.timed if self.timed else None


def decided(line_ids: Collection[int], bounds: Sequence[datetime], secret: Collection[UUID] = ()) -> Decided:
    """Of these lines, in the steps between `bounds`. Without hidden items, imports, and what was taken back; without
    `secret`, captures that the reader is being asked blind. Two queries."""
    rows, oldest = _rows(bounds[0], bounds[-1], secret)
    groups = tuple(one for one in _grouped(rows, bounds) if one.line in line_ids)
    return Decided(groups, tuple(bounds), oldest or bounds[0], oldest is not None)


def listed(
    line_ids: Collection[int], since: datetime, until: datetime, wanted: Narrowed, secret: Collection[UUID] = ()
) -> Listed:
    """The decisions that `decided` counts, one by one: those that the figure `wanted` speaks of counted."""
    every, oldest = _rows(since, until, secret)
    rows = every.alias(line=_LINE).filter(line__in=line_ids)
    keys = _narrowed(rows, wanted).order_by("-at", "-id").values_list("pk", flat=True)
    return Listed(tuple(keys), oldest or since, oldest is not None)


def _narrowed(rows: QuerySet[Label], wanted: Narrowed) -> QuerySet[Label]:
    """What `is_overkill` and `is_about_the_model` say of a group, for the database."""
    of_the_model = wanted.blind is not None or wanted.same is not None
    if wanted.overkill or of_the_model:
        rows = rows.alias(is_flagged=_FLAGGED).filter(is_flagged=True)
    if wanted.overkill:
        rows = rows.filter(pk=_EFFECTIVE, defect_class__code=GOOD)
    if of_the_model:
        rows = rows.filter(defect_class__isnull=False, verdict__defect_class__isnull=False)
    if wanted.blind is not None:
        rows = rows.filter(how=How.BLIND) if wanted.blind else rows.exclude(how=How.BLIND)
    if wanted.same is not None:
        agreed = Q(defect_class=F("verdict__defect_class"))
        rows = rows.filter(agreed if wanted.same else ~agreed)
    if wanted.model == UNKNOWN:
        return rows.filter(verdict__isnull=False, verdict__defect_class=None)
    return rows.filter(verdict__defect_class__code=wanted.model) if wanted.model else rows


def _rows(since: datetime, until: datetime, secret: Collection[UUID]) -> tuple[QuerySet[Label], datetime | None]:
    """The labels, and the time of the latest that is too many."""
    rows = Label.objects.filter(at__gte=since, at__lt=until)
    oldest = rows.order_by("-at").values_list("at", flat=True)[MOST : MOST + 1].first()
    if oldest is not None:
        rows = rows.filter(at__gt=oldest)
    rows = rows.filter(beside=False).exclude(how__in=[How.UNDO, How.IMPORT])
    rows = rows.alias(taken_back=_TAKEN_BACK).filter(taken_back=None)
    return (rows.exclude(capture__in=secret) if secret else rows), oldest


def _of_capture(value: Combinable) -> Subquery:
    """A look-up for each label, not a join: SQLite would walk through all captures of the lines instead."""
    return Subquery(Capture.objects.filter(pk=OuterRef("capture_id")).values(told=value)[:1])


def _one_if(**holds: Any) -> Case:
    return Case(When(**holds, then=Value(1)), default=Value(0), output_field=IntegerField())


_LINE, _FLAGGED, _EFFECTIVE = (_of_capture(F(name)) for name in ("line_id", "flagged", "label_id"))
# Line, flagged, and whether the label stands, in one number: one look-up for the three.
_LINE_AND_MARKS = _of_capture(F("line_id") * 4 + _one_if(flagged=True) * 2 + _one_if(label_id=OuterRef("pk")))
# Looked up as well: PostgreSQL would read every label that ever was for a join.
_TAKEN_BACK = Subquery(Label.objects.filter(undoes=OuterRef("pk")).values("pk")[:1])


def _grouped(rows: QuerySet[Label], bounds: Sequence[datetime]) -> Iterator[Group]:
    steps = [When(at__gte=at, then=Value(place)) for place, at in enumerate(bounds[:-1])]
    step = Case(*reversed(steps), default=Value(0), output_field=IntegerField())
    marked = rows.annotate(
        step=step, capture_says=_LINE_AND_MARKS, is_blind=_one_if(how=How.BLIND), is_silent=_one_if(verdict=None)
    )
    keys = ("step", "capture_says", "defect_class__code", "verdict__defect_class__code", "is_blind", "is_silent")
    sums = marked.order_by().values(*keys).annotate(count=Count("pk"), took=Sum("took_ms"), timed=Count("took_ms"))
    return map(_group, sums)


def _group(row: dict[str, Any]) -> Group:
    model = "" if row["is_silent"] else row["verdict__defect_class__code"] or UNKNOWN
    line, marks = divmod(row["capture_says"], 4)
    return Group(
        step=row["step"],
        line=line,
        said=row["defect_class__code"] or "",
        model=model,
        blind=bool(row["is_blind"]),
        flagged=bool(marks & 2),
        stands=bool(marks & 1),
        count=row["count"],
        took_ms=row["took"] or 0,
        timed=row["timed"],
    )


def is_overkill(one: Group) -> bool:
    """A good image was sent to review."""
    return one.flagged and one.stands and one.said == GOOD


def is_about_the_model(one: Group) -> bool:
    """An answer about a flagged image of which the model had said a class. `unknown` names none to agree with."""
    return one.flagged and bool(one.said) and one.model not in ("", UNKNOWN)


def overkill_cost(groups: Iterable[Group]) -> Cost:
    """Flagged captures whose effective label, given here, is good."""
    good = [one for one in groups if is_overkill(one)]
    return Cost(sum(one.count for one in good), sum(one.took_ms for one in good), sum(one.timed for one in good))


# --- agreement with the model -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Agreed:
    """Decisions about flagged images of which the model had said one class, and on how many people said the same."""

    model: str
    seen: int  # with its answer in sight
    seen_agreed: int
    blind: int  # with its answer withheld
    blind_agreed: int

    @property
    def blind_between(self) -> Interval | None:
        return clopper_pearson(self.blind_agreed, self.blind) if self.blind else None


def with_the_model(groups: Iterable[Group]) -> list[Agreed]:
    """By the class that the model had said, most decisions first."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for one in groups:
        if is_about_the_model(one):
            place = 2 if one.blind else 0
            counts[one.model][place] += one.count
            counts[one.model][place + 1] += one.count if one.said == one.model else 0
    found = [Agreed(model, *counted) for model, counted in counts.items()]
    return sorted(found, key=lambda one: (-one.seen - one.blind, one.model))


def blind_pairs(groups: Iterable[Group]) -> list[tuple[str, str]]:
    """(the model's, a person's) answers about flagged images that were asked blind."""
    return [(one.model, one.said) for one in groups if one.blind and is_about_the_model(one) for _ in range(one.count)]
