"""Intervals by bootstrap over sources or rolls: images of one source are alike, so it is sources that are drawn again.

The plain percentile bootstrap (Efron and Tibshirani 1993, chapter 13), drawn by group (Davison and Hinkley 1997, 3.8).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Statistic = Callable[[Floats], Floats]  # weights of rows (D, N) to figures (D, ...), NaN where there is none

DRAWS = 1000
LEVEL = 0.95
CELLS = 1 << 22  # weights held at a time: 32 MB


def interval(statistic: Statistic, groups: Sequence[str], draws: int = DRAWS, seed: int = 0) -> Floats | None:
    """The 95 % percentile interval (2, ...) of a statistic of row weights; `groups` (N,) names each row's source.

    NaN where a figure has none in any draw. None without draws, or with fewer than two groups, which say nothing of the
    next one.
    """
    if not draws or len(set(groups)) < 2:
        return None
    drawn = np.concatenate([statistic(weights) for weights in row_weights(groups, draws, seed)])
    return bounds(drawn)


def bounds(drawn: Floats, level: float = LEVEL) -> Floats:
    """The middle `level` of draws (D, ...) as (2, ...), leaving out draws that are NaN."""
    flat = drawn.reshape(len(drawn), -1)
    ends = np.full((2, flat.shape[1]), np.nan)
    for column in range(flat.shape[1]):
        known = flat[~np.isnan(flat[:, column]), column]
        if len(known):
            ends[:, column] = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return ends.reshape(2, *drawn.shape[1:])


def row_weights(groups: Sequence[str], draws: int, seed: int) -> Iterator[Floats]:
    """How often each row counts in each draw, (D, N) a piece: as many groups as there are, drawn with replacement."""
    names, group = np.unique(np.asarray(groups), return_inverse=True)
    rng = np.random.default_rng(seed)
    step = max(1, CELLS // len(group))
    for start in range(0, draws, step):
        size = min(step, draws - start)
        counts = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=size)
        yield counts[:, group].astype(np.float64)
