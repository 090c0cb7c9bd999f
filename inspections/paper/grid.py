"""A report's tables, set straight on the page.

reportlab's own table decides anew for each cell how it looks, and begins and ends a text for it: a report of twelve
lines has two thousand cells. Here a table is one text, in the order in which it is read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TypeAlias

from reportlab.lib.colors import Color
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable

from inspections.paper.looks import HAIR, WASH

PAD = 3
RIGHT = 2  # as styles number it


@dataclass(frozen=True)
class Words:
    """Bare words that fit on one line of their cell. `width`: how long they are, in points."""

    text: str
    style: ParagraphStyle
    width: float


Cell: TypeAlias = Words | Flowable
Row: TypeAlias = Sequence[Cell]


class OneLine(Flowable):  # type: ignore[misc]
    """Words that need no paragraph: one is read as markup and broken into lines, which takes ten times as long."""

    def __init__(self, words: Words) -> None:
        super().__init__()
        self.words, self.style = words, words.style
        self.width, self.height = words.width, words.style.leading

    def wrap(self, *_room: float) -> tuple[float, float]:
        return self.width, self.height

    def draw(self) -> None:
        pen = _Pen(self.canv)
        pen.put(self.words, 0, self.width, self.height)
        pen.lift()


@dataclass(frozen=True)
class Pads:
    """What stays free within a cell, in points."""

    side: float
    above: float
    below: float


RULED, BARE = Pads(PAD, 2, 2.5), Pads(0, 1, 1)


class Grid(Flowable):  # type: ignore[misc]
    """Rows of cells. `has_head`: the first row stands on every page that it comes to, and lines part the rows."""

    def __init__(self, rows: Sequence[Row], measures: Sequence[float], *, has_head: bool) -> None:
        super().__init__()
        self.rows, self.measures, self.has_head = rows, measures, has_head
        self.pads = RULED if has_head else BARE
        self.width = sum(measures)
        self.heights = [self._height(row) for row in rows]
        self.height = sum(self.heights)

    def wrap(self, *_room: float) -> tuple[float, float]:
        return self.width, self.height

    def split(self, _width: float, room: float) -> list["Grid"]:
        """What of it fits, and the rest; nothing where not even a row under the head does."""
        first = int(self.has_head)
        fits = sum(height <= room for height in accumulate(self.heights))
        if fits <= first:
            return []
        above, below = self.rows[:fits], [*self.rows[:first], *self.rows[fits:]]
        return [Grid(some, self.measures, has_head=self.has_head) for some in (above, below)]

    def draw(self) -> None:
        tops = [self.height - so_far for so_far in accumulate(self.heights, initial=0.0)]
        if self.has_head:
            _rule(self.canv, self.width, tops)
        lefts, pen = list(accumulate(self.measures, initial=0.0)), _Pen(self.canv)
        for row, top in zip(self.rows, tops, strict=False):
            for cell, (left, right) in zip(row, pairwise(lefts), strict=True):
                pen.put(cell, left + self.pads.side, right - self.pads.side, top - self.pads.above)
        pen.lift()

    def _height(self, row: Row) -> float:
        room = [measure - 2 * self.pads.side for measure in self.measures]
        of_cells = [
            cell.style.leading if isinstance(cell, Words) else cell.wrap(measure, 1e6)[1]
            for cell, measure in zip(row, room, strict=True)
        ]
        return float(max(of_cells) + self.pads.above + self.pads.below)


class _Pen:
    """Writes words into one text for as long as nothing else comes between them."""

    def __init__(self, canvas: Canvas) -> None:
        self.canvas = canvas
        self._begin()

    def put(self, cell: Cell, left: float, right: float, top: float) -> None:
        if isinstance(cell, Words):
            self._style(cell.style)
            x = right - cell.width if cell.style.alignment == RIGHT else left
            self.text.setTextOrigin(x, top - cell.style.fontSize)
            self.text.textOut(cell.text)
            return
        self.lift()
        cell.drawOn(self.canvas, left, top - cell.height)
        self._begin()

    def lift(self) -> None:
        self.canvas.drawText(self.text)

    def _begin(self) -> None:
        self.text = self.canvas.beginText()
        self.font: tuple[str, float] | None = None
        self.colour: Color | None = None

    def _style(self, style: ParagraphStyle) -> None:
        """Said only where it changes: words and figures of a row differ in nothing but where they stand."""
        if (font := (style.fontName, style.fontSize)) != self.font:
            self.font = font
            self.text.setFont(*font)
        if style.textColor != self.colour:
            self.colour = style.textColor
            self.text.setFillColor(style.textColor)


def _rule(canvas: Canvas, width: float, tops: Sequence[float]) -> None:
    """The head's ground, and a line under each row."""
    canvas.setFillColor(WASH)
    canvas.rect(0, tops[1], width, tops[0] - tops[1], stroke=0, fill=1)
    canvas.setStrokeColor(HAIR)
    canvas.setLineWidth(0.4)
    canvas.lines([(0, y, width, y) for y in tops[1:]])
