"""Approximate search over many embeddings: a graph of near neighbours (HNSW, Malkov and Yashunin 2016) by usearch.

It holds embeddings in eight bits a figure and tells rows; the distances of these are then measured exactly. The library
is imported where it is used: only large mills need it.
"""

from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from inspections.look_alikes.table import ONE, Floats

CONNECTIONS, EFFORT = 16, 64  # neighbours a row; how widely it is looked around while a row is added
LOOKED_AT = 600  # candidates that a search keeps at least: with 128 it found 0.96 of the ten nearest among 500 000
AT_ONCE = 10_000


class Graph(Protocol):
    def search(self, vectors: NDArray[Any], count: int) -> Any: ...


def _new(size: int) -> Any:
    from usearch.index import Index

    return Index(ndim=size, metric="ip", dtype="i8", connectivity=CONNECTIONS, expansion_add=EFFORT)


def build(embeddings: NDArray[np.int16], path: Path) -> None:
    """Write the graph of a table's rows (N, D) to this file, in one thread."""
    index = _new(embeddings.shape[1])
    for start in range(0, len(embeddings), AT_ONCE):
        some = embeddings[start : start + AT_ONCE].astype(np.float32) / np.float32(ONE)
        index.add(np.arange(start, start + len(some), dtype=np.uint64), some, threads=1)
    index.save(str(path))


def opened(path: Path, size: int) -> Graph:
    """Mapped, not read."""
    index = _new(size)
    index.view(str(path))
    found: Graph = index
    return found


def likely(index: Any, queries: Floats, count: int) -> NDArray[np.intp]:
    """Rows that are likely among the `count` nearest of one of the unit queries (q, D); each once."""
    index.expansion_search = max(LOOKED_AT, 4 * count)
    found = index.search(queries, count, threads=1)
    return np.unique(np.asarray(found.keys, dtype=np.intp))
