"""Sources dealt into parts, so that no source is both learnt from and tested on. Pure numpy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.intp]


def numbered(sources: Sequence[str]) -> Rows:
    """(N,): each row's source as a number from 0."""
    return np.asarray(np.unique(np.asarray(sources, dtype=object).astype(str), return_inverse=True)[1], dtype=np.intp)


def deal(targets: Rows, sources: Rows, parts: int, rng: np.random.Generator) -> Rows:
    """(N,): the part of each row; each source is in one.

    Rare classes are dealt first, each source to the part that holds least of its rarest class, so that a class with at
    least `parts` sources is in every part.
    """
    held = np.zeros((int(sources.max()) + 1, int(targets.max()) + 1))
    np.add.at(held, (sources, targets), 1)
    holders = (held > 0).sum(axis=0)
    rarity = np.where(held > 0, holders, len(held) + 1)
    order = np.lexsort((rng.random(len(held)), rarity.min(axis=1)))
    filled, place = np.zeros((parts, held.shape[1])), np.zeros(len(held), dtype=np.intp)
    for source in order:
        kind = int(rarity[source].argmin())
        fewest = np.flatnonzero(filled[:, kind] == filled[:, kind].min())
        place[source] = fewest[filled[fewest].sum(axis=1).argmin()]
        filled[place[source]] += held[source] / np.maximum(held.sum(axis=0), 1)
    return place[sources]


def sources_of(targets: Rows, sources: Rows, count: int) -> Rows:
    """How many sources each of `count` classes has."""
    pairs = np.unique(np.stack([targets, sources]), axis=1)
    return np.bincount(pairs[0], minlength=count)
