"""What happened on a line, as marks on its time axis: promotions, changes of threshold and style, alarms, shifts."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime

from django.db.models import QuerySet, Window
from django.db.models.functions import RowNumber
from django.urls import reverse
from django.utils.translation import gettext as _

from inspections import charting, shifts
from inspections.models import Alarm, Line
from inspections.pages.history import name_of
from inspections.pages.plots import Mark, Stretch
from inspections.spans import Span

MOST_MARKS = 12  # more can be neither told apart nor read
MOST_SHIFTS = 60


def marks_of(line: Line, span: Span) -> list[Mark]:
    """Oldest first; at most MOST_MARKS: what breaks the charts, the latest first, then alarms."""
    return marks_by_line([line.pk], span)[line.pk]


def marks_by_line(line_ids: Collection[int], span: Span) -> dict[int, list[Mark]]:
    """The same of several lines; the number of queries does not grow with them."""
    broken = charting.breaks_of(line_ids, span.since, span.until)
    breaks = {line_id: [Mark(one.at, one.words, one.kind, one.url) for one in some] for line_id, some in broken.items()}
    raised: dict[int, list[Mark]] = defaultdict(list)
    rows = Alarm.objects.filter(line__in=line_ids, raised_at__gte=span.since, raised_at__lt=span.until)
    for alarm in newest_of_each(rows.select_related("acknowledged_by"), MOST_MARKS):
        raised[alarm.line_id] += [mark for mark in _alarm_marks(alarm) if _at(mark) < span.until]
    return {line_id: _chosen(some, raised[line_id]) for line_id, some in breaks.items()}


def _chosen(breaks: Sequence[Mark], raised: Sequence[Mark]) -> list[Mark]:
    """The latest, and no break makes way for an alarm: where limits end, the chart says why."""
    kept = sorted(breaks, key=_at)[-MOST_MARKS:]
    room = MOST_MARKS - len(kept)
    return sorted([*kept, *(sorted(raised, key=_at)[-room:] if room else [])], key=_at)


def newest_of_each(rows: QuerySet[Alarm], most: int) -> list[Alarm]:
    """Of each line the newest `most`, newest first."""
    place = Window(RowNumber(), partition_by="line", order_by=("-raised_at", "-id"))
    return list(rows.annotate(place=place).filter(place__lte=most))


def _at(mark: Mark) -> datetime:
    assert isinstance(mark.x, datetime)
    return mark.x


def _alarm_marks(alarm: Alarm) -> list[Mark]:
    """Where it was raised, and where people acknowledged it."""
    url = reverse("alarm", args=[alarm.pk])
    raised = Mark(alarm.raised_at, _("Alarm: %(words)s") % {"words": alarm.words}, "alarm", url)
    if alarm.acknowledged_at is None or alarm.acknowledged_by is None:
        return [raised]
    told = {"who": name_of(alarm.acknowledged_by), "words": alarm.note or alarm.words}
    return [raised, Mark(alarm.acknowledged_at, _("Alarm seen by %(who)s: %(words)s") % told, "alarm", url)]


def shifts_of(span: Span) -> list[Stretch]:
    """The shifts of the period, cut to it; none where there are too many to be told apart."""
    runs = shifts.few_between(span.since, span.until, MOST_SHIFTS)
    return [Stretch(max(run.since, span.since), min(run.until, span.until), run.hours.name) for run in runs]
