"""Where the threshold lies above which an image is flagged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.calibrate import softmax, threshold_by_budget, threshold_by_cost
from ml.data import Dataset


@dataclass(frozen=True)
class Flag:
    """When to flag: at a fixed threshold, else at the cost threshold, raised until overkill on validation fits."""

    fixed: float | None = None
    cost: float = 20.0  # what an escape costs, in overkills
    overkill: float | None = 0.05  # of good images; None for any

    def threshold(self, logits: NDArray[np.float32], data: Dataset, temperature: float) -> float:
        if self.fixed is not None:
            return self.fixed
        by_cost = threshold_by_cost(1.0, self.cost)
        if "good" not in data.classes:
            return by_cost
        good = data.classes.index("good")
        scores = 1 - softmax(logits, temperature)[data.targets == good, good]
        if self.overkill is None or not len(scores):
            return by_cost
        return max(by_cost, threshold_by_budget(scores, self.overkill))
