"""The beta distribution against scipy, and against what is known in closed form."""

import pytest

from inspections.beta import cumulative, quantile

SHAPES = [(1.0, 1.0), (0.5, 0.5), (1.0, 30.0), (3.7, 211.4), (20.0, 5.0), (0.02, 400.0), (900.0, 90_000.0), (2e5, 3e5)]


@pytest.mark.parametrize("x", [0.0, 0.1, 0.5, 0.97, 1.0])
def test_a_flat_beta_is_its_own_argument(x: float) -> None:
    assert cumulative(1, 1, x) == pytest.approx(x)


def test_the_upper_end_of_nothing_found_has_a_closed_form() -> None:
    assert quantile(1, 30, 0.975) == pytest.approx(1 - 0.025 ** (1 / 30), rel=1e-12)


def test_a_shape_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="above zero"):
        cumulative(0, 3, 0.5)


@pytest.mark.parametrize(("a", "b"), SHAPES)
def test_it_is_what_scipy_says(a: float, b: float) -> None:
    special = pytest.importorskip("scipy.special")
    for q in (0.001, 0.025, 0.3, 0.5, 0.8, 0.975, 0.9999):
        x = special.betaincinv(a, b, q)
        if x > 1e-250:
            assert quantile(a, b, q) == pytest.approx(x, rel=1e-9)
            assert cumulative(a, b, x) == pytest.approx(special.betainc(a, b, x), rel=1e-9)
