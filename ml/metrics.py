"""Plain figures for a detector: the confusion table, and `weighted` figures with every row counted once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ml import weighted
from ml.answers import UNKNOWN
from ml.weighted import BINS, Bools, Floats


def confusion(truth: Sequence[str], said: Sequence[str], classes: Sequence[str]) -> NDArray[np.intp]:
    """Counts (len(classes), len(classes) + 1): row is the truth, column the answer, the last column `unknown`."""
    columns = (*classes, UNKNOWN)
    table = np.zeros((len(classes), len(columns)), dtype=np.intp)
    for true, answer in zip(truth, said, strict=True):
        table[classes.index(true), columns.index(answer)] += 1
    return table


def per_class(table: NDArray[np.intp], classes: Sequence[str]) -> dict[str, dict[str, float]]:
    """Precision, recall, F1 and support of each class from a confusion table; 0 where nothing was said or true."""
    found = {}
    for index, name in enumerate(classes):
        hit, said, true = table[index, index], table[:, index].sum(), table[index].sum()
        precision, recall = hit / max(said, 1), hit / max(true, 1)
        f1 = 2 * hit / max(said + true, 1)
        found[name] = {"precision": float(precision), "recall": float(recall), "f1": float(f1), "support": int(true)}
    return found


def macro_f1(found: dict[str, dict[str, float]]) -> float:
    """Mean F1 of the classes that occur."""
    return float(np.mean([figure["f1"] for figure in found.values() if figure["support"]]))


def auroc(positive: Bools, score: Floats) -> float | None:
    """Chance that a defect scores above a good one, ties half. None if one side is empty."""
    return _one(weighted.auroc(np.ones((1, len(score))), positive, score))


def average_precision(positive: Bools, score: Floats) -> float | None:
    """Sum over thresholds of precision times the recall it adds. None without defects."""
    return _one(weighted.average_precision(np.ones((1, len(score))), positive, score))


def ece(confidence: Floats, correct: Bools, bins: int = BINS) -> float:
    """Expected calibration error of the top label over equal bins; of at least one image."""
    return float(weighted.ece(np.ones((1, len(confidence))), confidence, correct, bins)[0])


def brier(probabilities: Floats, targets: NDArray[np.intp]) -> float:
    """Mean squared distance of (N, K) probabilities from the truth, summed over classes (0 best, 2 worst)."""
    return float(weighted.brier(np.ones((1, len(targets))), probabilities, targets)[0])


def _one(values: Floats) -> float | None:
    return float(values[0]) if np.isfinite(values[0]) else None
