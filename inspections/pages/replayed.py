"""What a replay found, as a page shows it: how many alarms a week, which, and whether earlier than people."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from inspections import alarms
from inspections.alarms.replaying import OPENED, WEEK
from inspections.alarms.rules import COUNTED
from inspections.models import AlarmRule, Line
from inspections.models.rollup import SLOT
from inspections.pages.charts import anomalies_url
from inspections.pages.durations import duration_words
from inspections.pages.when_asked import absolute
from inspections.spans import Span

MOST_SHOWN = OPENED
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True)
class Week:
    """One bar. `share`: percent of the longest. `part`: how much of a week it is; "" for a whole one."""

    start: datetime
    count: int
    share: int
    part: str


@dataclass(frozen=True)
class Shown:
    """One alarm that would have been."""

    would: alarms.Would
    lasted: str
    earlier: str
    url: str


@dataclass(frozen=True)
class Replayed:
    """A replay. `began`: since when there is anything to look at, where that is later than the weeks asked for.
    `more`: alarms that are not listed. `unknown`: what it does not know."""

    weeks: list[Week]
    shown: list[Shown]
    total: int
    more: int
    words: str
    began: str
    earlier: str
    cannot: str
    unknown: str


def replayed(wish: alarms.Wish, weeks: int, now: datetime) -> Replayed:
    """What this rule would have raised in the last weeks, on every line that it looks at."""
    rule = wish.as_rule()
    found = alarms.replay(rule, list(Line.objects.values_list("pk", flat=True)), now - timedelta(weeks=weeks), now)
    latest = list(reversed(found.alarms))
    return Replayed(
        weeks=_weeks(found),
        shown=[_shown(rule, one, now) for one in latest[:MOST_SHOWN]],
        total=len(found.alarms),
        more=max(len(latest) - MOST_SHOWN, 0),
        words=_words_of_part(len(found.alarms), now - found.since) if found.began else _words(len(found.alarms), weeks),
        began=found.began,
        earlier=_earlier(found) if rule.kind in COUNTED else "",
        cannot=found.cannot,
        unknown=found.unknown,
    )


def _weeks(found: alarms.Replay) -> list[Week]:
    most = max((count for _start, count in found.weekly), default=0) or 1
    marks = [*(start for start, _count in found.weekly), found.until]
    return [
        Week(start, count, round(100 * count / most), _part(end - start))
        for (start, end), (_start, count) in zip(pairwise(marks), found.weekly, strict=True)
    ]


def _part(lasts: timedelta) -> str:
    return "" if lasts >= WEEK else duration_words(lasts.total_seconds())


def _words(count: int, weeks: int) -> str:
    said = {"n": count, "weeks": weeks, "rate": f"{count / weeks:.1f}"}
    if weeks == 1:
        return ngettext("%(n)d alarm in the last week.", "%(n)d alarms in the last week.", count) % said
    words = ngettext(
        "%(n)d alarm in the last %(weeks)d weeks: %(rate)s a week.",
        "%(n)d alarms in the last %(weeks)d weeks: %(rate)s a week.",
        count,
    )
    return words % said


def _words_of_part(count: int, lasts: timedelta) -> str:
    """Where there is less than was asked for; less than a week has no weekly pace."""
    said = {"n": count, "time": duration_words(lasts.total_seconds()), "rate": f"{count * WEEK / lasts:.1f}"}
    if lasts < WEEK:
        return ngettext("%(n)d alarm in %(time)s.", "%(n)d alarms in %(time)s.", count) % said
    words = ngettext("%(n)d alarm in %(time)s: %(rate)s a week.", "%(n)d alarms in %(time)s: %(rate)s a week.", count)
    return words % said


def _earlier(found: alarms.Replay) -> str:
    if found.earlier is None:
        return _("People acted on none of them, as far as labels tell.") if found.alarms else ""
    said = {"acted": found.acted, "minutes": duration_words(abs(found.earlier) * 60)}
    if found.earlier < 0:
        words = ngettext(
            "People acted on one of them; it comes %(minutes)s after them.",
            "Of the %(acted)d that people acted on, it comes %(minutes)s after them in the median.",
            found.acted,
        )
    else:
        words = ngettext(
            "People acted on one of them; it comes %(minutes)s before them.",
            "Of the %(acted)d that people acted on, it comes %(minutes)s before them in the median.",
            found.acted,
        )
    return words % said


def _shown(rule: AlarmRule, one: alarms.Would, now: datetime) -> Shown:
    until = one.resolved_at or now
    return Shown(
        would=one,
        lasted=(_("lasted %(time)s") if one.resolved_at else _("%(time)s so far"))
        % {"time": duration_words((until - one.since).total_seconds())},
        earlier="" if one.earlier is None else _signed(one.earlier),
        url=_images_url(rule, one, until) if rule.kind in COUNTED else _line_url(one, until),
    )


def _images_url(rule: AlarmRule, one: alarms.Would, until: datetime) -> str:
    times = {"since": f"{one.since:%Y-%m-%dT%H:%M:%SZ}", "until": f"{until + SLOT:%Y-%m-%dT%H:%M:%SZ}"}
    named = {"class": rule.defect_class} if rule.defect_class else {}
    return anomalies_url(one.line, order="worst", **times, **named)


def _line_url(one: alarms.Would, until: datetime) -> str:
    """What is about no cloth has no images of its own: the line then, from an hour before it was told."""
    span = Span(one.raised_at - HOUR, min(until, one.raised_at + DAY) + SLOT, "")
    return f"{reverse('line', args=[one.line.slug])}?{urlencode(absolute(span))}"


def _signed(minutes: float) -> str:
    words = duration_words(abs(minutes) * 60)
    return (
        _("%(minutes)s earlier") % {"minutes": words} if minutes >= 0 else _("%(minutes)s later") % {"minutes": words}
    )
