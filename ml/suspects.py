"""Labels that are probably wrong, and classes that are confused: what a probe says of sources it did not learn from.

Confident learning (Northcutt, Jiang and Chuang, JAIR 70, 2021): a class is believed of an image where its probability
reaches the mean that it has over the images labelled so. Who is labelled otherwise is suspect, the surest first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml import linear
from ml.apart import Rows, deal, numbered, sources_of

Floats = NDArray[np.float32]

FOLDS = 5
LEAST_SOURCES = 2
LEAST_SHARE = 0.05  # of a pair's images; fewer is no pattern


@dataclass(frozen=True)
class Suspect:
    """Row `index` is labelled `given`; out of fold the probe says `opinion`. chance, own: their probabilities."""

    index: int
    given: str
    opinion: str
    chance: float
    own: float


@dataclass(frozen=True)
class Pair:
    """Two classes that are taken for each other. share: of all their images; `indexes`: those, the surest first."""

    first: str
    second: str
    count: int
    share: float
    indexes: tuple[int, ...]


@dataclass(frozen=True)
class Opinion:
    """`classes` (K,), `targets` (N,) into them, and probabilities (N, K) out of fold; NaN where nothing can be said."""

    classes: tuple[str, ...]
    targets: Rows
    probabilities: Floats

    @property
    def own(self) -> Floats:
        """(N,): of the given label."""
        return np.asarray(np.take_along_axis(self.probabilities, self.targets[:, None], axis=1)[:, 0])


def opinion(
    embeddings: NDArray[np.floating], labels: Sequence[str], sources: Sequence[str], rng: np.random.Generator
) -> Opinion | None:
    """Out of fold by source, from embeddings (N, D), labels (N,), sources (N,).

    Classes of fewer than two sources are left out: no fold could both learn and test them. None where fewer than two
    classes are left.
    """
    names, targets = np.unique(np.asarray(labels), return_inverse=True)
    groups = numbered(sources)
    kept = sources_of(targets, groups, len(names)) >= LEAST_SOURCES
    if kept.sum() < 2:
        return None
    probabilities = np.full((len(targets), len(names)), np.nan, dtype=np.float32)
    rows = np.flatnonzero(kept[targets])
    part = deal(targets[rows], groups[rows], FOLDS, rng)
    for fold in np.unique(part):
        learn, test = rows[part != fold], rows[part == fold]
        probe = linear.fit(embeddings[learn], targets[learn], len(names))
        probabilities[test] = probe.probabilities(embeddings[test])
    return Opinion(tuple(names.tolist()), targets, probabilities)


def suspects(found: Opinion) -> list[Suspect]:
    """Those that the probe confidently believes to be another class, the surest first."""
    believed = _believed(found)
    rows = np.flatnonzero((believed >= 0) & (believed != found.targets))
    chance, own = found.probabilities[rows, believed[rows]], found.own[rows]
    order = np.argsort(own - chance, kind="stable")
    return [
        Suspect(
            int(rows[k]),
            found.classes[found.targets[rows[k]]],
            found.classes[believed[rows[k]]],
            float(chance[k]),
            float(own[k]),
        )
        for k in order
    ]


def _believed(found: Opinion) -> Rows:
    """(N,): the most probable class that reaches its threshold, -1 where none does."""
    known = np.isfinite(found.own)
    thresholds = np.array(
        [found.own[known & (found.targets == k)].mean() if (known & (found.targets == k)).any() else np.inf
         for k in range(len(found.classes))]
    )  # fmt: skip
    reached = np.where(known[:, None] & (found.probabilities >= thresholds), found.probabilities, -1.0)
    best = reached.argmax(axis=1)
    return np.where(reached.max(axis=1) > 0, best, -1)


def confused(found: Opinion, most: int = 3, images: int = 8) -> list[Pair]:
    """The pairs of classes that are most often taken for each other, by the most probable class."""
    known = np.flatnonzero(np.isfinite(found.own))
    said = found.probabilities[known].argmax(axis=1)
    truth = found.targets[known]
    pairs = [
        _pair(found, known, truth, said, first, second, images)
        for first in range(len(found.classes))
        for second in range(first + 1, len(found.classes))
    ]
    return sorted(
        (pair for pair in pairs if pair.count > 1 and pair.share >= LEAST_SHARE), key=lambda pair: -pair.share
    )[:most]


def _pair(found: Opinion, known: Rows, truth: Rows, said: Rows, first: int, second: int, images: int) -> Pair:
    mixed = ((truth == first) & (said == second)) | ((truth == second) & (said == first))
    rows = known[mixed]
    sure = np.argsort(found.own[rows] - found.probabilities[rows, said[mixed]], kind="stable")
    both = int(((truth == first) | (truth == second)).sum())
    return Pair(
        found.classes[first],
        found.classes[second],
        len(rows),
        len(rows) / max(both, 1),
        tuple(rows[sure].tolist()[:images]),
    )
