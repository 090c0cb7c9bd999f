"""`/`: every line of this person on one screen, worst first: how it stands, since when, with what, who has seen it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from inspections.backlog import MOST_COUNTED
from inspections.models import Alarm, AlarmState, Person
from inspections.pages.access import PersonRequest, page
from inspections.pages.charts import anomalies_url
from inspections.pages.clock import clock_words
from inspections.pages.durations import duration_words
from inspections.pages.history import name_of
from inspections.pages.live import live
from inspections.pages.notices import notices
from inspections.pages.overview import class_names
from inspections.pages.periods import percent, rounded
from inspections.pages.strips import Strip, strip, top_of
from inspections.standing import Standing, State, standings
from inspections.watching import watched_lines


@dataclass(frozen=True)
class Trouble:
    """Why a line is not normal: since when, what, and who has seen it."""

    url: str
    since: str
    words: str
    seen: str
    alarm: Alarm | None
    more: int  # other open alarms of the line

    @property
    def is_raised(self) -> bool:
        return self.alarm is not None and self.alarm.state == AlarmState.RAISED


@dataclass(frozen=True)
class Row:
    """A line on the page."""

    standing: Standing
    url: str
    strip: Strip
    rate: str
    counts: str
    limit: str
    leading: str
    leading_count: str
    rate_url: str
    leading_url: str
    trouble: Trouble | None
    cameras: str
    is_silent: bool
    until: str
    backlog: str
    queue_age: str

    @property
    def icon(self) -> str:
        return ICONS[self.standing.state]


ICONS = {
    State.ABNORMAL: "alert",
    State.WAITING: "waiting",
    State.SILENT: "silent",
    State.ACKNOWLEDGED: "person",
    State.IDLE: "idle",
    State.NO_BASELINE: "new",
    State.NEW: "new",
    State.NORMAL: "usual",
}


@page
def lines(request: PersonRequest) -> HttpResponseBase:
    now = timezone.now()
    watched = list(watched_lines(request.user))
    found = standings(watched, now)
    context = {
        "rows": rows_of(found, class_names(), now),
        "summary": summary(found),
        "notices": notices(request.user, watched, now),
    }
    return live(request, "inspections/lines.html", "inspections/_lines.html", context)


def rows_of(found: Sequence[Standing], names: dict[str, str], now: datetime) -> list[Row]:
    top = top_of(one.day for one in found)
    return [_row(one, names, top, now) for one in found]


def _row(one: Standing, names: dict[str, str], top: int, now: datetime) -> Row:
    since = f"{one.now.since:%Y-%m-%dT%H:%M:%SZ}"
    leading = one.now.leading
    return Row(
        standing=one,
        url=reverse("line", args=[one.line.slug]),
        strip=strip(one.day, one.baseline, top),
        rate="" if one.now.tally.percent is None else rounded(one.now.tally.percent, 1),
        counts=count_words(one),
        limit=limit_words(one),
        leading=names.get(leading, leading),
        leading_count=rounded(one.now.leading_count, 0),
        rate_url=anomalies_url(one.line, since=since),
        leading_url=anomalies_url(one.line, since=since, **{"class": leading}) if leading else "",
        trouble=trouble_of(one, now),
        cameras=camera_words(one),
        is_silent=bool(one.silent),
        until=until_words(one, now),
        backlog=_("over %(n)d") % {"n": MOST_COUNTED} if one.backlog.is_more else rounded(one.backlog.count, 0),
        queue_age=age_words(one, now),
    )


# Words are made here and not in the template: it is rendered every few seconds for everybody who watches.


def count_words(one: Standing) -> str:
    tally = one.now.tally
    return _("%(some)s of %(all)s") % {"some": rounded(tally.anomalies, 0), "all": rounded(tally.judged, 0)}


def until_words(one: Standing, now: datetime) -> str:
    return "" if one.until is None else clock_words(timezone.localtime(one.until), timezone.localtime(now).date())


def age_words(one: Standing, now: datetime) -> str:
    if one.backlog.oldest is None:
        return ""
    return _("oldest %(age)s") % {"age": lasted_words((now - one.backlog.oldest).total_seconds())}


def limit_words(one: Standing) -> str:
    limits = one.now.limits
    if limits is None:
        return ""
    if not limits.lower:
        return _("limit %(upper)s") % {"upper": percent(limits.upper)}
    return _("limits %(lower)s – %(upper)s") % {"lower": percent(limits.lower), "upper": percent(limits.upper)}


def trouble_of(one: Standing, now: datetime) -> Trouble | None:
    alarm = one.told
    if one.since is None:
        return None
    return Trouble(
        url=reverse("alarm", args=[alarm.pk]) if alarm else reverse("line", args=[one.line.slug]),
        since=since_words(one.since, now),
        words=alarm.words if alarm else signal_words(one),
        seen=seen_words(alarm) if alarm else "",
        alarm=alarm,
        more=len(one.alarms) - (alarm is not None),
    )


def signal_words(one: Standing) -> str:
    return _("The rate is above its limit.") if one.now.is_above else _("The rate is below its lower limit.")


def lasted_words(seconds: float) -> str:
    """To the minute: seconds would make every look at the page a new one."""
    if seconds < 60:
        return _("under 1 min")
    return _("1 min") if seconds < 90 else duration_words(seconds)


def since_words(moment: datetime, now: datetime) -> str:
    """`since 02:40, 25 min`."""
    lasted = lasted_words((now - moment).total_seconds())
    return _("since %(since)s, %(lasted)s") % {"since": time_words(moment, now), "lasted": lasted}


def time_words(moment: datetime, now: datetime) -> str:
    """The clock alone within half a day; with its day where it might be another one's."""
    local = timezone.localtime(moment)
    is_near = abs((now - moment).total_seconds()) < 12 * 3600
    return date_format(local, "H:i" if is_near else "j M H:i")


def seen_words(alarm: Alarm) -> str:
    """`Olga, 03:05: needle changed`; empty where nobody has seen it."""
    if alarm.acknowledged_by is None or alarm.acknowledged_at is None:
        return ""
    said = {"who": short_name(alarm.acknowledged_by), "at": f"{timezone.localtime(alarm.acknowledged_at):%H:%M}"}
    words = _("%(who)s, %(at)s") % said
    return f"{words}: {alarm.note}" if alarm.note else words


def short_name(person: Person) -> str:
    return person.first_name or name_of(person)


def camera_words(one: Standing) -> str:
    """Which are silent and since when; else how many are there."""
    if one.silent:
        first, more = one.silent[0], len(one.silent) - 1
        silent = _("%(camera)s silent since %(since)s") if first.seen_at else _("%(camera)s not heard since %(since)s")
        words = silent % {"camera": first.slug, "since": time_words(first.heard_at, timezone.now())}
        return f"{words} +{more}" if more else words
    seen = sum(camera.seen_at is not None for camera in one.cameras)
    if not one.cameras:
        return _("no camera")
    if not seen:
        return ngettext("%(n)d not seen yet", "%(n)d not seen yet", len(one.cameras)) % {"n": len(one.cameras)}
    return ngettext("%(n)d camera", "%(n)d cameras", seen) % {"n": seen}


def summary(found: Sequence[Standing]) -> str:
    """What the page says in a sentence or two."""
    silent = sum(len(one.silent) for one in found)
    words = ngettext("%(n)d camera is silent.", "%(n)d cameras are silent.", silent) % {"n": silent}
    return f"{_states(found)} {words}" if silent else _states(found)


def _states(found: Sequence[Standing]) -> str:
    abnormal = sum(one.state == State.ABNORMAL for one in found)
    if abnormal:
        return ngettext("%(n)d line is abnormal.", "%(n)d lines are abnormal.", abnormal) % {"n": abnormal}
    if found and all(one.state in {State.NO_BASELINE, State.NEW} for one in found):
        return _("No line has a baseline in force: only absolute limits raise an alarm.")
    return _("No line is abnormal.") if found else ""
