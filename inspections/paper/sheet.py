"""A report's sheet: A4, margins, the styles of its words, and "page 2 of 5" at the foot of each page."""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, field
from html import escape
from io import BytesIO
from typing import Any

from reportlab import rl_config
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    CondPageBreak,
    Flowable,
    Frame,
    KeepTogether,
    PageTemplate,
    Paragraph,
    Spacer,
)

from inspections.paper.drawings import ShareBar
from inspections.paper.fonts import BOLD, REGULAR, is_backward, lacks, register
from inspections.paper.grid import PAD, Cell, Grid, OneLine, Words
from inspections.paper.looks import FOOT, INK, MARGIN, PAGE, SOFT, WIDTH

rl_config.useA85 = 0  # images as bytes: as text they are a quarter larger and take most of a report's time

INNER = 6  # what reportlab keeps free inside a frame


def _style(name: str, size: float, lead: float, **more: Any) -> ParagraphStyle:
    values = {"fontName": REGULAR, "textColor": INK, "splitLongWords": True, **more}
    return ParagraphStyle(name, fontSize=size, leading=lead, **values)


TITLE = _style("title", 17, 21, fontName=BOLD)
HEAD = _style("head", 11, 14, fontName=BOLD, spaceBefore=3 * mm, spaceAfter=1.5 * mm)
LINE = _style("line", 14, 18, fontName=BOLD, spaceBefore=7 * mm, spaceAfter=1.5 * mm)
BODY = _style("body", 8.5, 11.5)
STRONG = _style("strong", 8.5, 11.5, fontName=BOLD)
SMALL = _style("small", 7, 9.2, textColor=SOFT)
LABEL = _style("label", 7.5, 10, textColor=SOFT)
CELL = _style("cell", 7.8, 9.8)
RIGHT = _style("right", 7.8, 9.8, alignment=2)
HEAD_LEFT = _style("head-left", 7, 9, textColor=SOFT)
HEAD_RIGHT = _style("head-right", 7, 9, textColor=SOFT, alignment=2)


@dataclass
class Sheet:
    """A report as it is written, from top to bottom."""

    foot: str  # at the foot of every page, beside its number
    page_words: str  # with %(page)d and %(pages)d
    parts: list[Flowable] = field(default_factory=list)
    has_boxes: bool = False
    has_backward: bool = False

    def __post_init__(self) -> None:
        register()

    def text(self, words: str, style: ParagraphStyle, room: float = WIDTH) -> Flowable:
        """Words as they are: nothing in them is markup. `room`: how wide it is where they stand."""
        found = self._cell(words, style, room)
        return OneLine(found) if isinstance(found, Words) else found

    def write(self, words: str, style: ParagraphStyle = BODY) -> None:
        self.parts.append(self.text(words, style))

    def gap(self, height: float = 2 * mm) -> None:
        self.parts.append(Spacer(1, height))

    def add(self, *parts: Flowable) -> None:
        self.parts.extend(parts)

    def unless_room(self, height: float) -> None:
        """What follows begins on the next page where less than this is left of this one."""
        self.parts.append(CondPageBreak(height))

    def together(self, *parts: Flowable) -> None:
        """On one page, where one is large enough."""
        self.parts.append(KeepTogether(list(parts)))

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[float], left: int = 1) -> Grid:
        """`widths`: shares of the sheet's width. The first `left` columns are words, the others figures; its head is
        repeated on every page."""
        measures = _measures(widths)
        return Grid(self._cells(head, rows, measures, left), measures, has_head=True)

    def table_with_bars(
        self, head: Sequence[str], rows: Sequence[Sequence[str]], bars: Sequence[float], widths: Sequence[float]
    ) -> Grid:
        """The same with a bar at the end of each row: shares of the longest."""
        *of_words, of_bars = measures = _measures([*widths, 0.3 * sum(widths)])
        first, *others = self._cells(head, rows, of_words, 1)
        drawn = [[*row, ShareBar(bar, of_bars - 2 * PAD)] for row, bar in zip(others, bars, strict=True)]
        return Grid([[*first, Spacer(1, 1)], *drawn], measures, has_head=True)

    def _cells(
        self, head: Sequence[str], rows: Sequence[Sequence[str]], measures: Sequence[float], left: int
    ) -> list[list[Cell]]:
        def styled(words: Sequence[str], of_words: ParagraphStyle, of_figures: ParagraphStyle) -> list[Cell]:
            styles = [of_words if at < left else of_figures for at in range(len(words))]
            return [self._cell(*one) for one in zip(words, styles, measures, strict=True)]

        return [styled(head, HEAD_LEFT, HEAD_RIGHT), *(styled(row, CELL, RIGHT) for row in rows)]

    def _cell(self, words: str, style: ParagraphStyle, room: float) -> Cell:
        """Bare words where they fit on one line."""
        plain = " ".join(words.split())
        self.has_boxes = self.has_boxes or lacks(plain)
        self.has_backward = self.has_backward or is_backward(plain)
        width = stringWidth(plain, style.fontName, style.fontSize)
        return Words(plain, style, width) if width <= room - 2 * PAD else Paragraph(escape(plain), style)

    def facts(self, pairs: Sequence[tuple[str, str]]) -> Grid:
        """Names and what they are."""
        of_names, of_words = 42 * mm, WIDTH - 42 * mm
        rows = [[self._cell(name, LABEL, of_names), self._cell(words, BODY, of_words)] for name, words in pairs]
        return Grid(rows, [of_names, of_words], has_head=False)

    def pdf(self, title: str, author: str) -> bytes:
        """The same parts give the same bytes."""
        out = BytesIO()
        document = BaseDocTemplate(out, pagesize=PAGE, title=title, author=author, creator="Selvedge", invariant=1)
        column = _Column(MARGIN - INNER, 2 * FOOT, WIDTH + 2 * INNER, PAGE[1] - 2 * FOOT - MARGIN + INNER, id="column")
        document.addPageTemplates(PageTemplate(frames=[column]))
        document.build(self.parts, canvasmaker=lambda *args, **more: _Numbered(self, *args, **more))
        return out.getvalue()


def _measures(widths: Sequence[float]) -> list[float]:
    """In points, of shares of the sheet's width."""
    whole = sum(widths)
    return [WIDTH * one / whole for one in widths]


class _Column(Frame):  # type: ignore[misc]
    """What is written on a page. reportlab copies it before it measures parts that stay together, and copying all that
    hangs on it was a tenth of a report's time: what measuring changes are its own numbers."""

    def __deepcopy__(self, _memo: Any) -> "_Column":
        return copy(self)


class _Numbered(Canvas):  # type: ignore[misc]
    """Pages are kept until the last one is known, because each names it."""

    def __init__(self, sheet: Sheet, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._sheet = sheet
        self._kept: list[dict[str, Any]] = []

    def showPage(self) -> None:
        self._kept.append(dict(self.__dict__))
        self._startPage()

    def save(self) -> None:
        for number, state in enumerate(self._kept, start=1):
            self.__dict__.update(state)
            self._foot(number, len(self._kept))
            super().showPage()
        super().save()

    def _foot(self, page: int, pages: int) -> None:
        self.setFont(REGULAR, 7)
        self.setFillColor(SOFT)
        words = self._sheet.page_words % {"page": page, "pages": pages}
        self.drawString(MARGIN, FOOT, self._sheet.foot)
        self.drawRightString(PAGE[0] - MARGIN, FOOT, words)
