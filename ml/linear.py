"""A linear probe: multinomial logistic regression on embeddings, in plain numpy, so that no engine is needed for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.novelty import unit

Floats = NDArray[np.float32]
RIDGE = 3.0
STEPS = 120
MOST_AXES = 96


@dataclass(frozen=True)
class Probe:
    """What was learnt: `turn` (D, A) takes centred unit embeddings to A axes, `weights` (A + 1, K) those to logits."""

    centre: Floats
    turn: Floats
    weights: Floats

    def probabilities(self, embeddings: NDArray[np.floating]) -> Floats:
        """(N, K) of embeddings (N, D)."""
        turned = np.asarray((unit(embeddings) - self.centre) @ self.turn, dtype=np.float32)
        return _softmax(_with_one(turned) @ self.weights)


def fit(
    embeddings: NDArray[np.floating],
    targets: NDArray[np.intp],
    count: int,
    weights: NDArray[np.floating] | None = None,
    ridge: float = RIDGE,
) -> Probe:
    """Learn `count` classes from embeddings (N, D), targets (N,) and, if given, weights (N,) of the rows.

    Every class weighs the same together, so a rare one is not talked down. Each step solves a quadratic that lies
    above the loss (Böhning, Annals of the Institute of Statistical Mathematics 44, 1992), so no step size is tuned;
    steps carry on with Nesterov's momentum. A class without rows gets a logit that is never the highest.
    """
    rows = unit(embeddings)
    centre = rows.mean(axis=0)
    turn = _axes(rows - centre)
    inputs = _with_one((rows - centre) @ turn)
    share = _shares(targets, count, weights)
    wanted = np.eye(count, dtype=np.float32)[targets]
    bound = 0.5 * (inputs.T * share) @ inputs + ridge / len(rows) * np.eye(inputs.shape[1], dtype=np.float32)
    inverse = np.linalg.inv(bound.astype(np.float64)).astype(np.float32)
    found = ahead = np.zeros((inputs.shape[1], count), dtype=np.float32)
    for step in range(STEPS):
        slope = inputs.T @ (share[:, None] * (_softmax(inputs @ ahead) - wanted)) + ridge / len(rows) * ahead
        last, found = found, ahead - inverse @ slope
        ahead = found + step / (step + 3) * (found - last)
    empty = np.bincount(targets, minlength=count) == 0
    found[:, empty], found[-1, empty] = 0, -1e4
    return Probe(centre, turn, found)


def _axes(rows: Floats) -> Floats:
    """(D, A): the principal axes that hold nearly all the variance, together scaled to mean variance 1."""
    spread = rows.T @ rows / len(rows)
    values, axes = np.linalg.eigh(spread)
    kept = min(MOST_AXES, len(rows), len(values))
    scale = np.sqrt(kept / max(float(values[-kept:].sum()), 1e-12))
    return np.asarray(axes[:, -kept:] * scale, dtype=np.float32)


def _shares(targets: NDArray[np.intp], count: int, weights: NDArray[np.floating] | None) -> Floats:
    """(N,), sum 1: each class alike, and within it by the rows' weights."""
    own = np.ones(len(targets)) if weights is None else np.asarray(weights, dtype=np.float64)
    total = np.bincount(targets, weights=own, minlength=count)
    present = int((total > 0).sum())
    return np.asarray(own / np.maximum(total[targets], 1e-12) / max(present, 1), dtype=np.float32)


def _with_one(rows: Floats) -> Floats:
    return np.concatenate([rows, np.ones((len(rows), 1), dtype=np.float32)], axis=1)


def _softmax(logits: Floats) -> Floats:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), dtype=np.float32)
