"""The nearest prototype as one linear layer on the embedding. Pure numpy.

After Snell et al. 2017 (arXiv 1703.05175): the chance of a class is the softmax of -s |e - p_k|^2, where p_k is the
mean of the class. Of that -s |e|^2 is the same for every class and falls out, and 2 s e.p_k - s |p_k|^2 is linear in e.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ml.logistic import Layer
from ml.prototypes import prototype

Floats = NDArray[np.float64]
Targets = NDArray[np.intp]
APART = 10.0  # logits that tell one prototype from another in the mean: the temperature then lies among those tried


def centres(embeddings: NDArray[np.floating], targets: Targets, classes: int, unit: bool) -> Floats:
    """(K, D) of rows (N, D), each class having some: their mean, or, where embeddings have length 1, the unit mean of
    unit rows, which is how the product makes a class of its examples."""
    of_class = [np.asarray(embeddings, dtype=np.float64)[targets == target] for target in range(classes)]
    return np.stack([prototype(rows) if unit else rows.mean(axis=0) for rows in of_class])


def layer(points: Floats) -> Layer:
    """The layer of prototypes (K, D). s is such that in the mean over pairs of prototypes the squared distance counts
    APART; how sure that makes is for the temperature to say."""
    squares = ((points[:, None] - points[None]) ** 2).sum(axis=2)
    mean = squares.sum() / (len(points) * (len(points) - 1))
    sharp = APART / max(float(mean), 1e-12)
    return Layer(2 * sharp * points, -sharp * (points**2).sum(axis=1))
