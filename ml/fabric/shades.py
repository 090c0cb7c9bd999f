"""Colour defects: stains and dye spots with soft edges, and a band of yarns of another shade."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ml.fabric.cloth import Cloth, Plane
from ml.fabric.strokes import blob, edge, soften
from ml.fabric.style import YARNS

DYES = (
    (0.30, 0.20, 0.10),
    (0.10, 0.10, 0.12),
    (0.55, 0.12, 0.10),
    (0.12, 0.20, 0.50),
    (0.42, 0.36, 0.10),
    (0.10, 0.35, 0.20),
)


def place(rng: Generator, cloth: Cloth, margin: float) -> tuple[float, float]:
    """A point at least `margin` (share of the side) from the frame's edges."""
    x, y = rng.uniform(margin, 1 - margin, 2) * cloth.size
    return float(x), float(y)


def luma(rgb: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(rgb @ np.array([0.299, 0.587, 0.114], dtype=np.float32))


def _dye(rng: Generator, mean: NDArray[np.float32]) -> NDArray[np.float32]:
    """What the stain does to the cloth's reflectance: it darkens light cloth, and bleaches or covers dark cloth.

    Always by enough lightness to be seen by a grey camera.
    """
    grey = float(luma(mean))
    if grey < 0.3 or (grey < 0.4 and rng.random() < 0.3):
        light = rng.uniform(1.8, 2.9) * np.clip(rng.normal(1, 0.08, 3), 0.8, 1.2)
        return np.asarray(light + 0.06 / max(grey, 0.05), dtype=np.float32)
    dye = np.array(DYES[int(rng.integers(len(DYES)))]) * rng.uniform(0.7, 1.5)
    factor = np.clip(dye / np.maximum(mean, 0.05), 0.06, 1.0).astype(np.float32)
    seen = float(luma(factor * mean)) / grey
    return np.asarray(factor * np.float32(min(1.0, rng.uniform(0.3, 0.62) / seen)))


def stain(rng: Generator, cloth: Cloth) -> Plane:
    """A spot of oil, rust or dye that has soaked in: the weave shows through, the edge is soft, often with a rim."""
    size, scale = cloth.size, cloth.scale
    radius = float(np.exp(rng.uniform(np.log(13), np.log(52)))) * scale
    radii = (radius, radius * float(rng.uniform(0.5, 1.0)))
    far = blob(rng, size, place(rng, cloth, 0.15), radii, 0.16)
    # Dye creeps along yarns, so its edge follows them.
    far = far + (rng.normal(0, 0.06, 2 * YARNS).astype(np.float32) * np.float32(radius))[cloth.yarn]
    mask = edge(far, float(rng.uniform(0.35, 0.9)) * radius)
    mask = soften(mask, 1.2 * scale)
    strength = mask * np.float32(rng.uniform(0.62, 0.95))
    if rng.random() < 0.35:
        rim = np.exp(-((far / np.float32(0.16 * radius)) ** 2))
        strength = np.clip(strength * np.float32(0.8) + rim * np.float32(0.3), 0, 1)
    if rng.random() < 0.3:
        strength = np.maximum(strength, _splashes(rng, cloth, radius) * strength.max())
    factor = _dye(rng, cloth.rgb.mean(axis=(0, 1)))
    cloth.rgb *= 1 + strength[..., None] * (factor - 1)
    return np.asarray(strength / max(float(strength.max()), 1e-6), dtype=np.float32)


def _splashes(rng: Generator, cloth: Cloth, radius: float) -> Plane:
    mask = np.zeros((cloth.size, cloth.size), dtype=np.float32)
    for _ in range(int(rng.integers(1, 4))):
        drop = max(radius * float(rng.uniform(0.15, 0.35)), 5 * cloth.scale)
        far = blob(rng, cloth.size, place(rng, cloth, 0.1), (drop, drop), 0.1)
        mask = np.maximum(mask, edge(far, 0.6 * drop))
    return mask


def off_shade(rng: Generator, cloth: Cloth) -> Plane:
    """A few neighbouring yarns from another dye lot, across the whole frame or from where the cone was changed."""
    size = cloth.size
    warp = rng.random() < 0.5
    along, across = (cloth.v, cloth.u) if warp else (cloth.u, cloth.v)
    first = np.floor(across[tuple(int(part) for part in rng.uniform(0.2, 0.8, 2) * size)])
    count = int(rng.integers(2, 6))
    band = (across >= first) & (across < first + count)
    if rng.random() < 0.4:
        start = np.floor(along[tuple(int(part) for part in rng.uniform(0.3, 0.7, 2) * size)])
        band &= (along > start) if rng.random() < 0.5 else (along < start)
    mine = (cloth.yarn < YARNS) == warp
    grey = float(luma(cloth.rgb.mean(axis=(0, 1))))
    factor = rng.uniform(1.55, 2.1) if grey < 0.33 else rng.uniform(0.36, 0.6)
    tint = np.clip(np.full(3, factor) + rng.normal(0, 0.1, 3), 0.2, 2.6).astype(np.float32)
    seen = np.where(band, np.where(mine, 1.0, 0.35), 0.0).astype(np.float32)
    cloth.rgb *= 1 + seen[..., None] * (tint - 1)
    return np.asarray(band, dtype=np.float32)
