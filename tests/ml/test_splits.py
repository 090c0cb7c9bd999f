"""Near-duplicates in a split: joined where the split is ours, refused where it was given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ml.data import DataError, Dataset, load, read_rows
from ml.spec import Input
from ml.splits import _by_hash, rows_on, settle, split
from tests.ml.pictures import encode
from tests.ml.test_likeness import cloth, same_blob


def dataset(images: NDArray[np.uint8], sources: Sequence[str], targets: Sequence[int], splits: str = "") -> Dataset:
    count = len(images)
    return Dataset(
        images, np.array(targets, dtype=np.intp), ("good", "hole"), tuple(sources),
        tuple(splits.split()) or ("",) * count, "", "", names=tuple(f"{index}.png" for index in range(count)),
        sources=tuple(sources), lines=np.arange(2, 2 + count),
    )  # fmt: skip


def copied(count: int = 40) -> NDArray[np.uint8]:
    """Unrelated pictures, the last a lighter copy of the first."""
    images = cloth(count)
    images[-1] = np.clip(images[0] * 0.9 + 20, 0, 255).astype(np.uint8)
    return images


def test_near_duplicates_of_two_sources_become_one_group_and_the_split_says_so() -> None:
    data = settle(dataset(copied(), [f"s{index // 2:02}" for index in range(40)], [0, 1] * 20))
    assert data.groups[0] == data.groups[-1] == "s00" and len(set(data.groups)) == 19
    assert data.split_by == "hash of the source; near-duplicates joined by hashes within 6 bits: 20 groups became 19"
    assert data.sources[-1] == "s19"


def test_a_given_split_that_parts_near_duplicates_is_refused_naming_the_pair() -> None:
    given = " ".join(["train"] * 30 + ["val"] * 10)
    data = dataset(copied(), [f"s{index}" for index in range(40)], [0, 1] * 20, given)
    said = r"near-duplicates .*: row 2 \(0.png\) is 'train', row 41 \(39.png\) is 'val'"
    with pytest.raises(DataError, match=said):
        settle(data)


def test_a_given_split_that_parts_none_is_kept_as_it_is() -> None:
    data = dataset(cloth(4), "abcd", [0, 1, 0, 1], "train train val val")
    assert settle(data).groups == data.groups and settle(data).split_by.startswith("column of the manifest")


def test_where_nothing_names_sources_one_line_says_what_the_split_rests_on(caplog: pytest.LogCaptureFixture) -> None:
    data = settle(dataset(cloth(6), "abcdef", [0, 1] * 3))
    assert caplog.messages == [
        "every image counts as its own source: only near-duplicates are kept on one side of a split"
    ]
    assert data.split_by == "hash of the image, as no two name one source; no near-duplicates"


def test_chance_likenesses_that_would_swallow_the_set_must_correlate_to_count() -> None:
    images = np.concatenate([same_blob(30), cloth(30)])
    images[59] = images[0] + 3
    data = settle(dataset(images, [f"s{index:02}" for index in range(60)], [0, 1] * 30))
    assert [group for group in data.groups if data.groups.count(group) > 1] == ["s00", "s00"]
    assert "within 6 bits and pictures that correlate: 60 groups became 59" in data.split_by


def test_the_rows_of_a_side_are_those_that_training_put_there(tmp_path: Path) -> None:
    lines = ["path,label,source"]
    for index, image in enumerate(copied()):
        (tmp_path / f"{index}.png").write_bytes(encode(image))
        lines.append(f"{index}.png,{('good', 'hole')[index % 2]},s{index // 2:02}")
    (tmp_path / "m.csv").write_text("\n".join(lines))
    rows, shape = read_rows(tmp_path / "m.csv"), Input(64, 64, 1)
    data = settle(load(rows, ("good", "hole"), shape, ""))
    for side in ("train", "val", "test"):
        found = [row.line for row in rows_on(side, rows, ("good", "hole"), shape)]
        assert found == data.lines[getattr(split(data), side)].tolist()


def test_rows_of_one_source_stay_together_though_only_some_name_their_roll() -> None:
    data = dataset(cloth(12), [f"s{index // 3}" for index in range(12)], [0, 1] * 6)
    partly = replace(data, groups=("r1", "r1", *data.groups[2:]))
    assert settle(partly).groups == ("r1",) * 3 + data.groups[3:]


def test_the_sides_do_not_hang_on_the_order_in_which_classes_are_named() -> None:
    for seed in range(60):
        rng = np.random.default_rng(seed)
        sources, targets = [f"{seed}-{n}" for n in rng.integers(0, 5, 8)], rng.integers(0, 2, 8)
        data = dataset(np.zeros((8, 8, 8, 1), np.uint8), sources, targets.tolist())
        turned = replace(data, classes=("hole", "good"), targets=1 - data.targets)
        assert _by_hash(data) == _by_hash(turned)
