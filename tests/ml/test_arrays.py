"""Images in arrays: the seed's X.npy and Y.npy, an .npz, and an HDF5 file with a CSV beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ml import arrays
from ml.data import DataError, load, parse_merge, read_rows
from ml.spec import Input
from tests.ml.pictures import ramp

GREY = np.stack([ramp(64, 64)[..., :1] + shift for shift in range(4)])  # (4, 64, 64, 1)
LABELS = np.array([0, 0, 1, 1])


def folder(place: Path, **found: Any) -> Path:
    place.mkdir(exist_ok=True)
    for name, values in found.items():
        np.save(place / f"{name}.npy", values)
    return place


def hdf5(place: Path, **found: Any) -> Path:
    h5py = pytest.importorskip("h5py")
    with h5py.File(place, "w") as file:
        for name, values in found.items():
            file[name] = values
    return place


def test_x_and_y_in_a_folder_become_rows_whose_pixels_are_kept(tmp_path: Path) -> None:
    rows = read_rows(folder(tmp_path, X=GREY, Y=LABELS), parse_merge(["good=0", "hole=1"]))
    assert [row.label for row in rows] == ["good", "good", "hole", "hole"]
    assert len({row.source for row in rows}) == 4
    data = load(rows, ("good", "hole"), Input(64, 64, 1), "")
    assert np.array_equal(data.images, GREY) and data.targets.tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize("scale", [1 / 255, 1.0])
def test_floats_are_fractions_of_white_or_grey_levels(tmp_path: Path, scale: float) -> None:
    rows = read_rows(folder(tmp_path, X=GREY.astype(np.float32) * np.float32(scale), Y=LABELS))
    assert np.array_equal(load(rows, ("0", "1"), Input(64, 64, 1), "").images, GREY)


def test_pixels_pass_through_the_bytes_that_the_judge_gets_unchanged(tmp_path: Path) -> None:
    colour = np.stack([ramp(63, 41)] * 2)
    rows = read_rows(folder(tmp_path, X=colour, Y=["good", "hole"]))
    assert np.array_equal(load(rows, ("good", "hole"), Input(63, 41, 3), "").images, colour)


def test_names_of_classes_and_sources_stand_beside_the_arrays(tmp_path: Path) -> None:
    place = folder(tmp_path, X=GREY[..., 0], Y=LABELS[:, None], sources=["a", "b", "a", "c"])
    (tmp_path / "classes.json").write_text(json.dumps(["good", "hole"]))
    rows = read_rows(place)
    assert [(row.label, row.source) for row in rows] == [("good", "a"), ("good", "b"), ("hole", "a"), ("hole", "c")]
    assert read_rows(tmp_path / "X.npy")[0].label == "good"


def test_an_npz_holds_the_same_names(tmp_path: Path) -> None:
    np.savez(tmp_path / "cloth.npz", x=GREY, y=["good", "good", "hole", "hole"])
    assert [row.label for row in read_rows(tmp_path / "cloth.npz")] == ["good", "good", "hole", "hole"]


def test_an_hdf5_file_is_labelled_by_the_csv_of_its_name_whose_index_names_no_source(tmp_path: Path) -> None:
    place = hdf5(tmp_path / "train64.h5", images=GREY.astype(np.float32) / 255)
    lines = ["index,angle,indication_type,indication_value,split", "48000,0,good,0,train", "48001,20,good,0,train"]
    lines += ["48002,0,hole,3,train", "48003,20,hole,3,train"]
    place.with_suffix(".csv").write_text("\n".join(lines))
    rows = read_rows(place)
    assert [(row.label, row.source) for row in rows[1:3]] == [("good", "train64.h5[1]"), ("hole", "train64.h5[2]")]
    assert np.array_equal(load(rows, ("good", "hole"), Input(64, 64, 1), "").images, GREY)


def test_the_csv_beside_an_hdf5_file_may_name_sources(tmp_path: Path) -> None:
    place = hdf5(tmp_path / "a.h5", images=GREY)
    place.with_suffix(".csv").write_text("label,source\ngood,a\ngood,b\nhole,a\nhole,c\n")
    assert [row.source for row in read_rows(place)] == ["a", "b", "a", "c"]


def test_an_hdf5_file_may_hold_its_labels_itself(tmp_path: Path) -> None:
    rows = read_rows(hdf5(tmp_path / "a.h5", X=GREY, Target=[b"good", b"good", b"hole", b"hole"]))
    assert [row.label for row in rows] == ["good", "good", "hole", "hole"]


def test_a_csv_can_name_the_sources_of_arrays(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("source\nr1\nr1\nr2\nr3\n")
    rows = read_rows(folder(tmp_path / "a", X=GREY, Y=LABELS), None, tmp_path / "s.csv")
    assert [row.source for row in rows] == ["r1", "r1", "r2", "r3"]


def test_an_hdf5_file_of_other_names_is_refused_telling_what_is_inside(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds good, hole, and none is named images, x, data"):
        arrays.read(hdf5(tmp_path / "a.h5", **{"good/angle0": GREY, "hole/angle0": GREY}))


def test_without_h5py_the_message_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    with pytest.raises(DataError, match="needs h5py"):
        arrays.read(tmp_path / "a.h5")


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        ({"X": GREY, "Y": LABELS[:3]}, "4 images, 3 labels and 0 sources"),
        ({"X": GREY, "Y": LABELS, "sources": ["a"]}, "4 labels and 1 sources"),
        ({"X": GREY}, "names no labels"),
        ({"X": GREY[0, :, :, 0], "Y": np.zeros(64, int)}, r"images are \(64, 64\)"),
        ({"X": np.zeros((2, 8, 8, 4), np.uint8), "Y": LABELS[:2]}, "not .N, height, width"),
        ({"X": np.zeros((0, 8, 8), np.uint8), "Y": LABELS[:0]}, "not .N, height, width"),
        ({"X": GREY.astype(np.int32), "Y": LABELS}, "int32, not uint8 or float"),
        ({"X": GREY.astype(float) * 9, "Y": LABELS}, "not 0..1 or 0..255"),
        ({"X": np.full((2, 8, 8), np.nan), "Y": LABELS[:2]}, "not 0..1 or 0..255"),
        ({"X": GREY, "Y": LABELS + 0.5}, "one whole number or name an image"),
        (
            {"X": np.array([GREY[0], GREY[1][:9]], dtype=object), "Y": LABELS[:2]},
            "never Python objects such as images of diff",
        ),
    ],
)
def test_arrays_that_do_not_fit_are_refused(tmp_path: Path, found: dict[str, Any], reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        read_rows(folder(tmp_path, **found))


@pytest.mark.parametrize("name", ["a.npz", "a.h5", "X.npy"])
@pytest.mark.parametrize("content", [b"", b"no array at all"])
def test_a_file_that_holds_no_arrays_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    pytest.importorskip("h5py")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match="cannot be read"):
        read_rows(tmp_path / name)


@pytest.mark.parametrize(
    ("names", "reason"), [("[1, 2]", "not a list of class names"), ('["good"]', "label 1 is not among"), ("{", "read")]
)
def test_class_names_that_do_not_fit_are_refused(tmp_path: Path, names: str, reason: str) -> None:
    (tmp_path / "classes.json").write_text(names)
    with pytest.raises(DataError, match=reason):
        read_rows(folder(tmp_path, X=GREY, Y=LABELS))


def test_a_csv_of_another_length_is_refused(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("source\nr1\n")
    with pytest.raises(DataError, match="1 lines for 4 images"):
        read_rows(folder(tmp_path / "a", X=GREY, Y=LABELS), None, tmp_path / "s.csv")


def test_a_source_file_without_arrays_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds none"):
        read_rows(tmp_path, None, tmp_path / "s.csv")
