"""Reading a period from an address that anybody may have written: what it asks for, or why that is no period."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from inspections import spans
from inspections.pages.when_words import run_words, span_words
from inspections.snapshots import Refused
from inspections.spans import DAY, MARK, Hours, Run, Span

HOUR = timedelta(hours=1)
PRESETS: dict[str, tuple[timedelta, Promise]] = {
    "1h": (HOUR, gettext_lazy("1 hour")),
    "8h": (8 * HOUR, gettext_lazy("8 hours")),
    "24h": (DAY, gettext_lazy("24 hours")),
    "7d": (7 * DAY, gettext_lazy("7 days")),
    "28d": (28 * DAY, gettext_lazy("28 days")),
    "91d": (91 * DAY, gettext_lazy("91 days")),
    "180d": (180 * DAY, gettext_lazy("180 days")),
}
ANY = "any"  # of pages alone that have it as their usual period
THIS_SHIFT, LAST_SHIFT, LAST_NIGHT = "this-shift", "last-shift", "last-night"
ONE_SHIFT = re.compile(r"shift-([0-9]{1,18})-([0-9]{4}-[0-9]{2}-[0-9]{2})")
LONGEST_DAYS = 366
YEARS = range(2000, 2100)
EARLIEST = datetime(YEARS[0], 1, 1, tzinfo=UTC)
WALL = "%Y-%m-%dT%H:%M"
MOST_SHOWN = 40  # letters of what somebody wrote


@dataclass(frozen=True)
class Asked:
    """A period as it was asked for: `key` for `when`, else two times. `run`: the shift that it is."""

    span: Span
    key: str = ""
    run: Run | None = None
    moving: bool = False

    @property
    def own(self) -> dict[str, str]:
        """How the address says it."""
        return {"when": self.key} if self.key else absolute(self.span)


def asked(said: Mapping[str, str], every: Sequence[Hours], now: datetime, default: str) -> Asked | Refused:
    """`default` stands where the address says nothing; times go before a name."""
    since, until, key = (said.get(name, "") for name in ("from", "to", "when"))
    if since or until:
        return _between(since, until, now)
    if key == ANY != default:
        return _no_period(key)
    return named(key, every, now) if key else usual(every, now, default)


def usual(every: Sequence[Hours], now: datetime, default: str) -> Asked:
    """The page's own period; 24 hours where that is a shift and there is none."""
    found = named(default, every, now)
    return _preset("24h", now) if isinstance(found, Refused) else found


def named(key: str, every: Sequence[Hours], now: datetime) -> Asked | Refused:
    if key in PRESETS:
        return _preset(key, now)
    if key == ANY:
        return Asked(Span(EARLIEST, _running_mark(now), _("Any time")), ANY)
    if key in RELATIVE:
        return _relative(key, every, now)
    if found := ONE_SHIFT.fullmatch(key):
        return _one_shift(key, int(found[1]), found[2], every, now)
    return _no_period(key)


def _no_period(key: str) -> Refused:
    return Refused(_("There is no period “%(value)s” here to choose.") % {"value": key[:MOST_SHOWN]})


def _preset(key: str, now: datetime) -> Asked:
    """Up to the end of the running five minutes; from a week on by whole UTC hours, so that hourly counts fit."""
    length, words = PRESETS[key]
    until = _running_mark(now) if length <= DAY else spans.mark_before(now).replace(minute=0) + HOUR
    return Asked(Span(until - length, until, _("Last %(length)s") % {"length": words}), key, moving=True)


def _running_mark(now: datetime) -> datetime:
    return spans.mark_before(now) + MARK


# --- shifts -------------------------------------------------------------------------------------------------------


def last(every: Sequence[Hours], now: datetime) -> Run | None:
    return next(iter(spans.ended(every, now)), None)


def last_night(every: Sequence[Hours], now: datetime) -> Run | None:
    return next((run for run in spans.ended(every, now) if run.hours.is_of_the_night), None)


RELATIVE: dict[str, Callable[[Sequence[Hours], datetime], Run | None]] = {
    THIS_SHIFT: spans.running,
    LAST_SHIFT: last,
    LAST_NIGHT: last_night,
}


def _relative(key: str, every: Sequence[Hours], now: datetime) -> Asked | Refused:
    if not every:
        return Refused(_("This mill has no shifts yet. They are made on the page “Shifts”."))
    run = RELATIVE[key](every, now)
    if run:
        return replace(_of_run(run, now), key=key, moving=True)
    if key == THIS_SHIFT:
        return Refused(_("No shift is running now."))
    return Refused(_("No such shift has ended in the last eight days."))


def _one_shift(key: str, number: int, text: str, every: Sequence[Hours], now: datetime) -> Asked | Refused:
    day = _day(text)
    if isinstance(day, Refused):
        return day
    hours = next((one for one in every if one.number == number), None)
    if hours is None:
        return Refused(_("This shift is not defined any more. Choose another one, or times."))
    run = spans.run_of(hours, day)
    if run is None:
        words = {"shift": hours.name, "day": date_format(day, "D j M Y")}
        return Refused(_("“%(shift)s” does not begin on %(day)s.") % words)
    if run.since > now:
        return Refused(_("“%(shift)s” of that day has not begun yet.") % {"shift": hours.name})
    return replace(_of_run(run, now), key=key, moving=run.until > now)


def _of_run(run: Run, now: datetime) -> Asked:
    """A shift that is still on ends with the running five minutes."""
    return Asked(Span(run.since, min(run.until, _running_mark(now)), run_words(run)), run=run)


# --- times --------------------------------------------------------------------------------------------------------


def _between(since: str, until: str, now: datetime) -> Asked | Refused:
    """Two times, widened to five-minute marks."""
    if not (since and until):
        return Refused(_("Give both times: where the period begins and where it ends."))
    first, last = _moment(since), _moment(until)
    if isinstance(first, Refused):
        return first
    if isinstance(last, Refused):
        return last
    return _period(spans.mark_before(first), spans.mark_after(last), now)


def _period(since: datetime, until: datetime, now: datetime) -> Asked | Refused:
    if since >= until:
        return Refused(_("The period ends before it begins."))
    if until - since > LONGEST_DAYS * DAY:
        words = ngettext("At most %(days)d day fits a page.", "At most %(days)d days fit a page.", LONGEST_DAYS)
        return Refused(words % {"days": LONGEST_DAYS})
    if since > now:
        return Refused(_("This period has not begun yet."))
    return Asked(Span(since, until, span_words(since, until)))


def _moment(text: str) -> datetime | Refused:
    """A local time such as 2026-11-22T14:05, or one with its offset, in UTC."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return Refused(_("“%(value)s” is no time. Write it like 2026-11-22T14:05.") % {"value": text[:MOST_SHOWN]})
    if found.year not in YEARS:
        return _wrong_year()
    if found.tzinfo:
        return found.astimezone(UTC)
    return spans.moment_of(found.replace(second=0, microsecond=0), timezone.get_current_timezone())


def _day(text: str) -> date | Refused:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return Refused(_("“%(value)s” is no day.") % {"value": text})
    return day if day.year in YEARS else _wrong_year()


def _wrong_year() -> Refused:
    return Refused(_("The year must lie between %(first)d and %(last)d.") % {"first": YEARS[0], "last": YEARS[-1]})


def absolute(span: Span) -> dict[str, str]:
    """As the address and the fields write it: nothing of it moves."""
    return {"from": written(span.since), "to": written(span.until)}


def written(moment: datetime) -> str:
    """A local minute; with its offset only where the clock shows that twice and this is the second time."""
    zone = timezone.get_current_timezone()
    wall = spans.wall_of(moment, zone)
    if spans.moment_of(wall, zone) == moment:
        return wall.strftime(WALL)
    return moment.astimezone(zone).isoformat(timespec="minutes")
