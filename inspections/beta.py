"""The beta distribution, as far as exact binomial intervals need it: its distribution function and the inverse.

The continued fraction is the modified Lentz form of Press et al., Numerical Recipes (3rd ed.), section 6.4; it takes
about sqrt(max(a, b)) terms. Written here because scipy is no part of what runs in the mill.
"""

from functools import lru_cache
from math import exp, inf, lgamma, log, log1p, sqrt

EPSILON = 1e-14
NEAR = 1e-10
TINY = 1e-300
MOST_TERMS = 100_000
MOST_STEPS = 200


def cumulative(a: float, b: float, x: float) -> float:
    """P(X <= x) of a beta variable with shapes a > 0 and b > 0: the regularised incomplete beta function."""
    if a <= 0 or b <= 0:
        raise ValueError(f"shapes must be above zero: {a}, {b}")
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    front = exp(_log_density(a, b, x) + log(x) + log1p(-x))
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(a, b, x) / a
    return 1.0 - front * _fraction(b, a, 1 - x) / b


@lru_cache(maxsize=20_000)
def quantile(a: float, b: float, q: float) -> float:
    """The x with P(X <= x) = q: Newton's steps from a near beginning, and a bisection wherever one would leave the
    bracket. Steps shrink by their square, so that after one below NEAR the next would change nothing. Kept, because a
    page that looks again asks for the weeks that are over once more."""
    if q <= 0:
        return 0.0
    if q >= 1:
        return 1.0
    low, high = 0.0, 1.0
    x = _beginning(a, b, q)
    for _ in range(MOST_STEPS):
        error = cumulative(a, b, x) - q
        low, high = (low, x) if error > 0 else (x, high)
        step = _newton(a, b, x, error)
        following = x - step if low < x - step < high else _between(low, high)
        if abs(following - x) <= NEAR * following:
            return following
        x = following
    return x


def _beginning(a: float, b: float, q: float) -> float:
    """Abramowitz and Stegun, Handbook of Mathematical Functions, 26.5.22 with 26.2.22; the mean where it holds not."""
    mean = a / (a + b)
    if a <= 1 or b <= 1:
        return mean
    tail = sqrt(-2 * log(min(q, 1 - q)))
    normal = tail - (2.30753 + 0.27061 * tail) / (1 + tail * (0.99229 + 0.04481 * tail))
    normal = normal if q < 0.5 else -normal  # above which q of a normal variable lie, its sign turned
    of_a, of_b = 1 / (2 * a - 1), 1 / (2 * b - 1)
    harmonic, part = 2 / (of_a + of_b), (normal**2 - 3) / 6
    if harmonic + part <= 0:
        return mean
    wide = normal * sqrt(harmonic + part) / harmonic - (of_b - of_a) * (part + 5 / 6 - 2 / (3 * harmonic))
    return a / (a + b * exp(min(2 * wide, 500.0)))


def _newton(a: float, b: float, x: float, error: float) -> float:
    try:
        return error * exp(-_log_density(a, b, x))
    except OverflowError:
        return inf


def _between(low: float, high: float) -> float:
    """The geometric mean where both ends are known, so that a quantile of 1e-9 takes few steps too."""
    return sqrt(low * high) if low > 0 else high / 16 if high < 0.1 else high / 2


def _log_density(a: float, b: float, x: float) -> float:
    return lgamma(a + b) - lgamma(a) - lgamma(b) + (a - 1) * log(x) + (b - 1) * log1p(-x)


def _fraction(a: float, b: float, x: float) -> float:
    c, d = 1.0, 1.0 / _away(1.0 - (a + b) * x / (a + 1))
    found = d
    for term in range(1, MOST_TERMS):
        even = term * (b - term) * x / ((a + 2 * term - 1) * (a + 2 * term))
        odd = -(a + term) * (a + b + term) * x / ((a + 2 * term) * (a + 2 * term + 1))
        for factor in (even, odd):
            d = 1.0 / _away(1.0 + factor * d)
            c = _away(1.0 + factor / c)
            found *= c * d
        if abs(c * d - 1.0) < EPSILON:
            return found
    raise ArithmeticError(f"the fraction of {a}, {b}, {x} did not settle")


def _away(value: float) -> float:
    """Lentz's guard: never divide by nothing."""
    return value if abs(value) > TINY else TINY
