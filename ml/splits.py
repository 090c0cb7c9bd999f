"""Who trains, who tunes, who tests: by a hash of the group, so that no source or roll ever stands on two sides.

Images that are near-duplicates count as one group as well (see ml.likeness).
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ml.data import DataError, Dataset, Row, load
from ml.folds import folds, thin
from ml.likeness import DISTANCE, confirmed, hashes, join, near_duplicates
from ml.places import place
from ml.refusal import refuse
from ml.spec import Input

__all__ = ["Split", "folds", "guard", "place", "refuse_thin", "rows_on", "settle", "side_of", "split", "thin"]

log = logging.getLogger(__name__)

SIDES = ("train", "val", "test")
SHARES = (0.7, 0.2, 0.1)
SWALLOWED = 0.25
FEWEST = 3  # training images, without which nothing is learnt of a class


@dataclass(frozen=True)
class Split:
    """Row numbers of a dataset on each side."""

    train: NDArray[np.intp]
    val: NDArray[np.intp]
    test: NDArray[np.intp]


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


def settle(data: Dataset, leave_twins: bool = False) -> Dataset:
    """The same with near-duplicates in one group, to be split by us; a given split that parts some is refused, or, with
    `leave_twins`, goes on without those of them that do not train.

    Groups that were joined go by the first of their names. DataError naming the pair.
    """
    pairs = near_duplicates(hashes(data.images))
    if any(data.splits) and leave_twins:
        return _without_twins(data, confirmed(data.images, pairs))
    if any(data.splits):
        for i, j in pairs.tolist():
            if data.splits[i] != data.splits[j]:
                raise DataError(f"near-duplicates stand on both sides of the split: {_tell(data, i)}, {_tell(data, j)}")
        return replace(data, split_by="column of the manifest, no source, roll or near-duplicate on two sides")
    data = replace(data, groups=join(data.groups, _of_one_source(data)))
    groups, rule = join(data.groups, pairs), f"hashes within {DISTANCE} bits"
    if _swallows(data, groups):
        groups, rule = join(data.groups, confirmed(data.images, pairs)), f"{rule} and pictures that correlate"
    kind = "source" if data.groups == data.sources else "roll"
    before, after = len(set(data.groups)), len(set(groups))
    if before == len(set(data.lines.tolist())):
        log.warning("every image counts as its own source: only near-duplicates are kept on one side of a split")
        kind = "image, as no two name one source"
    near = (
        f"near-duplicates joined by {rule}: {before} groups became {after}" if after < before else "no near-duplicates"
    )
    return replace(data, groups=groups, split_by=f"hash of the {kind}; {near}")


def _without_twins(data: Dataset, pairs: NDArray[np.intp]) -> Dataset:
    """Without the images off the training side that are near-duplicates of one on it, directly or through others."""
    alike = join([str(row) for row in range(len(data.targets))], pairs)
    seen = {name for name, side in zip(alike, data.splits, strict=True) if side == "train"}
    off = [side != "train" and name in seen for name, side in zip(alike, data.splits, strict=True)]
    told = f"; {sum(off)} images left out as near-duplicates of training ones" if any(off) else ""
    kept = data.take(np.flatnonzero(~np.array(off)))
    return replace(kept, split_by=f"column of the manifest, no source or roll on two sides{told}")


def _of_one_source(data: Dataset) -> NDArray[np.intp]:
    """(P, 2): pairs of images of one source that stand in two groups, as where only some rows name their roll."""
    first: dict[str, int] = {}
    pairs = [(first.setdefault(source, row), row) for row, source in enumerate(data.sources)]
    apart = [(i, j) for i, j in pairs if data.groups[i] != data.groups[j]]
    return np.array(apart, dtype=np.intp).reshape(-1, 2)


def _swallows(data: Dataset, groups: tuple[str, ...]) -> bool:
    """Whether joining made a group of more than SWALLOWED of the images, or left a class with one group of several.

    Chains of chance likenesses do that in large sets of regular pictures, and such groups cannot be split at all.
    """
    if Counter(groups).most_common(1)[0][1] > max(SWALLOWED * len(groups), Counter(data.groups).most_common(1)[0][1]):
        return True
    was, now = _groups_of(data, data.groups), _groups_of(data, groups)
    return any(len(now[index]) < 2 <= len(was[index]) for index in was)


def _groups_of(data: Dataset, groups: tuple[str, ...]) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for target, group in zip(data.targets.tolist(), groups, strict=True):
        found.setdefault(target, set()).add(group)
    return found


def _tell(data: Dataset, index: int) -> str:
    return f"row {data.lines[index]} ({data.names[index]}) is {data.splits[index] or 'unset'!r}"


def refuse_thin(data: Dataset, train: NDArray[np.intp]) -> None:
    """DataError naming the classes whose rows among `train` are fewer than FEWEST."""
    counts = data.take(train).counts()
    thin = [f"{name} ({count})" for name, count in counts.items() if count < FEWEST]
    refuse(f"{FEWEST} training images are needed of a class, and there are too few of", thin)


def rows_on(side: str, rows: Sequence[Row], classes: tuple[str, ...], shape: Input) -> list[Row]:
    """The rows on one side of the split that training on these rows makes. DataError as in loading and splitting."""
    guard(rows)
    raw = replace(shape, homogenise=None)  # likeness is told before brightness is evened
    data = settle(load(rows, classes, raw, "", mixed=True))
    lines = set(data.lines[getattr(split(data), side)].tolist())
    return [row for row in rows if row.line in lines]


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

    Classes borrow in the order of their names and the source of least place first, so that a rerun lends the same,
    in whatever order the classes are asked for.
    """
    sides = {group: side_of(group) for group in data.groups}
    for index in sorted(range(len(data.classes)), key=data.classes.__getitem__):
        mine = sorted({data.groups[row] for row in np.flatnonzero(data.targets == index)}, key=place)
        for side, lent in (("train", mine[:1]), ("val", mine[1:2])):
            if len(mine) > 1 and not any(sides[group] == side for group in mine):
                sides |= dict.fromkeys(lent, side)
    return [sides[group] for group in data.groups]
