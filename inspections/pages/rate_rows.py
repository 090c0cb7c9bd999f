"""A line's counts by slot, hour, day or shift of a period, as the rows of a file."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import TextChoices
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from inspections import shifts, spans
from inspections.models import Line, SlotCount
from inspections.models.rollup import SLOT
from inspections.rates import NOTHING, Tally
from inspections.spans import Span

AMOUNTS = Tally._fields
READ = timedelta(days=7)  # in one query


class By(TextChoices):
    SLOT = "slot", gettext_lazy("5 minutes")
    HOUR = "hour", gettext_lazy("hour")
    DAY = "day", gettext_lazy("day")
    SHIFT = "shift", gettext_lazy("shift")


@dataclass
class Stretch:
    """What was counted in it, and of each class the anomalies."""

    span: Span
    total: Tally = NOTHING
    classes: dict[str, int] = field(default_factory=lambda: defaultdict(int))


def stretches(line: Line, period: Span, by: By) -> Iterator[Stretch]:
    """In their order, empty ones too."""
    counts = _counts(line, period)
    waiting = next(counts, None)
    for span in spans_of(period, by):
        found = Stretch(span)
        while waiting is not None and waiting[0] < span.until:
            slot, code, tally = waiting
            if slot >= span.since:
                found.total += tally
                found.classes[code] += tally.anomalies
            waiting = next(counts, None)
        yield found


def _counts(line: Line, period: Span) -> Iterator[tuple[datetime, str, Tally]]:
    """Slot, class and counts, oldest first, some days at a time."""
    start = period.since
    while start < period.until:
        end = min(start + READ, period.until)
        rows = SlotCount.objects.filter(line=line, slot__gte=start, slot__lt=end).order_by("slot", "defect_class")
        for slot, code, *amounts in rows.values_list("slot", "defect_class", *AMOUNTS):
            yield slot, code, Tally(*amounts)
        start = end


def spans_of(period: Span, by: By) -> Iterable[Span]:
    """The stretches, cut to the period; what no shift covers stands in none."""
    match by:
        case By.SLOT:
            return _even(period, SLOT)
        case By.HOUR:
            return _even(period, timedelta(hours=1))
        case By.DAY:
            return _days(period)
        case By.SHIFT:
            return _shifts(period)


def _even(period: Span, step: timedelta) -> Iterator[Span]:
    """By whole UTC steps, the first and the last cut to the period."""
    start = period.since
    while start < period.until:
        whole = start.replace(minute=0) if step > SLOT else start
        end = min(whole + step, period.until)
        yield Span(start, end, "")
        start = end


def _days(period: Span) -> Iterator[Span]:
    """The mill's days: one of them is 23 hours long and one 25 where its clocks change."""
    zone = timezone.get_current_timezone()
    start = period.since
    while start < period.until:
        day = spans.wall_of(start, zone).replace(hour=0, minute=0)
        end = min(spans.moment_of(day + timedelta(days=1), zone), period.until)
        yield Span(start, end, f"{day:%Y-%m-%d}")
        start = end


def _shifts(period: Span) -> Iterator[Span]:
    for run in shifts.between(period.since, period.until):
        start, end = max(run.since, period.since), min(run.until, period.until)
        yield Span(start, end, _("%(shift)s of %(day)s") % {"shift": run.hours.name, "day": run.day.isoformat()})
