"""Figures for a detector. Positive = defect. Pure numpy; ties count as in scikit-learn, which the tests check."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
BINS = 15


def confusion(truth: Sequence[str], said: Sequence[str], classes: Sequence[str]) -> NDArray[np.intp]:
    """Counts (len(classes), len(classes) + 1): row is the truth, column the answer, the last column `unknown`."""
    columns = (*classes, "unknown")
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


def macro_f1(figures: dict[str, dict[str, float]]) -> float:
    """Mean F1 of the classes that occur."""
    return float(np.mean([figure["f1"] for figure in figures.values() if figure["support"]]))


def auroc(positive: Bools, score: Floats) -> float | None:
    """Chance that a defect scores above a good one, ties half (Mann-Whitney). None if one side is empty."""
    count, total = int(positive.sum()), len(positive)
    if count in (0, total):
        return None
    _, inverse, sizes = np.unique(score, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(sizes) - (sizes - 1) / 2)[inverse]
    return float((ranks[positive].sum() - count * (count + 1) / 2) / (count * (total - count)))


def average_precision(positive: Bools, score: Floats) -> float | None:
    """Sum over thresholds of precision times the recall it adds. None without defects."""
    if not positive.any():
        return None
    order = np.argsort(-score, kind="stable")
    hits = np.cumsum(positive[order])
    ends = np.append(np.flatnonzero(np.diff(score[order])), len(score) - 1)  # equal scores share a threshold
    precision, recall = hits[ends] / (ends + 1), hits[ends] / positive.sum()
    return float(np.sum(np.diff(recall, prepend=0) * precision))


def ece(confidence: Floats, correct: Bools, bins: int = BINS) -> float:
    """Expected calibration error of the top label: mean |accuracy - confidence| over equal bins, weighted by size."""
    where = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    total = 0.0
    for index in range(bins):
        mine = where == index
        if mine.any():
            total += mine.mean() * abs(correct[mine].mean() - confidence[mine].mean())
    return float(total)


def brier(probabilities: Floats, targets: NDArray[np.intp]) -> float:
    """Mean squared distance of (N, K) probabilities from the truth, summed over classes (0 best, 2 worst)."""
    truth = np.eye(probabilities.shape[1])[targets]
    return float(((probabilities - truth) ** 2).sum(axis=1).mean())


def rates(positive: Bools, flagged: Bools) -> dict[str, float | None]:
    """Escape rate FN/(FN+TP) and overkill FP/(FP+TN)."""
    defects, good = int(positive.sum()), int((~positive).sum())
    escaped, killed = int((positive & ~flagged).sum()), int((~positive & flagged).sum())
    return {"escape_rate": escaped / defects if defects else None, "overkill": killed / good if good else None}


def summary(
    truth: Sequence[str], said: Sequence[str], flagged: Bools, probabilities: Floats, classes: Sequence[str]
) -> dict[str, Any]:
    """Every figure. `probabilities` (N, K) has NaN rows where there were none; those count as unknown everywhere and
    are left out of ece and brier; their anomaly score counts as 1."""
    targets = np.array([classes.index(name) for name in truth], dtype=np.intp)
    positive = np.array([name != "good" for name in truth])
    sound = np.isfinite(probabilities).all(axis=1)
    score = np.where(sound, 1 - probabilities[:, list(classes).index("good")], 1.0)
    table = confusion(truth, said, classes)
    figures = per_class(table, classes)
    top, right = probabilities[sound].max(axis=1), probabilities[sound].argmax(axis=1) == targets[sound]
    return {
        "images": len(truth),
        "macro_f1": macro_f1(figures),
        "accuracy": float(np.mean([true == answer for true, answer in zip(truth, said, strict=True)])),
        "auroc": auroc(positive, score),
        "average_precision": average_precision(positive, score),
        "ece": ece(top, right) if sound.any() else None,
        "brier": brier(probabilities[sound], targets[sound]) if sound.any() else None,
        **rates(positive, flagged),
        "unknown_rate": float(np.mean([answer == "unknown" for answer in said])),
        "per_class": figures,
        "confusion": {"rows": list(classes), "columns": [*classes, "unknown"], "counts": table.tolist()},
    }
