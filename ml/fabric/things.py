"""What does not belong to the cloth and lies on it: threads, slivers and filings of metal."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ml.fabric.cloth import Cloth, Plane
from ml.fabric.shades import luma, place
from ml.fabric.strokes import Points, curl, line, offsets, polygon, soften

Colour = NDArray[np.float32]


def _shadow(cloth: Cloth, mask: Plane, drop: float, strength: float) -> None:
    """The shadow of something lying on the cloth, away from the light."""
    light = np.array(cloth.style.light)
    light = light / (np.hypot(*light) + 1e-6) * drop * cloth.scale
    moved = np.roll(soften(mask, 1.5 * cloth.scale), (round(light[1]), round(light[0])), (0, 1))
    cloth.rgb *= (1 - np.float32(strength) * moved)[..., None]


def _foreign(rng: Generator, mean: Colour) -> Colour:
    """A thread's colour, far enough from the cloth's own in lightness to be seen in grey as well."""
    grey = float(luma(mean))
    light = grey < 0.33 or (grey < 0.55 and rng.random() < 0.5)
    level = rng.uniform(max(0.6, grey + 0.3), 0.98) if light else rng.uniform(0.03, max(0.06, grey - 0.34))
    tint = np.clip(rng.normal(1, 0.12 if rng.random() < 0.6 else 0.4, 3), 0.3, 1.7)
    tinted = np.clip(level * tint / float(luma(tint.astype(np.float32))), 0.01, 1)
    return np.asarray(tinted, dtype=np.float32)


def loose_thread(rng: Generator, cloth: Cloth) -> Plane:
    """A thread end or fly lying on top: round, shaded, curling, sometimes looped."""
    size, scale = cloth.size, cloth.scale
    length, bend = float(rng.uniform(90, 300)) * scale, float(rng.uniform(0.4, 4.5))
    start = np.array(place(rng, cloth, 0.2))
    inwards = size / 2 - start
    heading = float(np.arctan2(inwards[1], inwards[0]) + rng.normal(0, 1.0))
    path = curl(rng, start, heading, length, bend)
    width = float(rng.uniform(4.0, 9.0)) * scale
    mask = line(size, path, width)
    colour = _foreign(rng, cloth.rgb.mean(axis=(0, 1)))
    _shadow(cloth, mask, 4, 0.5)
    cloth.rgb += mask[..., None] * (colour * np.float32(0.72) - cloth.rgb)
    light = np.array(cloth.style.light) / (np.hypot(*cloth.style.light) + 1e-6)
    for share, gain in ((0.62, 1.0), (0.3, 1.22)):
        crest = line(size, path - light * (0.16 * width), share * width)
        cloth.rgb += crest[..., None] * (np.clip(colour * np.float32(gain), 0, 1) - cloth.rgb)
    cloth.rgb *= 1 - mask[..., None] * np.float32(0.18) * _spun(path, size, scale)[..., None]
    return mask


def _spun(path: Points, size: int, scale: float) -> Plane:
    """Slanted lines of the thread's twist."""
    heading = path[-1] - path[0]
    along, across = offsets(size, (0.0, 0.0), float(np.arctan2(heading[1], heading[0])))
    return np.asarray(0.5 + 0.5 * np.sin((along + across) * np.float32(1.4 / scale)), dtype=np.float32)


def _shard(rng: Generator, centre: tuple[float, float], length: float, width: float, angle: float) -> Points:
    """A splinter: pointed ends, straight hard edges."""
    x = np.array([-0.5, -0.32, 0.15, 0.5, 0.28, -0.2]) * length * rng.uniform(0.85, 1.15, 6)
    y = np.array([-0.1, -0.5, -0.45, 0.1, 0.5, 0.45]) * width * rng.uniform(0.7, 1.2, 6)
    cos, sin = np.cos(angle), np.sin(angle)
    return np.asarray(np.array(centre) + np.stack([x * cos - y * sin, x * sin + y * cos], axis=1))


def _metal(rng: Generator, cloth: Cloth, centre: tuple[float, float], length: float, width: float) -> Plane:
    """One piece: dark steel with a hard bright reflection along it and a shadow beside it."""
    angle = float(rng.uniform(0, np.pi))
    outline = _shard(rng, centre, length, width, angle)
    mask = polygon(cloth.size, outline)
    _shadow(cloth, mask, 3, 0.6)
    along, across = offsets(cloth.size, centre, angle)
    side = across / np.float32(width)
    light = float(luma(cloth.rgb.mean(axis=(0, 1)))) > 0.5  # on light cloth the dark of the steel tells, not its glint
    reach = length * rng.uniform(0.12, 0.25) if light else length * rng.uniform(0.3, 0.5)
    steel = np.float32(rng.uniform(0.06, 0.2)) + np.float32(0.12) * side
    glint = np.exp(-(((side - np.float32(rng.uniform(-0.15, 0.15))) / np.float32(0.2)) ** 2))
    glint = glint * np.exp(-((along / np.float32(reach)) ** 2)) * np.float32(rng.uniform(1.3, 2.2))
    tint = np.array([0.96, 1.0, 1.05], dtype=np.float32)
    cloth.rgb += mask[..., None] * ((steel + glint)[..., None] * tint - cloth.rgb)
    return mask


def sliver(rng: Generator, cloth: Cloth) -> Plane:
    """One splinter of metal, such as a broken reed wire or needle."""
    scale = cloth.scale
    width = float(rng.uniform(7, 13)) * scale
    return _metal(rng, cloth, place(rng, cloth, 0.15), float(rng.uniform(24, 62)) * scale, width)


def filings(rng: Generator, cloth: Cloth) -> Plane:
    """A cluster of small filings."""
    scale = cloth.scale
    middle = np.array(place(rng, cloth, 0.25))
    total = np.zeros((cloth.size, cloth.size), dtype=np.float32)
    for _ in range(int(rng.integers(3, 8))):
        x, y = np.clip(middle + rng.normal(0, 17 * scale, 2), 6, cloth.size - 6)
        length = float(rng.uniform(9, 20)) * scale
        total = np.maximum(total, _metal(rng, cloth, (float(x), float(y)), length, float(rng.uniform(6, 9)) * scale))
    return total
