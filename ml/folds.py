"""Cross-validation by group: every source or roll is in one fold, and the classes are spread as evenly as they can."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ml.data import DataError, Dataset
from ml.refusal import refuse

Rows = NDArray[np.intp]
STEPS = 20_000  # groups placed in all tries together; small sets are tried more often
TRIES = 64


def folds(data: Dataset, count: int, seed: int = 0) -> list[tuple[Rows, Rows]]:
    """(train rows, test rows) of each of `count` folds, the same for the same data and seed.

    Each group is in exactly one test fold, and each class in every one where it has at least `count` groups (see
    `thin`). DataError naming the classes that have fewer than two groups, which no fold can both learn and test.
    """
    table, names = _table(data)
    groups = (table > 0).sum(axis=0)
    refuse("fewer than 2 sources in class", [data.classes[k] for k in np.flatnonzero(groups < 2)])
    if not 2 <= count <= len(names):
        raise DataError(f"{count} folds cannot be made of {len(names)} sources")
    rng = np.random.default_rng(seed)
    tries = [_deal(table, count, rng) for _ in range(max(1, min(TRIES, STEPS // len(names))))]
    chosen = min(tries, key=lambda dealt: _badness(table, dealt, count))
    places = dict(zip(names, chosen.tolist(), strict=True))
    where = np.array([places[group] for group in data.groups])
    return [(np.flatnonzero(where != fold), np.flatnonzero(where == fold)) for fold in range(count)]


def thin(data: Dataset, count: int) -> tuple[str, ...]:
    """The classes of fewer than `count` groups: some folds test them on nothing."""
    groups = (_table(data)[0] > 0).sum(axis=0)
    return tuple(name for name, found in zip(data.classes, groups.tolist(), strict=True) if found < count)


def _table(data: Dataset) -> tuple[NDArray[np.float64], Sequence[str]]:
    """(G, K): the share of class k's images that group g holds; and the groups' names."""
    names = sorted(set(data.groups))
    places = {name: index for index, name in enumerate(names)}
    table = np.zeros((len(names), len(data.classes)))
    np.add.at(table, (np.array([places[group] for group in data.groups]), data.targets), 1)
    return table / np.maximum(table.sum(axis=0), 1), names


def _deal(table: NDArray[np.float64], count: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Groups to folds (G,): rare classes first, of them the large groups, each to the fold that has least of it."""
    holders = (table > 0).sum(axis=0)
    rarity = np.where(table > 0, holders, len(table) + 1).min(axis=1)  # of a group: its rarest class's groups
    rarest = np.where(table > 0, holders, len(table) + 1).argmin(axis=1)
    size = table.sum(axis=1) * rng.uniform(0.8, 1.25, len(table))  # so that tries differ
    order = np.lexsort((-size, rarity))
    filled = np.zeros((count, table.shape[1]))
    dealt = np.zeros(len(table), dtype=np.intp)
    for group in order:
        present = table[group] > 0
        least = filled[:, rarest[group]] + 1e-6 * (filled[:, present] * table[group, present]).sum(axis=1)
        fold = int(least.argmin())
        dealt[group] = fold
        filled[fold] += table[group]
    return dealt


def _badness(table: NDArray[np.float64], dealt: NDArray[np.intp], count: int) -> tuple[int, float]:
    """How many (fold, class) are empty that need not be, and how uneven the classes lie."""
    filled = np.zeros((count, table.shape[1]))
    np.add.at(filled, dealt, table)
    enough = (table > 0).sum(axis=0) >= count
    return int((filled[:, enough] == 0).sum()), float(((filled - 1 / count) ** 2).sum())
