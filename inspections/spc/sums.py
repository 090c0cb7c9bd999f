"""Charts with a memory, on standardised values: EWMA and CUSUM. They see small lasting shifts that a p-chart does not.

`z` has shape (..., m), oldest first: other axes are series of their own. Montgomery, Introduction to Statistical
Quality Control (7th ed.), chapter 9: EWMA (9.2) with exact limits, tabular two-sided CUSUM (9.1).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inspections.spc.limits import Floats

WEIGHT, WIDTH = 0.2, 3.0  # lambda 0.2 to 0.3, L 3
SLACK, DECISION = 0.5, 5.0  # k 0.5, h 4 to 5


def ewma(z: Floats, weight: float = WEIGHT) -> Floats:
    """zᵢ' = λ zᵢ + (1 - λ) zᵢ₋₁', begun at 0."""
    found = np.empty_like(z, dtype=np.float64)
    before = np.zeros(z.shape[:-1])
    for place in range(z.shape[-1]):
        before = weight * z[..., place] + (1 - weight) * before
        found[..., place] = before
    return found


def ewma_width(points: int, weight: float = WEIGHT, width: float = WIDTH) -> Floats:
    """Half the distance of the limits at each of the first `points`: L √(λ/(2-λ)·[1-(1-λ)^{2i}]), shape (points,)."""
    left = (1 - weight) ** (2 * np.arange(1, points + 1))
    found: Floats = width * np.sqrt(weight / (2 - weight) * (1 - left))
    return found


@dataclass(frozen=True)
class Cusum:
    """The upper and the lower sum, both >= 0, shape (..., m). They signal above the decision interval h."""

    high: Floats
    low: Floats


def cusum(z: Floats, slack: float = SLACK, decision: float = DECISION) -> Cusum:
    """C⁺ = max(0, C⁺ + z - k) and C⁻ = max(0, C⁻ - z - k).

    What is carried on never exceeds h: after a signal the sum says at once when the shift is over, where it would
    otherwise go on for as long again. Up to the first signal nothing differs from the tabular form.
    """
    return Cusum(_sum(z, slack, decision), _sum(-z, slack, decision))


def _sum(z: Floats, slack: float, decision: float) -> Floats:
    found = np.empty_like(z, dtype=np.float64)
    carried: NDArray[np.float64] = np.zeros(z.shape[:-1])
    for place in range(z.shape[-1]):
        now = np.maximum(0.0, carried + z[..., place] - slack)
        found[..., place] = now
        carried = np.minimum(now, decision)
    return found
