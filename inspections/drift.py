"""Drift: how far recent values have moved from a reference, as the population stability index.

Pure functions; they know no SQL and no Django. PSI = sum over the bins of (q - p) ln(q / p), p the reference's share of
a bin and q the recent one's (Siddiqi, Credit Risk Scorecards, 2006; 0.1 and 0.25 are its convention). Bins are the
reference's tenths. Two samples of one and the same distribution have about (B - 1)(1/N + 1/M) of it, because B - 1
degrees of freedom are left to chance; that much is taken off before it is read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

BINS = 10
LEAST = 1000  # values on each side; below, it is noise and nothing is said
SOME, MUCH = 0.1, 0.25
FIRST = timedelta(days=3)  # of the version in force: the reference, as far as it lies before what is recent
RECENT = timedelta(days=1)
SMOOTHING = 0.5  # of an image in each bin, so that an empty one gives no infinity


@dataclass(frozen=True)
class Drift:
    """`psi` as it is defined, `chance` what two samples of one distribution would have; both None with too few."""

    reference: int
    recent: int
    psi: float | None = None
    chance: float | None = None

    @property
    def beyond_chance(self) -> float | None:
        """What is read: 0.1 is some, 0.25 is much."""
        return None if self.psi is None or self.chance is None else max(self.psi - self.chance, 0.0)


def drift(reference: Sequence[float], recent: Sequence[float]) -> Drift:
    """Of two samples of finite values, in any order."""
    before, now = np.asarray(reference, dtype=np.float64), np.asarray(recent, dtype=np.float64)
    if min(before.size, now.size) < LEAST:
        return Drift(before.size, now.size)
    edges = edges_of(before)
    first, second = _counts(before, edges), _counts(now, edges)
    used = (first + second) > 0
    chance = (int(used.sum()) - 1) * (1 / before.size + 1 / now.size)
    return Drift(before.size, now.size, psi(first[used], second[used]), chance)


def psi(reference: NDArray[np.int64], recent: NDArray[np.int64]) -> float:
    """From the counts of the same bins, (B,) each."""
    p, q = (
        (counts + SMOOTHING) / (counts.sum() + SMOOTHING * counts.size)
        for counts in (reference.astype(np.float64), recent.astype(np.float64))
    )
    return float(((q - p) * np.log(q / p)).sum())


def edges_of(reference: NDArray[np.float64]) -> NDArray[np.float64]:
    """The inner edges of BINS bins; a bin ends with its edge. A value that fills a tenth by itself gets its own bin."""
    tenths = np.quantile(reference, np.arange(1, BINS) / BINS, method="inverted_cdf")
    alone = tenths[1:][np.diff(tenths) == 0]
    return np.unique(np.concatenate([tenths, np.nextafter(alone, -np.inf)]))


def _counts(values: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.bincount(np.searchsorted(edges, values, side="left"), minlength=edges.size + 1).astype(np.int64)
