"""The figures of a detector as functions of row weights (D, N), so that a thousand draws cost a few matrix products.

Each returns (D,) or (D, K), NaN where a draw leaves nothing to count. With one row of ones it is the plain figure.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
BINS = 15


def ratio(part: Floats, whole: Floats) -> Floats:
    """part / whole, NaN where there is no whole."""
    found = np.full(np.broadcast(part, whole).shape, np.nan)
    np.divide(part, whole, out=found, where=whole > 0)
    return found


def share(weights: Floats, holds: Bools, among: Bools | None = None) -> Floats:
    """The share of rows for which `holds` (N,), among all or among those of `among` (N,)."""
    of = np.ones(len(holds), dtype=bool) if among is None else among
    return ratio(weights @ (holds & of).astype(float), weights @ of.astype(float))


def per_class(weights: Floats, targets: NDArray[np.intp], said: NDArray[np.intp], classes: int) -> tuple[Floats, ...]:
    """Precision, recall and F1 (D, K) of the classes that occur. `said` (N,) may hold numbers that are no class."""
    true, named = (column[:, None] == np.arange(classes) for column in (targets, said))
    hit, truths, answers = weights @ (true & named), weights @ true.astype(float), weights @ named.astype(float)
    occurs = np.where(truths > 0, 1.0, np.nan)
    precision = np.nan_to_num(ratio(hit, answers))  # 0 where nothing was said
    return precision * occurs, ratio(hit, truths), ratio(2 * hit, truths + answers) * occurs


def macro(figures: Floats) -> Floats:
    """Mean (D,) over the classes (D, K) that occur."""
    known = ~np.isnan(figures)
    return ratio(np.where(known, figures, 0).sum(axis=1), known.sum(axis=1).astype(float))


def auroc(weights: Floats, positive: Bools, score: Floats) -> Floats:
    """Chance that a defect scores above a good one, ties half (Mann-Whitney)."""
    defects, goods = _by_score(weights * positive, score), _by_score(weights * ~positive, score)
    below = np.cumsum(goods, axis=1) - goods / 2
    return ratio((defects * below).sum(axis=1), defects.sum(axis=1) * goods.sum(axis=1))


def average_precision(weights: Floats, positive: Bools, score: Floats) -> Floats:
    """Sum over thresholds of precision times the recall it adds; equal scores share a threshold."""
    hits, all_rows = _by_score(weights * positive, -score), _by_score(weights, -score)
    precision = np.nan_to_num(ratio(np.cumsum(hits, axis=1), np.cumsum(all_rows, axis=1)))
    return ratio((precision * hits).sum(axis=1), hits.sum(axis=1))


def ece(weights: Floats, confidence: Floats, correct: Bools, bins: int = BINS) -> Floats:
    """Expected calibration error of the top label (Guo et al. 2017): mean |accuracy - confidence| over equal bins."""
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    gap = (correct - confidence)[:, None] * (place[:, None] == np.arange(bins))
    return ratio(np.abs(weights @ gap).sum(axis=1), weights.sum(axis=1))


def brier(weights: Floats, probabilities: Floats, targets: NDArray[np.intp]) -> Floats:
    """Mean squared distance of (N, K) probabilities from the truth, summed over classes (0 best, 2 worst)."""
    miss = ((probabilities - np.eye(probabilities.shape[1])[targets]) ** 2).sum(axis=1)
    return ratio(weights @ miss, weights.sum(axis=1))


def _by_score(weights: Floats, score: Floats) -> Floats:
    """Weights (D, U) gathered by distinct score, lowest first."""
    order = np.argsort(score, kind="stable")
    starts = np.flatnonzero(np.append(True, np.diff(score[order]) != 0))
    return np.add.reduceat(weights[:, order], starts, axis=1)
