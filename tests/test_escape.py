"""The escape rate: where audits are drawn, and whether the interval holds what was planted."""

import random
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from statistics import median

import numpy as np
import pytest

from inspections.escape import Day, Escape, Flagged, Interval, clopper_pearson, estimate, next_hour, next_hours
from inspections.overkill import overkill

HOURS = 168
MONDAY = datetime(2026, 11, 16, tzinfo=UTC)
HOUR = timedelta(hours=1)


def chance() -> random.Random:
    return random.Random(20261116)


# --- where audits are drawn ---------------------------------------------------------------------------------------


def test_draws_go_to_hours_in_proportion_to_what_passed() -> None:
    drawn = Counter(next_hours({"day": 3000, "evening": 2000, "night": 1000}, {}, 60, chance()))
    assert drawn == {"day": 30, "evening": 20, "night": 10}


def test_one_draw_after_another_is_the_same_as_many_at_once() -> None:
    passed = {hour: 100 + 37 * hour for hour in range(24)}
    drawn: Counter[int] = Counter()
    for _ in range(50):
        found = next_hour(passed, drawn, chance())
        assert found is not None
        drawn[found] += 1
    assert drawn == Counter(next_hours(passed, {}, 50, chance()))


def test_never_more_than_passed_are_drawn_and_then_nothing_is_left() -> None:
    passed = {1: 3, 2: 0, 3: 1}
    assert Counter(next_hours(passed, {}, 99, chance())) == {1: 3, 3: 1}
    assert next_hour(passed, {1: 3, 3: 1}, chance()) is None
    assert next_hour({}, {}, chance()) is None


def test_the_small_hours_of_many_nights_get_their_share_of_few_draws() -> None:
    """Ten draws a day. D'Hondt's rule would give the nights nothing: each large hour comes before each small one."""
    at_night = 0
    for day in range(1000):
        start = MONDAY + timedelta(days=day)
        passed = {start + HOUR * hour: 200 if hour < 8 else 1000 for hour in range(24)}
        at_night += sum(hour.hour < 8 for hour in next_hours(passed, {}, 10, chance()))
    assert at_night / 10_000 == pytest.approx(1600 / 17_600, abs=0.01)


# --- the arithmetic -----------------------------------------------------------------------------------------------


def test_the_exact_interval_is_the_one_in_the_tables() -> None:
    """0 of 10 is 0 to 0.3085, 1 of 10 is 0.0025 to 0.4450, 10 of 10 is 0.6915 to 1."""
    assert clopper_pearson(0, 10) == Interval(0.0, pytest.approx(0.3085, abs=5e-5))
    assert clopper_pearson(1, 10) == Interval(pytest.approx(0.0025, abs=5e-5), pytest.approx(0.4450, abs=5e-5))
    assert clopper_pearson(10, 10) == Interval(pytest.approx(0.6915, abs=5e-5), 1.0)


def test_escapes_are_scaled_by_what_passed() -> None:
    found = estimate([Day(passed=10_000, answered=100, escapes=1)], Flagged(flagged=300, defects=300))
    assert found.missed == pytest.approx(100)
    assert found.rate == pytest.approx(100 / 400)
    assert found.between is not None
    assert found.between.low < 0.25 < found.between.high


def test_a_day_weighs_what_passed_on_it_not_what_was_answered() -> None:
    busy, calm = Day(passed=9000, answered=10, escapes=1), Day(passed=1000, answered=90, escapes=0)
    found = estimate([busy, calm], Flagged())
    assert found.audited is not None
    assert found.audited.share == pytest.approx(0.09)
    kish, day = 10_000**2 / (9000**2 / 10 + 1000**2 / 90), 0.9**2 * 0.1 * 0.9 / 9
    assert found.audited.effective == pytest.approx(min(kish, 0.09 * 0.91 / day))


def test_a_day_without_an_audit_counts_like_the_others_and_is_told() -> None:
    found = estimate([Day(3000, 30, 3), Day(1000)], Flagged(defects=100, flagged=100))
    assert found.missed == pytest.approx(400)
    assert found.audited is not None
    assert found.audited.covered == 0.75


def test_without_an_answered_audit_there_is_no_figure() -> None:
    found = estimate([Day(5000), Day(0)], Flagged(40, 20, 5))
    assert (found.passed, found.audited, found.rate, found.between) == (5000, None, None, None)
    assert estimate([], Flagged()).rate is None


def test_few_answers_give_an_interval_that_says_it_is_wide() -> None:
    found = estimate([Day(5000, 9, 0)], Flagged(40, 40, 0))
    assert found.is_wide
    assert found.between is not None
    assert not estimate([Day(5000, 10, 0)], Flagged()).is_wide


def test_unanswered_flags_widen_the_interval_to_all_and_none_of_them() -> None:
    days = [Day(10_000, 200, 2)]
    answered = estimate(days, Flagged(flagged=100, defects=60, good=40))
    half = estimate(days, Flagged(flagged=100, defects=30, good=20))
    assert half.rate == answered.rate  # the point goes by the share of the answered
    assert answered.between and half.between and half.missed_between
    assert half.between.low == half.missed_between.low / (half.missed_between.low + 80)
    assert half.between.high == half.missed_between.high / (half.missed_between.high + 30)
    assert half.between.low < answered.between.low < answered.between.high < half.between.high


def test_flags_that_nobody_answered_give_bounds_and_no_point() -> None:
    found = estimate([Day(10_000, 200, 2)], Flagged(flagged=100))
    assert found.rate is None
    assert found.between is not None
    assert found.between.high == 1.0


def test_what_was_found_is_there_whatever_the_interval_says() -> None:
    found = estimate([Day(passed=20, answered=20, escapes=2)], Flagged(2, 2, 0))
    assert found.missed_between is not None
    assert found.missed_between.low == 2


# --- does the interval hold what was planted? ---------------------------------------------------------------------


@dataclass(frozen=True)
class Week:
    days: list[Day]
    flagged: Flagged
    missed: int
    caught: int

    @property
    def truth(self) -> float:
        """FN / (FN + TP) of this very week."""
        return self.missed / (self.missed + self.caught)


def a_week(rng: np.random.Generator, number: int, share: tuple[float, float] = (2e-4, 3e-2)) -> Week:
    """A week of a line: hours of many sizes, rolls that differ, answers that lack. `share`: defects among the passed,
    log-uniform between these."""
    passed = _volumes(rng)
    missed = rng.binomial(passed, _prevalences(rng, passed, np.exp(rng.uniform(*np.log(share)))))
    count = int(np.exp(rng.uniform(np.log(30), np.log(400))))
    drawn = _drawn(rng, passed, count, number)
    staffed = np.ones(7, bool)
    staffed[rng.choice(7, rng.integers(0, 3), replace=False)] = False
    answered = rng.binomial(drawn, (staffed * rng.uniform(0.7, 1, 7)).repeat(24))
    found = rng.hypergeometric(missed, passed - missed, answered)
    by_day = [rows.reshape(7, 24).sum(1) for rows in (passed, answered, found)]
    days = [Day(*map(int, row)) for row in zip(*by_day, strict=True)]
    caught = 1 + int(rng.poisson(missed.sum() / rng.uniform(0.02, 1)))
    return Week(days, _flags(rng, caught), int(missed.sum()), caught)


def _volumes(rng: np.random.Generator) -> np.ndarray:
    hours = np.arange(HOURS)
    night = np.where((hours % 24 < 6) | (hours % 24 >= 22), rng.uniform(0.1, 1), 1)
    weekend = np.where(hours // 24 >= 5, rng.uniform(0.1, 1), 1)
    means = rng.uniform(100, 3000) * night * weekend * rng.lognormal(0, 0.3, HOURS)
    return rng.poisson(means) * (rng.random(HOURS) > 0.05)  # and now and then the line stands still


def _prevalences(rng: np.random.Generator, passed: np.ndarray, share: float) -> np.ndarray:
    """Clumped: a roll of a few hours can be many times as bad as the next. Busy hours are better, worse, or alike."""
    roll = np.cumsum(rng.random(HOURS) < 0.3)
    clumps = rng.gamma(0.5, 2, roll[-1] + 1)[roll]
    shape = clumps * np.maximum(passed / passed.mean(), 0.05) ** rng.choice([-1, 0, 1])
    return np.minimum(share * shape * passed.sum() / (shape * passed).sum(), 0.5)


def _drawn(rng: np.random.Generator, passed: np.ndarray, count: int, number: int) -> np.ndarray:
    """By the product's own rule, uniformly within the hour."""
    start = MONDAY + timedelta(weeks=number)
    volumes = {start + HOUR * place: int(many) for place, many in enumerate(passed)}
    drawn = Counter(next_hours(volumes, {}, count, random.Random(int(rng.integers(2**32)))))
    return np.array([drawn[hour] for hour in volumes])


def _flags(rng: np.random.Generator, caught: int) -> Flagged:
    """False alarms too; some flags wait for an answer, and those with an answer are the worse ones."""
    false = rng.poisson(caught * rng.uniform(0.1, 2))
    share = rng.uniform(0.5, 1)
    defects = rng.binomial(caught, min(1.0, 1.2 * share))
    return Flagged(int(caught + false), int(defects), int(rng.binomial(false, 0.7 * share)))


def weeks(seed: int, count: int = 500, **more: tuple[float, float]) -> list[Week]:
    rng = np.random.default_rng(seed)
    return [a_week(rng, count * seed + number, **more) for number in range(count)]


def held(week: Week, found: Escape) -> bool:
    assert found.between is not None
    return found.between.low - 1e-12 <= week.truth <= found.between.high + 1e-12


def coverage(some: list[Week]) -> float:
    """The share of the weeks whose planted rate lies within the interval; printed, with the median width."""
    found = [(week, estimate(week.days, week.flagged)) for week in some]
    said = [(week, one) for week, one in found if one.between is not None]
    assert len(said) > 0.99 * len(some)
    share = sum(held(week, one) for week, one in said) / len(said)
    width = median(one.between.high - one.between.low for _week, one in said if one.between)
    print(f"{len(said)} weeks: covered {share:.1%}, median width {width:.3f}")
    return share


@pytest.mark.parametrize("share", [(2e-4, 3e-2), (1e-2, 3e-2)], ids=["rare and common", "common alone"])
def test_the_interval_holds_the_planted_rate_in_500_simulated_weeks(share: tuple[float, float]) -> None:
    assert coverage(weeks(seed=1, share=share)) >= 0.93


def test_it_holds_where_nothing_but_the_audit_is_uncertain() -> None:
    """Every flag is answered, so that the room which unanswered ones give cannot hide a fault of the audit's part."""
    some = weeks(seed=2, share=(1e-2, 3e-2))
    answered = [replace(week, flagged=Flagged(week.caught, week.caught)) for week in some]
    assert 0.93 <= coverage(answered) < 1


def a_busy_week(rng: np.random.Generator, number: int) -> Week:
    """Two busy days, on which the model lets through twenty times as much and people find time for few of the
    audits."""
    passed = np.where(np.arange(7) < 2, 40_000, 10_000)
    missed = rng.binomial(passed, np.where(passed > 10_000, 0.1, 0.005))
    drawn = _drawn(rng, np.repeat(passed // 24, 24), 400, number).reshape(7, 24).sum(1)
    answered = rng.binomial(drawn, np.where(passed > 10_000, 0.15, 1.0))
    found = rng.hypergeometric(missed, passed - missed, answered)
    days = [Day(*map(int, row)) for row in zip(passed, answered, found, strict=True)]
    caught = int(missed.sum())
    return Week(days, Flagged(caught, caught), int(missed.sum()), caught)


def test_who_ignores_the_volume_misses_it_where_busy_days_are_bad_and_seldom_answered() -> None:
    rng = np.random.default_rng(3)
    some = [a_busy_week(rng, number) for number in range(300)]
    naive = [replace(week, days=[_lumped(week.days)]) for week in some]
    assert coverage(naive) < 0.5
    assert coverage(some) >= 0.93


def _lumped(days: list[Day]) -> Day:
    return Day(*(sum(getattr(day, name) for day in days) for name in ("passed", "answered", "escapes")))


# --- overkill, by the same audits -------------------------------------------------------------------------------------


def overkill_coverage(some: list[Week]) -> float:
    """The share of the weeks, of those of which overkill can be told, whose planted rate lies within its interval."""
    found = [(_overkill(week), overkill(estimate(week.days, week.flagged))) for week in some]
    said = [(truth, one.between) for truth, one in found if one]
    assert len(said) > 0.8 * len(some)
    share = sum(between.low - 1e-12 <= truth <= between.high + 1e-12 for truth, between in said) / len(said)
    width = median(between.high - between.low for _truth, between in said)
    print(f"{len(said)} weeks: overkill covered {share:.1%}, median width {width:.4f}")
    return share


def _overkill(week: Week) -> float:
    """FP / (FP + TN) of this very week."""
    false = week.flagged.flagged - week.caught
    return false / (false + sum(day.passed for day in week.days) - week.missed)


def test_the_interval_of_overkill_holds_the_planted_rate_in_500_simulated_weeks() -> None:
    assert overkill_coverage(weeks(seed=4)) >= 0.93


def test_it_holds_where_every_flag_is_answered_and_only_the_escapes_are_uncertain() -> None:
    def answered(week: Week) -> Week:
        whole = week.flagged.flagged
        return replace(week, flagged=Flagged(whole, week.caught, whole - week.caught))

    some = [answered(week) for week in weeks(seed=5, share=(1e-2, 3e-2))]
    assert overkill_coverage(some) >= 0.93
