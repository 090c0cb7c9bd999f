"""Who trains, who tunes, who tests: by a hash of the group, so that no source or roll ever stands on two sides."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.data import DataError, Dataset, Row

SIDES = ("train", "val", "test")
SHARES = (0.7, 0.2, 0.1)


@dataclass(frozen=True)
class Split:
    """Row numbers of a dataset on each side."""

    train: NDArray[np.intp]
    val: NDArray[np.intp]
    test: NDArray[np.intp]


def place(group: str) -> float:
    """A group's fixed place in 0..1, whatever else is in the data."""
    return int.from_bytes(hashlib.sha256(group.encode()).digest()[:8], "big") / 2**64


def side_of(group: str) -> str:
    """train, val or test by SHARES; the same for ever."""
    where = place(group)
    return "train" if where < SHARES[0] else "val" if where < SHARES[0] + SHARES[1] else "test"


def guard(rows: Sequence[Row]) -> None:
    """Refuses a given split in which one source or roll stands on two sides, naming the pair of rows."""
    seen: dict[tuple[str, str], Row] = {}
    for row in rows:
        if row.split and row.split not in SIDES:
            raise DataError(f"row {row.line}: split is {row.split!r}, not one of {', '.join(SIDES)}")
        for kind, name in (("source", row.source), ("roll", row.roll)):
            first = seen.setdefault((kind, name), row) if name else row
            if first.split != row.split:
                raise DataError(
                    f"the {kind} {name!r} stands on both sides of the split: "
                    f"row {first.line} is {first.split or 'unset'!r}, row {row.line} is {row.split or 'unset'!r}"
                )


def split(data: Dataset) -> Split:
    """The given split where there is one, else by hash. DataError if a class would have nothing to train on."""
    given = any(data.splits)
    sides = np.array(data.splits if given else _by_hash(data))
    found = {side: np.flatnonzero(sides == side) for side in SIDES}
    for index, name in enumerate(data.classes):
        if (data.targets == index).any() and not (data.targets[found["train"]] == index).any():
            raise DataError(f"the split leaves class {name} without training images")
    if not len(found["val"]):
        raise DataError("the split leaves no images to validate on")
    return Split(found["train"], found["val"], found["test"])


def _by_hash(data: Dataset) -> list[str]:
    """Sides by hash; a class of few sources that missed one of the first two sides lends it a source.

    The lent source is that of the class whose place is nearest to the side, so a rerun lends the same.
    """
    sides = {group: side_of(group) for group in data.groups}
    for index in range(len(data.classes)):
        mine = sorted({data.groups[row] for row in np.flatnonzero(data.targets == index)}, key=place)
        for side, lent in (("train", mine[:1]), ("val", mine[1:2])):
            if len(mine) > 1 and not any(sides[group] == side for group in mine):
                sides |= dict.fromkeys(lent, side)
    return [sides[group] for group in data.groups]
