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


def log_loss(logits: ArrayLike, targets: NDArray[np.intp], temperature: float) -> float:
    """Mean negative log-likelihood of the true classes (N,)."""
    chosen = softmax(logits, temperature)[np.arange(len(targets)), targets]
    return float(-np.log(np.maximum(chosen, 1e-300)).mean())


def fit_temperature(logits: ArrayLike, targets: NDArray[np.intp]) -> float:
    """The one temperature in 0.05..20 of least log loss, on data that trained nothing (Guo et al. 2017).

    Golden-section search over its logarithm, in which the loss has one valley. Rows that hold no numbers are left out;
    without any that do it is 1.
    """
    logits = np.asarray(logits, dtype=np.float64)
    sound = np.isfinite(logits).all(axis=1)
    if not sound.any():
        return 1.0
    logits, targets = logits[sound], targets[sound]
    low, high = np.log(0.05), np.log(20.0)
    ratio = (np.sqrt(5) - 1) / 2
    for _ in range(60):
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        if log_loss(logits, targets, float(np.exp(left))) < log_loss(logits, targets, float(np.exp(right))):
            high = right
        else:
            low = left
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
