"""Reading what the blind audit and the other hidden items gave, for the pages. `escape` and `agreement` do the sums.

The work grows with the weeks that are shown, not with history: volumes and answered flags come from the hourly totals,
audits from the small index of hidden items, readings from each person's index by time.
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

from django.db import connection
from django.utils import timezone

from inspections.counted import BY_HOUR, summed
from inspections.escape import Day, Escape, Flagged, estimate
from inspections.models import Capture, DefectClass, How, Kind, Label, Person, ReviewItem
from inspections.models.defect_class import GOOD
from inspections.rates import HOUR, hour_of

WEEK = 7
WEEKS = 8
NumberedDay = tuple[int, datetime, datetime]  # which of the calendar's, from, until before


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

    @cached_property
    def days(self) -> list[NumberedDay]:
        return [(number, *ends) for number, ends in enumerate(pairwise(self.bounds))]

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
    # With when each was taken, as the database writes it.
    escapes: list[list[tuple[Any, UUID]]] = field(default_factory=lambda: [[] for _ in range(WEEK * WEEKS)])
    defects: list[int] = field(default_factory=lambda: [0] * WEEK * WEEKS)  # flagged, and a person says so
    good: list[int] = field(default_factory=lambda: [0] * WEEK * WEEKS)

    def stretch(self, first_week: int, weeks: int = 1) -> Stretch:
        of_days = slice(WEEK * first_week, WEEK * (first_week + weeks))
        escapes = self.escapes[of_days]
        rows = zip(self.passed[of_days], self.answered[of_days], map(len, escapes), strict=True)
        flagged = Flagged(*(sum(one[of_days]) for one in (self.flagged, self.defects, self.good)))
        return Stretch(
            escape=estimate([Day(*row) for row in rows], flagged),
            waiting=sum(self.waiting[of_days]),
            found=tuple(key for _at, key in sorted((one for day in escapes for one in day), reverse=True)),
        )


def histories(line_ids: Collection[int], calendar: Calendar, weeks: int = WEEKS) -> dict[int, History]:
    """Of each line; two queries, however many lines. The last `weeks` alone are read."""
    found = {line_id: History() for line_id in line_ids}
    days = calendar.days[-WEEK * weeks :]
    _read_counts(found, days)
    _read_audits(found, days)
    return found


def _read_counts(found: dict[int, History], days: Sequence[NumberedDay]) -> None:
    """What passed, what was flagged, and what people said of that; a day's bounds are whole hours."""
    amounts = ("judged", "flagged", "flagged_defects", "flagged_good")
    rows = summed(BY_HOUR, list(found), [(since, until) for _place, since, until in days], (), amounts)
    for number, line, judged, flagged, defects, good in rows:
        history, place = found[line], days[number][0]
        history.passed[place], history.flagged[place] = judged - flagged, flagged
        history.defects[place], history.good[place] = defects, good


# When, whether it is open, which defect its capture was labelled (0: none, null: nothing was said), and the capture. An
# audit is answered when it is closed and its capture has an effective label; `unsure` is no answer. The kinds, and that
# there is a label, stand in the words of partial indexes; the capture is sought by line and time, its key only
# compared (COALESCE), so that the index of what was said is read and no capture. COALESCE of the time, so that
# SQLite's text stays text: of a bare column each moment would be parsed, and there are thousands.
_GOOD = f"SELECT d.id FROM {DefectClass._meta.db_table} d WHERE d.code = '{GOOD}'"  # noqa: S608
_AUDITS = f"""
SELECT i.line_id, COALESCE(i.counted_at, i.counted_at), i.closed_at IS NULL, (
    SELECT COALESCE(NULLIF(c.defect_class_id, ({_GOOD})), 0) FROM {Capture._meta.db_table} c
    WHERE c.line_id = i.line_id AND c.counted_at = i.counted_at AND COALESCE(c.id, c.id) = i.capture_id
      AND c.label_id IS NOT NULL
  ), i.capture_id
FROM {ReviewItem._meta.db_table} i
WHERE i.kind = '{Kind.AUDIT.value}' AND NOT (i.kind = '{Kind.FLAGGED.value}') AND i.line_id IN (%(lines)s)
  AND i.counted_at >= %%s AND i.counted_at < %%s
"""  # noqa: S608  all of it is ours


def _read_audits(found: dict[int, History], days: Sequence[NumberedDay]) -> None:
    """Moments and bounds are compared as the database writes them, which sorts as time does."""
    if not found:
        return
    adapt = connection.ops.adapt_datetimefield_value
    starts, end = [adapt(since) for _place, since, _until in days], adapt(days[-1][2])
    sql = _AUDITS % {"lines": ", ".join(["%s"] * len(found))}
    with connection.cursor() as cursor:
        cursor.execute(sql, [*found, starts[0], end])
        for line_id, at, is_open, defect, capture in cursor.fetchall():
            history, place = found[line_id], days[bisect_right(starts, at) - 1][0]
            waits = is_open or defect is None
            (history.waiting if waits else history.answered)[place] += 1
            if defect and not waits:
                history.escapes[place].append((at, UUID(str(capture))))


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
