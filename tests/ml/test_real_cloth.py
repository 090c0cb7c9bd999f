"""Real cloth, where FABRIC_DATA names it. The starter model saw none of it, and nothing is asked of its accuracy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ml.data import check_rows, class_names, load, parse_merge, read_rows
from ml.inspector import Inspector, Item, Judgement
from ml.spec import Input
from ml.splits import folds, guard, settle, split
from tests.ml.test_starter import STARTER

pytestmark = pytest.mark.real_data


def test_the_manifest_is_read_and_split_by_strip(real_cloth: Path) -> None:
    merge = parse_merge(["spot=fuzzyball,nep,warp_ball"])
    rows = read_rows(real_cloth / "fabric" / "aitex64" / "manifest.csv", merge)
    check_rows(rows)
    guard(rows)
    classes = class_names(rows)
    assert classes == ("good", "broken_yarn", "crease", "cut_selvage", "spot")
    data = load(rows[::5], classes, Input(64, 64, 1), "")
    found = split(data)
    sides = [{data.groups[row] for row in side} for side in (found.train, found.val, found.test)]
    assert not (sides[0] & sides[1] or sides[0] & sides[2] or sides[1] & sides[2])


def test_every_real_image_gets_a_whole_answer(real_cloth: Path) -> None:
    rows = read_rows(real_cloth / "fabric" / "aitex64" / "manifest.csv")[::9]
    starter = Inspector.load(STARTER, device="cpu")
    for answer in starter.judge([Item(row.path.read_bytes()) for row in rows]):
        assert isinstance(answer, Judgement)
        assert answer.probabilities and sum(answer.probabilities.values()) == pytest.approx(1)
        assert np.isfinite(answer.embedding).all() and 0 < answer.brightness < 255
        assert answer.flagged or answer.label == "good"


def test_no_strip_is_the_near_duplicate_of_another_and_every_fold_tests_every_class(real_cloth: Path) -> None:
    rows = read_rows(real_cloth / "fabric" / "aitex64" / "manifest.csv")
    data = settle(load(rows, class_names(rows), Input(64, 64, 1), ""))
    assert data.groups == data.sources and data.split_by == "hash of the source; no near-duplicates"
    for train, test in folds(data, 3):
        assert not {data.groups[row] for row in train} & {data.groups[row] for row in test}
        assert set(data.targets[test].tolist()) == set(range(7))


def test_steel_without_a_good_class_is_read_and_split(real_cloth: Path) -> None:
    rows = read_rows(real_cloth / "steel" / "neu" / "manifest.csv")[::8]
    check_rows(rows)
    data = settle(load(rows, class_names(rows), Input(64, 64, 1), ""))
    assert "good" not in data.classes and len(data.classes) == 6
    assert set(data.targets[split(data).train].tolist()) == set(range(6))
