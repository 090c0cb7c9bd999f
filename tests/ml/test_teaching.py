"""What to label next: each part of the list does what it is there for, and the list is the same every time."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from numpy.typing import NDArray

from ml.teaching import Pick, Why, margin, pick

NOTHING = np.empty((0, 16))


def around(centre: int, count: int, spread: float = 0.05) -> NDArray[np.float64]:
    """Embeddings (count, 16) about one axis."""
    return np.eye(16)[centre] + np.random.default_rng(centre).normal(0, spread, (count, 16))


def some(count: int) -> NDArray[np.float64]:
    """Margins (count,)."""
    return np.random.default_rng(5).random(count)


def answers(margins: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities (N, 3) with these margins."""
    rest = (1 - margins) / 3
    return np.stack([rest + margins, rest, rest], axis=1)


def picked(found: list[Pick], why: Why) -> list[int]:
    return [one.index for one in found if one.why is why]


def test_sixty_percent_hesitation_twenty_novelty_twenty_chance() -> None:
    rows = around(0, 400, 1.0)
    found = pick(rows, answers(some(400)), np.ones(400, bool), rows[:5], 50, np.random.default_rng(1))
    assert Counter(one.why for one in found) == {Why.MARGIN: 30, Why.NOVELTY: 10, Why.RANDOM: 10}
    assert len({one.index for one in found}) == 50


def test_whoever_stops_early_has_labelled_some_of_each() -> None:
    rows = around(0, 400, 1.0)
    found = pick(rows, answers(some(400)), np.ones(400, bool), rows[:5], 50, np.random.default_rng(1))
    assert Counter(one.why for one in found[:10]) == {Why.MARGIN: 6, Why.NOVELTY: 2, Why.RANDOM: 2}


def test_hesitation_takes_small_margins_and_not_the_same_flaw_many_times() -> None:
    crowd, others = around(0, 60, 0.001), np.concatenate([around(axis, 5) for axis in range(1, 7)])
    sure = around(8, 400)
    margins = np.concatenate([np.full(60, 0.01), np.full(30, 0.02), np.full(400, 0.9)])
    rows = np.concatenate([crowd, others, sure])
    found = pick(rows, answers(margins), np.zeros(490, bool), around(8, 20), 30, np.random.default_rng(1))
    unsure = picked(found, Why.MARGIN)
    assert all(margins[index] < 0.5 for index in unsure)
    assert sum(index < 60 for index in unsure) <= 3
    assert {(index - 60) // 5 for index in unsure if index >= 60} == set(range(6))


def test_novelty_takes_what_nothing_labelled_is_like() -> None:
    rows = np.concatenate([around(0, 300), around(5, 4)])
    found = pick(rows, answers(np.full(304, 0.99)), np.zeros(304, bool), around(0, 50), 10, np.random.default_rng(1))
    assert picked(found, Why.NOVELTY)[0] >= 300
    (first,) = [one for one in found if one.index == picked(found, Why.NOVELTY)[0]]
    assert first.distance == pytest.approx(np.sqrt(2), abs=0.2)
    assert first.margin == pytest.approx(0.99, abs=1e-3)


def test_chance_draws_from_what_was_passed_alone_each_alike() -> None:
    rows, passed = around(0, 100), np.arange(100) < 50
    drawn: Counter[int] = Counter()
    for seed in range(400):
        found = pick(rows, answers(some(100)), passed, NOTHING, 20, np.random.default_rng(seed))
        drawn.update(picked(found, Why.RANDOM))
    assert set(drawn) == set(range(50))
    assert max(drawn.values()) < 3 * min(drawn.values())


def test_without_predictions_it_spreads_over_everything() -> None:
    rows = np.concatenate([around(axis, 50) for axis in range(8)])
    found = pick(rows, None, np.zeros(400, bool), NOTHING, 8, np.random.default_rng(1))
    assert {one.why for one in found} == {Why.SPREAD}
    assert {one.index // 50 for one in found} == set(range(8))
    assert (found[0].margin, found[0].distance) == (None, None)


def test_the_same_chance_gives_the_same_list() -> None:
    rows, said = around(0, 100), answers(some(100))
    twice = [pick(rows, said, np.ones(100, bool), rows[:3], 20, np.random.default_rng(7)) for _ in range(2)]
    assert twice[0] == twice[1]


def test_fewer_candidates_than_wanted_are_all_taken_once() -> None:
    rows = around(0, 7)
    found = pick(rows, answers(some(7)), np.zeros(7, bool), NOTHING, 50, np.random.default_rng(1))
    assert sorted(one.index for one in found) == list(range(7))
    assert pick(rows[:0], None, np.zeros(0, bool), NOTHING, 5, np.random.default_rng(1)) == []


def test_an_image_without_numbers_is_no_hesitation_and_may_still_be_new() -> None:
    said = answers(np.full(20, 0.5))
    said[3] = np.nan
    rows = np.concatenate([around(0, 20)])
    found = pick(rows, said, np.zeros(20, bool), NOTHING, 20, np.random.default_rng(1))
    (blank,) = [one for one in found if one.index == 3]
    assert (blank.why, blank.margin) == (Why.NOVELTY, None)


def test_margin_is_the_first_less_the_second() -> None:
    found = margin(np.array([[0.2, 0.7, 0.1], [0.5, 0.5, 0.0], [np.nan] * 3]))
    assert found[:2] == pytest.approx([0.5, 0.0])
    assert np.isnan(found[2])
    assert margin(np.ones((2, 1))).tolist() == [1.0, 1.0]
