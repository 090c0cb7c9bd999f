"""The relief of one weave repeat, lit: yarns as cylinders that dive under each other, as a table to look up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.fabric.weaves import Table

SAMPLES = 24  # table samples per yarn; the widest yarn drawn at 256 px is about as many pixels

GAP, WARP, WEFT = 0, 1, 2


@dataclass(frozen=True)
class Relief:
    """shade float32 and top uint8 (GAP, WARP or WEFT), both (rows * SAMPLES, columns * SAMPLES), flat."""

    shade: NDArray[np.float32]
    top: NDArray[np.uint8]
    rows: int
    columns: int


def _dive(table: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Height of a yarn's middle along its length: cosine steps between crossings, (rows, columns) -> samples."""
    count = table.shape[axis]
    place = (np.arange(count * SAMPLES) + 0.5) / SAMPLES - 0.5
    left = np.floor(place).astype(int)
    ease = 0.5 - 0.5 * np.cos(np.pi * np.clip(((place - left) - 0.2) / 0.6, 0, 1))
    shape = [1, 1]
    shape[axis] = -1
    ease = ease.reshape(shape)
    before = np.take(table, left % count, axis=axis)
    after = np.take(table, (left + 1) % count, axis=axis)
    other = 1 - axis
    return np.repeat(before * (1 - ease) + after * ease, SAMPLES, axis=other)


def _round(count: int, width: float) -> NDArray[np.float64]:
    """Cylinder profile across `count` yarns; -9 between them, where a yarn leaves a gap."""
    across = (2 * (np.arange(count * SAMPLES) + 0.5) / SAMPLES) % 2 - 1
    inside = 1 - (across / width) ** 2
    return np.where(inside > 0, np.sqrt(np.maximum(inside, 0)), -9.0)


def _twist(rows: int, columns: int, turns: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Faint slanted lines of the spun fibres, for warp and for weft."""
    y = np.arange(rows * SAMPLES)[:, None] / SAMPLES
    x = np.arange(columns * SAMPLES)[None, :] / SAMPLES
    turns = max(1.0, round(turns))  # whole turns a yarn, or the table would show a seam at its edge
    return np.sin(2 * np.pi * (turns * y + x)), np.sin(2 * np.pi * (turns * x + y))


def light_up(table: Table, width: tuple[float, float], bend: float, light: tuple[float, float], twist: float) -> Relief:
    """Relief of one repeat. `width`: warp and weft as a share of their pitch; `light`: x and y slope of the light."""
    rows, columns = table.shape
    up = np.where(table, 1.0, -1.0)
    warp = bend * _dive(up, 0) + _round(columns, width[0])[None, :]
    weft = bend * _dive(-up, 1) + _round(rows, width[1])[:, None]
    top = np.where(warp >= weft, WARP, WEFT).astype(np.uint8)
    height = np.maximum(warp, weft)
    top[height < -5] = GAP
    height = np.maximum(height, -bend - 0.3)
    slope_y = (np.roll(height, -1, 0) - np.roll(height, 1, 0)) * (SAMPLES / 4)
    slope_x = (np.roll(height, -1, 1) - np.roll(height, 1, 1)) * (SAMPLES / 4)
    lambert = (1 - light[0] * slope_x - light[1] * slope_y) / np.sqrt(1 + 0.22 * (slope_x**2 + slope_y**2))
    low, high = height.min(), height.max()
    hollow = 0.48 + 0.52 * ((height - low) / (high - low)) ** 1.3  # light hardly reaches between yarns
    along_warp, along_weft = _twist(rows, columns, 3)
    fibres = 1 + twist * np.where(top == WARP, along_warp, along_weft)
    shade = hollow * np.clip(0.45 + 0.55 * lambert, 0.2, 1.5) * fibres
    shade /= shade.mean()
    return Relief(shade.astype(np.float32).ravel(), top.ravel(), rows, columns)
