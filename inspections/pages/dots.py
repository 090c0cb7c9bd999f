"""Dots with whiskers, drawn by the server: an estimate and its interval as integers of an SVG's own coordinates.

As in `charts`, integers alone. A dot is a line of no length with a round end: a stretched picture keeps it round.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from inspections.escape import Interval
from inspections.pages.charts import TOPS

SLOT = 100
HEIGHT = 1000
CAP = 14  # half the width of a whisker's end
ALONG = 1000


@dataclass(frozen=True)
class Estimate:
    """What is drawn: a value in percent, or none, with its interval, or none."""

    value: float | None
    low: float | None
    high: float | None
    label: str
    words: str
    url: str
    is_wide: bool = False


@dataclass(frozen=True)
class Dot:
    """One estimate in its slot. `is_cut`: the whisker goes on above the picture."""

    estimate: Estimate
    slot_x: int
    y: int | None
    whisker: str
    is_cut: bool
    is_period: bool = False

    # What a template writes is text already: of a number it would ask how the reader writes numbers.
    slot, full = str(SLOT), str(HEIGHT)

    @property
    def x(self) -> int:
        return self.slot_x + SLOT // 2

    @property
    def left(self) -> str:
        return str(self.slot_x)

    @property
    def point(self) -> str:
        """A line of no length; empty where there is no value."""
        return "" if self.y is None else f"M{self.x} {self.y}h0"

    @property
    def arrow(self) -> str:
        return f"M{self.x - CAP} 70L{self.x} 10L{self.x + CAP} 70"


@dataclass(frozen=True)
class DotChart:
    dots: tuple[Dot, ...]
    top: int
    words: str

    full = str(HEIGHT)

    @property
    def width(self) -> int:
        return SLOT * len(self.dots)

    @property
    def view_box(self) -> str:
        return f"0 0 {self.width} {HEIGHT}"

    @property
    def before_period(self) -> int:
        """Where the line between the weeks and the whole period stands."""
        return self.width - SLOT


def common_top(estimates: Iterable[Estimate], narrowest: float) -> int:
    """The top of the scale in percent, one for all charts of a page. Every value lies below it, and the narrowest
    interval of a period; wider whiskers are cut, or one week of few answers would press all others to the ground."""
    highest = max((one.value for one in estimates if one.value is not None), default=0.0)
    return next((top for top in TOPS if max(highest, narrowest) <= top), TOPS[-1])


def dot_chart(weeks: Sequence[Estimate], period: Estimate, top: int, words: str) -> DotChart:
    dots = [_dot(one, place, top) for place, one in enumerate(weeks)]
    last = _dot(period, len(dots), top)
    marked = Dot(last.estimate, last.slot_x, last.y, last.whisker, last.is_cut, is_period=True)
    return DotChart((*dots, marked), top, words)


def _dot(one: Estimate, place: int, top: int) -> Dot:
    x = place * SLOT + SLOT // 2
    return Dot(
        estimate=one,
        slot_x=place * SLOT,
        y=None if one.value is None else _y(one.value, top),
        whisker="" if one.low is None or one.high is None else _whisker(x, _y(one.low, top), _y(one.high, top)),
        is_cut=one.high is not None and one.high > top,
    )


def _y(percent: float, top: int) -> int:
    return round(HEIGHT * (1 - min(percent / top, 1.0)))


def _whisker(x: int, low: int, high: int) -> str:
    return f"M{x - CAP} {low}h{2 * CAP}M{x} {low}V{high}M{x - CAP} {high}h{2 * CAP}"


@dataclass(frozen=True)
class Whisker:
    """An estimate lying in a table's cell, on a scale from `left` to 1."""

    x: int | None
    line: str
    zero_x: int

    view_box = f"0 0 {ALONG} 100"


def lying(value: float | None, between: Interval | None, left: float = 0.0) -> Whisker:
    def along(at: float) -> int:
        return round(ALONG * (min(max(at, left), 1.0) - left) / (1 - left))

    line = ""
    if between is not None:
        low, high = along(between.low), along(between.high)
        line = f"M{low} 25v50M{low} 50H{high}M{high} 25v50"
    return Whisker(None if value is None else along(value), line, along(0.0))
