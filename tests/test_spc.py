"""Control charts as pure functions: vectors of the field, laws that always hold, and run lengths by simulation."""

from collections.abc import Callable
from math import comb, exp, factorial, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspections import spc
from inspections.spc import gamma, run_lengths
from inspections.spc.limits import Floats

LANEY = np.array([12, 18, 25, 9, 30, 14, 22, 8, 27, 15])
THOUSANDS = np.full(10, 1000)

# --- vectors ------------------------------------------------------------------------------------------------------


def test_a_p_chart_of_two_percent_and_two_hundred() -> None:
    found = spc.p_limits(0.02, [200])
    assert found.upper == pytest.approx([0.04970], abs=5e-6)
    assert found.lower == [0.0]


def test_a_u_chart_of_half_a_unit_of_area() -> None:
    found = spc.u_limits(1.8, [0.5])
    assert found.upper == pytest.approx([7.492], abs=5e-4)
    assert found.lower == [0.0]


def test_laneys_vector() -> None:
    centre = spc.pooled(LANEY, THOUSANDS)
    plain = spc.p_limits(centre, THOUSANDS)
    wide = spc.sigma_z(spc.standardised(LANEY / THOUSANDS, plain))
    laney = spc.p_limits(centre, THOUSANDS, wide)
    assert centre == 0.018
    assert wide == pytest.approx(2.788, abs=5e-4)
    assert (plain.lower[0], plain.upper[0]) == pytest.approx((0.00539, 0.03061), abs=5e-6)
    assert (laney.lower[0], laney.upper[0]) == pytest.approx((0.0, 0.05317), abs=5e-6)


def test_an_ewma_by_hand() -> None:
    assert spc.ewma(np.array([1.0, 0.0, -2.0]), 0.2) == pytest.approx([0.2, 0.16, -0.272])
    widths = spc.ewma_width(2, 0.2, 3.0)
    assert widths == pytest.approx([3 * 0.2, 3 * sqrt(0.2**2 + 0.16**2)])


def test_a_cusum_by_hand_says_at_once_when_the_shift_is_over() -> None:
    found = spc.cusum(np.array([3.0, 3.0, 3.0, 3.0, 0.0, -6.0]), slack=0.5, decision=4.0)
    assert found.high == pytest.approx([2.5, 5.0, 6.5, 6.5, 3.5, 0.0])
    assert found.low == pytest.approx([0, 0, 0, 0, 0, 5.5])


@pytest.mark.parametrize(("freedom", "value"), [(1, 3.841459), (10, 18.307038), (100, 124.342113)])
def test_a_chi_square_is_exceeded_once_in_twenty_where_the_tables_say(freedom: int, value: float) -> None:
    assert gamma.upper(freedom / 2, value / 2) == pytest.approx(0.05, abs=1e-7)


def test_the_gamma_function_is_scipys() -> None:
    special = pytest.importorskip("scipy.special")
    for a in (0.5, 1.0, 9.5, 400.0):
        for x in (0.0, 0.01, a / 2, a, 1.5 * a, 4 * a):
            assert gamma.upper(a, x) == pytest.approx(special.gammaincc(a, x), rel=1e-10, abs=1e-300)


# --- laws ---------------------------------------------------------------------------------------------------------

rates = st.floats(0.0, 1.0)
amounts = st.lists(st.integers(1, 100_000), min_size=1, max_size=20)


@given(rates, amounts, st.floats(0.1, 20.0))
def test_a_rates_limits_lie_around_it_and_between_nothing_and_all(
    centre: float, judged: list[int], wide: float
) -> None:
    for make in (spc.p_limits, spc.u_limits):
        found = make(centre, judged, wide)
        assert (found.lower >= 0).all()
        assert (found.lower <= centre).all()
        assert (centre <= found.upper).all()
    assert (spc.p_limits(centre, judged, wide).upper <= 1).all()


@given(rates, amounts, st.floats(0.1, 20.0))
def test_the_more_is_judged_the_nearer_are_the_limits(centre: float, judged: list[int], wide: float) -> None:
    for make in (spc.p_limits, spc.u_limits):
        found = make(centre, sorted(judged), wide)
        assert (np.diff(found.upper) <= 0).all()
        assert (np.diff(found.lower) >= 0).all()


@given(rates, amounts)
def test_without_more_spread_than_chance_laneys_chart_is_the_p_chart(centre: float, judged: list[int]) -> None:
    laney = spc.p_limits(centre, judged, sigma_z=1.0)
    spread = [3 * sqrt(centre * (1 - centre) / n) for n in judged]
    assert laney.lower == pytest.approx([max(0.0, centre - one) for one in spread])
    assert laney.upper == pytest.approx([min(1.0, centre + one) for one in spread])


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(50, 500)), min_size=2, max_size=30))
def test_dispersion_is_none_where_nothing_can_spread_and_else_a_probability(pairs: list[tuple[int, int]]) -> None:
    counts, judged = [count for count, _ in pairs], [of for _, of in pairs]
    found = spc.dispersion(counts, judged)
    if 0 < sum(counts) < sum(judged):
        assert found is not None
        assert 0 <= found.p_value <= 1
    else:
        assert found is None


@pytest.mark.parametrize("bad", [[0], [10, 0], [-1]])
def test_a_subgroup_of_nothing_has_no_limits(bad: list[int]) -> None:
    with pytest.raises(ValueError, match="nothing"):
        spc.p_limits(0.1, bad)
    with pytest.raises(ValueError, match="nothing"):
        spc.u_limits(0.1, bad)


def test_where_nothing_spreads_whatever_is_off_the_centre_is_beyond_every_limit() -> None:
    z = spc.standardised([0.0, 0.1], spc.p_limits(0.0, [50, 50]))
    assert list(spc.beyond(z)) == [0, 1]


def test_one_subgroup_has_no_moving_range() -> None:
    with pytest.raises(ValueError, match="two subgroups"):
        spc.sigma_z([1.0])
    with pytest.raises(ValueError, match="nothing was judged"):
        spc.pooled([], [])


# --- rules --------------------------------------------------------------------------------------------------------

RULES = spc.of_set(is_western=False)


def signs(number: int, z: list[float], *, is_western: bool = False) -> list[int]:
    return list(spc.of_set(is_western)[number](np.array(z, dtype=np.float64)))


def test_rule_1_is_one_point_beyond_three_sigma() -> None:
    assert signs(1, [3.0, 3.01, -3.0, -3.01]) == [0, 1, 0, -1]


def test_rule_2_counts_nine_on_a_side_for_nelson_and_eight_for_western_electric() -> None:
    assert signs(2, [0.5] * 10) == [0] * 8 + [1, 1]
    assert signs(2, [-0.5] * 10, is_western=True) == [0] * 7 + [-1] * 3
    assert signs(2, [0.5] * 5 + [0.0] + [0.5] * 5) == [0] * 11


def test_a_point_on_its_limit_but_for_rounding_is_not_beyond_it() -> None:
    limits = spc.p_limits(0.02, [441, 441])  # 0.02 - 3 sigma is 0 exactly
    assert list(spc.beyond(spc.standardised([0.0, 18 / 441], limits))) == [0, 1]
    assert list(spc.beyond(-spc.standardised([0.0], spc.p_limits(0.02, [441])))) == [0]


def test_rule_3_is_six_points_each_beyond_the_one_before() -> None:
    assert signs(3, [0, 1, 2, 3, 4, 5, 6]) == [0] * 5 + [1, 1]
    assert signs(3, [5, 4, 3, 2, 1, 0]) == [0] * 5 + [-1]
    assert signs(3, [0, 1, 2, 2, 3, 4, 5]) == [0] * 7


def test_rule_4_is_fourteen_points_up_and_down_in_turn() -> None:
    assert signs(4, [1, -1] * 7) == [0] * 13 + [1]
    assert signs(4, [1, -1] * 6 + [1, 1, -1]) == [0] * 15


z_lists = st.lists(st.sampled_from([-4.0, -1.0, -0.5, 0.0, 0.5, 1.0, 4.0]), max_size=40)


def plainly(z: list[float], fits: Callable[[list[float]], bool], length: int) -> list[bool]:
    """Whether the last `length` points up to each fit."""
    return [place + 1 >= length and fits(z[place + 1 - length : place + 1]) for place in range(len(z))]


def up_and_down(z: list[float]) -> bool:
    steps = np.sign(np.diff(z))
    return bool((steps[1:] * steps[:-1] < 0).all())


@settings(max_examples=60)
@given(z_lists)
def test_each_rule_finds_what_a_plain_reading_of_it_finds(z: list[float]) -> None:
    above = plainly(z, lambda run: all(one > 0 for one in run), 9)
    rising = plainly(z, lambda run: all(a < b for a, b in zip(run, run[1:], strict=False)), 6)
    turning = plainly(z, up_and_down, 14)
    assert [one > 0 for one in signs(2, z)] == above
    assert [one > 0 for one in signs(3, z)] == rising
    assert [one > 0 for one in signs(4, z)] == turning


@settings(max_examples=60)
@given(z_lists)
def test_what_is_turned_upside_down_signals_the_other_way(z: list[float]) -> None:
    for number in (1, 2, 3):
        assert signs(number, [-one for one in z]) == [-one for one in signs(number, z)]


# --- more spread than chance --------------------------------------------------------------------------------------


def binomials(rng: np.random.Generator, p: object, size: tuple[int, ...], judged: int = 200) -> np.ndarray:
    return rng.binomial(judged, p, size)  # type: ignore[arg-type]


def test_the_vector_of_laney_is_overdispersed_and_his_chart_is_suggested() -> None:
    found = spc.dispersion(LANEY, THOUSANDS)
    assert found
    assert found.chi_square == pytest.approx(30.097, abs=5e-4)  # 9 degrees of freedom
    assert found.p_value == pytest.approx(0.00042, abs=5e-6)
    assert (found.is_over, found.suggests_laney, found.moved) == (True, True, False)


def test_chance_alone_seldom_suggests_laney_and_real_spread_nearly_always_does() -> None:
    rng = np.random.default_rng(7)
    judged = np.full(60, 200)
    plain = [spc.dispersion(row, judged) for row in binomials(rng, 0.02, (400, 60))]
    spread = [spc.dispersion(row, judged) for row in binomials(rng, rng.beta(2, 98, (400, 60)), (400, 60))]
    assert sum(one is not None and one.suggests_laney for one in plain) <= 0.02 * 400
    assert sum(one is not None and one.suggests_laney for one in spread) >= 0.95 * 400


def test_a_level_that_moved_is_told_from_spread() -> None:
    rng = np.random.default_rng(7)
    counts = np.append(binomials(rng, 0.02, (30,), 2000), binomials(rng, 0.04, (30,), 2000))
    found = spc.dispersion(counts, np.full(60, 2000))
    assert found
    assert (found.is_over, found.moved, found.suggests_laney) == (True, True, False)


def test_where_images_share_their_cause_laneys_chart_alarms_seldom_and_the_p_chart_all_the_time() -> None:
    rng = np.random.default_rng(7)
    counts = binomials(rng, rng.beta(2, 98, 4000), (4000,))
    judged = np.full(4000, 200)
    plain = spc.p_limits(0.02, judged)
    wide = spc.sigma_z(spc.standardised(counts / judged, plain))
    alarms = {s: spc.beyond(spc.standardised(counts / judged, spc.p_limits(0.02, judged, s))).mean() for s in (1, wide)}
    assert alarms[1] > 0.05
    assert alarms[wide] < 0.03


# --- run lengths in control ---------------------------------------------------------------------------------------


def mean_run(signals: np.ndarray) -> float:
    """(runs, points) -> the mean length up to the first signal; runs that end without one count in the sum alone."""
    length, has = signals.shape[1], signals.any(axis=1)
    return float(np.where(has, signals.argmax(axis=1) + 1, length).sum() / has.sum())


def normal(seed: int, runs: int, points: int) -> Floats:
    return np.random.default_rng(seed).standard_normal((runs, points))


def cusum_run(decision: float, runs: int, points: int) -> float:
    found = spc.cusum(normal(2, runs, points), 0.5, decision)
    return mean_run((found.high > decision) | (found.low > decision))


def ewma_run(runs: int, points: int) -> float:
    return mean_run(np.abs(spc.ewma(normal(3, runs, points), 0.2)) > spc.ewma_width(points, 0.2, 3.0))


def shewhart_run(points: int) -> float:
    return points / int(np.count_nonzero(spc.beyond(normal(1, 1, points)[0])))


def p_run(judged: int, points: int) -> float:
    counts = binomials(np.random.default_rng(4), 0.02, (points,), judged)
    z = spc.standardised(counts / judged, spc.p_limits(0.02, np.full(points, judged)))
    return points / int(np.count_nonzero(spc.beyond(z)))


def exact_run(centre: float, judged: int) -> float:
    """One by the binomial sum beyond the limits."""
    wide = 3 * sqrt(centre * (1 - centre) / judged)
    beyond = [x for x in range(judged + 1) if abs(x / judged - centre) > wide + 1e-12]
    return 1 / sum(comb(judged, x) * centre**x * (1 - centre) ** (judged - x) for x in beyond)


def test_normal_theory_gives_370_points_for_a_shewhart_chart() -> None:
    assert shewhart_run(2_000_000) == pytest.approx(370, rel=0.1)


@pytest.mark.parametrize(("decision", "length"), [(4.0, 168), (5.0, 465)])
def test_a_cusum_runs_as_long_as_normal_theory_says(decision: float, length: int) -> None:
    assert cusum_run(decision, 2000, 2000) == pytest.approx(length, rel=0.1)


def test_an_ewma_runs_as_long_as_normal_theory_says() -> None:
    assert ewma_run(2000, 2000) == pytest.approx(560, rel=0.1)


@pytest.mark.parametrize(("judged", "length"), [(200, 134), (1000, 376)])
def test_a_p_chart_runs_as_long_as_its_binomial_says(judged: int, length: int) -> None:
    exact = exact_run(0.02, judged)
    assert round(exact) == length
    assert run_lengths.p_chart(0.02, judged) == pytest.approx(exact, rel=1e-9)
    assert p_run(judged, 2_000_000) == pytest.approx(exact, rel=0.1)


def test_a_u_chart_runs_as_long_as_its_poisson_says() -> None:
    exact = 1 / (1 - sum(exp(-4) * 4**x / factorial(x) for x in range(11)))  # 4 ± 6: more than 10
    counts = np.random.default_rng(5).poisson(4, 2_000_000)
    z = spc.standardised(counts, spc.u_limits(4.0, np.ones(counts.size)))
    assert counts.size / int(np.count_nonzero(spc.beyond(z))) == pytest.approx(exact, rel=0.1)


@given(st.floats(0.001, 0.5), st.integers(10, 400))
@settings(max_examples=30)
def test_the_exact_run_length_is_the_binomials(centre: float, judged: int) -> None:
    assert run_lengths.p_chart(centre, judged) == pytest.approx(exact_run(centre, judged), rel=1e-6)


def test_the_run_length_of_a_subgroup_of_a_million_is_the_normal_theorys() -> None:
    assert run_lengths.p_chart(0.02, 2_000_000) == pytest.approx(370.4, rel=0.01)


def test_where_nothing_can_be_beyond_the_limits_the_run_has_no_end() -> None:
    assert run_lengths.p_chart(0.5, 4) == float("inf")


@pytest.mark.soak
def test_run_lengths_within_three_percent() -> None:
    assert shewhart_run(20_000_000) == pytest.approx(370.4, rel=0.03)
    assert cusum_run(4.0, 20_000, 1500) == pytest.approx(168, rel=0.03)
    assert cusum_run(5.0, 20_000, 4000) == pytest.approx(465, rel=0.03)
    assert ewma_run(20_000, 4000) == pytest.approx(560, rel=0.03)
    assert p_run(200, 20_000_000) == pytest.approx(exact_run(0.02, 200), rel=0.03)
    assert p_run(1000, 20_000_000) == pytest.approx(exact_run(0.02, 1000), rel=0.03)
