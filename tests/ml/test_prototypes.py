from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import stdtrit

from ml import prototypes
from ml.prototypes import Prototype, calibrate, centres, inside, left_out, prototype

Rows = NDArray[np.float64]
LABELS = ["good"] * 200 + ["hole"] * 90


def towards(*degrees: float) -> Rows:
    """Unit vectors in the plane."""
    return np.array([(math.cos(math.radians(angle)), math.sin(math.radians(angle))) for angle in degrees])


def cloud(direction: int, count: int, spread: float, seed: int) -> Rows:
    """Rows around a direction of sixteen."""
    return np.eye(16)[direction] + np.random.default_rng([direction, seed]).normal(0, spread, (count, 16))


def others(seed: int = 0, spread: float = 0.1) -> Rows:
    return np.concatenate([cloud(0, 200, spread, seed), cloud(1, 90, spread, seed)])


def test_a_prototype_is_the_unit_mean_of_directions_whatever_their_lengths() -> None:
    np.testing.assert_allclose(prototype(towards(0, 90) * [[1], [7]]), towards(45)[0])


def test_examples_that_cancel_each_other_have_no_direction() -> None:
    np.testing.assert_array_equal(prototype(towards(0, 180)), [0, 0])


def test_each_example_is_measured_to_the_mean_of_the_others() -> None:
    np.testing.assert_allclose(left_out(towards(0, 60)), [1, 1])
    np.testing.assert_allclose(
        left_out(towards(0, 60, 60)), [1, math.sqrt(2 - math.sqrt(3)), math.sqrt(2 - math.sqrt(3))]
    )


def test_a_prototype_takes_what_is_within_its_radius_and_nearer_than_every_rival() -> None:
    one = Prototype(towards(0)[0], 1.0)
    asked = towards(0, 50, 59, 61, -59) * 3
    assert inside(asked, [one], towards(110)).tolist() == [0, 0, -1, -1, 0]
    assert inside(asked, [one], np.empty((0, 2))).tolist() == [0, 0, 0, -1, 0]


def test_of_two_prototypes_the_nearer_one_that_reaches_takes_an_image() -> None:
    narrow, wide = Prototype(towards(0)[0], 0.2), Prototype(towards(60)[0], 1.2)
    assert inside(towards(5, 20, 50), [narrow, wide], np.empty((0, 2))).tolist() == [0, 1, 1]
    assert inside(towards(5), [], towards(5)).tolist() == [-1]


def test_five_examples_make_a_class_that_takes_its_own_and_leaves_the_others() -> None:
    known = others()
    rivals, new = centres(known, LABELS), cloud(2, 400, 0.1, 99)
    found = [calibrate(cloud(2, 5, 0.1, seed), known, LABELS) for seed in range(20)]
    taken = [inside(new, [one.prototype], rivals) == 0 for one in found]
    assert 0.9 < np.mean(taken) < 0.999
    assert all((inside(others(7), [one.prototype], rivals) == -1).all() for one in found)
    assert all(one.prototype.radius == one.asked and not one.swallows_good for one in found)
    assert found[0].nearest_other == pytest.approx(math.sqrt(2), abs=0.15)


@pytest.mark.parametrize("lost", [0.0, 0.01, 0.05])
def test_the_radius_is_the_largest_that_spares_every_old_class(lost: float) -> None:
    examples, known = cloud(0, 5, 0.35, 3) + np.eye(16)[2], others(spread=0.3)
    found = calibrate(examples, known, LABELS, lost=lost)
    assert found.prototype.radius < found.asked
    assert max(found.swallowed.values()) <= lost
    wider = Prototype(found.prototype.centre, found.prototype.radius * (1 + 1e-6))
    taken = inside(known, [wider], centres(known, LABELS)) == 0
    assert max(taken[:200].mean(), taken[200:].mean()) > lost


def test_what_is_said_to_be_swallowed_is_what_the_rule_takes() -> None:
    examples, known = cloud(0, 5, 0.3, 3) + np.eye(16)[2], others(spread=0.3)
    found = calibrate(examples, known, LABELS, lost=0.2)
    taken = inside(known, [found.prototype], centres(known, LABELS)) == 0
    assert found.swallowed == {"good": taken[:200].mean(), "hole": taken[200:].mean()}
    assert found.swallowed["good"] > 0


def test_examples_that_are_each_others_opposites_would_swallow_good() -> None:
    apart = np.eye(16)[[4, 5, 6, 7, 8]] * [[1], [-1], [1], [-1], [1]]
    assert calibrate(np.concatenate([apart, -apart]), others(), LABELS).swallows_good
    assert calibrate(np.eye(16)[[4, 5, 6, 7, 8]] + 0.4 * np.eye(16)[0], others(), LABELS).swallows_good
    assert not calibrate(np.eye(16)[[4, 4, 4, 4, 4]] + 0.4 * np.eye(16)[0], others(), LABELS).swallows_good


def test_a_class_is_calibrated_where_there_is_nothing_else() -> None:
    found = calibrate(cloud(2, 5, 0.1, 0), np.empty((0, 16)), [])
    assert (found.prototype.radius, found.swallowed, found.nearest_other) == (found.asked, {}, math.inf)


def test_the_radius_reaches_where_ninety_nine_of_a_hundred_to_come_are_expected() -> None:
    for freedom in (2, 4, 9, 30):
        assert prototypes._student(freedom) == pytest.approx(stdtrit(freedom, 0.99), rel=0.025)
    spread = np.array([0.4, 0.5, 0.6])
    assert prototypes._reach(spread) == pytest.approx(0.5 + stdtrit(2, 0.99) * 0.1 * math.sqrt(4 / 3), rel=0.02)


@pytest.mark.parametrize(
    ("examples", "known", "labels", "reason"),
    [
        (towards(0), towards(90), ["good"], "2 examples or more"),
        (towards(0, 1), towards(90), [], "1 rows have 0 labels"),
        (towards(0, 1) * math.nan, towards(90), ["good"], "not finite"),
        (towards(0, 1), np.eye(3), ["good"] * 3, "do not fit"),
    ],
)
def test_what_cannot_be_calibrated_is_refused(examples: Rows, known: Rows, labels: list[str], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        calibrate(examples, known, labels)
