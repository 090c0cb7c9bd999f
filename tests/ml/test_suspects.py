"""Labels that are probably wrong are found among right ones, and classes that are confused are named with images."""

from __future__ import annotations

import numpy as np

from ml.suspects import confused, opinion, suspects
from tests.ml.test_enough import chance, cloth


def test_planted_wrong_labels_come_first() -> None:
    rows, labels, sources = cloth({"good": (12, 12), "hole": (10, 6), "cut": (8, 6)}, noise=0.15)
    planted = np.random.default_rng(4).permutation(len(labels))[:8]
    truth = list(labels)
    for row in planted:
        labels[row] = {"good": "hole", "hole": "cut", "cut": "good"}[truth[row]]
    found = opinion(rows, labels, sources, chance())
    assert found is not None
    first = suspects(found)[:7]
    assert {one.index for one in first} <= set(planted.tolist())
    assert len(first) == 7
    assert all((one.given, one.opinion) == (labels[one.index], truth[one.index]) for one in first)
    assert all(one.chance > one.own for one in first)


def test_clean_labels_leave_next_to_nothing_to_suspect() -> None:
    found = opinion(*cloth({"good": (12, 12), "hole": (10, 6)}, noise=0.05), chance())
    assert found is not None
    assert suspects(found) == []
    assert confused(found) == []


def test_classes_that_look_alike_are_named_with_their_images() -> None:
    rows, labels, sources = cloth({"good": (12, 12), "nep": (8, 6), "spot": (8, 6)}, noise=0.1)
    named = np.array(labels)
    rows[named == "spot", 1] += rows[named == "spot", 2]
    rows[named == "spot", 2] = 0
    found = opinion(rows, labels, sources, chance())
    assert found is not None
    (pair,) = confused(found)
    assert (pair.first, pair.second) == ("nep", "spot")
    assert 0.2 < pair.share <= 1
    assert pair.count >= len(pair.indexes) == 8
    assert {labels[index] for index in pair.indexes} <= {"nep", "spot"}


def test_a_class_of_one_source_has_no_opinion_and_is_never_suspect() -> None:
    rows, labels, sources = cloth({"good": (6, 8), "hole": (6, 8), "cut": (1, 8)})
    found = opinion(rows, labels, sources, chance())
    assert found is not None
    cut = np.array(labels) == "cut"
    assert np.isnan(found.probabilities[cut]).all()
    assert np.isfinite(found.probabilities[~cut]).all()
    assert not {one.index for one in suspects(found)} & set(np.flatnonzero(cut).tolist())


def test_one_class_that_can_be_told_is_no_ground_for_an_opinion() -> None:
    assert opinion(*cloth({"good": (6, 8), "cut": (1, 8)}), chance()) is None
