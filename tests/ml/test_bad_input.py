"""Bad data on the command line: one clear message that names the rows, exit code 2, and nothing half-written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ml.cli import main
from tests.ml.pictures import encode
from tests.ml.test_likeness import cloth

pytest.importorskip("torch")

Spoil = Callable[[Path], object]


def cloth_folder(folder: Path) -> Path:
    """Twelve unrelated pictures of six sources, half of them with a hole by name."""
    lines = ["path,label,source,split"]
    for index, image in enumerate(cloth(12)):
        (folder / f"{index}.png").write_bytes(encode(image))
        lines.append(f"{index}.png,{('good', 'hole')[index % 2]},s{index // 2},")
    (folder / "m.csv").write_text("\n".join(lines) + "\n")
    return folder


def change(old: str, new: str) -> Spoil:
    def spoil(folder: Path) -> None:
        text = (folder / "m.csv").read_text()
        assert old in text
        (folder / "m.csv").write_text(text.replace(old, new))

    return spoil


def size_of_two(folder: Path) -> None:
    for name in ("3.png", "5.png"):
        (folder / name).write_bytes(encode(cloth(1, side=32)[0]))


def all_on_sides(folder: Path) -> None:
    """A given split that keeps sources apart, but 11.png is a lighter copy of 0.png."""
    (folder / "11.png").write_bytes(encode(cloth(1)[0] + np.uint8(3)))
    lines = (folder / "m.csv").read_text().splitlines()
    sides = [f"{line}{'train' if index < 8 else 'val'}" for index, line in enumerate(lines[1:])]
    (folder / "m.csv").write_text("\n".join([lines[0], *sides]))


BAD: dict[str, tuple[Spoil, str, tuple[str, ...]]] = {
    "missing file": (lambda f: (f / "1.png").unlink(), "missing file: row 3 (1.png)", ()),
    "unknown label": (change("2.png,good", "2.png,crease"), "row 4 (crease)", ("--classes", "good,hole")),
    "unknown as a class": (change("2.png,good", "2.png,unknown"), "no class: row 4 (2.png)", ()),
    "one class": (change(",hole,", ",good,"), "needs at least two classes, and rows 2 to 13 are all good", ()),
    "no such class": (change("2.png", "2.png"), "no row is of class: cut", ("--classes", "good,hole,cut")),
    "lone source": (
        change("2.png,good", "2.png,cut"),
        "fewer than 2 sources in class: cut (from row 4 (2.png) on)",
        (),
    ),
    "unreadable": (lambda f: (f / "4.png").write_bytes(b"GIF89a"), "unreadable image: row 6 (4.png: ", ()),
    "mixed sizes": (size_of_two, "--resize-mixed takes them all: row 5 (3.png, 32 x 32), row 7 (5.png, 32 x 32)", ()),
    "one source on two sides": (change("10.png,good,s5,", "10.png,good,s5,val"), "row 12 is 'val', row 13 is", ()),
    "near-duplicates on two sides": (all_on_sides, "row 2 (0.png) is 'train', row 13 (11.png) is 'val'", ()),
    "no manifest": (lambda f: (f / "m.csv").unlink(), "cannot be read", ()),
}


@pytest.mark.parametrize("command", ["train", "crossval"])
@pytest.mark.parametrize("fault", BAD)
def test_bad_data_is_refused_in_one_line_that_names_the_rows_and_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], fault: str, command: str
) -> None:
    spoil, reason, words = BAD[fault]
    (tmp_path / "data").mkdir()
    spoil(cloth_folder(tmp_path / "data"))
    before = sorted(tmp_path.rglob("*"))
    left = ["--out", str(tmp_path / "out")] if command == "train" else ["--json", str(tmp_path / "out")]
    asked = [command, "--manifest", str(tmp_path / "data" / "m.csv"), "--preset", "quick", "--size", "64", *left]
    assert main([*asked, "--log", str(tmp_path / "log"), *words]) == 2
    said = capsys.readouterr()
    assert len(said.err.splitlines()) == 1 and said.err.startswith(f"ml {command}: ") and reason in said.err
    assert said.out == "" and sorted(tmp_path.rglob("*")) == before


def test_arrays_without_labels_are_refused_on_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "X.npy", cloth(4))
    assert main(["train", "--manifest", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert "names no labels" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["X.npy"]
