"""Pixels to input: one way for training and judging, with tiles and with homogenised brightness."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ml.data import Dataset, class_names, load, read_rows
from ml.inspector import Inspector, Item, Judgement
from ml.picture import Picture, open_picture
from ml.preprocess import homogenise
from ml.spec import Input
from tests.ml.bundles import tiny_bundle
from tests.ml.pictures import encode, plain, ramp, with_hole

TILES = Input(64, 64, 1, "tiles", max_tiles=40)


def picture(data: bytes, shape: Input) -> Picture:
    found = open_picture(data, shape)
    assert isinstance(found, Picture)
    return found


def loaded(folder: Path, shape: Input, images: dict[str, tuple[bytes, str]], mixed: bool = True) -> Dataset:
    """Images by name, each with what follows its path in the manifest: label,source,box."""
    for name, (data, _) in images.items():
        (folder / name).write_bytes(data)
    lines = [f"{name},{told}" for name, (_, told) in images.items()]
    (folder / "m.csv").write_text("\n".join(["path,label,source,box", *lines]))
    rows = read_rows(folder / "m.csv")
    return load(rows, class_names(rows), shape, "", mixed)


@pytest.mark.parametrize("shape", [Input(48, 32, 3), Input(64, 64, 1, "tiles"), Input(64, 64, 1, homogenise=90.0)])
def test_training_sees_the_very_pixels_that_judging_sees(tmp_path: Path, shape: Input) -> None:
    good, hole = encode(ramp(200, 150)), with_hole(size=(50, 50))
    data = loaded(tmp_path, shape, {"a.png": (good, "good,s1,"), "b.png": (hole, "hole,s2,")})
    seen = np.concatenate([picture(good, shape).views, picture(hole, shape).views])
    assert np.array_equal(data.images, seen)


def test_brightness_is_recorded_before_it_is_evened() -> None:
    found = picture(plain(200), Input(64, 64, 3, homogenise=100.0))
    assert found.brightness == 200 and np.unique(found.views).tolist() == [100]


def test_a_dying_lamp_is_still_told_when_brightness_is_evened(tmp_path: Path) -> None:
    from dataclasses import replace

    from ml import bundle
    from ml.bundle import Quality

    made = tiny_bundle(tmp_path / "plain", quality=Quality(dark=40, bright=250, blurred=-1))
    spec = bundle.read(made)
    evened = replace(spec, input=replace(spec.input, homogenise=128.0))
    files = [(made / name).read_bytes() for name in (bundle.WEIGHTS, bundle.GRAPH)]
    bundle.write(tmp_path / "evened", evened, files[0], files[1])
    inspector = Inspector.load(tmp_path / "evened", device="cpu")
    dim, gone = inspector.judge([Item(plain(60)), Item(plain(20))])
    assert isinstance(dim, Judgement) and isinstance(gone, Judgement)
    assert (dim.label, dim.brightness, dim.warnings) == ("good", 60, ())
    assert (gone.label, gone.brightness, gone.warnings) == ("unknown", 20, ("dark",))


def test_all_tiles_of_an_image_are_moved_together() -> None:
    half = np.full((64, 128, 3), 60, dtype=np.uint8)
    half[:, 64:] = 140
    found = picture(encode(half), Input(64, 64, 1, "tiles", homogenise=150.0))
    assert [int(view.mean()) for view in found.views] == [110, 190]


def test_homogenising_clips_and_does_not_wrap() -> None:
    ends = np.array([0, 128, 255], dtype=np.uint8)
    assert homogenise(ends, 100, 150.4).tolist() == [50, 178, 255]
    assert homogenise(ends, 150, 100).tolist() == [0, 78, 205]


def test_a_loaded_set_is_homogenised_as_its_images_would_be_one_by_one(tmp_path: Path) -> None:
    images = {"a.png": (encode(ramp(200, 150)), "good,s1,"), "b.png": (with_hole(90), "hole,s2,")}
    raw = loaded(tmp_path, TILES, images)
    told = Input(64, 64, 1, "tiles", 40, homogenise=120.0)
    assert np.array_equal(raw.homogenised(120.0).images, loaded(tmp_path, told, images).images)
    assert raw.homogenised(120.0).light.tolist() == raw.light.tolist()


def test_every_tile_of_a_good_image_is_trained_on_as_good(tmp_path: Path) -> None:
    images = {"a.png": (plain(size=(256, 128)), "good,s1,"), "b.png": (with_hole(), "hole,s2,")}
    data = loaded(tmp_path, TILES, images)
    assert data.targets.tolist() == [0] * 8 + [1]
    assert data.lines.tolist() == [2] * 8 + [3] and data.groups == ("s1",) * 8 + ("s2",)


def test_of_a_defect_with_a_box_the_tile_around_its_middle_is_trained_on(tmp_path: Path) -> None:
    hole = with_hole(size=(256, 128), at=(200, 80), side=20)
    data = loaded(tmp_path, TILES, {"a.png": (plain(), "good,s1,"), "b.png": (hole, "hole,s2,200 80 20 20")})
    assert data.images.shape == (2, 64, 64, 1)
    assert (data.images[1] == 0).sum() == 400 and data.images[1, 16, 8] == 0


def test_of_a_defect_without_a_box_the_whole_is_trained_on_because_no_tiles_label_is_known(tmp_path: Path) -> None:
    hole = with_hole(size=(256, 128), at=(128, 64), side=64)
    data = loaded(tmp_path, TILES, {"a.png": (plain(), "good,s1,"), "b.png": (hole, "hole,s2,")})
    assert data.targets.tolist() == [0, 1] and (data.images[1] == 0).mean() == pytest.approx(1 / 8, abs=0.02)


@pytest.fixture(scope="module")
def tiled(tmp_path_factory: pytest.TempPathFactory) -> Inspector:
    folder = tmp_path_factory.mktemp("tiled") / "bundle"
    return Inspector.load(tiny_bundle(folder, large="tiles", max_tiles=256), device="cpu")


@pytest.mark.parametrize(
    ("size", "at", "grid"),
    [((1024, 1024), (700, 900), (16, 16)), ((4096, 256), (4080, 10), (4, 64)), ((1000, 100), (0, 80), (2, 16))],
)
def test_a_camera_image_gets_one_verdict_with_the_worst_tile_and_a_map_over_all_of_it(
    tiled: Inspector, size: tuple[int, int], at: tuple[int, int], grid: tuple[int, int]
) -> None:
    found = tiled.judge([Item(with_hole(size=size, at=at, side=16))])[0]
    assert isinstance(found, Judgement) and found.tiles is not None
    assert (found.label, found.tiles.left_out, found.warnings) == ("hole", 0, ())
    assert (found.tiles.rows, found.tiles.cols) == grid
    x, y, width, height = found.tiles.worst
    assert x < at[0] + 16 and at[0] < x + width and y < at[1] + 16 and at[1] < y + height
    assert found.heatmap.shape == (grid[0] * 8, grid[1] * 8)
    row, column = np.unravel_index(found.heatmap.argmax(), found.heatmap.shape)
    assert abs(column / found.heatmap.shape[1] - at[0] / size[0]) < 1 / grid[1]
    assert abs(row / found.heatmap.shape[0] - at[1] / size[1]) < 1 / grid[0]


@pytest.mark.parametrize(("size", "left_out"), [((1024, 1024), 216 / 256), ((4096, 256), 216 / 256)])
def test_no_more_tiles_than_the_bundle_allows_are_judged_and_the_rest_is_told(
    tmp_path: Path, size: tuple[int, int], left_out: float
) -> None:
    inspector = Inspector.load(tiny_bundle(tmp_path / "few", large="tiles", max_tiles=40), device="cpu")
    found = inspector.judge([Item(plain(size=size))])[0]
    assert isinstance(found, Judgement) and found.tiles is not None
    assert 30 <= found.tiles.judged <= 40 and found.warnings == ("tiles-left-out",)
    assert found.tiles.left_out == pytest.approx(left_out, abs=0.05)
