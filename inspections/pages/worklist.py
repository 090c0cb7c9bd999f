"""Which captures to show, and where the next page starts. No page skips rows; how many there are says list_count."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from math import isfinite
from typing import Self
from uuid import UUID

from django.db.models import F, Q, QuerySet, Subquery, TextChoices
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from inspections.models import Camera, Capture, DefectClass, Line, Status
from inspections.models.defect_class import UNKNOWN

PAGE = 48
PLACE = re.compile(r"([0-9]{1,10})-([0-9]{1,10})")


class Order(TextChoices):
    NEW = "new", _("Newest first")
    WORST = "worst", _("Worst first")


class Show(TextChoices):
    """What the list holds, each as the figures of the same name count it."""

    FLAGGED = "flagged", _("Flagged")
    ANOMALIES = "anomalies", _("Anomalies")
    JUDGED = "judged", _("All judged")


# Each is the condition of the indexes by which its captures are read.
SHOWN = {Show.FLAGGED: Q(flagged=True), Show.ANOMALIES: Q(anomaly=True), Show.JUDGED: Q(status=Status.JUDGED)}
FIELD = {Order.NEW: "counted_at", Order.WORST: "severity"}


@dataclass(frozen=True)
class Mark:
    """Where a page ended: the value that it is sorted by, and the id, which settles ties."""

    value: datetime | float
    id: UUID

    @classmethod
    def of(cls, capture: Capture, order: Order) -> Self:
        return cls(capture.counted_at if order is Order.NEW else capture.severity, capture.pk)

    @classmethod
    def parse(cls, text: str, order: Order) -> Self:
        """ValueError where the text is no mark of this order."""
        value, _tilde, key = text.partition("~")
        return cls(time_of(value) if order is Order.NEW else _number(value), UUID(key))

    def __str__(self) -> str:
        value = self.value.isoformat().replace("+00:00", "Z") if isinstance(self.value, datetime) else repr(self.value)
        return f"{value}~{self.id}"


def time_of(text: str) -> datetime:
    """A moment in UTC. ValueError where the text is none, or names no zone."""
    found = parse_datetime(text)
    if found is None or found.tzinfo is None:
        raise ValueError(text)
    try:
        return found.astimezone(UTC)  # an offset can lead out of the calendar
    except OverflowError as error:
        raise ValueError(text) from error


def _number(text: str) -> float:
    found = float(text)
    if not isfinite(found):
        raise ValueError(text)
    return found


@dataclass(frozen=True)
class Place:
    """From `low` to before `high`: millimetres from the left selvedge, or metres of a roll."""

    low: int
    high: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """ValueError where the text is no `low-high`."""
        found = PLACE.fullmatch(text)
        if found is None or int(found[1]) >= int(found[2]):
            raise ValueError(text)
        return cls(int(found[1]), int(found[2]))

    def __str__(self) -> str:
        return f"{self.low}-{self.high}"


@dataclass(frozen=True)
class Wanted:
    """What the reader asked for; the parts narrow each other."""

    lines: tuple[Line, ...]
    order: Order = Order.NEW
    defect_class: str = ""
    classes: frozenset[str] = frozenset()  # where one is not meant but several; empty: any
    since: datetime | None = None
    until: datetime | None = None
    camera: str = ""
    roll: str = ""
    metres: Place | None = None  # of the roll
    place: Place | None = None
    after: Mark | None = None
    without: frozenset[UUID] = frozenset()  # what the reader is being asked blind
    show: Show = Show.FLAGGED


@dataclass(frozen=True)
class Page:
    captures: list[Capture]
    next: Mark | None


def page(wanted: Wanted, size: int = PAGE) -> Page:
    """One page. Each line is a seek in its own index, and the lines are merged here: an index that starts with the
    line cannot sort across lines, and sorting all that was ever flagged would grow with history."""
    found = chain.from_iterable(_of_line(wanted, line, size + 1) for line in wanted.lines)
    places = sorted(found, reverse=True)
    rows = Capture.objects.select_related("defect_class", "roll", "label__person")
    captures, lines = rows.in_bulk([key for _value, key in places[:size]]), {line.pk: line for line in wanted.lines}
    shown = [captures[key] for _value, key in places[:size]]
    for capture in shown:
        capture.line = lines[capture.line_id]
    return Page(shown, Mark.of(shown[-1], wanted.order) if len(places) > size else None)


def _of_line(wanted: Wanted, line: Line, limit: int) -> Iterable[tuple[datetime | float, UUID]]:
    """Where the line's first ones stand, and which they are; their rows are read once it is known which are shown."""
    return _sorted(of_line(wanted, line), wanted).values_list(FIELD[wanted.order], "pk")[:limit]


def of_line(wanted: Wanted, line: Line) -> QuerySet[Capture]:
    """The line's, in no order."""
    if not _by_camera(wanted):
        return Capture.objects.filter(_narrowed(wanted), line=line)
    # Without the line, whose own order would be walked through years for a camera that saw nothing.
    camera = Camera.objects.filter(line=line, slug=wanted.camera).order_by().values("pk")[:1]
    return Capture.objects.filter(_narrowed(wanted), camera=Subquery(camera))


def of_every_line(wanted: Wanted) -> QuerySet[Capture]:
    """The same of all lines at once, for whoever counts them."""
    if not _by_camera(wanted):
        return Capture.objects.filter(_narrowed(wanted), line__in=wanted.lines)
    cameras = list(Camera.objects.filter(line__in=wanted.lines, slug=wanted.camera).values_list("pk", flat=True))
    return Capture.objects.filter(_narrowed(wanted), camera__in=cameras)


def _by_camera(wanted: Wanted) -> bool:
    """All that a camera's images were judged to be is read by an index of cameras. What was flagged lies in the line's,
    with the camera."""
    return bool(wanted.camera) and wanted.show is Show.JUDGED


def _narrowed(wanted: Wanted) -> Q:
    """Everything but line and order."""
    found = SHOWN[wanted.show]
    if wanted.without:
        found &= ~Q(pk__in=wanted.without)
    if wanted.defect_class == UNKNOWN:
        found &= Q(defect_class=None)
    elif wanted.defect_class:
        # Its key and not its code: a join would hide from the planner that an index begins with line and class.
        found &= Q(defect_class=Subquery(DefectClass.objects.filter(code=wanted.defect_class).values("pk")[:1]))
    if wanted.classes:
        several = Q(defect_class__in=DefectClass.objects.filter(code__in=wanted.classes).values("pk"))
        found &= several | Q(defect_class=None) if UNKNOWN in wanted.classes else several
    if wanted.since:
        found &= Q(counted_at__gte=wanted.since)
    if wanted.until:
        found &= Q(counted_at__lt=wanted.until)
    if wanted.camera and not _by_camera(wanted):
        found &= Q(camera__slug=wanted.camera)
    if wanted.roll:
        # A roll is a few thousand captures, by an index of its own; the line's order would be walked through years.
        rolls = Capture.objects.filter(roll__code=wanted.roll)
        if wanted.metres:
            rolls = rolls.filter(position_m__gte=wanted.metres.low, position_m__lt=wanted.metres.high)
        found &= Q(pk__in=Subquery(rolls.values("pk")))
    if wanted.place:
        found &= Q(offset_mm__gte=wanted.place.low, offset_mm__lt=wanted.place.high)
    return found


def _sorted(rows: QuerySet[Capture], wanted: Wanted) -> QuerySet[Capture]:
    field = FIELD[wanted.order]
    if wanted.after is not None:
        # The first half alone already bounds the index; the second settles ties.
        rows = rows.filter(**{f"{field}__lte": wanted.after.value}).filter(
            Q(**{f"{field}__lt": wanted.after.value}) | Q(id__lt=wanted.after.id)
        )
    if wanted.order is Order.WORST and (wanted.since or wanted.until):
        # Within a window the window's index must be read, and its rows sorted. A sum is no column, so the planner
        # cannot choose to walk years of severities instead, looking for the few that fall into the window.
        return rows.order_by((F("severity") + 0.0).desc(), "-id")
    return rows.order_by(f"-{field}", "-id")
