"""Whether two engines say the same of the same images: top class, recall of each class, unknown cloth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.gate_images import GateImages
from ml.novelty import Known
from ml.probe import Answer
from ml.spec import Unknown

AGREE = 0.995  # share of images whose top class is the same, at least
MOVED = 0.5  # how far a texture may move, as a share of the way to the image most like it
LOOKED_AT = 500  # images whose textures are compared
WORSE = 0.5  # percentage points that a class's recall, or the share of unknown images, may move at most


@dataclass(frozen=True)
class Agreement:
    """agreement: share of equal top classes. recall_change: points a class. unknown_change: points of all images.
    texture_moved: see `_moved`."""

    agreement: float
    recall_change: dict[str, float]
    unknown_change: float
    finite: bool
    texture_moved: float = 0.0

    def objection(self) -> str | None:
        """Why the second engine may not stand in for the first; None when nothing speaks against it."""
        if not self.finite:
            return "an answer is no number"
        if self.agreement < AGREE:
            return f"the top class agrees on {self.agreement:.2%} of images, not {AGREE:.1%}"
        name, change = min(self.recall_change.items(), key=lambda item: item[1])
        if change < -WORSE:
            return f"the recall of {name} falls by {-change:.2f} points"
        if abs(self.unknown_change) > WORSE:
            return f"the share of unknown images moves by {self.unknown_change:+.2f} points"
        if self.texture_moved > MOVED:
            return f"textures move by {self.texture_moved:.2f} of the way to the image most like theirs"
        return None


def compare(first: Answer, second: Answer, images: GateImages, known: Known, unknown: Unknown) -> Agreement:
    """`first` is the measure. `known` and `unknown` are how the bundle tells unknown cloth by its embedding."""
    finite = all(bool(np.isfinite(part).all()) for part in second)
    said, says = first[0].argmax(axis=1), second[0].argmax(axis=1)
    change = {
        name: _points((says == index)[mine]) - _points((said == index)[mine])
        for index, name in enumerate(images.classes)
        if (mine := images.targets == index).any()
    }
    rounded = {name: round(value, 3) for name, value in change.items()}
    was, now = (_points(known.distances(np.nan_to_num(part[2]), unknown) > unknown.limit) for part in (first, second))
    moved = _moved(first.texture, np.nan_to_num(second.texture))
    return Agreement(round(float((said == says).mean()), 5), rounded, round(now - was, 3), finite, round(moved, 3))


def _moved(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """How far unit textures (N, T) move, less what moves all of them alike, as a share of the distance to the most
    alike other image: medians. All that is compared is of one engine, so that a common shift does nothing."""
    rows, others = first[:LOOKED_AT], second[:LOOKED_AT]
    if rows.shape[1] == 0 or len(rows) < 2:
        return 0.0
    off = others - rows
    moved = np.linalg.norm(off - off.mean(axis=0), axis=1)
    apart = 2 - 2 * rows @ rows.T
    np.fill_diagonal(apart, np.inf)
    nearest = np.sqrt(np.maximum(apart.min(axis=1), 1e-12))
    return float(np.median(moved) / np.median(nearest))


def _points(hits: NDArray[np.bool_]) -> float:
    return 100 * float(hits.mean())
