"""Champion against challenger: hand-made vectors, and what must hold of any pair."""

from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.duel import Pair, discordant, gain, mcnemar, recalls

CLASSES = ("good", "cut", "hole")
said = st.sampled_from((*CLASSES, "unknown"))
rows = st.lists(st.tuples(st.sampled_from(CLASSES), said, said, st.sampled_from("abcd")), min_size=1, max_size=40)


def pair(found: list[tuple[str, str, str, str]]) -> Pair:
    truth, champion, challenger, groups = (list(column) for column in zip(*found, strict=True))
    return Pair(CLASSES, truth, champion, challenger, groups)


@pytest.mark.parametrize(
    ("only_old", "only_new", "p"), [(3, 12, 0.0352), (12, 3, 0.0352), (0, 0, 1.0), (1, 1, 1.0), (0, 6, 0.03125)]
)
def test_mcnemar_is_the_exact_binomial(only_old: int, only_new: int, p: float) -> None:
    assert mcnemar(only_old, only_new) == pytest.approx(p, abs=5e-5)


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_a_sum_of_binomials_never_above_one(only_old: int, only_new: int) -> None:
    n = only_old + only_new
    tail = sum(comb(n, i) for i in range(min(only_old, only_new) + 1)) / 2**n
    assert mcnemar(only_old, only_new) == pytest.approx(min(1.0, 2 * tail))


def test_mcnemar_of_many_thousands_is_a_number() -> None:
    assert mcnemar(20_000, 20_000) == 1.0
    assert 0 < mcnemar(9_800, 10_200) < 0.01


def test_a_class_that_the_challenger_loses_shows_by_how_much_at_most() -> None:
    worse = [("cut", "cut", "cut" if image % 2 else "hole", f"roll-{image % 10}") for image in range(40)]
    same = [("good", "good", "good", f"roll-{image % 10}") for image in range(40)]
    found = recalls(pair(worse + same))
    assert (found["cut"].champion, found["cut"].challenger, found["cut"].sources) == (1.0, 0.5, 10)
    assert found["cut"].at_most == pytest.approx(0.5 + 0.25, abs=0.08)  # by roll, all or nothing: sd 0.5 / sqrt(10)
    assert found["good"].at_most == 0.0


def test_one_source_says_nothing_of_the_next() -> None:
    found = recalls(pair([("cut", "cut", "hole", "a"), ("good", "good", "good", "a"), ("good", "good", "good", "b")]))
    assert found["cut"].at_most is None
    assert found["good"].at_most == 0.0
    assert gain(pair([("cut", "cut", "hole", "a")])).low is None


def test_the_draws_weigh_both_alike() -> None:
    """Two that err on the same images differ by nothing in any draw, however few the images."""
    wrong = [("cut", "hole" if image % 3 else "cut", "hole" if image % 3 else "cut", f"r{image}") for image in range(9)]
    found = recalls(pair(wrong))["cut"]
    assert (found.loss, found.at_most) == (0.0, 0.0)
    assert gain(pair(wrong)) == gain(pair(wrong))
    assert (gain(pair(wrong)).low, gain(pair(wrong)).high) == (0.0, 0.0)


def test_the_bound_covers_the_truth_as_often_as_it_says() -> None:
    """Champion right in 90 %, challenger in 80 %: the true loss 0.1 lies below the bound in about 95 of 100 mills."""
    rng, covered = np.random.default_rng(1), 0
    for mill in range(100):
        rolls = rng.random((40, 2)) * 0.2 - 0.1  # rolls differ
        found = [
            ("cut", "cut" if rng.random() < 0.9 + a else "hole", "cut" if rng.random() < 0.8 + b else "hole", f"{roll}")
            for roll, (a, b) in enumerate(rolls.tolist())
            for _image in range(5)
        ]
        bound = recalls(pair(found), draws=300, seed=mill)["cut"].at_most
        assert bound is not None
        covered += bound >= 0.1
    assert 88 <= covered <= 99


@given(rows)
def test_swapped_sides_swap_signs(found: list[tuple[str, str, str, str]]) -> None:
    swapped = [(truth, new, old, group) for truth, old, new, group in found]
    one, other = recalls(pair(found), draws=20), recalls(pair(swapped), draws=20)
    assert {name: part.loss for name, part in one.items()} == {name: -part.loss for name, part in other.items()}
    assert discordant(pair(found)) == tuple(reversed(discordant(pair(swapped))))
    assert gain(pair(found), draws=20).value == pytest.approx(-gain(pair(swapped), draws=20).value)
    assert set(one) == {truth for truth, *_rest in found}
