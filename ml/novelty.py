"""Unknown cloth: how far an embedding lies from those of the training data. Pure numpy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def unit(embeddings: NDArray[np.floating]) -> Floats:
    """Rows (N, D) scaled to length 1; a row of zeros stays."""
    rows = np.asarray(embeddings, dtype=np.float32)
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6))


def distances(embeddings: NDArray[np.floating], reference: Floats, neighbours: int) -> Floats:
    """Mean Euclidean distance (N,) of unit embeddings to their nearest unit references (M, D)."""
    likeness = unit(embeddings) @ reference.T
    count = min(neighbours, reference.shape[0])
    nearest = -np.partition(-likeness, count - 1, axis=1)[:, :count]
    return np.asarray(np.sqrt(np.maximum(2 - 2 * nearest, 0)).mean(axis=1), dtype=np.float32)


def pick(embeddings: NDArray[np.floating], targets: NDArray[np.intp], most: int, seed: int) -> Floats:
    """At most `most` reference rows, spread evenly over the classes, unit length."""
    rng = np.random.default_rng(seed)
    share = max(1, most // len(np.unique(targets)))
    chosen = [rng.permutation(np.flatnonzero(targets == target))[:share] for target in np.unique(targets)]
    return unit(embeddings[np.concatenate(chosen)])
