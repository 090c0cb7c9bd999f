"""What a plot draws, in words that know no drawing library, and the table that says the same.

A plot is read by three: those who see it (`plots.js` draws `data`), those who hear it (`words`, and each point's own
words), and those who want the figures (`table`). Every word is made here, so the browser needs no numbers written in
the reader's language; only the ticks of a time axis are made there, because zooming changes them.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any, Literal, Self

from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _

Kind = Literal["control", "pareto", "heat", "stack", "series"]
Data = dict[str, Any]


@dataclass(frozen=True)
class Cell:
    """One cell of a table; it opens `url` where there is one. `value`: the same for a program, where that reads numbers
    otherwise than people do."""

    text: str
    url: str = ""
    value: str | float | None = None


@dataclass(frozen=True)
class Table:
    """The first cell of each row names the row."""

    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]

    @property
    def body(self) -> SafeString:
        """The rows in HTML. A template would take as long for them as for all the rest of the page."""
        return mark_safe("".join(map(_row, self.rows)))  # noqa: S308  every part of it is escaped


NO_TABLE = Table((), ())


def _row(cells: Sequence[Cell]) -> str:
    name, *rest = map(_written, cells)
    others = "".join(f'<td class="num">{one}</td>' for one in rest)
    return f'<tr><th scope="row">{name}</th>{others}</tr>'


def _written(cell: Cell) -> str:
    """Python's own `escape`: Django's says the same, and takes twice as long to ask whether a word is lazy."""
    text = escape(str(cell.text))
    return f'<a href="{escape(cell.url)}">{text}</a>' if cell.url else text


@dataclass(frozen=True)
class Plot:
    """`key` is unique on its page (letters, digits, hyphens). `words` say what the picture shows. Where `empty` says
    why there is nothing to draw, it stands in the picture's place."""

    key: str
    title: str
    words: str
    kind: Kind
    data: Data
    table: Table
    empty: str = ""

    @property
    def spec(self) -> Data:
        """What `plots.js` reads."""
        return {
            "kind": self.kind,
            "title": self.title,
            "words": self.words,
            "language": get_language() or "en",
            "zone": timezone.get_current_timezone_name(),
            **self.data,
        }

    @property
    def script(self) -> SafeString:
        """`spec` as data in a page: what Django's `json_script` makes, which takes 4 ms a plot to escape them character
        by character."""
        found = json.dumps(self.spec, cls=DjangoJSONEncoder)
        for one in "<>&":
            found = found.replace(one, f"\\u{ord(one):04X}")
        return format_html('<script id="{}" type="application/json">{}</script>', self.data_id, mark_safe(found))  # noqa: S308

    @property
    def happened(self) -> list["Happened"]:
        """What the numbers over the picture stand for, latest first."""
        return [Happened.of(mark) for mark in reversed(self.data.get("marks", ())) if "number" in mark]

    @property
    def keys(self) -> str:
        """What keys do on this plot, and no more than they do."""
        said = [_("Left and right go from point to point.")]
        if any(_opens(self.data)):
            said.append(_("Enter opens what it counts."))
        if self.data.get("axis") == "time":
            said.append(_("Plus and minus zoom, 0 shows all."))
        return " ".join([*said, _("Escape leaves.")])

    @property
    def data_id(self) -> str:
        return f"plot-data-{self.key}"


@dataclass(frozen=True)
class Spot:
    """One point: what it says and what it opens. `x` is a time or a number; `y` None leaves a gap. Limits are drawn as
    steps from `x` to `end`. `signal` names the rules that it breaks."""

    x: datetime | float
    y: float | None
    words: str
    url: str = ""
    end: datetime | None = None
    centre: float | None = None
    lower: float | None = None
    upper: float | None = None
    signal: str = ""


@dataclass(frozen=True)
class Series:
    """`beside`: it is there for comparison and is drawn back. `tone`: its place in the palette, where that is always
    the same; else its place in the plot."""

    name: str
    spots: Sequence[Spot]
    beside: bool = False
    tone: int | None = None


@dataclass(frozen=True)
class Mark:
    """Something that happened, or a place on the x axis, with its words. `kind` chooses the line's pattern:
    promotion, threshold, style, alarm, chosen."""

    x: datetime | float
    words: str
    kind: str = ""
    url: str = ""


@dataclass(frozen=True)
class Happened:
    """A mark of a time axis in words, beside the number that stands on its line."""

    number: int
    at: str
    words: str
    url: str

    @classmethod
    def of(cls, mark: Data) -> Self:
        at = datetime.fromtimestamp(mark["x"] / 1000, timezone.get_current_timezone())
        return cls(mark["number"], date_format(at, "D j M H:i"), mark["words"], mark["url"])


@dataclass(frozen=True)
class Stretch:
    """A span of the time axis with a name, such as a shift."""

    since: datetime
    until: datetime
    words: str


@dataclass(frozen=True)
class Level:
    """A height with a name, such as an absolute limit."""

    y: float
    words: str


@dataclass(frozen=True)
class Bar:
    """One bar of a Pareto; `share` is cumulative, in percent. `before`: the count of the period compared with."""

    name: str
    count: float
    share: float
    words: str
    url: str = ""
    before: float | None = None
    tone: int | None = None  # as a series'


@dataclass(frozen=True)
class Square:
    """One cell of a heat map: places in its columns and rows, the value (None: nothing was judged there)."""

    column: int
    row: int
    value: float | None
    words: str
    url: str = ""


@dataclass(frozen=True)
class Squares:
    """A heat map: names of its columns (time, left to right) and rows (bottom to top), and the name of its colours."""

    columns: Sequence[str]
    rows: Sequence[str]
    squares: Sequence[Square]
    x_name: str
    y_name: str
    unit: str = "%"


def _opens(data: Data) -> Iterator[bool]:
    """Of each thing that can be gone to, whether it opens something."""
    yield from (bool(spot.get("url")) for series in data.get("series", ()) for spot in series["spots"])
    yield from (bool(bar["url"]) for bar in data.get("bars", ()))
    yield from (bool(cell[-1]) for cell in data.get("cells", ()))


def over_time(
    series: Iterable[Series],
    since: datetime,
    until: datetime,
    *,
    unit: str = "%",
    marks: Iterable[Mark] = (),
    stretches: Iterable[Stretch] = (),
    levels: Iterable[Level] = (),
    choose: str = "",
) -> Data:
    """For `control`, `stack` and `series`. Marks are drawn by their numbers, which `Plot.happened` explains. `choose`:
    the page's address without its period; a chosen stretch of the plot then offers the page with `from` and `to` in
    it."""
    return {
        "axis": "time",
        "since": _number(since),
        "until": _number(until),
        "unit": unit,
        "series": [_series(one) for one in series],
        "marks": [{**_mark(one), "number": number} for number, one in enumerate(marks, start=1)],
        "stretches": [{"x": _number(one.since), "end": _number(one.until), "words": one.words} for one in stretches],
        "levels": [{"y": one.y, "words": one.words} for one in levels],
        "choose": choose,
    }


def over_number(
    series: Iterable[Series],
    *,
    x_name: str,
    y_name: str,
    unit: str = "",
    marks: Iterable[Mark] = (),
    levels: Iterable[Level] = (),
) -> Data:
    """For `series` over something that is no time, such as a threshold."""
    return {
        "axis": "number",
        "x_name": x_name,
        "y_name": y_name,
        "unit": unit,
        "series": [_series(one) for one in series],
        "marks": [_mark(one) for one in marks],
        "stretches": [],
        "levels": [{"y": one.y, "words": one.words} for one in levels],
        "choose": "",
    }


def in_order(bars: Iterable[Bar], *, count_name: str, share_name: str, before_name: str = "") -> Data:
    """For `pareto`: largest first, then what is of no class."""
    return {
        "bars": [_in_data(one) for one in bars],
        "count_name": count_name,
        "share_name": share_name,
        "before_name": before_name,
    }


def _in_data(one: Bar) -> Data:
    found: Data = {"name": one.name, "count": one.count, "share": one.share, "words": one.words, "url": one.url}
    return found | _said(before=one.before, tone=one.tone)


def _said(**values: float | None) -> Data:
    return {name: value for name, value in values.items() if value is not None}


def on_the_cloth(found: Squares) -> Data:
    """For `heat`."""
    return {
        "columns": list(found.columns),
        "rows": list(found.rows),
        "cells": [[one.column, one.row, one.value, one.words, one.url] for one in found.squares],
        "x_name": found.x_name,
        "y_name": found.y_name,
        "unit": found.unit,
    }


def _series(one: Series) -> Data:
    return {"name": one.name, "beside": one.beside, "spots": [_spot(spot) for spot in one.spots]} | _said(tone=one.tone)


def _spot(one: Spot) -> Data:
    found = {
        "x": _number(one.x),
        "y": one.y,
        "words": one.words,
        "url": one.url,
        "end": None if one.end is None else _number(one.end),
        "centre": one.centre,
        "lower": one.lower,
        "upper": one.upper,
        "signal": one.signal,
    }
    return {name: value for name, value in found.items() if value not in (None, "") or name == "y"}


def _mark(one: Mark) -> Data:
    return {"x": _number(one.x), "words": one.words, "kind": one.kind, "url": one.url}


def _number(x: datetime | float) -> float:
    """A time as the browser counts it: milliseconds since 1970, UTC."""
    return round(x.timestamp() * 1000) if isinstance(x, datetime) else x
