"""What to label next: the images whose labels would teach a model most. Pure numpy; a list is the same for one `rng`.

Three parts, mixed evenly, so that whoever stops early has labelled some of each:

- 60 % where the model hesitates: the smallest margins p1 - p2 (Scheffer, Decomain and Wrobel, IDA 2001), thinned to
  images that are unlike each other and unlike what is labelled, by the greedy k-centre core-set on embeddings (Sener
  and Savarese, ICLR 2018), because the smallest margins alone are often one flaw many times.
- 20 % that are farthest from all that is labelled: what the model has never been told of.
- 20 % at random from what the model passed: what it is wrongly sure of is found by nothing else.

Without any predictions: the core-set over everything, and the random part.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from heapq import merge

import numpy as np
from numpy.typing import NDArray

from ml.novelty import unit

Floats = NDArray[np.float32]
Rows = NDArray[np.intp]

NOVELTY = 0.2
RANDOM = 0.2
WIDER = 4  # margins looked at for each one taken
BLOCK = 4096  # rows compared at a time


class Why(StrEnum):
    MARGIN = "margin"
    NOVELTY = "novelty"
    RANDOM = "random"
    SPREAD = "spread"


@dataclass(frozen=True)
class Pick:
    """`index` into the candidates. margin: p1 - p2, None without predictions. distance: to the nearest labelled one,
    Euclidean on unit embeddings (0 to 2), None where nothing is labelled."""

    index: int
    why: Why
    margin: float | None
    distance: float | None


def pick(
    embeddings: NDArray[np.floating],
    probabilities: NDArray[np.floating] | None,
    passed: NDArray[np.bool_],
    labelled: NDArray[np.floating],
    count: int,
    rng: np.random.Generator,
) -> list[Pick]:
    """Up to `count` of N candidates, best first.

    embeddings (N, D), probabilities (N, K) or None, NaN rows where the model gave no numbers; passed (N,): the model
    let it through. labelled (M, D): embeddings of what has a label; M may be 0.
    """
    rows = unit(embeddings)
    near = likeness(rows, unit(labelled))
    margins = None if probabilities is None else margin(probabilities)
    count = min(count, len(rows))
    free = np.ones(len(rows), dtype=bool)
    parts: dict[Why, Rows] = {}
    parts[Why.RANDOM] = _drawn(np.flatnonzero(passed), round(RANDOM * count), rng)
    _take(free, parts[Why.RANDOM])
    rest = count - len(parts[Why.RANDOM])
    if margins is None:
        parts[Why.SPREAD] = spread(rows, near, np.flatnonzero(free), rest)
    else:
        parts |= _by_model(rows, near, margins, free, rest, round(NOVELTY * count))
    return [
        Pick(index, why, _number(margins, index), None if not len(labelled) else _distance(near[index]))
        for why, index in _mixed(parts)
    ]


def _by_model(
    rows: Floats, near: Floats, margins: Floats, free: NDArray[np.bool_], count: int, novel: int
) -> dict[Why, Rows]:
    known = np.flatnonzero(free & np.isfinite(margins))
    wanted = min(count - novel, len(known))
    closest = known[np.argsort(margins[known], kind="stable")[: WIDER * wanted]]
    unsure = spread(rows, near, closest, wanted)
    _take(free, unsure)
    beside = np.maximum(near, likeness(rows, rows[unsure]))
    far = spread(rows, beside, np.flatnonzero(free), count - len(unsure))
    return {Why.MARGIN: unsure, Why.NOVELTY: far}


def margin(probabilities: NDArray[np.floating]) -> Floats:
    """p1 - p2 (N,) of (N, K); NaN where there are no numbers; 1 for one class alone."""
    table = np.asarray(probabilities, dtype=np.float32)
    if table.shape[1] < 2:
        return np.ones(len(table), dtype=np.float32)
    highest = np.partition(table, table.shape[1] - 2, axis=1)[:, -2:]
    return np.asarray(highest[:, 1] - highest[:, 0], dtype=np.float32)


def likeness(rows: Floats, others: Floats) -> Floats:
    """The greatest cosine (N,) of each unit row to any of the others; -1 where there are none."""
    found = np.full(len(rows), -1.0, dtype=np.float32)
    if len(others):
        for start in range(0, len(rows), BLOCK):
            found[start : start + BLOCK] = (rows[start : start + BLOCK] @ others.T).max(axis=1)
    return found


def spread(rows: Floats, near: Floats, among: Rows, count: int) -> Rows:
    """`count` of the rows `among`, each the farthest from what is labelled and from those taken before it.

    near (N,): the greatest cosine to what is labelled. Where nothing is, the first is the most central one.
    """
    count = min(count, len(among))
    inside, close = rows[among], near[among].copy()
    taken = np.empty(count, dtype=np.intp)
    for place in range(count):
        first = place == 0 and bool((close <= -1).all())
        chosen = int((inside @ inside.mean(axis=0)).argmax()) if first else int(close.argmin())
        taken[place] = chosen
        close = np.maximum(close, inside @ inside[chosen])
        close[taken[: place + 1]] = np.inf
    return among[taken]


def _drawn(among: Rows, count: int, rng: np.random.Generator) -> Rows:
    return np.asarray(rng.permutation(among)[:count])


def _take(free: NDArray[np.bool_], rows: Rows) -> None:
    free[rows] = False


def _mixed(parts: dict[Why, Rows]) -> Iterator[tuple[Why, int]]:
    """Evenly: each part's k-th of n comes at the place (k + 1/2) / n."""
    placed: Sequence[list[tuple[float, Why, int]]] = [
        [((number + 0.5) / len(rows), why, int(row)) for number, row in enumerate(rows)] for why, rows in parts.items()
    ]
    for _, why, row in merge(*placed):
        yield why, row


def _number(values: Floats | None, index: int) -> float | None:
    return None if values is None or not np.isfinite(values[index]) else float(values[index])


def _distance(cosine: np.float32) -> float:
    return float(np.sqrt(max(2 - 2 * float(cosine), 0.0)))
