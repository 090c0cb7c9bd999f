"""Bars by the hour, drawn by the server: numbers become integers of an SVG's own coordinates here.

Integers, because a template would write 3.5 as 3,5 in many languages, and SVG would not understand.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from inspections.models import Line, VersionChange
from inspections.rates import HOUR, HOURS_SHOWN, NOW_HOURS, Day, Hour

SLOT = 100
WIDTH = SLOT * HOURS_SHOWN
HEIGHT = 1000
GAP = 18
SWAPS_SHOWN = 8  # the latest: a day of trying has more than can be told apart
LEAST = 12  # a bar of zero is still a bar: judged, and nothing found
TOPS = (1, 2, 3, 5, 8, 10, 15, 20, 30, 40, 50, 75, 100)  # percent


@dataclass(frozen=True)
class Bar:
    """One hour. Without anything judged it has no bar, which is not the same as a bar of zero."""

    hour: Hour
    slot_x: int
    x: int
    y: int
    height: int
    url: str
    words: str
    is_now: bool

    width = SLOT - GAP
    slot = SLOT


@dataclass(frozen=True)
class Swap:
    """Where another version took over, and how that came."""

    x: int
    at: datetime
    words: str


@dataclass(frozen=True)
class HourChart:
    bars: tuple[Bar, ...]
    top: int  # percent
    usual_y: int | None
    words: str
    swaps: tuple[Swap, ...] = ()

    view_box = f"0 0 {WIDTH} {HEIGHT}"
    width = WIDTH
    full = HEIGHT

    @property
    def marks(self) -> tuple[Hour, ...]:
        """The hours that are written under the axis."""
        return tuple(bar.hour for bar in self.bars[:: HOURS_SHOWN // 4])


def common_top(days: Iterable[Day]) -> int:
    """The top of the scale in percent, one for all charts of a page, so that bars can be compared."""
    highest = max((hour.tally.percent or 0.0 for day in days for hour in day.hours), default=0.0)
    return next((top for top in TOPS if highest <= top), TOPS[-1])


def flagged_url(line: Line, **wanted: str) -> str:
    return f"{reverse('flagged')}?{urlencode({'line': line.slug, **wanted})}"


def since_words(hour: Hour) -> dict[str, str]:
    return {"since": f"{hour.start:%Y-%m-%dT%H:%M:%SZ}", "until": f"{hour.end:%Y-%m-%dT%H:%M:%SZ}"}


def hour_chart(line: Line, day: Day, top: int) -> HourChart:
    usual = day.before.percent
    return HourChart(
        bars=tuple(_bar(line, hour, place, top) for place, hour in enumerate(day.hours)),
        top=top,
        usual_y=None if usual is None else HEIGHT - _height(usual, top),
        words=_chart_words(day),
    )


def with_swaps(chart: HourChart, changes: Iterable[VersionChange]) -> HourChart:
    """The chart with a mark wherever another version came into force."""
    start = chart.bars[0].hour.start
    return replace(chart, swaps=tuple(_swap(change, start) for change in list(changes)[-SWAPS_SHOWN:]))


def _swap(change: VersionChange, start: datetime) -> Swap:
    assert change.decided_at
    hours = (change.decided_at - start) / HOUR
    what = {"kind": change.get_kind_display(), "version": change.version}
    words = _("%(version)s on this line (%(kind)s)") if change.line_id else _("%(version)s took over (%(kind)s)")
    return Swap(round(SLOT * hours), change.decided_at, words % what)


def _height(percent: float, top: int) -> int:
    return round(HEIGHT * min(percent / top, 1.0))


def _bar(line: Line, hour: Hour, place: int, top: int) -> Bar:
    percent = hour.tally.percent
    height = 0 if percent is None else max(_height(percent, top), LEAST)
    return Bar(
        hour=hour,
        slot_x=place * SLOT,
        x=place * SLOT + GAP // 2,
        y=HEIGHT - height,
        height=height,
        url=flagged_url(line, **since_words(hour)),
        words=hour_words(hour),
        is_now=place >= HOURS_SHOWN - NOW_HOURS,
    )


def clock(hour: Hour) -> str:
    return f"{timezone.localtime(hour.start):%H:%M}"


def hour_words(hour: Hour) -> str:
    if hour.tally.percent is None:
        return _("%(hour)s: nothing judged") % {"hour": clock(hour)}
    return _("%(hour)s: %(rate).1f %%, %(anomalies)d of %(judged)d") % {
        "hour": clock(hour),
        "rate": hour.tally.percent,
        "anomalies": hour.tally.anomalies,
        "judged": hour.tally.judged,
    }


def _chart_words(day: Day) -> str:
    """What the picture says, for those who do not see it; the line's page has the whole table."""
    judged = [hour for hour in day.hours if hour.tally.judged]
    if not judged:
        return _("Anomaly rate by hour, last 24 hours: nothing judged.")
    worst = max(judged, key=lambda hour: hour.tally.rate or 0.0)
    return _("Anomaly rate by hour, last 24 hours. Highest: %(worst)s. Latest: %(latest)s.") % {
        "worst": hour_words(worst),
        "latest": hour_words(judged[-1]),
    }
