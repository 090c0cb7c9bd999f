"""The regularised upper incomplete gamma function, as far as a chi-square test needs it.

Series and continued fraction of Press et al., Numerical Recipes (3rd ed.), section 6.2. Written here because scipy is
no part of what runs in the mill.
"""

from math import exp, lgamma, log

EPSILON = 1e-15
TINY = 1e-300
MOST_TERMS = 100_000


def upper(a: float, x: float) -> float:
    """Q(a, x) for a > 0: with a = k/2 and x = X²/2, P(a chi-square of k degrees of freedom >= X²)."""
    if a <= 0:
        raise ValueError(f"the shape must be above zero: {a}")
    if x <= 0:
        return 1.0
    front = exp(a * log(x) - x - lgamma(a))
    return 1.0 - front * _series(a, x) if x < a + 1 else front * _fraction(a, x)


def _series(a: float, x: float) -> float:
    term = total = 1.0 / a
    for step in range(1, MOST_TERMS):
        term *= x / (a + step)
        total += term
        if term < total * EPSILON:
            return total
    raise ArithmeticError(f"the series of {a}, {x} did not settle")


def _fraction(a: float, x: float) -> float:
    b = x + 1 - a
    c, d = 1 / TINY, 1 / b
    found = d
    for step in range(1, MOST_TERMS):
        part = -step * (step - a)
        b += 2
        d = 1 / _away(part * d + b)
        c = _away(b + part / c)
        found *= c * d
        if abs(c * d - 1) < EPSILON:
            return found
    raise ArithmeticError(f"the fraction of {a}, {x} did not settle")


def _away(value: float) -> float:
    """Lentz's guard: never divide by nothing."""
    return value if abs(value) > TINY else TINY
