"""Do counts spread as chance makes them spread? The index of dispersion against the binomial.

X² = Σ (x - n p̄)² / (n p̄ (1 - p̄)) has a chi-square distribution with m - 1 degrees of freedom where each count is
binomial with one and the same p (Fisher's index of dispersion; Cochran, Biometrics 10, 1954, pp. 417-451; Potthoff and
Whittinghill, Biometrika 53, 1966, pp. 167-182). It says that there is more spread, σ_Z says of what kind: neighbouring
subgroups that jump apart (σ_Z well above 1) are what Laney's p' is for; a level that moved leaves neighbours alike.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike

from inspections.spc.gamma import upper
from inspections.spc.limits import p_limits, pooled, sigma_z, standardised

SURE = 0.01  # the test's level
MUCH = 1.2  # σ_Z, or times the spread of chance, below which wider limits would change nothing


@dataclass(frozen=True)
class Dispersion:
    """`ratio`: the subgroups' spread by the spread that chance gives, √(X²/(m - 1)). `sigma_z`: of neighbours alone."""

    subgroups: int
    chi_square: float
    ratio: float
    p_value: float  # that chance alone gives so much spread or more
    sigma_z: float

    @property
    def is_over(self) -> bool:
        return self.p_value < SURE and self.ratio >= MUCH

    @property
    def suggests_laney(self) -> bool:
        """More spread than chance, and from one subgroup to the next, so that wider limits are honest."""
        return self.is_over and self.sigma_z >= MUCH

    @property
    def moved(self) -> bool:
        """More spread than chance, but neighbours are alike: the level moved, and no limits are right for all of it."""
        return self.is_over and self.sigma_z < MUCH


def dispersion(counts: ArrayLike, judged: ArrayLike) -> Dispersion | None:
    """None with fewer than two subgroups, and where all or none was counted: nothing can spread there."""
    found, of = np.asarray(counts, dtype=np.float64), np.asarray(judged, dtype=np.float64)
    if found.size < 2:
        return None
    centre = pooled(found, of)
    if not 0 < centre < 1:
        return None
    z = standardised(found / of, p_limits(centre, of))
    chi_square, freedom = float(z @ z), found.size - 1
    p_value = upper(freedom / 2, chi_square / 2)
    return Dispersion(found.size, chi_square, sqrt(chi_square / freedom), p_value, sigma_z(z))
