"""What a report draws: a rate over time with its limits and marks, and bars by class.

Everything is told twice: a signal is a triangle and a colour, a limit is dashed, a mark has a number that a list names.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil, floor

from reportlab.graphics.shapes import Circle, Drawing, Line, Polygon, PolyLine, Rect, String
from reportlab.lib.colors import Color
from reportlab.lib.units import mm

from inspections.paper.fonts import BOLD, REGULAR
from inspections.paper.looks import ALERT, BAR, BLUE, HAIR, INK, SOFT, WIDTH

LEFT, BOTTOM, TOP = 11 * mm, 6 * mm, 6 * mm
NICE = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 25.0, 50.0, 100.0)  # percent between two grid lines
GRID = 4  # lines, about
DOTS_UP_TO = 120  # points; more would run together


@dataclass(frozen=True)
class Dot:
    """One subgroup: percents. Limits are None where no baseline holds."""

    since: datetime
    until: datetime
    value: float | None
    centre: float | None = None
    lower: float | None = None
    upper: float | None = None
    signals: bool = False


@dataclass(frozen=True)
class Flag:
    """Something that happened; `number` names it in the list below."""

    at: datetime
    number: int


@dataclass(frozen=True)
class Tick:
    at: datetime
    words: str


@dataclass(frozen=True)
class Scene:
    """What the rate's chart shows. `unit` is written at the top of its scale."""

    since: datetime
    until: datetime
    dots: Sequence[Dot]
    flags: Sequence[Flag]
    ticks: Sequence[Tick]
    unit: str = "%"


class _Scale:
    """From times and values to the sheet."""

    def __init__(self, scene: Scene, height: float) -> None:
        self.scene = scene
        self.height = height - BOTTOM - TOP
        values = [one for dot in scene.dots for one in (dot.value, dot.upper) if one is not None]
        highest = max(values, default=0.0)
        self.step = next((step for step in NICE if highest <= GRID * step), 100.0 * max(1, round(highest / 400)))
        self.top = self.step * max(1, ceil(highest / self.step))
        lowest = min((one for dot in scene.dots for one in (dot.value, dot.lower) if one is not None), default=0.0)
        self.bottom = min(0.0, self.step * floor(lowest / self.step))

    def x(self, at: datetime) -> float:
        part = (at - self.scene.since) / (self.scene.until - self.scene.since)
        return float(LEFT + min(max(part, 0.0), 1.0) * (WIDTH - LEFT))

    def y(self, value: float) -> float:
        part = (value - self.bottom) / (self.top - self.bottom)
        return float(BOTTOM + min(max(part, 0.0), 1.0) * self.height)


def rate_chart(scene: Scene, height: float = 48 * mm) -> Drawing:
    drawing, scale = Drawing(WIDTH, height), _Scale(scene, height)
    _frame(drawing, scale)
    for flag in scene.flags:
        x = scale.x(flag.at)
        drawing.add(Line(x, BOTTOM, x, BOTTOM + scale.height, strokeColor=INK, strokeWidth=0.7, strokeDashArray=[3, 2]))
        words = String(x, BOTTOM + scale.height + 1.2 * mm, str(flag.number), textAnchor="middle")
        words.fontName, words.fontSize, words.fillColor = BOLD, 6.5, INK
        drawing.add(words)
    for name, dash in (("upper", [2, 2]), ("lower", [2, 2]), ("centre", None)):
        _steps(drawing, scale, name, dash)
    _points(drawing, scale)
    return drawing


def _frame(drawing: Drawing, scale: _Scale) -> None:
    value = scale.bottom
    while value <= scale.top + 1e-9:
        y = scale.y(value)
        drawing.add(Line(LEFT, y, WIDTH, y, strokeColor=HAIR, strokeWidth=0.4))
        _say(drawing, LEFT - 1.5 * mm, y - 2, f"{value:g}", "end")
        value += scale.step
    _say(drawing, LEFT - 1.5 * mm, BOTTOM + scale.height + 2.8 * mm, scale.scene.unit, "end")
    for tick in scale.scene.ticks:
        x = scale.x(tick.at)
        drawing.add(Line(x, BOTTOM, x, BOTTOM - 1 * mm, strokeColor=SOFT, strokeWidth=0.4))
        _say(drawing, x, BOTTOM - 3.6 * mm, tick.words, "start" if x < LEFT + 4 * mm else "middle")


def _say(drawing: Drawing, x: float, y: float, words: str, anchor: str) -> None:
    found = String(x, y, words, textAnchor=anchor)
    found.fontName, found.fontSize, found.fillColor = REGULAR, 6.5, SOFT
    drawing.add(found)


def _steps(drawing: Drawing, scale: _Scale, name: str, dash: list[int] | None) -> None:
    """A limit as steps; it stands where it holds, and stops where none does."""
    colour: Color = SOFT
    for dot in scale.scene.dots:
        value = getattr(dot, name)
        if value is not None:
            y = scale.y(value)
            ends = scale.x(dot.since), scale.x(dot.until)
            drawing.add(Line(ends[0], y, ends[1], y, strokeColor=colour, strokeWidth=0.6, strokeDashArray=dash))


def _points(drawing: Drawing, scale: _Scale) -> None:
    """A line through neighbours; a gap where nothing was judged."""
    run: list[float] = []
    before: Dot | None = None
    for dot in scale.scene.dots:
        if dot.value is None or (before and dot.since - before.until > 2 * (before.until - before.since)):
            _line(drawing, run)
            run = []
        if dot.value is not None:
            run += [_middle(scale, dot), scale.y(dot.value)]
        before = dot
    _line(drawing, run)
    few = len(scale.scene.dots) <= DOTS_UP_TO
    for dot in scale.scene.dots:
        if dot.value is not None and (dot.signals or few):
            drawing.add(_shape(_middle(scale, dot), scale.y(dot.value), dot.signals))


def _middle(scale: _Scale, dot: Dot) -> float:
    return (scale.x(dot.since) + scale.x(dot.until)) / 2


def _line(drawing: Drawing, run: list[float]) -> None:
    if len(run) > 2:
        drawing.add(PolyLine(run, strokeColor=BLUE, strokeWidth=0.9))


def _shape(x: float, y: float, signals: bool) -> Polygon | Circle:
    if signals:
        size = 2.6
        corners = [x - size, y - size * 0.8, x + size, y - size * 0.8, x, y + size]
        return Polygon(corners, fillColor=ALERT, strokeColor=INK, strokeWidth=0.3)
    return Circle(x, y, 1.1, fillColor=BLUE, strokeColor=None)


def share_bar(share: float, width: float, height: float = 2.6 * mm) -> Drawing:
    """A bar in a table's cell: `share` of its width."""
    drawing = Drawing(width, height)
    drawing.add(
        Rect(
            0, 0.4 * mm, max(width * min(max(share, 0.0), 1.0), 0.5), height - 0.8 * mm, fillColor=BAR, strokeColor=None
        )
    )
    return drawing
