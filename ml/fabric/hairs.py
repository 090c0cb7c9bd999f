"""Fine fibres standing out of the yarns: every real cloth has them, and none of them is a defect."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from ml.fabric.cloth import Cloth
from ml.fabric.strokes import curl, lines


def comb(rng: Generator, cloth: Cloth) -> None:
    """Lays the style's number of hairs over the cloth, faint and lighter than it."""
    size, scale = cloth.size, cloth.scale
    hairs = [
        curl(rng, rng.uniform(0, size, 2), float(rng.uniform(0, 2 * np.pi)), float(rng.uniform(12, 45)) * scale, 2.0, 8)
        for _ in range(cloth.style.hairs)
    ]
    mask = lines(size, hairs, 0.5 * scale) * np.float32(rng.uniform(0.08, 0.22))
    colour = np.clip(cloth.style.weft.mean(axis=0) * 1.35 + 0.05, 0, 0.95).astype(np.float32)
    cloth.rgb += mask[..., None] * (colour - cloth.rgb)
