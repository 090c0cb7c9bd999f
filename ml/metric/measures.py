"""What an embedding is worth: retrieval, few shots, a class that nobody trained. Pure numpy; the product's distances.

Nothing is ever compared with an image of its own group (source or roll): that would be memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ml.prototypes import calibrate, centres, distances, inside, prototype, unit

Floats = NDArray[np.float64]
Targets = NDArray[np.intp]


class Side(NamedTuple):
    """Embeddings (N, D), their classes (N,) and the group of each (N,)."""

    embeddings: NDArray[np.floating]
    targets: Targets
    groups: NDArray[np.object_]

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Side:
        return Side(self.embeddings[rows], self.targets[rows], self.groups[rows])


def side(embeddings: NDArray[np.floating], targets: Targets, groups: Sequence[str]) -> Side:
    return Side(embeddings, targets, np.asarray(groups, dtype=object))


class Retrieved(NamedTuple):
    """Of each query (N,): whether the nearest is of its class (recall@1), and its average precision at R (Musgrave et
    al. 2020, arXiv 2003.08505). NaN where the gallery holds none of its class from another group."""

    first: Floats
    precision: Floats


def retrieve(queries: Side, gallery: Side) -> Retrieved:
    """R is how many of a query's class the gallery holds; precision: at each hit among the R nearest, over R."""
    far = distances(queries.embeddings, unit(gallery.embeddings))
    far[queries.groups[:, None] == gallery.groups[None]] = np.inf
    relevant = (queries.targets[:, None] == gallery.targets[None]) & np.isfinite(far)
    order = np.argsort(far, axis=1, kind="stable")
    hits = np.take_along_axis(relevant, order, axis=1)
    count = relevant.sum(axis=1)
    rank = np.arange(1, hits.shape[1] + 1)
    counted = hits & (rank <= count[:, None])
    total = (counted * hits.cumsum(axis=1) / rank).sum(axis=1)
    known = count > 0
    first = np.where(known, hits[:, 0], np.nan)
    return Retrieved(first, np.divide(total, count, out=np.full(len(total), np.nan), where=known))


def few_shot(labelled: Side, queries: Side, shots: int, draws: int, seed: int = 0) -> Floats:
    """(draws, 2): accuracy of the nearest prototype, over classes and over images, from `shots` examples of each class.

    Examples are of as many groups as can be; a query of a group that gave an example is left out of that draw; where
    that leaves a class without a query, the draw is NaN. A class with fewer images gives what it has.
    """
    rng = np.random.default_rng([seed, shots])
    found = []
    for _ in range(draws):
        picked = {target: pick(labelled, target, shots, rng) for target in np.unique(labelled.targets).tolist()}
        names = np.array(sorted(picked))
        middle = np.stack([prototype(labelled.embeddings[picked[name]]) for name in names])
        used = labelled.groups[np.concatenate(list(picked.values()))]
        asked = queries.take(~np.isin(queries.groups, used))
        right = names[distances(asked.embeddings, middle).argmin(axis=1)] == asked.targets
        whole = len(np.unique(asked.targets)) == len(np.unique(queries.targets))
        found.append((_over_classes(right, asked.targets), float(right.mean())) if whole else (np.nan, np.nan))
    return np.array(found)


def pick(labelled: Side, target: int, shots: int, rng: np.random.Generator) -> Targets:
    """Rows of a class, by chance: one of each group first, then second ones."""
    mine = rng.permutation(np.flatnonzero(labelled.targets == target))
    _, group = np.unique(labelled.groups[mine].astype(str), return_inverse=True)
    turn = np.array([int((group[:place] == group[place]).sum()) for place in range(len(mine))], dtype=np.intp)
    return np.asarray(mine[np.argsort(turn, kind="stable")[:shots]])


def _over_classes(right: NDArray[np.bool_], targets: Targets) -> float:
    return float(np.mean([right[targets == target].mean() for target in np.unique(targets)]))


class Unseen(NamedTuple):
    """A class that nobody trained, from a few examples, over draws (draws,): of its images the share that its radius
    takes, and of what it takes the share that is its own (0 where it takes nothing). lost: the greatest share of an old
    class that it takes."""

    recall: Floats
    precision: Floats
    lost: Floats


def unseen(new: Side, halves: tuple[Side, Side], target: int, shots: int, draws: int) -> Unseen:
    """`new`: images of the class `target` to take examples of. halves: images of all classes, the two of different
    groups, none of which trained anything: of one the other classes calibrate while the other is measured, then the
    other way round.
    """
    rng = np.random.default_rng([target, shots])
    table = np.array([_once(new.take(pick(new, target, shots, rng)), halves, target) for _ in range(draws)])
    return Unseen(table[:, 0], table[:, 1], table[:, 2])


def _once(examples: Side, halves: tuple[Side, Side], target: int) -> tuple[float, float, float]:
    one, other = halves
    taken = np.concatenate([_taken(examples, one, other, target), _taken(examples, other, one, target)])
    targets = np.concatenate([other.targets, one.targets])
    own = targets == target
    lost = [taken[targets == old].mean() for old in np.unique(targets[~own])]
    return float(taken[own].mean()), float(own[taken].mean()) if taken.any() else 0.0, float(max(lost))


def _taken(examples: Side, half: Side, measured: Side, target: int) -> NDArray[np.bool_]:
    """Which of the measured the class of the examples takes, calibrated on the other classes of a half."""
    old = half.take(half.targets != target)
    labels = [str(name) for name in old.targets.tolist()]
    found = calibrate(examples.embeddings, old.embeddings, labels).prototype
    return np.asarray(inside(measured.embeddings, [found], centres(old.embeddings, labels)) == 0)
