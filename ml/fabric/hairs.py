"""Fine fibres standing out of the yarns: every real cloth has them, and none of them is a defect."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from ml.fabric.cloth import Cloth
from ml.fabric.strokes import Points, lines

KNOTS = 6  # points of a hair


def comb(rng: Generator, cloth: Cloth) -> None:
    """Lays the style's number of hairs over the cloth, faint and lighter than it."""
    mask = lines(cloth.size, _hairs(rng, cloth), 0.5 * cloth.scale) * np.float32(rng.uniform(0.08, 0.22))
    colour = np.clip(cloth.style.weft.mean(axis=0) * 1.35 + 0.05, 0, 0.95).astype(np.float32)
    cloth.rgb += mask[..., None] * (colour - cloth.rgb)


def _hairs(rng: Generator, cloth: Cloth) -> Points:
    """All hairs at once, (count, KNOTS, 2): curved lines of 12 to 45 px at 256."""
    count = cloth.style.hairs
    turn = np.cumsum(rng.normal(0, 0.5, (count, KNOTS)), axis=1)
    heading = rng.uniform(0, 2 * np.pi, (count, 1)) + turn
    step = rng.uniform(12, 45, (count, 1)) * cloth.scale / KNOTS
    moves = np.stack([np.cos(heading) * step, np.sin(heading) * step], axis=2)
    return np.asarray(rng.uniform(0, cloth.size, (count, 1, 2)) + np.cumsum(moves, axis=1))
