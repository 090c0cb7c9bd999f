"""A day as a small strip: bars by the hour and the limit as a line, drawn by the server in an SVG's own integers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from inspections.last_day import HOURS_SHOWN, Day, Hour
from inspections.models import Baseline
from inspections.pages.charts import TOPS, hour_words
from inspections.standing import ENOUGH, Limits, limits_of

SLOT = 10
WIDTH = SLOT * HOURS_SHOWN
HEIGHT = 100
GAP = 2
LEAST = 2  # a bar of zero is still a bar: judged, and nothing found


@dataclass(frozen=True)
class Strip:
    """Paths of one picture. `beyond`: the hours above their limit, which also stand on a second line, not by colour
    alone."""

    bars: str
    beyond: str
    limit: str
    top: int  # percent
    words: str

    view_box = f"0 0 {WIDTH} {HEIGHT}"


def limits_by_hour(day: Day, baseline: Baseline | None) -> list[Limits] | None:
    return None if baseline is None else limits_of(baseline, [hour.tally.judged for hour in day.hours])


def top_of(days: Iterable[Day]) -> int:
    """The top of the scale in percent, one for all strips of a page. Hours of a handful of captures do not stretch
    it."""
    counted = (hour.tally for day in days for hour in day.hours if hour.tally.judged >= ENOUGH)
    highest = max((tally.percent or 0.0 for tally in counted), default=0.0)
    return next((top for top in TOPS if highest <= top), TOPS[-1])


def strip(day: Day, baseline: Baseline | None, top: int) -> Strip:
    limits = limits_by_hour(day, baseline)
    inside: list[str] = []
    outside: list[str] = []
    for place, hour in enumerate(day.hours):
        is_high = limits is not None and not limits[place].hold(hour.tally) and _is_high(hour, limits[place])
        (outside if is_high else inside).append(_bar(place, hour, top))
    line = _limit_line(day.hours, limits, top) if limits else ""
    return Strip("".join(inside), "".join(outside), line, top, _words(day, limits))


def _is_high(hour: Hour, limits: Limits) -> bool:
    return (hour.tally.rate or 0.0) > limits.upper


def _y(percent: float, top: int) -> int:
    return HEIGHT - round(HEIGHT * min(percent / top, 1.0))


def _bar(place: int, hour: Hour, top: int) -> str:
    if hour.tally.percent is None:
        return ""
    y = min(_y(hour.tally.percent, top), HEIGHT - LEAST)
    x = place * SLOT + GAP // 2
    return f"M{x} {HEIGHT}V{y}h{SLOT - GAP}V{HEIGHT}z"


def _limit_line(hours: Sequence[Hour], limits: Sequence[Limits], top: int) -> str:
    """A step for each hour, as each hour judged another number; hours without captures have no limit."""
    steps = []
    for place, (hour, limit) in enumerate(zip(hours, limits, strict=True)):
        if hour.tally.judged >= ENOUGH:
            steps.append(f"M{place * SLOT} {_y(100 * limit.upper, top)}h{SLOT}")
    return "".join(steps)


def _words(day: Day, limits: Sequence[Limits] | None) -> str:
    """What the picture says, for those who do not see it; the line's page has the whole table."""
    judged = [hour for hour in day.hours if hour.tally.judged]
    if not judged:
        return _("Anomaly rate by hour, last 24 hours: nothing judged.")
    worst = max(judged, key=lambda hour: hour.tally.rate or 0.0)
    said = _("Anomaly rate by hour, last 24 hours. Highest: %(worst)s. Latest: %(latest)s.") % {
        "worst": hour_words(worst),
        "latest": hour_words(judged[-1]),
    }
    if limits is None:
        return said
    over = sum(
        not limit.hold(hour.tally) and _is_high(hour, limit) for hour, limit in zip(day.hours, limits, strict=True)
    )
    return f"{said} {_('Hours above their limit: %(n)d.') % {'n': over}}"
