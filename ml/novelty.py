"""Unknown cloth: how far an image lies from the training images, by its embedding and by its looks. Pure numpy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ml.looks import SIZE, folds, held_out, looks, nearest
from ml.spec import LOOKS, REFERENCE, Unknown

Floats = NDArray[np.float32]
REFERENCES = 2400  # rows kept of each: 2.5 MB at 512 figures an embedding


@dataclass(frozen=True)
class Known:
    """The known cloth that travels with a bundle: unit embeddings (M, D), and looks (R, SIZE), empty in old bundles."""

    embeddings: Floats
    looks: Floats

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, NDArray[np.floating]], size: int, unknown: Unknown) -> Self:
        """From the tensors REFERENCE and, where looks count, LOOKS. ValueError if they are not what they should be."""
        embeddings = np.asarray(tensors[REFERENCE], dtype=np.float32)
        seen = np.asarray(tensors.get(LOOKS, np.empty((0, SIZE))), dtype=np.float32)
        for name, rows, width in ((REFERENCE, embeddings, size), (LOOKS, seen, SIZE)):
            if rows.ndim != 2 or rows.shape[1] != width or not np.isfinite(rows).all():
                raise ValueError(f"{name} holds no usable references")
        if unknown.look_limit is not None and not len(seen):
            raise ValueError(f"{LOOKS} is missing")
        return cls(embeddings, seen)

    def tensors(self) -> dict[str, NDArray[np.floating]]:
        """As they are kept in the weights file."""
        return {REFERENCE: self.embeddings.astype(np.float16), LOOKS: self.looks}

    def distances(self, embeddings: NDArray[np.floating], unknown: Unknown) -> Floats:
        """How far (n,) embeddings (n, D) lie from known ones."""
        return distances(embeddings, self.embeddings, unknown.neighbours)

    def look_distances(self, views: NDArray[np.uint8], unknown: Unknown) -> Floats:
        """How far (n,) the looks of views (n, H, W, C) lie from known ones; 0 where looks do not count."""
        if unknown.look_limit is None:
            return np.zeros(len(views), dtype=np.float32)
        return nearest(looks(views), self.looks, unknown.look_neighbours)


def foreign(far: Floats, unknown: Unknown) -> bool:
    """Whether the looks of one image's views, `far` (n,) from known ones, say that it is other cloth, or none.

    The median view decides: a defect changes the look of where it is, another cloth is other everywhere.
    """
    return unknown.look_limit is not None and bool(np.median(far) > unknown.look_limit)


def fit(
    embeddings: NDArray[np.floating],
    targets: NDArray[np.intp],
    check: NDArray[np.floating],
    images: NDArray[np.uint8],
    groups: Sequence[str],
    most: int = REFERENCES,
) -> tuple[Known, Unknown]:
    """What is known, and its limits.

    embeddings (N, D), targets (N,): training images, as the network sees them. check (M, D): embeddings of images that
    trained nothing. images (L, H, W, C), groups: training images, for their looks: nothing is learnt of these, so a
    source held out from the others is as good as one never seen. With fewer than two sources looks do not count.
    """
    kept = pick(embeddings, targets, most, seed=0).astype(np.float16).astype(np.float32)  # as it will be read back
    rows = np.sort(np.random.default_rng(0).permutation(len(images))[:most])
    known = Known(kept, looks(images[rows]))
    far = known.distances(check, Unknown(0, 0))
    limits = Unknown(limit=float(np.quantile(far, Unknown.quantile)), largest=float(far.max()))
    mine = [groups[row] for row in rows]
    if len(set(mine)) < 2:
        return known, limits
    apart = held_out(known.looks, mine, limits.look_neighbours)
    return known, replace(limits, look_limit=float(np.quantile(apart, limits.look_quantile)))


def unit(embeddings: NDArray[np.floating]) -> Floats:
    """Rows (N, D) scaled to length 1; a row of zeros stays."""
    rows = np.asarray(embeddings, dtype=np.float32)
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6))


def distances(embeddings: NDArray[np.floating], reference: Floats, neighbours: int) -> Floats:
    """Mean Euclidean distance (N,) of unit embeddings to their nearest unit references (M, D)."""
    likeness = unit(embeddings) @ reference.T
    count = min(neighbours, reference.shape[0])
    closest = -np.partition(-likeness, count - 1, axis=1)[:, :count]
    return np.asarray(np.sqrt(np.maximum(2 - 2 * closest, 0)).mean(axis=1), dtype=np.float32)


def apart(embeddings: NDArray[np.floating], groups: Sequence[str], neighbours: int, most: int = REFERENCES) -> Floats:
    """The distance of rows to those of other groups, by folds of whole groups: of all, or of `most` at random.

    For embeddings by a trunk that learnt nothing of them. Empty with fewer than two groups.
    """
    rows = np.sort(np.random.default_rng(0).permutation(len(embeddings))[:most])
    mine, known = folds([groups[row] for row in rows]), unit(embeddings[rows])
    numbers = np.unique(mine)
    if len(numbers) < 2:
        return np.empty(0, dtype=np.float32)
    return np.concatenate([distances(known[mine == one], known[mine != one], neighbours) for one in numbers])


def pick(embeddings: NDArray[np.floating], targets: NDArray[np.intp], most: int, seed: int) -> Floats:
    """At most `most` reference rows, spread evenly over the classes, unit length."""
    rng = np.random.default_rng(seed)
    share = max(1, most // len(np.unique(targets)))
    chosen = [rng.permutation(np.flatnonzero(targets == target))[:share] for target in np.unique(targets)]
    return unit(embeddings[np.concatenate(chosen)])
