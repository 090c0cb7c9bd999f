"""Reading what the blind audit and the other hidden items gave, for the pages. `escape` and `agreement` do the sums.

The work grows with the weeks that are shown, not with history: volumes come from the rollups, audits from the small
index of hidden items, answered flags from the index of labelled captures, readings from each person's index by time.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Any
from uuid import UUID

from django.db.models import Case, Count, IntegerField, Value, When
from django.utils import timezone

from inspections.counted import BY_CLASS, summed
from inspections.escape import Day, Escape, Flagged, estimate
from inspections.models import Capture, How, Kind, Label, Person, ReviewItem
from inspections.models.defect_class import GOOD
from inspections.rates import HOUR, hour_of

WEEK = 7
WEEKS = 8


@dataclass(frozen=True)
class Calendar:
    """The eight weeks that end with the day `last`, in local days.

    A day begins with its first full UTC hour, because so the rollups count: where the mill's clock differs from UTC by
    half an hour, the hour in between belongs to the day before.
    """

    last: date

    @cached_property
    def bounds(self) -> tuple[datetime, ...]:
        """Where each day begins, and where the last one ends."""
        first = self.last - timedelta(days=WEEK * WEEKS - 1)
        return tuple(day_start(first + timedelta(days=number)) for number in range(WEEK * WEEKS + 1))

    def place(self, moment: datetime) -> int:
        """Which of its days the moment's hour belongs to."""
        return bisect_right(self.bounds, hour_of(moment)) - 1

    def first_day(self, weeks: int) -> date:
        """Of its last `weeks` weeks."""
        return self.last - timedelta(days=WEEK * weeks - 1)

    def since(self, weeks: int) -> datetime:
        return self.bounds[-1 - WEEK * weeks]

    @property
    def until(self) -> datetime:
        return self.bounds[-1]


def day_start(day: date) -> datetime:
    local = timezone.make_aware(datetime.combine(day, time()))
    start = hour_of(local.astimezone(timezone.get_fixed_timezone(0)))
    return start if start == local else start + HOUR


# --- audits -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stretch:
    """Some weeks of one line: the estimate, the audits that wait for an answer, the escapes found, newest first."""

    escape: Escape
    waiting: int
    found: tuple[UUID, ...]


@dataclass
class History:
    """Eight weeks of one line, oldest first."""

    passed: list[int] = field(default_factory=lambda: [0] * WEEK * WEEKS)
    flagged: list[int] = field(default_factory=lambda: [0] * WEEK * WEEKS)
    answered: list[int] = field(default_factory=lambda: [0] * WEEK * WEEKS)
    waiting: list[int] = field(default_factory=lambda: [0] * WEEK * WEEKS)
    escapes: list[list[tuple[datetime, UUID]]] = field(default_factory=lambda: [[] for _ in range(WEEK * WEEKS)])
    defects: list[int] = field(default_factory=lambda: [0] * WEEKS)  # flagged, and a person says so; by week
    good: list[int] = field(default_factory=lambda: [0] * WEEKS)

    def stretch(self, first_week: int, weeks: int = 1) -> Stretch:
        of_days = slice(WEEK * first_week, WEEK * (first_week + weeks))
        of_weeks = slice(first_week, first_week + weeks)
        escapes = self.escapes[of_days]
        rows = zip(self.passed[of_days], self.answered[of_days], map(len, escapes), strict=True)
        flagged = Flagged(sum(self.flagged[of_days]), sum(self.defects[of_weeks]), sum(self.good[of_weeks]))
        return Stretch(
            escape=estimate([Day(*row) for row in rows], flagged),
            waiting=sum(self.waiting[of_days]),
            found=tuple(key for _at, key in sorted((one for day in escapes for one in day), reverse=True)),
        )


def histories(line_ids: Collection[int], calendar: Calendar) -> dict[int, History]:
    """Of each line; three queries, however many lines."""
    found = {line_id: History() for line_id in line_ids}
    _read_volumes(found, calendar)
    _read_audits(found, calendar)
    _read_answered_flags(found, calendar)
    return found


def _read_volumes(found: dict[int, History], calendar: Calendar) -> None:
    days = list(pairwise(calendar.bounds))
    for place, line, judged, flagged in summed(BY_CLASS, list(found), days, (), ("judged", "flagged")):
        found[line].passed[place] += judged - flagged
        found[line].flagged[place] += flagged


def _read_audits(found: dict[int, History], calendar: Calendar) -> None:
    """An audit is answered when it is closed and its capture has an effective label; `unsure` is no answer."""
    rows = ReviewItem.objects.filter(kind=Kind.AUDIT, line__in=found, counted_at__gte=calendar.bounds[0])
    rows = rows.filter(counted_at__lt=calendar.until).exclude(kind=Kind.FLAGGED)  # as the partial index is written
    wanted = ("line_id", "counted_at", "capture_id", "closed_at", "capture__label_id", "capture__defect_class__code")
    for line_id, at, key, closed_at, label_id, code in rows.values_list(*wanted):
        history, place = found[line_id], calendar.place(at)
        if closed_at is None or label_id is None:
            history.waiting[place] += 1
            continue
        history.answered[place] += 1
        if code != GOOD:
            history.escapes[place].append((at, key))


def _read_answered_flags(found: dict[int, History], calendar: Calendar) -> None:
    starts = calendar.bounds[:-1:WEEK]
    weeks = [When(counted_at__gte=start, then=Value(week)) for week, start in reversed(list(enumerate(starts)))]
    rows = Capture.objects.filter(line__in=found, label__isnull=False, flagged=True, counted_at__gte=starts[0])
    rows = rows.filter(counted_at__lt=calendar.until).order_by()
    counted = rows.annotate(week=Case(*weeks, output_field=IntegerField()))
    for row in counted.values("line_id", "week", "defect_class__code").annotate(count=Count("*")):
        history = found[row["line_id"]]
        counts = history.good if row["defect_class__code"] == GOOD else history.defects
        counts[row["week"]] += row["count"]


# --- readings -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reading:
    """One image, what was said of it first (or what is true), and what a person said of it without knowing that."""

    capture: UUID
    at: datetime
    person: int
    first: str
    said: str | None  # None: unsure
    first_person: int | None = None  # None: it is the truth

    @property
    def pair(self) -> tuple[str, str] | None:
        """Both answers; None where the second was unsure."""
        return None if self.said is None else (self.first, self.said)

    def ordered(self, person: int) -> tuple[str, str] | None:
        """Both answers, this person's first."""
        return self.pair if self.pair is None or self.person != person else (self.pair[1], self.pair[0])


def against_truth(since: datetime, until: datetime) -> list[Reading]:
    """Answers to control items."""
    rows = _answers(Kind.CONTROL, since, until).filter(item__truth__isnull=False)
    found = _values(rows, "item__truth__code")
    return [Reading(row["capture_id"], row["at"], row["person_id"], row["first"], row["said"]) for row in found]


def against_each_other(since: datetime, until: datetime) -> list[Reading]:
    """Answers to second readings; a first reading that was taken back is none."""
    rows = _answers(Kind.SECOND, since, until)
    rows = rows.filter(item__against__undone_by=None, item__against__defect_class__isnull=False)
    found = _values(rows, "item__against__defect_class__code", "item__against__person_id")
    return [
        Reading(
            row["capture_id"], row["at"], row["person_id"], row["first"], row["said"], row["item__against__person_id"]
        )
        for row in found
    ]


def _answers(kind: Kind, since: datetime, until: datetime) -> Any:
    people = list(Person.objects.values_list("pk", flat=True))
    rows = Label.objects.filter(person__in=people, at__gte=since, at__lt=until, beside=True, how=How.BLIND)
    return rows.filter(item__kind=kind)


def _values(rows: Any, first: str, *more: str) -> list[dict[str, Any]]:
    """One a person and item. It is the blind one, also where it was taken back: after it the answer was in sight."""
    wanted = rows.order_by("id").values("capture_id", "at", "person_id", "item_id", "defect_class__code", first, *more)
    found = {(row["item_id"], row["person_id"]): row for row in wanted}
    return [{**row, "first": row[first], "said": row["defect_class__code"]} for row in found.values()]


def by_person(readings: Sequence[Reading]) -> dict[int, list[Reading]]:
    found: dict[int, list[Reading]] = defaultdict(list)
    for one in readings:
        found[one.person].append(one)
    return found


def by_pair(readings: Sequence[Reading]) -> dict[tuple[int, int], list[Reading]]:
    """By two people, whoever of them was first."""
    found: dict[tuple[int, int], list[Reading]] = defaultdict(list)
    for one in readings:
        if one.first_person is not None:
            found[min(one.person, one.first_person), max(one.person, one.first_person)].append(one)
    return found
