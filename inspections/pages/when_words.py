"""Periods in words, in the mill's time."""

from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from inspections.spans import Run


def moment_words(moment: datetime) -> str:
    return date_format(timezone.localtime(moment), "j M Y H:i")


def span_words(since: datetime, until: datetime) -> str:
    """Both ends, the second day only where it is another one."""
    first, last = timezone.localtime(since), timezone.localtime(until)
    end = date_format(last, "H:i" if first.date() == last.date() else "j M Y H:i")
    return f"{moment_words(since)} – {end}"


def open_words(since: datetime | None, until: datetime | None) -> str:
    """The same where an end may be missing."""
    if since and until:
        return span_words(since, until)
    if since:
        return _("From %(since)s on") % {"since": moment_words(since)}
    return _("Before %(until)s") % {"until": moment_words(until)} if until else ""


def run_words(run: Run) -> str:
    """Name and day of a shift, and its times."""
    first, last = timezone.localtime(run.since), timezone.localtime(run.until)
    return f"{run.hours.name}, {date_format(run.day, 'D j M')}, {first:%H:%M} – {last:%H:%M}"
