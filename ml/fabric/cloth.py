"""Lays yarns over a frame: which yarn is on top at each pixel, its colour and its shade."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ml.fabric.relief import GAP, SAMPLES, WARP, Relief
from ml.fabric.style import YARNS, Style

Plane = NDArray[np.float32]


@dataclass
class Cloth:
    """One frame while it is drawn. rgb float32 (S, S, 3) reflectance; u, v: warp and weft yarn coordinates (S, S)."""

    rgb: Plane
    u: Plane
    v: Plane
    yarn: NDArray[np.intp]  # index of the top yarn: warp 0..YARNS-1, weft YARNS..2*YARNS-1
    scale: float  # pixels per pixel of a 256 px frame
    style: Style

    @property
    def size(self) -> int:
        return int(self.rgb.shape[0])


def smooth_noise(rng: Generator, length: int, step: float) -> Plane:
    """1-D noise of unit variance, linear between knots `step` apart."""
    knots = rng.standard_normal(int(length / step) + 3)
    return np.interp(np.arange(length) / step, np.arange(len(knots)), knots).astype(np.float32)


def _coordinates(rng: Generator, style: Style, size: int, scale: float) -> tuple[Plane, Plane]:
    """Yarn coordinates as sums of a row and a column: cheap, and enough for lean, skew and uneven spacing."""
    pixel = np.arange(size, dtype=np.float32)
    warp, weft = style.pitch[0] * scale, style.pitch[1] * scale
    start = rng.uniform(0, YARNS, 2).astype(np.float32)
    along_x = pixel * np.cos(style.angle) / warp + style.wobble * 0.5 * smooth_noise(rng, size, 2.2 * warp)
    lean_x = pixel * np.sin(style.angle) / warp + style.wobble * 0.6 * smooth_noise(rng, size, size / 3)
    along_y = pixel * np.cos(style.angle) / weft + style.wobble * 0.5 * smooth_noise(rng, size, 2.2 * weft)
    lean_y = -pixel * np.sin(style.angle + style.skew) / weft + style.wobble * 0.6 * smooth_noise(rng, size, size / 3)
    u = along_x[None, :] + lean_x[:, None] + start[0] + 9
    v = along_y[:, None] + lean_y[None, :] + start[1] + 9
    return u.astype(np.float32), v.astype(np.float32)


def lay(rng: Generator, style: Style, relief: Relief, fibre: Plane, size: int) -> Cloth:
    """Draws good cloth. `fibre`: at least (S, S) fine noise of mean 0, cropped at random."""
    scale = size / 256
    u, v = _coordinates(rng, style, size, scale)
    row = _wrap(v * SAMPLES, relief.rows * SAMPLES)
    column = _wrap(u * SAMPLES, relief.columns * SAMPLES)
    place = row.astype(np.int32) * (relief.columns * SAMPLES) + column
    top = relief.top[place]
    is_warp = top == WARP
    yarn = np.where(is_warp, u.astype(np.int16) & (YARNS - 1), (v.astype(np.int16) & (YARNS - 1)) + YARNS).astype(
        np.intp
    )
    shade = relief.shade[place] * _slub(rng, style, yarn, is_warp, size)
    shade *= 1 + _crop(rng, fibre, size)
    shade[top == GAP] *= 0.62
    rgb = np.concatenate([style.warp, style.weft])[yarn]
    rgb *= shade[..., None]
    return Cloth(rgb, u, v, yarn, scale, style)


def _wrap(place: Plane, period: int) -> NDArray[np.uint16]:
    """place modulo period, for 0 <= place < 65536; numpy divides small unsigned integers much faster than it takes
    remainders."""
    whole = place.astype(np.uint16)
    return whole - (whole // np.uint16(period)) * np.uint16(period)


def _slub(rng: Generator, style: Style, yarn: NDArray[np.intp], is_warp: NDArray[np.bool_], size: int) -> Plane:
    """Thick and thin places: each yarn reads the same long noise from its own place."""
    length = 1 << 13
    noise = 1 + style.slub * smooth_noise(rng, length, 0.07 * size)
    start = rng.integers(0, length, 2 * YARNS).astype(np.int32)
    pixel = np.arange(size, dtype=np.int32)
    along = np.where(is_warp, pixel[:, None], pixel[None, :])
    return np.asarray(noise[(start[yarn] + along) & (length - 1)], dtype=np.float32)


def _crop(rng: Generator, texture: Plane, size: int) -> Plane:
    y, x = rng.integers(0, texture.shape[0] - size + 1, 2)
    return texture[y : y + size, x : x + size]
