from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from ml.data import DataError, Dataset
from ml.folds import folds, thin


def dataset(parts: Sequence[tuple[str, int, int]]) -> Dataset:
    """From (group, target, images) triples."""
    groups = [group for group, _, count in parts for _ in range(count)]
    targets = np.array([target for _, target, count in parts for _ in range(count)], dtype=np.intp)
    images = np.zeros((len(groups), 1, 1, 1), dtype=np.uint8)
    return Dataset(images, targets, ("good", "hole", "cut"), tuple(groups), ("",) * len(groups), "", "")


def cloth(seed: int = 0) -> Dataset:
    """Sixty strips of good cloth, twelve of which have a hole and three others a cut."""
    rng = np.random.default_rng(seed)
    good = [(f"s{index}", 0, int(rng.integers(1, 9))) for index in range(60)]
    holes = [(f"s{index}", 1, int(rng.integers(2, 20))) for index in range(12)]
    return dataset([*good, *holes, ("s20", 2, 9), ("s21", 2, 7), ("s22", 2, 1)])


def test_every_image_is_tested_once_and_no_group_on_two_sides() -> None:
    data = cloth()
    found = folds(data, 3)
    assert sorted(np.concatenate([test for _, test in found]).tolist()) == list(range(len(data.groups)))
    for train, test in found:
        assert not {data.groups[row] for row in train} & {data.groups[row] for row in test}
        assert sorted([*train, *test]) == list(range(len(data.groups)))


@pytest.mark.parametrize("seed", range(5))
def test_a_class_of_three_groups_is_in_every_one_of_three_folds(seed: int) -> None:
    data = cloth(seed)
    for _, test in folds(data, 3, seed):
        assert set(data.targets[test].tolist()) == {0, 1, 2}


def test_classes_are_spread_as_evenly_as_scikit_learn_spreads_them() -> None:
    selection = pytest.importorskip("sklearn.model_selection")
    data = cloth(4)
    groups = np.array(data.groups)
    theirs = list(selection.StratifiedGroupKFold(3).split(groups, data.targets, groups))
    assert unevenness(data, folds(data, 3)) <= unevenness(data, theirs) + 1e-9


def unevenness(data: Dataset, found: Sequence[tuple[np.ndarray, np.ndarray]]) -> float:
    counts = np.array([np.bincount(data.targets[test], minlength=3) for _, test in found])
    return float((counts / counts.sum(axis=0)).std(axis=0).mean())


def test_the_same_seed_gives_the_same_folds_whatever_the_order_of_the_images() -> None:
    data = cloth()
    order = np.random.default_rng(1).permutation(len(data.groups))
    one = [{data.groups[row] for row in test} for _, test in folds(data, 3, 7)]
    shuffled = data.take(order)
    assert [{shuffled.groups[row] for row in test} for _, test in folds(shuffled, 3, 7)] == one


def test_classes_of_fewer_groups_than_folds_are_told() -> None:
    assert thin(cloth(), 5) == ("cut",) and thin(cloth(), 3) == ()


def test_a_class_of_one_group_is_refused_by_name() -> None:
    with pytest.raises(DataError, match="fewer than 2 sources in class: hole"):
        folds(dataset([("a", 0, 3), ("b", 0, 3), ("b", 1, 3), ("a", 2, 1), ("c", 2, 1)]), 2)


@pytest.mark.parametrize("count", [0, 1, 4])
def test_more_folds_than_groups_and_fewer_than_two_are_refused(count: int) -> None:
    parts = [(group, target, 1) for group in "abc" for target in range(3)]
    with pytest.raises(DataError, match=f"{count} folds cannot be made of 3 sources"):
        folds(dataset(parts), count)
