from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.data import DataError, Dataset, check_rows, class_names, load, parse_merge, read_rows
from ml.spec import Input
from ml.splits import guard, side_of, split
from tests.ml.pictures import encode, ramp

Line = tuple[str, ...]


def manifest(folder: Path, lines: Sequence[Line], columns: str = "path,label,source", draw: bool = True) -> Path:
    for line in lines if draw else ():
        (folder / line[0]).parent.mkdir(parents=True, exist_ok=True)
        (folder / line[0]).write_bytes(encode(ramp(20, 16)))
    place = folder / "manifest.csv"
    place.write_text("\n".join([columns, *(",".join(line) for line in lines)]) + "\n")
    return place


GOOD = [("a.png", "good", "s1"), ("b.png", "good", "s2"), ("c.png", "hole", "s1"), ("d.png", "hole", "s3")]


def test_a_manifest_becomes_arrays_at_input_size(tmp_path: Path) -> None:
    rows = read_rows(manifest(tmp_path, GOOD))
    data = load(rows, class_names(rows), Input(64, 48, 1), "test")
    assert data.images.shape == (4, 48, 64, 1)
    assert data.classes == ("good", "hole") and data.targets.tolist() == [0, 0, 1, 1]
    assert data.groups == ("s1", "s2", "s1", "s3")


def test_the_digest_changes_with_a_label(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    first = read_rows(manifest(tmp_path / "one", GOOD))
    second = read_rows(manifest(tmp_path / "two", [*GOOD[:3], ("d.png", "good", "s3")]))
    digests = {load(rows, ("good", "hole"), Input(8, 8, 1), "").digest for rows in (first, second, first)}
    assert len(digests) == 2


def test_exif_is_applied_in_training_as_in_judging(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    place = manifest(tmp_path, GOOD)
    (tmp_path / "a.png").write_bytes(encode(Image.fromarray(ramp(20, 16)), "PNG", exif=exif))
    rows = read_rows(place)
    data = load(rows, class_names(rows), Input(16, 20, 3), "test", mixed=True)
    assert np.array_equal(data.images[0], np.rot90(ramp(20, 16), -1))


def test_class_folders_stand_in_for_a_manifest(tmp_path: Path) -> None:
    manifest(tmp_path, [("good/1.png", "x", "y"), ("hole/2.png", "x", "y")])
    rows = read_rows(tmp_path)
    assert sorted((row.label, row.source) for row in rows) == [("good", "good/1.png"), ("hole", "hole/2.png")]


def test_classes_are_merged_by_name(tmp_path: Path) -> None:
    rows = read_rows(manifest(tmp_path, GOOD), parse_merge(["spot=hole,nep"]))
    assert class_names(rows) == ("good", "spot")
    with pytest.raises(DataError, match="--merge"):
        parse_merge(["spot"])


def test_missing_files_are_named_with_their_rows(tmp_path: Path) -> None:
    place = manifest(tmp_path, GOOD)
    (tmp_path / "b.png").unlink()
    with pytest.raises(DataError, match=r"missing file: row 3 \(b.png\)"):
        check_rows(read_rows(place))


def test_unreadable_images_are_named_with_their_rows(tmp_path: Path) -> None:
    place = manifest(tmp_path, GOOD)
    (tmp_path / "c.png").write_bytes(b"nothing")
    rows = read_rows(place)
    with pytest.raises(DataError, match=r"unreadable image: row 4 \(c.png"):
        load(rows, class_names(rows), Input(8, 8, 3), "")


def test_labels_nobody_asked_for_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"unknown label: row 4 \(hole\), row 5 \(hole\)"):
        class_names(read_rows(manifest(tmp_path, GOOD)), ("good", "cut"))


def test_one_class_only_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="needs at least two classes, and rows 2 to 3 are all good"):
        class_names(read_rows(manifest(tmp_path, GOOD[:2])))


def test_a_class_of_one_source_is_refused(tmp_path: Path) -> None:
    lines = [*GOOD[:3], ("d.png", "hole", "s1")]
    with pytest.raises(DataError, match="fewer than 2 sources in class: hole"):
        check_rows(read_rows(manifest(tmp_path, lines)))


def test_many_faults_are_counted_and_a_few_named(tmp_path: Path) -> None:
    lines = [(f"{index}.png", "good", "s") for index in range(40)]
    with pytest.raises(DataError, match="and 35 more"):
        check_rows(read_rows(manifest(tmp_path, lines, draw=False)))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("path,label\na,b\n", "lacks the column source"),
        ("path,label,source\n", "lists no images"),
        ("path,label,source\na.png,,s\n", "row 2 lacks"),
        ("", "lacks the column"),
    ],
)
def test_a_manifest_without_its_columns_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    place = tmp_path / "m.csv"
    place.write_text(text)
    with pytest.raises(DataError, match=reason):
        read_rows(place)


def test_a_manifest_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_rows(tmp_path / "none.csv")


def test_a_given_split_with_one_source_on_both_sides_names_the_pair(tmp_path: Path) -> None:
    lines = [("a.png", "good", "s1", "train"), ("b.png", "hole", "s2", "train"), ("c.png", "good", "s1", "val")]
    with pytest.raises(
        DataError, match=r"source 's1' stands on both sides of the split: row 2 is 'train', row 4 is 'val'"
    ):
        guard(read_rows(manifest(tmp_path, lines, "path,label,source,split")))


def test_a_given_split_with_one_roll_on_both_sides_is_refused_too(tmp_path: Path) -> None:
    lines = [("a.png", "good", "s1", "r1", "train"), ("b.png", "good", "s2", "r1", "test")]
    with pytest.raises(DataError, match="roll 'r1'"):
        guard(read_rows(manifest(tmp_path, lines, "path,label,source,roll,split")))


def test_a_split_of_unknown_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="row 2: split is 'dev'"):
        guard(read_rows(manifest(tmp_path, [("a.png", "good", "s1", "dev")], "path,label,source,split")))


def dataset(groups: Sequence[str], targets: Sequence[int], splits: Sequence[str] = ()) -> Dataset:
    count = len(groups)
    images = np.zeros((count, 1, 1, 1), dtype=np.uint8)
    given = tuple(splits) or ("",) * count
    return Dataset(images, np.array(targets, dtype=np.intp), ("good", "hole"), tuple(groups), given, "", "")


def test_no_group_stands_on_two_sides() -> None:
    data = dataset([f"s{index // 3}" for index in range(600)], [index % 2 for index in range(600)])
    found = split(data)
    sides = [{data.groups[row] for row in rows} for rows in (found.train, found.val, found.test)]
    assert not (sides[0] & sides[1] or sides[0] & sides[2] or sides[1] & sides[2])
    assert 0.6 < len(found.train) / 600 < 0.8


def test_a_groups_side_does_not_depend_on_the_other_data() -> None:
    assert [side_of(name) for name in ("s1", "s2", "s3", "s4")] == [side_of(name) for name in ("s1", "s2", "s3", "s4")]
    many = dataset([f"s{index}" for index in range(200)], [index % 2 for index in range(200)])
    train = {many.groups[row] for row in split(many).train}
    assert train == {f"s{index}" for index in range(200) if side_of(f"s{index}") == "train"}


def test_a_rare_class_has_something_to_train_and_to_validate_on() -> None:
    late = [name for name in (f"x{index}" for index in range(500)) if side_of(name) == "test"][:3]
    data = dataset([*(f"s{index}" for index in range(50)), *late], [0] * 50 + [1] * 3)
    found = split(data)
    assert (data.targets[found.train] == 1).sum() == 1 and (data.targets[found.val] == 1).sum() == 1


def test_a_given_split_is_kept_and_must_have_every_class_to_train_on() -> None:
    found = split(dataset("abcd", [0, 1, 0, 1], ["train", "train", "val", "test"]))
    assert (found.train.tolist(), found.val.tolist(), found.test.tolist()) == ([0, 1], [2], [3])
    with pytest.raises(DataError, match="class hole without training images"):
        split(dataset("abcd", [0, 1, 0, 1], ["train", "val", "val", "test"]))


def test_the_licence_travels_from_the_manifest(tmp_path: Path) -> None:
    lines = [(*line, licence) for line, licence in zip(GOOD, ["CC0", "CC0", "our own", ""], strict=True)]
    rows = read_rows(manifest(tmp_path, lines, "path,label,source,licence"))
    assert load(rows, class_names(rows), Input(8, 8, 1), "").licence == "CC0, our own"
    rows = read_rows(manifest(tmp_path, GOOD))
    assert load(rows, class_names(rows), Input(8, 8, 1), "").licence == "not stated"


def test_classes_without_good_are_taken(tmp_path: Path) -> None:
    lines = [("a.png", "scratches", "s1"), ("b.png", "crazing", "s2")]
    assert class_names(read_rows(manifest(tmp_path, lines))) == ("crazing", "scratches")


def test_a_class_asked_for_that_no_row_has_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no row is of class: cut"):
        class_names(read_rows(manifest(tmp_path, GOOD)), ("good", "hole", "cut"))


@pytest.mark.parametrize("box", ["1 2 3", "a b c d", "-1 0 3 3"])
def test_a_box_that_is_no_box_is_refused(tmp_path: Path, box: str) -> None:
    with pytest.raises(DataError, match="row 2: box is"):
        read_rows(manifest(tmp_path, [("a.png", "hole", "s1", box)], "path,label,source,box"))


def test_images_of_several_sizes_are_refused_naming_the_odd_ones(tmp_path: Path) -> None:
    rows = read_rows(manifest(tmp_path, GOOD))
    rows[1].path.write_bytes(encode(ramp(30, 16)))
    with pytest.raises(DataError, match=r"mixed sizes, most are 20 x 16, .*: row 3 \(b.png, 30 x 16\)$"):
        load(rows, class_names(rows), Input(8, 8, 1), "")
    assert len(load(rows, class_names(rows), Input(8, 8, 1), "", mixed=True).images) == 4
