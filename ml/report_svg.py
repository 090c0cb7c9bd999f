"""Small charts as inline SVG: drawn in the page's own colours, so that they read on light and on dark."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 320, 280
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 12, 42  # margins that hold the axes


@dataclass(frozen=True)
class Line:
    """Points (x, y) in 0..1, joined; with `dots`, circles of these radii in pixels. `style`: a class of the page."""

    points: Sequence[tuple[float, float]]
    style: str
    dots: Sequence[float] = ()


def chart(title: str, x_label: str, y_label: str, parts: Iterable[str], ticks: bool = True) -> str:
    """One square chart of 0..1 by 0..1; `title` is what a screen reader says of it."""
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">'
        f"{_axes(x_label, y_label, ticks)}{''.join(parts)}</svg>"
    )


def draw(line: Line) -> str:
    """A line or its dots."""
    places = [(_x(x), _y(y)) for x, y in line.points]
    if line.dots:
        rounds = (
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r:.1f}"/>' for (x, y), r in zip(places, line.dots, strict=True)
        )
        return f'<g class="{line.style} dots">{"".join(rounds)}</g>'
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    return f'<polyline class="{line.style}" points="{path}"/>'


def bars(heights: Sequence[float], style: str) -> str:
    """Bars of equal width over 0..1, heights in 0..1."""
    wide = 1 / max(len(heights), 1)
    drawn = (
        f'<rect x="{_x(index * wide):.1f}" y="{_y(height):.1f}" width="{_x(wide) - _x(0):.1f}" '
        f'height="{_y(0) - _y(height):.1f}"/>'
        for index, height in enumerate(heights)
        if height > 0
    )
    return f'<g class="{style} bars">{"".join(drawn)}</g>'


def upright(x: float, label: str) -> str:
    """A vertical line with a word beside it."""
    side = "end" if x > 0.6 else "start"
    at = _x(x) + (-4 if x > 0.6 else 4)
    return (
        f'<line class="mark" x1="{_x(x):.1f}" x2="{_x(x):.1f}" y1="{_y(1):.1f}" y2="{_y(0):.1f}"/>'
        f'<text x="{at:.1f}" y="{TOP + 12}" text-anchor="{side}">{escape(label)}</text>'
    )


def diagonal() -> str:
    return draw(Line([(0, 0), (1, 1)], "aside"))


def _axes(x_label: str, y_label: str, ticks: bool) -> str:
    drawn = []
    for step in (0, 0.25, 0.5, 0.75, 1):
        drawn.append(f'<line class="grid" x1="{_x(step):.1f}" x2="{_x(step):.1f}" y1="{_y(0)}" y2="{_y(1)}"/>')
        drawn.append(f'<text x="{_x(step):.1f}" y="{_y(0) + 15:.1f}" text-anchor="middle">{step:g}</text>')
        drawn.append(f'<line class="grid" x1="{_x(0)}" x2="{_x(1)}" y1="{_y(step):.1f}" y2="{_y(step):.1f}"/>')
        if ticks:
            drawn.append(f'<text x="{LEFT - 5}" y="{_y(step) + 4:.1f}" text-anchor="end">{step:g}</text>')
    middle = TOP + (HEIGHT - TOP - BOTTOM) / 2
    drawn.append(f'<text x="{_x(0.5):.1f}" y="{HEIGHT - 6}" text-anchor="middle">{escape(x_label)}</text>')
    drawn.append(
        f'<text transform="translate(12 {middle:.1f}) rotate(-90)" text-anchor="middle">{escape(y_label)}</text>'
    )
    return "".join(drawn)


def _x(value: float) -> float:
    return LEFT + value * (WIDTH - LEFT - RIGHT)


def _y(value: float) -> float:
    return HEIGHT - BOTTOM - value * (HEIGHT - TOP - BOTTOM)
