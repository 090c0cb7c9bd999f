"""How many points a p-chart draws, on average, before chance alone gives a signal of rule 1."""

from collections.abc import Iterable
from math import ceil, exp, floor, inf, lgamma, log, log1p

from inspections.spc.limits import EDGE, p_limits


def p_chart(centre: float, judged: int, sigma_z: float = 1.0) -> float:
    """Exact: one by the binomial probability of a count beyond the limits. inf where none can be.

    The normal theory's 370 is far off for small counts: with p̄ .02 and n 200 it is 134.
    """
    limits = p_limits(centre, [judged], sigma_z)
    least = floor(float(limits.upper[0]) * judged + EDGE) + 1
    most = ceil(float(limits.lower[0]) * judged - EDGE) - 1
    alarms = _tail(range(most, -1, -1), judged, centre) + _tail(range(least, judged + 1), judged, centre)
    return 1 / alarms if alarms > 0 else inf


def _tail(counts: Iterable[int], judged: int, centre: float) -> float:
    """The chance of any of these, which lead away from the centre: as far as they add anything, because a subgroup may
    hold a million captures."""
    found = 0.0
    for count in counts:
        more = _chance(count, judged, centre)
        found += more
        if 0 < centre < 1 and more <= 1e-16 * found:
            break
    return found


def _chance(x: int, judged: int, centre: float) -> float:
    """Of exactly x, for a centre between 0 and 1."""
    if not 0 < centre < 1:
        return float(x == round(centre) * judged)
    ways = lgamma(judged + 1) - lgamma(x + 1) - lgamma(judged - x + 1)
    return exp(ways + x * log(centre) + (judged - x) * log1p(-centre))
