"""Which defect is planted how. Each planter draws on the cloth and returns the mask of what it changed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ml.fabric import openings, shades, things, yarns
from ml.fabric.cloth import Cloth

Mask = NDArray[np.bool_]
Planter = Callable[[Generator, Cloth], NDArray[np.float32]]

CLASSES = ("good", "color", "cut", "hole", "thread", "metal_contamination")

PLANTERS: dict[str, tuple[tuple[Planter, float], ...]] = {
    "color": ((shades.stain, 0.72), (shades.off_shade, 0.28)),
    "cut": ((openings.cut, 1.0),),
    "hole": ((openings.hole, 1.0),),
    "thread": ((things.loose_thread, 0.6), (yarns.thick_yarn, 0.22), (yarns.missing_yarn, 0.18)),
    "metal_contamination": ((things.sliver, 0.6), (things.filings, 0.4)),
}


def plant(rng: Generator, cloth: Cloth, label: str) -> Mask:
    """Draws one defect of the class, chosen by weight; the mask is empty for good cloth."""
    if label == "good":
        return np.zeros((cloth.size, cloth.size), dtype=bool)
    planters = PLANTERS[label]
    if label == "color" and cloth.style.pattern != "solid":
        planters = planters[:1]  # among stripes a band of another shade would be one stripe more
    weights = np.array([weight for _, weight in planters])
    chosen = planters[int(rng.choice(len(planters), p=weights / weights.sum()))][0]
    return np.asarray(chosen(rng, cloth) > 0.3)
