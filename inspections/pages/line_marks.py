"""What happened on a line, as marks on its time axis: promotions, changes of threshold and style, alarms, shifts."""

from collections.abc import Sequence
from datetime import datetime

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from inspections import charting, shifts
from inspections.models import Alarm, Line
from inspections.pages.history import name_of
from inspections.pages.plots import Mark, Stretch
from inspections.spans import Span

MOST_MARKS = 12  # the latest: more can be neither told apart nor read
MOST_SHIFTS = 60


def marks_of(line: Line, span: Span) -> list[Mark]:
    """Oldest first."""
    broken = [Mark(one.at, one.words, one.kind, one.url) for one in charting.breaks(line, span.since, span.until)]
    every = [*broken, *_alarm_marks(line, span)]
    return sorted(every, key=_at)[-MOST_MARKS:]


def _at(mark: Mark) -> datetime:
    assert isinstance(mark.x, datetime)
    return mark.x


def _alarm_marks(line: Line, span: Span) -> list[Mark]:
    """Where people acknowledged, else where the alarm was raised."""
    rows = Alarm.objects.filter(line=line, raised_at__gte=span.since, raised_at__lt=span.until)
    found = [_alarm_mark(one) for one in rows.select_related("acknowledged_by")[:MOST_MARKS]]
    return [one for one in found if _at(one) < span.until]


def _alarm_mark(alarm: Alarm) -> Mark:
    url = reverse("alarm", args=[alarm.pk])
    if alarm.acknowledged_at is None or alarm.acknowledged_by is None:
        return Mark(alarm.raised_at, _("Alarm: %(words)s") % {"words": alarm.words}, "alarm", url)
    told = {"who": name_of(alarm.acknowledged_by), "words": alarm.note or alarm.words}
    return Mark(alarm.acknowledged_at, _("Alarm seen by %(who)s: %(words)s") % told, "alarm", url)


def shifts_of(span: Span) -> list[Stretch]:
    """The shifts of the period, cut to it; none where there are too many to be told apart."""
    runs = shifts.between(span.since, span.until)
    if len(runs) > MOST_SHIFTS:
        return []
    return [Stretch(max(run.since, span.since), min(run.until, span.until), run.hours.name) for run in runs]


def happened(marks: Sequence[Mark]) -> list[tuple[str, Mark]]:
    """With their times in words, latest first."""
    return [(date_format(timezone.localtime(_at(one)), "D j M H:i"), one) for one in reversed(marks)]
