"""Statistical process control as pure functions: numpy in, numbers out. They know no SQL and no Django."""

from inspections.spc.dispersion import Dispersion, dispersion
from inspections.spc.limits import SIGMAS, Limits, p_limits, pooled, sigma_z, standardised, u_limits
from inspections.spc.rules import alternating, beyond, of_set, one_side, trending
from inspections.spc.sums import Cusum, cusum, ewma, ewma_width

__all__ = [
    "SIGMAS",
    "Cusum",
    "Dispersion",
    "Limits",
    "alternating",
    "beyond",
    "cusum",
    "dispersion",
    "ewma",
    "ewma_width",
    "of_set",
    "one_side",
    "p_limits",
    "pooled",
    "sigma_z",
    "standardised",
    "trending",
    "u_limits",
]
