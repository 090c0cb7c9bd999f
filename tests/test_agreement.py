"""Cohen's kappa against the literature, against scikit-learn, and where it is undefined."""

from itertools import product

import numpy as np
import pytest

from inspections.agreement import agreement, kappa_of, of_table, standard_error


def table(*rows: list[int]) -> np.ndarray:
    return np.array(rows, dtype=np.int64)


TEXTBOOK = table([20, 5], [10, 15])
FLEISS = table([106, 10, 4], [22, 28, 10], [2, 12, 6])  # Fleiss, Cohen and Everitt 1969, table 1, of 200


def test_the_textbook_example_is_two_fifths() -> None:
    found = of_table(("no", "yes"), TEXTBOOK)
    assert (found.pairs, found.agreed, found.raw) == (50, 35, 0.7)
    assert found.kappa == pytest.approx(0.4)


def test_the_example_of_fleiss_cohen_and_everitt_is_theirs() -> None:
    """Kappa .429, its standard error .054."""
    assert kappa_of(FLEISS) == pytest.approx(0.429, abs=5e-4)
    assert standard_error(FLEISS) == pytest.approx(0.054, abs=5e-4)


@pytest.mark.parametrize("counts", [TEXTBOOK, FLEISS, table([75, 5, 0], [1, 4, 0], [4, 1, 10])])
def test_the_standard_error_is_what_small_changes_of_the_table_give(counts: np.ndarray) -> None:
    """The delta method by differences, with nothing of the formula in it."""
    share, n = counts / counts.sum(), counts.sum()
    step = 1e-6

    def kappa(of: np.ndarray) -> float:
        of = of / of.sum()
        expected = of.sum(1) @ of.sum(0)
        return float((np.trace(of) - expected) / (1 - expected))

    slopes = np.zeros_like(share)
    for place in product(range(len(share)), repeat=2):
        more = share.copy()
        more[place] += step
        slopes[place] = (kappa(more) - kappa(share)) / step
    variance = (share * slopes**2).sum() - (share * slopes).sum() ** 2
    assert standard_error(counts) == pytest.approx((variance / n) ** 0.5, rel=1e-4)


def test_answers_and_their_table_say_the_same() -> None:
    pairs = [("good", "good")] * 20 + [("good", "hole")] * 5 + [("hole", "good")] * 10 + [("hole", "hole")] * 15
    assert agreement(pairs) == of_table(("good", "hole"), TEXTBOOK)


def test_it_is_what_scikit_learn_says() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    for _ in range(20):
        first = rng.choice(["good", "hole", "cut", "thread"], 60, p=[0.6, 0.2, 0.1, 0.1])
        second = np.where(rng.random(60) < 0.7, first, rng.choice(["good", "hole", "cut"], 60))
        found = agreement(zip(first.tolist(), second.tolist(), strict=True))
        assert found.kappa == pytest.approx(metrics.cohen_kappa_score(first, second))


def test_without_pairs_nothing_can_be_said() -> None:
    found = agreement([])
    assert (found.pairs, found.raw, found.kappa, found.between) == (0, None, None, None)
    assert not found.is_one_class


def test_with_one_class_alone_kappa_is_undefined_and_that_is_told() -> None:
    found = agreement([("good", "good")] * 30)
    assert (found.raw, found.kappa, found.between) == (1.0, None, None)
    assert found.is_one_class


def test_perfect_agreement_of_a_few_is_no_certainty() -> None:
    few, many = (agreement([("good", "good"), ("hole", "hole")] * count) for count in (2, 200))
    assert few.kappa == many.kappa == 1.0
    assert few.between and many.between
    assert few.between.low < 0 < many.between.low
    assert few.is_few
    assert not many.is_few


def test_readers_who_never_agree_are_below_chance() -> None:
    found = agreement([("good", "hole"), ("hole", "good")] * 10)
    assert found.kappa == pytest.approx(-1.0)
    assert found.between is not None
    assert found.between.low == -1.0


def test_the_interval_holds_the_planted_kappa() -> None:
    """Two readers of 150 images; the true kappa follows from how they were drawn."""
    rng = np.random.default_rng(1)
    joint = np.array([[0.55, 0.04, 0.02], [0.06, 0.15, 0.03], [0.03, 0.02, 0.10]])
    expected = joint.sum(1) @ joint.sum(0)
    truth = (np.trace(joint) - expected) / (1 - expected)
    tables = rng.multinomial(150, joint.ravel(), size=400).reshape(-1, 3, 3)
    ends = [of_table("abc", one).between for one in tables]
    assert np.mean([end.low <= truth <= end.high for end in ends if end]) >= 0.93
