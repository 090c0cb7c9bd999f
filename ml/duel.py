"""Two detectors on the same labelled images: what one gains or loses against the other. Positive = the challenger's.

The bootstrap is paired and by source: a draw weighs the rows of both alike (see ml.intervals). McNemar's test is exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml import weighted
from ml.intervals import row_weights

Floats = NDArray[np.float64]
DRAWS = 2000
ONE_SIDED = 0.95


@dataclass(frozen=True)
class Pair:
    """What two said of N images. `groups`: each image's source. An answer that is no class counts as wrong."""

    classes: tuple[str, ...]
    truth: Sequence[str]
    champion: Sequence[str]
    challenger: Sequence[str]
    groups: Sequence[str]


@dataclass(frozen=True)
class Recall:
    """Of one class. `loss`: champion's minus challenger's recall; `at_most`: its one-sided 95 % upper bound, None where
    fewer than two sources leave nothing to say of the next one."""

    images: int
    sources: int
    champion: float
    challenger: float
    at_most: float | None

    @property
    def loss(self) -> float:
        return self.champion - self.challenger


@dataclass(frozen=True)
class Gain:
    """In macro-F1, with its 95 % interval; None where there is none."""

    value: float
    low: float | None
    high: float | None


def recalls(pair: Pair, draws: int = DRAWS, seed: int = 0) -> dict[str, Recall]:
    """Of each class that the truth names."""
    truth, groups = np.array(pair.truth), np.array(pair.groups)
    old, new = (np.array(said) == truth for said in (pair.champion, pair.challenger))
    present = [name for name in pair.classes if (truth == name).any()]
    bounds = _bounds(present, truth, old, new, pair.groups, draws, seed)
    found = {}
    for name in present:
        mine = truth == name
        sources = len(set(groups[mine].tolist()))
        bound = bounds[name] if sources > 1 else None
        found[name] = Recall(int(mine.sum()), sources, float(old[mine].mean()), float(new[mine].mean()), bound)
    return found


def _bounds(
    names: Sequence[str],
    truth: NDArray[np.str_],
    old: NDArray[np.bool_],
    new: NDArray[np.bool_],
    groups: Sequence[str],
    draws: int,
    seed: int,
) -> dict[str, float]:
    """By class, the point below which the loss lies in 95 % of the draws that have images of it."""
    drawn: dict[str, list[Floats]] = {name: [] for name in names}
    for weights in row_weights(groups, draws, seed):
        for name in names:
            mine = truth == name
            drawn[name].append(weighted.share(weights, old, mine) - weighted.share(weights, new, mine))
    return {name: float(np.nanquantile(np.concatenate(parts), ONE_SIDED)) for name, parts in drawn.items()}


def gain(pair: Pair, draws: int = DRAWS, seed: int = 0) -> Gain:
    """The challenger's macro-F1 minus the champion's, over the classes that the truth names."""
    ones = np.ones((1, len(pair.truth)))
    value = float(_gain(pair, ones)[0])
    if len(set(pair.groups)) < 2:
        return Gain(value, None, None)
    drawn = np.concatenate([_gain(pair, weights) for weights in row_weights(pair.groups, draws, seed)])
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    return Gain(value, float(low), float(high))


def _gain(pair: Pair, weights: Floats) -> Floats:
    targets = _places(pair.classes, pair.truth)
    old, new = (
        weighted.macro(weighted.per_class(weights, targets, _places(pair.classes, said), len(pair.classes))[2])
        for said in (pair.champion, pair.challenger)
    )
    return new - old


def _places(classes: Sequence[str], said: Sequence[str]) -> NDArray[np.intp]:
    return np.array([classes.index(name) if name in classes else -1 for name in said], dtype=np.intp)


def discordant(pair: Pair) -> tuple[int, int]:
    """Images that the champion alone has right, and those that the challenger alone has."""
    rows = list(zip(pair.truth, pair.champion, pair.challenger, strict=True))
    only_old = sum(old == true != new for true, old, new in rows)
    return only_old, sum(new == true != old for true, old, new in rows)


def mcnemar(only_old: int, only_new: int) -> float:
    """The exact two-sided p-value that the two err alike: binomial over the discordant pairs (McNemar 1947)."""
    pairs, fewer = only_old + only_new, min(only_old, only_new)
    ways, total = 1, 1  # of choosing i of the pairs; in whole numbers, so that nothing is rounded
    for i in range(fewer):
        ways = ways * (pairs - i) // (i + 1)
        total += ways
    return min(1.0, 2 * total / 2**pairs) if pairs else 1.0
