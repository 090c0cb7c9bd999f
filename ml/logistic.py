"""Multinomial logistic regression: the last linear layer of a network, fitted by itself to embeddings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

Floats = NDArray[np.float64]
STRENGTHS = (1e-1, 3e-2, 1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5)  # of the pull, the strongest first
USUAL = 1e-2  # where nothing chooses
STEPS = 200  # of L-BFGS at most; the later fits start where the one before ended


@dataclass(frozen=True)
class Layer:
    """logits = embedding @ weight.T + bias, of weight (K, D) and bias (K,)."""

    weight: Floats
    bias: Floats

    def logits(self, embedding: NDArray[np.floating]) -> NDArray[np.float32]:
        """(N, D) to (N, K)."""
        return np.asarray(embedding @ self.weight.T + self.bias, dtype=np.float32)


@dataclass(frozen=True)
class Fitted:
    layer: Layer
    strength: float
    loss: float


def fit(embedding: NDArray[np.floating], targets: NDArray[np.intp], weights: Floats, start: Layer) -> Iterator[Fitted]:
    """One layer for each of STRENGTHS: the weighted mean of the log loss, plus strength / 2 times the squared distance
    of the weights from those of `start` (biases are free). embedding (N, D), targets (N,), weights (N,).

    Strengths are told for embeddings moved to mean 0 and scaled to mean square 1, so that they mean the same for every
    trunk. With a `start` of zeros it is the plain ridge penalty.
    """
    rows = np.asarray(embedding, dtype=np.float64)
    share = weights / weights.sum()
    middle = share @ rows
    scale = float(np.sqrt(share @ ((rows - middle) ** 2).sum(axis=1))) or 1.0
    inputs, truth = (rows - middle) / scale, np.eye(len(start.bias))[targets]
    prior = start.weight * scale
    weight, bias = prior, start.bias + start.weight @ middle
    for strength in STRENGTHS:
        weight, bias, loss = _descend(inputs, truth, share, prior, strength, (weight, bias))
        yield Fitted(Layer(weight / scale, bias - weight @ middle / scale), strength, loss)


def _descend(
    inputs: Floats, truth: Floats, share: Floats, prior: Floats, strength: float, begin: tuple[Floats, Floats]
) -> tuple[Floats, Floats, float]:
    classes, size = prior.shape

    def cost(flat: Floats) -> tuple[float, Floats]:
        weight, bias = flat[: classes * size].reshape(classes, size), flat[classes * size :]
        logits = inputs @ weight.T + bias
        logits -= logits.max(axis=1, keepdims=True)
        powers = np.exp(logits)
        total = powers.sum(axis=1, keepdims=True)
        loss = share @ (np.log(total[:, 0]) - (logits * truth).sum(axis=1))
        miss = (powers / total - truth) * share[:, None]
        apart = weight - prior
        slope = miss.T @ inputs + strength * apart
        return float(loss + strength / 2 * (apart**2).sum()), np.concatenate([slope.ravel(), miss.sum(axis=0)])

    found = minimize(
        cost, np.concatenate([begin[0].ravel(), begin[1]]), jac=True, method="L-BFGS-B",
        options={"maxiter": STEPS, "gtol": 1e-6},
    )  # fmt: skip
    weight, bias = found.x[: classes * size].reshape(classes, size), found.x[classes * size :]
    return weight, bias, float(found.fun)
