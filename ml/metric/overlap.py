"""How far same-class and different-class distances overlap. Pure numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.metric.measures import Side
from ml.prototypes import distances, unit

BINS = 60


def pair_distances(held: Side) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Distances of all pairs of different groups: those of one class, and those of two."""
    far = distances(held.embeddings, unit(held.embeddings))
    same = held.targets[:, None] == held.targets[None]
    pairs = np.triu(held.groups[:, None] != held.groups[None], k=1)
    return far[pairs & same], far[pairs & ~same]


def overlap(held: Side) -> dict[str, Any]:
    """Densities of both kinds of distance over BINS equal bins of 0..2, and the area that lies under both: 0 where one
    threshold parts all pairs, 1 where they are alike. `threshold`: where the fewest, each kind counted as one, lie on
    the wrong side."""
    edges = np.linspace(0, 2, BINS + 1)
    counts = [np.histogram(values, edges)[0] / max(len(values), 1) for values in pair_distances(held)]
    wrong = (1 - np.cumsum(counts[0])) + np.cumsum(counts[1])
    return {
        "edges": edges.tolist(), "same": counts[0].tolist(), "different": counts[1].tolist(),
        "area": float(np.minimum(*counts).sum()), "threshold": float(edges[1 + int(wrong.argmin())]),
    }  # fmt: skip
