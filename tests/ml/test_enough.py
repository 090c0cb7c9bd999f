"""Have I labelled enough: the curve of each class, what more labels would bring, and where nothing can be said."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from ml import linear
from ml.apart import deal, numbered
from ml.enough import Law, curves, power_law


def cloth(classes: dict[str, tuple[int, int]], noise: float = 0.5) -> tuple[NDArray[np.float64], list[str], list[str]]:
    """Embeddings, labels and sources; `classes`: name -> (sources, labels of each)."""
    rng = np.random.default_rng(0)
    rows, labels, sources = [], [], []
    for axis, (name, (count, each)) in enumerate(classes.items()):
        for source in range(count):
            centre = np.eye(24)[axis] + rng.normal(0, 0.2, 24)
            rows.append(centre + rng.normal(0, noise, (each, 24)))
            labels += [name] * each
            sources += [f"{name}-{source}"] * each
    return np.concatenate(rows), labels, sources


def chance() -> np.random.Generator:
    return np.random.default_rng(3)


def test_a_curve_rises_with_labels_and_tells_what_the_next_fifty_bring() -> None:
    found = curves(*cloth({"good": (20, 10), "hole": (10, 4)}), chance())
    good, hole = found
    assert (hole.code, hole.labels, hole.sources) == ("hole", 40, 10)
    assert [point.labels for point in hole.points] == sorted(point.labels for point in hole.points)
    assert hole.points[-1].f1 > hole.points[0].f1
    assert all(point.low <= point.f1 <= point.high for point in hole.points)
    assert hole.next is not None
    assert good.next is not None
    assert 0 <= hole.next.low <= hole.next.gain <= hole.next.high <= 1


def test_a_class_that_is_told_for_sure_gains_nothing_more() -> None:
    found = curves(*cloth({"good": (9, 20), "hole": (9, 20)}, noise=0.01), chance())
    assert [one.next is not None and one.next.gain for one in found] == [pytest.approx(0, abs=0.02)] * 2
    assert found[0].points[-1].f1 > 0.97


@pytest.mark.parametrize(
    ("classes", "problem"),
    [
        ({"good": (9, 9), "hole": (2, 20)}, "few-sources"),
        ({"good": (9, 9), "hole": (5, 2)}, "few-labels"),
        ({"hole": (9, 9)}, "one-class"),
    ],
)
def test_what_cannot_be_said_is_not_said(classes: dict[str, tuple[int, int]], problem: str) -> None:
    (hole,) = [one for one in curves(*cloth(classes), chance()) if one.code == "hole"]
    assert (hole.problem, hole.points, hole.next) == (problem, (), None)


def test_the_law_is_found_again_from_its_own_points() -> None:
    planted = Law(0.9, 0.8, 0.5)
    labels = np.array([10.0, 20, 40, 80, 160])
    found = power_law(labels, np.array([planted(n) for n in labels]))
    assert found(400) == pytest.approx(planted(400), abs=0.01)
    assert found(1e9) == pytest.approx(0.9, abs=0.02)


@pytest.mark.parametrize("values", [[0.9, 0.7, 0.5], [0.2, 0.7, 1.0], [0.0, 0.0, 0.0]])
def test_the_law_never_promises_more_than_one_nor_a_fall(values: list[float]) -> None:
    found = power_law(np.array([10.0, 50, 250]), np.array(values))
    later = [found(n) for n in (10, 100, 1000, 1e6)]
    assert later == sorted(later)
    assert later[-1] <= 1


def test_no_source_is_in_two_parts_and_rare_classes_are_in_each() -> None:
    _, labels, sources = cloth({"good": (20, 3), "hole": (3, 5)})
    targets = np.array([label == "hole" for label in labels], dtype=np.intp)
    groups = numbered(sources)
    part = deal(targets, groups, 3, chance())
    assert all(len(set(part[groups == group])) == 1 for group in range(23))
    assert set(part[targets == 1]) == {0, 1, 2}


def test_the_probe_learns_rare_classes_and_never_says_what_it_was_not_shown() -> None:
    rows, labels, _ = cloth({"good": (1, 400), "hole": (1, 12)}, noise=0.1)
    targets = np.array([2 * (label == "hole") for label in labels], dtype=np.intp)
    found = linear.fit(rows, targets, 3).probabilities(rows)
    assert (found.argmax(axis=1) == targets).mean() > 0.97
    assert found[:, 1].max() < 1e-6
    assert found.sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_a_row_that_weighs_nothing_teaches_nothing() -> None:
    rows, labels, _ = cloth({"good": (1, 100), "hole": (1, 100)}, noise=0.05)
    targets = np.array([label == "hole" for label in labels], dtype=np.intp)
    spoilt = targets.copy()
    spoilt[:60] = 1
    weights = np.where(spoilt == targets, 1.0, 0.0)
    found = linear.fit(rows, spoilt, 2, weights).probabilities(rows).argmax(axis=1)
    assert (found == targets).all()
