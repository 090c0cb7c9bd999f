"""Embeddings in rows, and which of them lie nearest to a query. Pure numpy: exact, and block by block."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
ONE = 32767
BLOCK = 4096  # rows turned to float32 at a time: 8 MB at 512 figures, which stays in a core's cache
KEY = np.dtype((np.void, 16))


@dataclass(frozen=True)
class Table:
    """N captures as one version embedded them: keys void16 (N,), lines int32 (N,), times int64 (N,) in seconds since
    1970, embeddings int16 (N, D) of unit length.

    32767 is 1: as fine as half precision at these lengths, as small, and turned to float32 twenty times as fast.
    """

    keys: NDArray[np.void]
    lines: NDArray[np.int32]
    times: NDArray[np.int64]
    embeddings: NDArray[np.int16]

    def __len__(self) -> int:
        return len(self.keys)

    @classmethod
    def empty(cls, size: int) -> Table:
        return cls(np.empty(0, KEY), np.empty(0, np.int32), np.empty(0, np.int64), np.empty((0, size), np.int16))

    def uuid(self, row: int) -> UUID:
        return UUID(bytes=self.keys[row].tobytes())

    def take(self, rows: NDArray[np.intp]) -> Table:
        return Table(self.keys[rows], self.lines[rows], self.times[rows], self.embeddings[rows])

    def where(self, since: float | None, line_ids: Collection[int] | None) -> NDArray[np.bool_] | None:
        """The rows that may be found (N,); None where all may."""
        if since is None and line_ids is None:
            return None
        found = np.ones(len(self), dtype=np.bool_)
        if since is not None:
            found &= self.times >= since
        if line_ids is not None:
            found &= np.isin(self.lines, np.fromiter(line_ids, np.int32))
        return found


def joined(parts: Sequence[Table]) -> Table:
    """One table after the other; at least one."""
    return Table(
        np.concatenate([part.keys for part in parts]),
        np.concatenate([part.lines for part in parts]),
        np.concatenate([part.times for part in parts]),
        np.concatenate([part.embeddings for part in parts]),
    )


def unit(embeddings: NDArray[np.floating]) -> Floats:
    """Rows (N, D) at length 1; NaN where a row is no direction: all zeros, or not finite."""
    rows = np.asarray(embeddings, dtype=np.float32)
    with np.errstate(invalid="ignore", over="ignore"):
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    usable = np.isfinite(lengths) & (lengths > 1e-6)
    return np.where(usable, rows / np.where(usable, lengths, 1), np.nan).astype(np.float32)


def packed(embeddings: Floats) -> NDArray[np.int16]:
    """Unit rows (N, D) as a table keeps them."""
    return np.rint(embeddings * ONE).astype(np.int16)


def to_nearest(embeddings: NDArray[np.int16], queries: Floats, rows: NDArray[np.intp] | None = None) -> Floats:
    """Euclidean distance (N,), 0 to 2, of unit rows (N, D) to the nearest of unit queries (q, D); `rows`: of these."""
    count = len(embeddings) if rows is None else len(rows)
    found = np.empty(count, dtype=np.float32)
    transposed = np.ascontiguousarray(queries.T) / np.float32(ONE)
    for start in range(0, count, BLOCK):
        part = slice(start, start + BLOCK)
        block = embeddings[part] if rows is None else embeddings[rows[part]]
        found[part] = (block.astype(np.float32) @ transposed).max(axis=1)
    return np.asarray(np.sqrt(np.maximum(2 - 2 * found, 0)), dtype=np.float32)


def measured(embeddings: NDArray[np.int16], queries: Floats) -> Floats:
    """The same of few rows (n, D), by differences: rounding blurs a product near 1, and so a distance near 0."""
    rows = unit(embeddings.astype(np.float32))
    return np.asarray(np.stack([np.linalg.norm(rows - query, axis=1) for query in queries]).min(axis=0), np.float32)


def smallest(distances: Floats, most: int) -> NDArray[np.intp]:
    """The places of the `most` smallest, nearest first; of equal ones the earlier."""
    if most < len(distances):
        edge = np.partition(distances, most - 1)[most - 1]
        places = np.flatnonzero(distances <= edge)
    else:
        places = np.arange(len(distances))
    return np.asarray(places[np.argsort(distances[places], kind="stable")][:most])
