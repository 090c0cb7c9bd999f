"""Soft shapes to draw defects with. All masks are float32 0..1 over the whole frame (S, S)."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Plane = NDArray[np.float32]
Points = NDArray[np.float64]


def soften(mask: Plane, radius: float) -> Plane:
    image = Image.fromarray((mask * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(radius))
    return np.asarray(image, dtype=np.float32) / np.float32(255)


def line(size: int, points: Points, width: float) -> Plane:
    """An antialiased polyline with round joints, points (N, 2) as x, y in pixels."""
    canvas = Image.new("L", (2 * size, 2 * size))
    thick = max(1, round(2 * width))
    ImageDraw.Draw(canvas).line([(2 * x, 2 * y) for x, y in points.tolist()], fill=255, width=thick, joint="curve")
    return np.asarray(canvas.reduce(2), dtype=np.float32) / np.float32(255)


def lines(size: int, strokes: Iterable[Points], width: float) -> Plane:
    """Many fine lines in one mask, without antialiasing: they are about a pixel wide and the camera blurs them."""
    canvas = Image.new("L", (size, size))
    draw = ImageDraw.Draw(canvas)
    for points in strokes:
        draw.line(points.ravel().tolist(), fill=255, width=max(1, round(width)))
    return np.asarray(canvas, dtype=np.float32) / np.float32(255)


def polygon(size: int, points: Points) -> Plane:
    canvas = Image.new("L", (2 * size, 2 * size))
    ImageDraw.Draw(canvas).polygon([(2 * x, 2 * y) for x, y in points.tolist()], fill=255)
    return np.asarray(canvas.reduce(2), dtype=np.float32) / np.float32(255)


def curl(rng: Generator, start: Points, heading: float, length: float, bend: float, knots: int = 40) -> Points:
    """A wandering line: the heading changes smoothly, `bend` radians of standard deviation over the length."""
    turns = np.interp(np.linspace(0, 5, knots), np.arange(6), rng.standard_normal(6)) * bend
    headings = heading + np.cumsum(turns) / knots * 2.2
    steps = np.stack([np.cos(headings), np.sin(headings)], axis=1) * (length / knots)
    return np.asarray(start + np.cumsum(steps, axis=0))


def offsets(size: int, centre: tuple[float, float], angle: float) -> tuple[Plane, Plane]:
    """Coordinates along and across a direction, in pixels from `centre` (x, y)."""
    pixel = np.arange(size, dtype=np.float32)
    x, y = (pixel - np.float32(centre[0]))[None, :], (pixel - np.float32(centre[1]))[:, None]
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return x * cos + y * sin, y * cos - x * sin


def blob(rng: Generator, size: int, centre: tuple[float, float], radii: tuple[float, float], rough: float) -> Plane:
    """Distance from an uneven oval's edge in pixels, negative inside."""
    along, across = offsets(size, centre, float(rng.uniform(0, np.pi)))
    a, b = along / np.float32(radii[0]), across / np.float32(radii[1])
    far = np.sqrt(a * a + b * b) + np.float32(1e-3)
    cos, sin = a / far, b / far
    two, three = rng.normal(0, rough, 2), rng.normal(0, rough * 0.8, 2)
    ripple = two[0] * (cos * cos - sin * sin) + two[1] * 2 * cos * sin
    ripple += three[0] * cos * (4 * cos * cos - 3) + three[1] * sin * (3 - 4 * sin * sin)
    return np.asarray((far - 1 - ripple) * np.float32(np.sqrt(radii[0] * radii[1])), dtype=np.float32)


def edge(distance: Plane, width: float) -> Plane:
    """1 well inside, 0 well outside, straight in between over `width` pixels."""
    return np.asarray(np.clip(0.5 - distance / np.float32(width), 0, 1), dtype=np.float32)
