"""What cloth looks like before any network sees it: its spectrum. Pure numpy.

A network taught to tell defects apart learns to ignore what cloth it is, so its embedding hardly tells steel from
cloth. The power spectrum does: yarns set lines in it, and a lens and a grid of pixels set how it falls.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ml.preprocess import grey

Floats = NDArray[np.float32]

WINDOW = 32  # pixels; windows overlap by half, and at most MOST a side
MOST = 4
EDGES = (0.02, 0.05, 0.08, 0.12, 0.17, 0.23, 0.3, 0.38, 0.5, 0.71)  # of the rings of the spectrum, cycles a pixel
LINES_FROM = 2  # rings too narrow to hold a line beside a background are left out
SIZE = 2 * (len(EDGES) - 1) - LINES_FROM
FOLDS = 10


def looks(views: NDArray[np.uint8]) -> Floats:
    """(n, SIZE) for views (n, H, W, C): log power in rings of the spectrum, then how far a line stands out in each.

    The spectrum is the mean over Hann windows (Welch 1967), in grey levels squared and a floor of 1. A line is the
    second strongest place of a ring over the ring's mean, in logarithms: the strongest may be chance.
    """
    power = np.stack([_power(view) for view in grey(views)])  # (n, places)
    rings = [power[:, mine] for mine in _rings()]
    means = np.stack([ring.mean(axis=1) for ring in rings], axis=1)
    seconds = np.stack([np.partition(ring, -2, axis=1)[:, -2] for ring in rings[LINES_FROM:]], axis=1)
    return np.concatenate([np.log(means), np.log(seconds / means[:, LINES_FROM:])], axis=1).astype(np.float32)


def nearest(features: Floats, reference: Floats, neighbours: int) -> Floats:
    """Mean distance (n,) of looks to their nearest references (M, SIZE), in standard deviations of the references."""
    spread = np.maximum(reference.std(axis=0), 1e-3)
    known, asked = reference / spread, features / spread
    squares = (asked**2).sum(axis=1)[:, None] + (known**2).sum(axis=1) - 2 * asked @ known.T
    count = min(neighbours, len(known))
    least = np.partition(np.maximum(squares, 0), count - 1, axis=1)[:, :count]
    return np.asarray(np.sqrt(least).mean(axis=1), dtype=np.float32)


def held_out(features: Floats, groups: Sequence[str], neighbours: int) -> Floats:
    """The distance (n,) of each row to the rows of other groups, by folds of whole groups; two groups at least."""
    fold = folds(groups)
    found = np.empty(len(features), dtype=np.float32)
    for number in np.unique(fold):
        mine = fold == number
        found[mine] = nearest(features[mine], features[~mine], neighbours)
    return found


def folds(groups: Sequence[str]) -> NDArray[np.intp]:
    """Which of FOLDS each row (n,) is in: its group's, dealt at random but always the same."""
    names = np.random.default_rng(0).permutation(sorted(set(groups))).tolist()
    fold = {name: place % FOLDS for place, name in enumerate(names)}
    return np.array([fold[name] for name in groups], dtype=np.intp)


def _power(plane: Floats) -> Floats:
    """Mean power (places,) over the windows of one grey image (H, W)."""
    short = [max(0, WINDOW - side) for side in plane.shape]
    padded = np.pad(plane, [(0, more) for more in short], mode="symmetric")
    rows, columns = (_starts(side) for side in padded.shape)
    cut = np.stack([padded[y : y + WINDOW, x : x + WINDOW] for y in rows for x in columns])
    waves = np.fft.rfft2((cut - cut.mean(axis=(1, 2), keepdims=True)) * _hann())
    return np.asarray((waves.real**2 + waves.imag**2).mean(axis=0).ravel() + 1, dtype=np.float32)


def _starts(side: int) -> list[int]:
    count = min(MOST, 1 + -(-(side - WINDOW) // (WINDOW // 2)))
    return [int(start) for start in np.linspace(0, side - WINDOW, count)]


@cache
def _hann() -> Floats:
    side = np.hanning(WINDOW + 2)[1:-1]
    return np.outer(side, side).astype(np.float32)


@cache
def _rings() -> list[NDArray[np.intp]]:
    """The places of the flattened half spectrum that belong to each ring."""
    radius = np.hypot(np.fft.fftfreq(WINDOW)[:, None], np.fft.rfftfreq(WINDOW)[None]).ravel()
    return [np.flatnonzero((radius >= low) & (radius < high)) for low, high in zip(EDGES, EDGES[1:], strict=False)]
