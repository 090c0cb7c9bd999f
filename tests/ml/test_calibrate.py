from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.calibrate import (
    fit_temperature,
    in_order,
    shift_prior,
    softmax,
    threshold_by_budget,
    threshold_by_cost,
    threshold_by_reviews,
    undo_temperature,
)
from ml.metrics import ece


def test_a_even_call_of_six_balanced_classes_is_hardly_a_hole_where_98_percent_is_good() -> None:
    old, new = np.full(6, 1 / 6), np.array([0.98, 0.004, 0.004, 0.004, 0.004, 0.004])
    moved = shift_prior([[0.5, 0, 0, 0.5, 0, 0]], old, new)
    assert moved[0, 3] == pytest.approx(0.0041, abs=5e-5)


def test_with_two_classes_only_it_is_two_percent() -> None:
    assert shift_prior([[0.5, 0.5]], [0.5, 0.5], [0.98, 0.02])[0, 1] == pytest.approx(0.02)


def test_one_to_twenty_flags_from_0_0476() -> None:
    assert threshold_by_cost(1, 20) == pytest.approx(0.0476, abs=5e-5)


@given(st.lists(st.floats(0.01, 1), min_size=3, max_size=3), st.lists(st.floats(0.01, 1), min_size=3, max_size=3))
def test_a_shift_there_and_back_changes_nothing(old: list[float], new: list[float]) -> None:
    chances = np.array([[0.2, 0.3, 0.5]])
    assert shift_prior(shift_prior(chances, old, new), new, old) == pytest.approx(chances)


def test_the_temperature_undoes_overconfidence() -> None:
    rng = np.random.default_rng(0)
    true_logits = rng.normal(0, 2, (8000, 4))
    targets = np.array([rng.choice(4, p=row) for row in softmax(true_logits)])
    found = fit_temperature(3 * true_logits, targets)
    assert found == pytest.approx(3, rel=0.05)
    chances = softmax(3 * true_logits, found)
    assert ece(chances.max(axis=1), chances.argmax(axis=1) == targets) < 0.02


def test_large_logits_do_not_overflow() -> None:
    assert softmax([[1e6, 0.0]]).tolist() == [[1.0, 0.0]]


def test_a_review_budget_sets_the_lowest_threshold_that_keeps_it() -> None:
    scores = np.linspace(0, 1, 101)
    threshold = threshold_by_budget(scores, 0.05)
    assert (scores >= threshold).mean() <= 0.05
    assert (scores >= np.nextafter(threshold, 0) - 1e-12).mean() > 0.05 - 1e-9


@pytest.mark.parametrize("shares", [{"good": 1.0}, {"good": 1, "hole": 0}, {"good": 1, "hole": float("nan")}])
def test_shares_that_do_not_fit_are_refused(shares: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="shares"):
        in_order(shares, ("good", "hole"))


def test_at_most_so_many_flags_an_hour() -> None:
    scores = np.linspace(0, 1, 1001)
    assert 3600 * (scores >= threshold_by_reviews(scores, an_hour=3600, most=36)).mean() == pytest.approx(36, abs=4)
    assert threshold_by_reviews(scores, an_hour=10, most=20) == 0


def test_a_temperature_can_be_taken_back() -> None:
    logits = np.random.default_rng(1).normal(0, 3, (50, 4))
    assert undo_temperature(softmax(logits, 2.5), 2.5) == pytest.approx(softmax(logits))
    assert np.isnan(undo_temperature([[np.nan, np.nan]], 2.5)).all()


def test_rows_that_are_no_numbers_do_not_spoil_the_temperature() -> None:
    rng = np.random.default_rng(0)
    logits, targets = rng.normal(0, 2, (500, 3)), rng.integers(0, 3, 500)
    spoilt = np.concatenate([logits, np.full((5, 3), np.nan)])
    assert fit_temperature(spoilt, np.append(targets, np.zeros(5, dtype=np.intp))) == fit_temperature(logits, targets)
    assert fit_temperature(np.full((2, 3), np.nan), np.array([0, 1])) == 1
