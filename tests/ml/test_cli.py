"""The command line from end to end: draw, train, evaluate, bench."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ml import bundle
from ml.cli import main
from ml.fabric import CLASSES
from ml.inspector import Inspector, Item, Judgement
from tests.ml.bundles import tiny_bundle
from tests.ml.pictures import plain, with_hole

FIGURES = {
    "macro_f1", "accuracy", "auroc", "average_precision", "ece", "brier", "escape_rate", "overkill", "unknown_rate",
    "per_class", "confusion",
}  # fmt: skip


def ml(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ml", *map(str, words)]
    root = Path(__file__).parents[2]
    return subprocess.run(command, capture_output=True, text=True, cwd=root, env={**os.environ, "OMP_NUM_THREADS": "2"})


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn") / "cloth"
    assert main(["draw", "--out", str(folder), "--rolls", "24", "--frames", "12", "--size", "64"]) == 0
    return folder / "manifest.csv"


@pytest.fixture(scope="module")
def trained(drawn: Path) -> Path:
    pytest.importorskip("torch")
    out, log = drawn.parent / "bundle", drawn.parent / "log.jsonl"
    done = ml(
        *("train", "--manifest", drawn, "--network", "textile_resnet", "--preset", "quick", "--size", "32"),
        *(
            "--epochs",
            "3",
            "--merge",
            "gap=cut,hole",
            "--licence",
            "our own",
            "--log",
            log,
            "--out",
            out,
            "--overkill",
            "1",
        ),
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # no progress bar where nobody looks
    return out


def test_drawing_leaves_images_masks_and_a_manifest(drawn: Path) -> None:
    lines = drawn.read_text().splitlines()
    assert lines[0] == "path,label,source,box" and len(lines) == 1 + 24 * 12
    assert (drawn.parent / lines[1].split(",")[0]).is_file()
    assert len(list((drawn.parent / "masks").iterdir())) == 24 * 12


def test_training_leaves_a_bundle_that_says_where_it_comes_from(trained: Path) -> None:
    spec = bundle.verify(trained)
    assert spec.classes == ("good", "color", "gap", "metal_contamination", "thread")
    assert spec.data["licence"] == "our own" and len(spec.data["digest"]) == 64
    assert set(spec.data["counts"]) == {"train", "val", "test"}
    assert spec.threshold == pytest.approx(1 / 21)
    assert set(spec.metrics["held_out"]) >= FIGURES
    assert "held-out images" in (trained / "CARD.md").read_text()


def test_training_writes_a_line_an_epoch(trained: Path) -> None:
    lines = [json.loads(line) for line in (trained.parent / "log.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2, 3]
    assert lines[-1]["loss"] < lines[0]["loss"]


def test_the_trained_bundle_judges(trained: Path) -> None:
    answer = Inspector.load(trained, device="cpu").judge([Item(plain(0))])[0]
    assert isinstance(answer, Judgement)
    assert answer.label == "unknown" and answer.flagged and "dark" in answer.warnings
    assert answer.embedding.shape == (512,) and answer.heatmap.shape == (4, 4)


def test_the_evaluated_figures_are_those_of_the_held_out_side(trained: Path, drawn: Path, tmp_path: Path) -> None:
    out = tmp_path / "figures.json"
    words = ["evaluate", str(trained), "--manifest", str(drawn), "--merge", "gap=cut,hole", "--json", str(out)]
    assert main([*words, "--side", "test"]) == 0
    found, expected = json.loads(out.read_text()), bundle.read(trained).metrics["held_out"]
    assert set(found) >= FIGURES
    assert found["confusion"] == expected["confusion"] and found["auroc"] == pytest.approx(expected["auroc"])


def test_evaluating_a_rule_gives_the_figures_of_that_rule(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pictures = {
        "good-1": plain(),
        "good-2": with_hole(),
        "hole-1": with_hole(),
        "hole-2": plain(),
        "hole-3": with_hole(),
    }
    for name, data in pictures.items():
        (tmp_path / f"{name}.png").write_bytes(data)
    lines = [f"{name}.png,{name.split('-')[0]},{name}" for name in pictures]
    (tmp_path / "m.csv").write_text("path,label,source\n" + "\n".join(lines))
    tiny = tiny_bundle(tmp_path / "tiny")
    assert main(["evaluate", str(tiny), "--manifest", str(tmp_path / "m.csv"), "--json", str(tmp_path / "f.json")]) == 0
    found = json.loads((tmp_path / "f.json").read_text())
    assert found["escape_rate"] == pytest.approx(1 / 3) and found["overkill"] == 0.5
    assert found["per_class"]["hole"]["support"] == 3
    assert "escape_rate" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["train", "evaluate", "bench", "draw"])
def test_help_has_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert f"python -m ml {command}" in capsys.readouterr().out


def refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(words) == 2
    said = capsys.readouterr().err.strip()
    assert len(said.splitlines()) == 1
    return said


def test_bad_data_is_one_clear_message_and_leaves_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch")
    (tmp_path / "m.csv").write_text("path,label,source\na.png,good,s1\nb.png,hole,s2\n")
    said = refused(["train", "--manifest", str(tmp_path / "m.csv"), "--out", str(tmp_path / "out")], capsys)
    assert said == "ml train: missing file: row 2 (a.png), row 3 (b.png)"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.csv"]


def test_a_preset_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch")
    words = ["train", "--drawn", "10", "--preset", "magic", "--out", str(tmp_path / "out")]
    assert "no preset 'magic'" in refused(words, capsys)


def test_a_folder_that_is_no_bundle_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.png").write_bytes(plain())
    (tmp_path / "m.csv").write_text("path,label,source\na.png,good,s1\n")
    said = refused(["evaluate", str(tmp_path), "--manifest", str(tmp_path / "m.csv")], capsys)
    assert "not a bundle" in said


def test_labels_the_bundle_does_not_know_are_named(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.png").write_bytes(plain())
    (tmp_path / "m.csv").write_text("path,label,source\na.png,crease,s1\n")
    said = refused(["evaluate", str(tiny), "--manifest", str(tmp_path / "m.csv")], capsys)
    assert "no class crease" in said


def test_a_contact_sheet_shows_a_roll_a_row(tmp_path: Path) -> None:
    from PIL import Image

    assert main(["draw", "--sheet", "--out", str(tmp_path), "--rolls", "2", "--frames", "6", "--size", "64"]) == 0
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size == (len(CLASSES) * 68, 2 * 68)


def test_the_bench_compares_in_one_run(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    out = tmp_path / "bench.json"
    done = ml("bench", "--network", "textile_resnet", "--size", "32", "--batch", "4", "--rounds", "1", "--json", out)
    assert done.returncode == 0, done.stderr
    found = json.loads(out.read_text())["networks"]["textile_resnet"]
    assert found["ratio"] > 0 and found["from_bytes"]["fp32"] > 0
    assert set(found["ways"]) >= {"torch eager fp32", "ONNX Runtime int8", "OpenVINO fp32"}
    for process in found["process"].values():
        assert process["peak_mib"] < 350 and process["torch"] is False
