"""What a report draws: a rate over time with its limits and marks, and bars by class.

Everything is told twice: a signal is a triangle and a colour, a limit is dashed, a mark has a number that a list names.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from math import ceil, floor
from operator import attrgetter

from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.pdfgen.pathobject import PDFPathObject
from reportlab.platypus import Flowable

from inspections.paper.fonts import BOLD, REGULAR
from inspections.paper.looks import ALERT, BAR, BLUE, HAIR, INK, SOFT, WIDTH

LEFT, BOTTOM, TOP = 11 * mm, 6 * mm, 6 * mm
NICE = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 25.0, 50.0, 100.0)  # percent between two grid lines
GRID = 4  # lines, about
DOTS_UP_TO = 120  # points; more would run together
ROUND = 1  # ends of lines, and their corners, as PDF numbers them

Stroke = tuple[float, float, float, float]


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


class RateChart(Flowable):  # type: ignore[misc]
    """Drawn straight on the page: a shift's report has one a line, and shapes of their own would take twice as long."""

    def __init__(self, scene: Scene, height: float = 40 * mm) -> None:
        super().__init__()
        self.scene, self.width, self.height = scene, WIDTH, height

    def wrap(self, *_room: float) -> tuple[float, float]:
        return self.width, self.height

    def draw(self) -> None:
        scale = _Scale(self.scene, self.height)
        _frame(self.canv, scale)
        _flags(self.canv, scale)
        _limits(self.canv, scale)
        _points(self.canv, scale)


def _frame(canvas: Canvas, scale: _Scale) -> None:
    top, ticks = BOTTOM + scale.height, [(scale.x(tick.at), tick.words) for tick in scale.scene.ticks]
    values = [scale.bottom + scale.step * place for place in range(round((scale.top - scale.bottom) / scale.step) + 1)]
    canvas.setLineWidth(0.4)
    canvas.setStrokeColor(HAIR)
    canvas.lines([(LEFT, scale.y(value), WIDTH, scale.y(value)) for value in values])
    canvas.setStrokeColor(SOFT)
    canvas.lines([(x, BOTTOM, x, BOTTOM - 1 * mm) for x, _words in ticks])
    canvas.setFont(REGULAR, 6.5)
    canvas.setFillColor(SOFT)
    for value in values:
        canvas.drawRightString(LEFT - 1.5 * mm, scale.y(value) - 2, f"{value:g}")
    canvas.drawRightString(LEFT - 1.5 * mm, top + 2.8 * mm, scale.scene.unit)
    for x, words in ticks:
        say = canvas.drawString if x < LEFT + 4 * mm else canvas.drawCentredString
        say(x, BOTTOM - 3.6 * mm, words)


def _flags(canvas: Canvas, scale: _Scale) -> None:
    canvas.setLineWidth(0.7)
    canvas.setStrokeColor(INK)
    canvas.setFillColor(INK)
    canvas.setFont(BOLD, 6.5)
    canvas.setDash([3, 2])
    top, taken = BOTTOM + scale.height, 0.0
    for flag in sorted(scale.scene.flags, key=lambda one: one.at):
        x, words = scale.x(flag.at), str(flag.number)
        canvas.line(x, BOTTOM, x, top)
        half = canvas.stringWidth(words, BOLD, 6.5) / 2
        middle = max(x, taken + half)  # beside the number before it where they would stand on each other
        canvas.drawCentredString(middle, top + 1.2 * mm, words)
        taken = middle + half + 0.6 * mm


def _limits(canvas: Canvas, scale: _Scale) -> None:
    """As steps; each stands where it holds, and stops where none does."""
    canvas.setLineWidth(0.6)
    canvas.setStrokeColor(SOFT)
    for names, dash in ((("upper", "lower"), [2, 2]), (("centre",), [])):
        canvas.setDash(dash)
        if found := [stroke for name in names for stroke in _steps(scale, name)]:
            canvas.lines(found)


def _steps(scale: _Scale, name: str) -> Iterator[Stroke]:
    """One stroke for neighbours that touch and have the same limit."""
    for value, dots in groupby(scale.scene.dots, attrgetter(name)):
        if value is not None:
            y = scale.y(value)
            yield from ((scale.x(since), y, scale.x(until), y) for since, until in _stretches(dots))


def _stretches(dots: Iterable[Dot]) -> list[tuple[datetime, datetime]]:
    found: list[tuple[datetime, datetime]] = []
    for dot in dots:
        touches = found and found[-1][1] == dot.since
        since = found.pop()[0] if touches else dot.since
        found.append((since, dot.until))
    return found


def _points(canvas: Canvas, scale: _Scale) -> None:
    """A line through neighbours; a gap where nothing was judged. A signal is a triangle."""
    found = [(_middle(scale, dot), scale.y(dot.value), dot) for dot in scale.scene.dots if dot.value is not None]
    canvas.setStrokeColor(BLUE)
    canvas.setLineCap(ROUND)
    canvas.setLineJoin(ROUND)  # a pointed corner would reach beyond the value
    canvas.setLineWidth(0.9)
    if found:
        canvas.drawPath(_line(canvas, scale))
    calm = [(x, y, x, y + 0.01) for x, y, dot in found if not dot.signals]
    if calm and len(scale.scene.dots) <= DOTS_UP_TO:
        canvas.setLineWidth(2.2)
        canvas.lines(calm)  # no length and round ends: a dot
    for x, y, dot in found:
        if dot.signals:
            _triangle(canvas, x, y)


def _line(canvas: Canvas, scale: _Scale) -> PDFPathObject:
    path, before = canvas.beginPath(), None
    for dot in scale.scene.dots:
        if dot.value is not None:
            go = path.moveTo if before is None or _is_gap(before, dot) else path.lineTo
            go(_middle(scale, dot), scale.y(dot.value))
        before = dot
    return path


def _is_gap(one: Dot, after: Dot) -> bool:
    return one.value is None or after.since - one.until > 2 * (one.until - one.since)


def _middle(scale: _Scale, dot: Dot) -> float:
    return (scale.x(dot.since) + scale.x(dot.until)) / 2


def _triangle(canvas: Canvas, x: float, y: float, size: float = 2.6) -> None:
    canvas.setLineWidth(0.3)
    canvas.setStrokeColor(INK)
    canvas.setFillColor(ALERT)
    path = canvas.beginPath()
    path.moveTo(x - size, y - size * 0.8)
    path.lineTo(x + size, y - size * 0.8)
    path.lineTo(x, y + size)
    path.close()
    canvas.drawPath(path, stroke=1, fill=1)


class ShareBar(Flowable):  # type: ignore[misc]
    """A bar in a table's cell: `share` of its width."""

    def __init__(self, share: float, width: float, height: float = 2.6 * mm) -> None:
        super().__init__()
        self.share, self.width, self.height = min(max(share, 0.0), 1.0), width, height

    def wrap(self, *_room: float) -> tuple[float, float]:
        return self.width, self.height

    def draw(self) -> None:
        self.canv.setFillColor(BAR)
        width, height = max(self.width * self.share, 0.5), self.height - 0.8 * mm
        self.canv.rect(0, 0.4 * mm, width, height, stroke=0, fill=1)
