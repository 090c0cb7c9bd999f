"""What was said of labelled images, and every figure of it with its interval over sources. Positive = defect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml import weighted
from ml.answers import UNKNOWN
from ml.intervals import DRAWS, LEVEL, interval
from ml.metrics import confusion
from ml.weighted import Bools, Floats

GOOD = "good"
PARTS = ("precision", "recall", "f1")


@dataclass(frozen=True)
class Judged:
    """What was said of N labelled images, by an inspector or pooled out of fold.

    `said` holds a class or `unknown`; probabilities (N, K) have NaN rows where there were none; `groups` names each
    image's source or roll (empty where nobody knows, and then there are no intervals); `names` the images. `before`:
    probabilities (N, K) before calibration, where known.
    """

    classes: tuple[str, ...]
    truth: Sequence[str]
    said: Sequence[str]
    flagged: Bools
    probabilities: Floats
    groups: Sequence[str]
    names: Sequence[str] = ()
    before: Floats | None = None

    @property
    def targets(self) -> NDArray[np.intp]:
        return np.array([self.classes.index(name) for name in self.truth], dtype=np.intp)

    @property
    def positive(self) -> Bools:
        return np.array([name != GOOD for name in self.truth], dtype=bool)

    @property
    def counted(self) -> Bools:
        """The rows whose probabilities are numbers."""
        return np.asarray(np.isfinite(self.probabilities).all(axis=1))

    @property
    def score(self) -> Floats:
        """anomaly_score (N,) = 1 - P(good); 1 where there were no numbers. ValueError for a model without good."""
        chance = self.probabilities[:, self.classes.index(GOOD)]
        return np.where(self.counted, 1 - chance, 1.0)


def figures(judged: Judged, draws: int = DRAWS) -> dict[str, Any]:
    """Every figure, and under `interval` its 95 % bootstrap interval over sources; None where there is none.

    `accuracy` and `macro_f1` count the answer unknown as wrong; `..._top_class` take the most probable class whatever
    the doubt. Images without numbers count as unknown everywhere and are left out of ece and brier. A model without
    the class good has no AUROC, average precision, escapes or overkill. A class without images was not measured: its
    precision, recall and F1 are None.
    """
    rows, sources = len(judged.truth), len(set(judged.groups))
    table = confusion(judged.truth, judged.said, judged.classes)
    points = _spread(_measure(judged, np.ones((1, rows)))[0]) if rows else None
    ends = interval(lambda weights: _measure(judged, weights), judged.groups, draws) if rows else None
    low_high = [None, None] if ends is None else [_spread(ends[0]), _spread(ends[1])]
    names = list(_names(judged.classes))
    value = dict(zip(names, points or [None] * len(names), strict=True))
    limits = {name: _pair(low_high, index) for index, name in enumerate(names)}
    return {
        "images": rows,
        "sources": sources or None,
        **{name: value[name] for name in names if "/" not in name},
        "interval": {name: limits[name] for name in names if "/" not in name},
        "bootstrap": {"over": "source", "groups": sources, "draws": draws, "level": LEVEL},
        "per_class": {
            name: {
                **{part: value[f"{name}/{part}"] for part in PARTS},
                "support": int(table[index].sum()),
                "interval": {part: limits[f"{name}/{part}"] for part in PARTS},
            }
            for index, name in enumerate(judged.classes)
        },
        "confusion": {"rows": list(judged.classes), "columns": [*judged.classes, UNKNOWN], "counts": table.tolist()},
    }


def _names(classes: Sequence[str]) -> tuple[str, ...]:
    single = ("macro_f1", "accuracy", "macro_f1_top_class", "accuracy_top_class", "auroc", "average_precision")
    other = ("ece", "brier", "ece_before", "brier_before", "escape_rate", "overkill", "unknown_rate")
    return (*single, *other, *(f"{name}/{part}" for name in classes for part in PARTS))


def _measure(judged: Judged, weights: Floats) -> Floats:
    """Every figure of `_names`, (D, figures), for weights (D, N)."""
    said = np.array([judged.classes.index(s) if s in judged.classes else -1 for s in judged.said], dtype=np.intp)
    targets, counted = judged.targets, judged.counted
    top = np.where(counted, np.nan_to_num(judged.probabilities, nan=-1.0).argmax(axis=1), -1)
    parts = weighted.per_class(weights, targets, said, len(judged.classes))
    columns = [
        weighted.macro(parts[2]),
        weighted.share(weights, said == targets),
        weighted.macro(weighted.per_class(weights, targets, top, len(judged.classes))[2]),
        weighted.share(weights, top == targets),
        *_ranking(judged, weights),
        *_calibration(judged.probabilities, targets, weights),
        *_calibration(judged.before, targets, weights),
        *_decision(judged, weights),
        weighted.share(weights, said < 0),
    ]
    by_class = np.stack(parts, axis=2).reshape(len(weights), -1)  # class by class, its three parts together
    return np.concatenate([np.stack(columns, axis=1), by_class], axis=1)


def _ranking(judged: Judged, weights: Floats) -> tuple[Floats, Floats]:
    none = np.full(len(weights), np.nan)
    if GOOD not in judged.classes:
        return none, none
    found = [
        measure(weights, judged.positive, judged.score) for measure in (weighted.auroc, weighted.average_precision)
    ]
    return found[0], found[1]


def _calibration(chances: Floats | None, targets: NDArray[np.intp], weights: Floats) -> tuple[Floats, Floats]:
    """ECE and Brier over the rows that hold numbers."""
    none = np.full(len(weights), np.nan)
    if chances is None:
        return none, none
    sound = np.isfinite(chances).all(axis=1)
    if not sound.any():
        return none, none
    mine, true, kept = chances[sound], targets[sound], weights[:, sound]
    return weighted.ece(kept, mine.max(axis=1), mine.argmax(axis=1) == true), weighted.brier(kept, mine, true)


def _decision(judged: Judged, weights: Floats) -> tuple[Floats, Floats]:
    """Escape rate FN/(FN+TP) and overkill FP/(FP+TN)."""
    none = np.full(len(weights), np.nan)
    if GOOD not in judged.classes:
        return none, none
    positive, flagged = judged.positive, np.asarray(judged.flagged, dtype=bool)
    return weighted.share(weights, ~flagged, positive), weighted.share(weights, flagged, ~positive)


def _spread(row: Floats) -> list[float | None]:
    """Plain numbers for JSON, None for what is not one."""
    return [float(value) if np.isfinite(value) else None for value in row]


def _pair(ends: Sequence[Sequence[float | None] | None], index: int) -> list[float] | None:
    low, high = (end[index] if end else None for end in ends)
    return None if low is None or high is None else [low, high]
