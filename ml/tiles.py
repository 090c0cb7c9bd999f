"""A large image as a grid of tiles: where they lie, what they leave out, and one map over all of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Tiles:
    """left_out: share of the area, 0..1, that no tile covered; worst: the worst tile's (x, y, width, height)."""

    rows: int
    columns: int
    judged: int
    left_out: float
    worst: tuple[int, int, int, int]

    @property
    def cols(self) -> int:
        return self.columns


@dataclass(frozen=True)
class Grid:
    """Left edges `xs` and top edges `ys` of equal tiles of width x height pixels."""

    xs: tuple[int, ...]
    ys: tuple[int, ...]
    width: int
    height: int
    left_out: float

    @property
    def boxes(self) -> list[tuple[int, int, int, int]]:
        return [(x, y, self.width, self.height) for y in self.ys for x in self.xs]


def lay_grid(image: tuple[int, int], tile: tuple[int, int], max_tiles: int) -> Grid:
    """Evenly spread tiles over an image; both sizes are (width, height). Overlapping when they do not divide it,
    spaced apart when `max_tiles` does not suffice."""
    columns, rows = (math.ceil(side / part) for side, part in zip(image, tile, strict=True))
    columns, rows = _at_most(columns, rows, max_tiles)
    xs, ys = _spread(image[0], tile[0], columns), _spread(image[1], tile[1], rows)
    seen = _covered(xs, tile[0], image[0]) * _covered(ys, tile[1], image[1])
    return Grid(xs, ys, tile[0], tile[1], 1 - seen)


def _at_most(columns: int, rows: int, most: int) -> tuple[int, int]:
    """Thins the longer direction first until the grid has at most `most` tiles."""
    if columns * rows <= most:
        return columns, rows
    shrink = math.sqrt(most / (columns * rows))
    columns, rows = max(1, min(most, int(columns * shrink))), max(1, min(most, int(rows * shrink)))
    if columns >= rows:
        return max(1, most // rows), rows
    return columns, max(1, most // columns)


def _spread(side: int, tile: int, count: int) -> tuple[int, ...]:
    if count == 1:
        return (max(0, (side - tile) // 2),)
    return tuple(round(index * (side - tile) / (count - 1)) for index in range(count))


def _covered(starts: tuple[int, ...], tile: int, side: int) -> float:
    seen = np.zeros(side, dtype=bool)
    for start in starts:
        seen[start : start + tile] = True
    return float(seen.mean())


def stitch(maps: NDArray[np.uint8], grid: Grid) -> NDArray[np.uint8]:
    """Maps (rows * columns, h, w) side by side as (rows * h, columns * w)."""
    rows, columns = len(grid.ys), len(grid.xs)
    _, height, width = maps.shape
    return np.ascontiguousarray(
        maps.reshape(rows, columns, height, width).transpose(0, 2, 1, 3).reshape(rows * height, columns * width)
    )
