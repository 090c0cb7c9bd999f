"""Where the simulated cameras' pictures come from."""

from collections import Counter
from pathlib import Path

import pytest

from ml.fabric import CLASSES
from tests import cast
from workers.pictures import Drawn, FromFolder, Picture, read_folder, share_out


def drawn(count: int, defects: float, late: bool = False) -> list[Picture]:
    camera = Drawn("line-1", defects, 0.1, seed=1)
    return [picture for _ in range(count) if (picture := camera.next(late))]


def all_of(source: FromFolder) -> list[Picture]:
    found = []
    while picture := source.next(late=False):
        found.append(picture)
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for label in ("good", "hole"):
        (tmp_path / label).mkdir()
        for seed in range(4):
            (tmp_path / label / f"{seed}.png").write_bytes(cast.a_png(seed))
    return tmp_path


def test_every_kind_of_defect_comes_equally_often() -> None:
    seen = Counter(picture.label for picture in drawn(2 * (len(CLASSES) - 1), defects=1.0))
    assert seen == {label: 2 for label in CLASSES if label != "good"}


def test_without_defects_all_cloth_is_good() -> None:
    assert {picture.label for picture in drawn(5, defects=0.0)} == {"good"}


def test_a_drawn_picture_knows_its_place_on_the_roll() -> None:
    fields = drawn(1, 0.0)[0].fields
    assert fields["roll"].startswith("line-1-")
    assert (fields["position_m"] >= 0, fields["mm_per_px"]) == (True, 0.1)


def test_a_late_camera_shows_an_earlier_picture_and_draws_none() -> None:
    pictures = drawn(5, 0.5, late=True)
    assert len({picture.image for picture in pictures}) == 1


def test_class_folders_name_the_label(folder: Path) -> None:
    assert Counter(file.label for file in read_folder(folder)) == {"good": 4, "hole": 4}


def test_a_flat_folder_has_no_labels(folder: Path) -> None:
    assert {file.label for file in read_folder(folder / "hole")} == {None}


def test_a_manifest_says_label_and_source(folder: Path) -> None:
    (folder / "manifest.csv").write_text("path,label,source\nhole/1.png,nep,strip-9\ngood/0.png,good,\n")
    assert [(file.name, file.label, file.source) for file in read_folder(folder)] == [
        ("hole/1.png", "nep", "strip-9"),
        ("good/0.png", "good", None),
    ]


@pytest.mark.parametrize("cameras", [1, 2, 3])
def test_each_picture_goes_to_one_camera_once(folder: Path, cameras: int) -> None:
    shares = [all_of(source) for source in share_out(read_folder(folder), cameras, loop=False)]
    posted = [picture.file for share in shares for picture in share]
    assert sorted(posted) == sorted(file.name for file in read_folder(folder))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_once_has_the_same_ids_at_every_start_and_round_and_round_has_none(folder: Path) -> None:
    def ids(loop: bool) -> list[object]:
        (source,) = share_out(read_folder(folder), 1, loop)
        return [picture.fields.get("capture_id") for _ in range(8) if (picture := source.next(late=False))]

    assert ids(loop=False) == ids(loop=False)
    assert len(set(ids(loop=False))) == 8
    assert set(ids(loop=True)) == {None}


def test_round_and_round_begins_again(folder: Path) -> None:
    (source,) = share_out(read_folder(folder), 1, loop=True)
    posted = [picture.file for _ in range(16) if (picture := source.next(late=False))]
    assert posted[:8] == posted[8:]


def test_metres_of_a_source_rise_from_its_start(folder: Path) -> None:
    (folder / "manifest.csv").write_text("path,label,source\n" + "".join(f"hole/{n}.png,hole,s\n" for n in range(3)))
    (source,) = share_out(read_folder(folder), 1, loop=False)
    assert [picture.fields["position_m"] for picture in all_of(source)] == [0.0, 0.1, 0.2]
