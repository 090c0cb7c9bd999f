"""From logits to probabilities one can act on: temperature, prior shift, cost threshold. Pure numpy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def softmax(logits: ArrayLike, temperature: float = 1.0) -> Floats:
    """Probabilities (N, K) of logits (N, K) / temperature."""
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


TEMPERATURES = np.exp(np.linspace(np.log(0.05), np.log(20.0), 61))


def fit_temperature(logits: ArrayLike, targets: NDArray[np.intp]) -> float:
    """The one temperature in 0.05..20 (Guo et al. 2017) of least Brier score, on data that trained nothing.

    The Brier score is proper as the log loss is, and bounded: a few images that are labelled as what nobody can see
    would pull the log loss, and with it the confidence of all others. Best of a grid, then golden-section search
    beside it. Rows that hold no numbers are left out; without any that do it is 1.
    """
    every = np.asarray(logits, dtype=np.float64)
    sound = np.isfinite(every).all(axis=1)
    if not sound.any():
        return 1.0
    kept, truth = every[sound], np.eye(every.shape[1])[targets[sound]]

    def loss(logarithm: float) -> float:
        return float(((softmax(kept, float(np.exp(logarithm))) - truth) ** 2).sum())

    best = int(np.argmin([loss(float(np.log(temperature))) for temperature in TEMPERATURES]))
    low, high = (float(np.log(TEMPERATURES[min(max(at, 0), 60)])) for at in (best - 1, best + 1))
    ratio = (np.sqrt(5) - 1) / 2
    for _ in range(30):
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        low, high = (low, right) if loss(left) < loss(right) else (left, high)
    return float(np.exp((low + high) / 2))


def undo_temperature(probabilities: ArrayLike, temperature: float) -> Floats:
    """The probabilities (N, K) that temperature 1 would have given."""
    chances = np.asarray(probabilities, dtype=np.float64)
    return softmax(np.log(np.maximum(chances, 1e-300)), 1 / temperature)


def shift_prior(probabilities: ArrayLike, old: ArrayLike, new: ArrayLike) -> Floats:
    """p'k proportional to pk * new_k / old_k (Saerens et al. 2002); (…, K) with class shares (K,)."""
    moved = (
        np.asarray(probabilities, dtype=np.float64)
        * np.asarray(new, dtype=np.float64)
        / np.asarray(old, dtype=np.float64)
    )
    return np.asarray(moved / moved.sum(axis=-1, keepdims=True))


def in_order(shares: Mapping[str, float], classes: Sequence[str]) -> Floats:
    """Shares as a vector in the order of `classes`, summing to 1. ValueError if they do not fit."""
    if set(shares) != set(classes):
        raise ValueError(f"class shares are needed for exactly {', '.join(classes)}")
    vector = np.array([shares[name] for name in classes], dtype=np.float64)
    if not (np.isfinite(vector).all() and (vector > 0).all()):
        raise ValueError("class shares must be above 0")
    return np.asarray(vector / vector.sum())


def threshold_by_cost(overkill: float, escape: float) -> float:
    """Flag from P(defect) >= C_overkill / (C_overkill + C_escape): beyond it, passing costs more than looking."""
    return overkill / (overkill + escape)


def threshold_by_budget(scores: NDArray[np.float64], share: float) -> float:
    """The lowest threshold that flags at most `share` of these scores of good images."""
    ordered = np.sort(scores)[::-1]
    allowed = int(share * len(ordered))
    return float(np.nextafter(ordered[allowed], 1.0)) if allowed < len(ordered) else 0.0


def threshold_by_reviews(scores: NDArray[np.float64], an_hour: float, most: float) -> float:
    """The lowest threshold that flags at most `most` images an hour where `an_hour` images like these pass."""
    return threshold_by_budget(scores, min(most / an_hour, 1.0))
