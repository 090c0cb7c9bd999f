"""Which images stand in a batch together. Pure numpy."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.intp]


def triplets(targets: Rows, batch: int, rng: np.random.Generator) -> Iterator[Rows]:
    """Every image once as an anchor, `batch` of them at a time: rows (3 B,) of anchors, positives, negatives.

    The positive is another image of the class, the negative any of the others, both by chance: so of the pairs that an
    anchor makes half are of the same class and half of different ones. Each class needs two images.
    """
    members = {target: np.flatnonzero(targets == target) for target in np.unique(targets).tolist()}
    strangers = {target: np.flatnonzero(targets != target) for target in members}
    order = rng.permutation(len(targets))
    for start in range(0, len(order), batch):
        anchors = order[start : start + batch]
        positives = [_other(members[targets[row]], row, rng) for row in anchors]
        negatives = [rng.choice(strangers[targets[row]]) for row in anchors]
        yield np.concatenate([anchors, positives, negatives]).astype(np.intp)


def _other(members: Rows, row: int, rng: np.random.Generator) -> int:
    """Another member than `row`, each with the same chance."""
    place = int(rng.integers(len(members) - 1))
    return int(members[place] if members[place] != row else members[-1])


def balanced(targets: Rows, batch: int, rng: np.random.Generator) -> Iterator[Rows]:
    """As many batches as go into the images, each of as many rows of every class, at least two; where the batch is too
    small for that, of classes drawn for it. A class is gone through in its own shuffled order, again and again."""
    decks = {target: _deck(np.flatnonzero(targets == target), rng) for target in np.unique(targets).tolist()}
    ways = min(len(decks), max(2, batch // 2))
    each = max(2, batch // ways)
    for _ in range(max(1, len(targets) // batch)):
        chosen = rng.permutation(sorted(decks))[:ways].tolist()
        yield np.array([next(decks[target]) for target in chosen for _ in range(each)], dtype=np.intp)


def _deck(members: Rows, rng: np.random.Generator) -> Iterator[int]:
    while True:
        yield from rng.permutation(members).tolist()
