"""Control limits of attribute charts: p, u and Laney's p'.

Arrays have one entry for each subgroup, oldest first, shape (m,). Formulas: Montgomery, Introduction to Statistical
Quality Control (7th ed.), chapter 7; Laney, Quality Engineering 14(4), 2002, as Minitab computes it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

SIGMAS = 3.0
EDGE = 1e-9  # what is on a limit but for rounding is on it, not beyond: of counts, rates and standard deviations
D2 = 1.128  # the mean range of two normal values, in standard deviations

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Limits:
    """`sigma`: one subgroup's standard deviation, Laney's factor included. All but the centre have shape (m,)."""

    centre: float
    sigma: Floats
    lower: Floats
    upper: Floats


def pooled(counts: ArrayLike, judged: ArrayLike) -> float:
    """The centre line: all that was counted by all that was judged (or by all the area). ValueError where that is 0."""
    total = float(np.sum(judged))
    if total <= 0:
        raise ValueError("nothing was judged")
    return float(np.sum(counts)) / total


def p_limits(centre: float, judged: ArrayLike, sigma_z: float = 1.0, sigmas: float = SIGMAS) -> Limits:
    """p̄ ± 3 σ_Z √(p̄(1-p̄)/n), within 0 and 1. With σ_Z = 1 a p-chart, else Laney's p'."""
    sigma = sigma_z * np.sqrt(centre * (1 - centre) / _above_zero(judged))
    lower, upper = centre - sigmas * sigma, centre + sigmas * sigma
    return Limits(centre, sigma, np.clip(lower, 0.0, 1.0), np.clip(upper, 0.0, 1.0))


def u_limits(centre: float, area: ArrayLike, sigma_z: float = 1.0, sigmas: float = SIGMAS) -> Limits:
    """ū ± 3 √(ū/a), not below 0: counts that may be more than one a unit. `area` in the unit of ū."""
    sigma = sigma_z * np.sqrt(centre / _above_zero(area))
    lower, upper = centre - sigmas * sigma, centre + sigmas * sigma
    return Limits(centre, sigma, np.maximum(lower, 0.0), upper)


def standardised(values: ArrayLike, limits: Limits) -> Floats:
    """z = (value - centre)/σ. Where σ is 0 (a centre of 0 or 1) nothing spreads: on the centre 0, off it ±inf."""
    apart = np.asarray(values, dtype=np.float64) - limits.centre
    with np.errstate(divide="ignore", invalid="ignore"):
        z = apart / limits.sigma
    return np.where((limits.sigma == 0) & (apart == 0), 0.0, z)


def sigma_z(z: ArrayLike) -> float:
    """Laney's σ_Z: the mean moving range of plain z-values by 1.128. ValueError with fewer than two."""
    values = np.asarray(z, dtype=np.float64)
    if values.size < 2:
        raise ValueError("a moving range needs two subgroups")
    return float(np.abs(np.diff(values)).mean() / D2)


def _above_zero(amounts: ArrayLike) -> Floats:
    found = np.asarray(amounts, dtype=np.float64)
    if (found <= 0).any():
        raise ValueError("a subgroup of nothing has no limits")
    return found
