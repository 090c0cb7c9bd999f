"""Disagreement by hour or day, drawn by the server as in `charts`: integers of an SVG's own coordinates."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import TextChoices
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from inspections.pages.charts import GAP, HEIGHT, LEAST, SLOT, TOPS
from inspections.pages.periods import percent
from inspections.quality import day_start
from inspections.rates import HOUR, hour_of
from inspections.second_looks.figures import Group, Total, in_slots

HOURS, DAYS = 24, 14


class By(TextChoices):
    HOUR = "hour", gettext_lazy("24 hours")
    DAY = "day", gettext_lazy("14 days")


def bounds_of(by: By, now: datetime) -> list[datetime]:
    """Where each hour or day begins, oldest first, the running one last; and its end."""
    if by is By.HOUR:
        return [hour_of(now) - HOUR * back for back in range(HOURS - 1, -2, -1)]
    today = timezone.localdate(now)
    return [day_start(today - timedelta(days=back)) for back in range(DAYS - 1, -2, -1)]


@dataclass(frozen=True)
class Bar:
    """One hour or day; without anything compared it has no bar, which is not the same as a bar of zero."""

    total: Total
    slot_x: int
    x: int
    y: int
    height: int
    since: str
    until: str
    words: str
    mark: str

    width = SLOT - GAP
    slot = SLOT


@dataclass(frozen=True)
class Chart:
    bars: tuple[Bar, ...]
    top: int  # percent
    words: str

    full = HEIGHT

    @property
    def width(self) -> int:
        return SLOT * len(self.bars)

    @property
    def view_box(self) -> str:
        return f"0 0 {self.width} {HEIGHT}"

    @property
    def marks(self) -> list[str]:
        return [bar.mark for bar in self.bars[:: max(len(self.bars) // 6, 1)]]


def top_of(groups: Iterable[Sequence[Group]], slots: int) -> int:
    """One scale for all charts of a page."""
    shares = [one.apart_percent or 0.0 for some in groups for one in in_slots(some, slots)]
    highest = max(shares, default=0.0)
    return next((top for top in TOPS if highest <= top), TOPS[-1])


def chart(groups: Iterable[Group], by: By, bounds: Sequence[datetime], top: int, whose: str) -> Chart:
    totals = in_slots(groups, len(bounds) - 1)
    bars = tuple(_bar(one, place, by, bounds, top) for place, one in enumerate(totals))
    worst = max((bar for bar in bars if bar.total.compared), key=lambda bar: bar.height, default=None)
    words = worst.words if worst else _("nothing compared")
    return Chart(bars, top, _("Disagreement, %(whose)s. Highest: %(words)s.") % {"whose": whose, "words": words})


def _bar(one: Total, place: int, by: By, bounds: Sequence[datetime], top: int) -> Bar:
    share = one.apart_percent
    height = 0 if share is None else max(round(HEIGHT * min(share / top, 1.0)), LEAST)
    since, until = bounds[place], bounds[place + 1]
    mark = date_format(timezone.localtime(since), "H:i" if by is By.HOUR else "j M")
    return Bar(
        total=one,
        slot_x=place * SLOT,
        x=place * SLOT + GAP // 2,
        y=HEIGHT - height,
        height=height,
        since=f"{since:%Y-%m-%dT%H:%M:%SZ}",
        until=f"{until:%Y-%m-%dT%H:%M:%SZ}",
        words=_bar_words(one, mark),
        mark=mark,
    )


def _bar_words(one: Total, mark: str) -> str:
    if not one.compared:
        return _("%(mark)s: nothing compared") % {"mark": mark}
    told = {"mark": mark, "share": percent(one.apart / one.compared), "apart": one.apart, "all": one.compared}
    return _("%(mark)s: %(share)s, %(apart)d of %(all)d") % told
