"""`python -m ml metric`, from outside: drawn cloth in, folders and figures out."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from ml.cli import main
from ml.data import DataError, Dataset
from ml.drawn import draw
from ml.metric import train as training
from ml.metric.recipes import recipe
from ml.metric.train import Course, train
from ml.networks import Network, build
from ml.pretext import trunk
from ml.standardise import Standardise

QUICK = ["--network", "textile_resnet", "--size", "32", "--folds", "2", "--epochs", "2"]
COMMAND = ["metric", "train", *QUICK, "--leave-out", "hole"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("cloth") / "cloth"
    assert main(["draw", "--out", str(place), "--rolls", "20", "--frames", "8", "--size", "32"]) == 0
    return place


@pytest.fixture(scope="module")
def manifest(folder: Path) -> list[str]:
    return ["--manifest", str(folder / "manifest.csv")]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory, manifest: list[str]) -> Path:
    """What the reference leaves of drawn cloth, one class left out."""
    folder = tmp_path_factory.mktemp("metric") / "study"
    assert main([*COMMAND, *manifest, "--out", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def cloth() -> Dataset:
    return draw(60, 3, (32, 32), 1)


def net(width: int = 16) -> Network:
    torch.manual_seed(0)
    made = build("textile_resnet", 1, width)
    trunk.take(made, "textile_resnet", "standard")
    return made


def test_a_study_keeps_a_part_for_each_fold_and_each_class_left_out(study: Path) -> None:
    kept = json.loads((study / "study.json").read_text())
    assert list(kept["parts"]) == ["fold-1", "fold-2", "without-hole-1"]
    assert [epoch["epoch"] for epoch in kept["parts"]["fold-1"]["history"]] == [1, 2]
    assert kept["recipe"]["rate"] == 5e-5 and kept["parts"]["fold-1"]["began"].startswith("trunk ")
    assert not list(study.glob("*.pt"))
    with np.load(study / "without-hole-1.npz") as found:
        hole = kept["classes"].index("hole")
        assert set(found["target"][found["side"] == 2].tolist()) == {hole}
        assert hole not in found["target"][found["side"] == 0]
        assert not set(found["group"][found["side"] == 0]) & set(found["group"][found["side"] == 1])


def test_the_figures_are_measured_and_printed(study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["metric", "evaluate", str(study), "--json", str(tmp_path / "figures.json")]) == 0
    found = json.loads((tmp_path / "figures.json").read_text())
    assert 0 < found["held"]["recall_at_1"]["mean"] <= 1
    low, high = found["held"]["map_at_r"]["interval"]
    assert low <= found["held"]["map_at_r"]["mean"] <= high
    assert list(found["shots"]) == ["1", "5", "10"]
    assert list(found["unseen"]["classes"]) == ["hole"]
    said = capsys.readouterr().out
    assert "recall@1" in said and "never seen: hole" in said


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_three_pictures_are_drawn(study: Path, tmp_path: Path, kind: str) -> None:
    assert main(["metric", "plot", str(study), "--out", str(tmp_path), "--kind", kind]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {
        f"{name}.{kind}" for name in ("loss", "brightness", "distances")
    }
    assert all(path.stat().st_size > 2000 for path in tmp_path.iterdir())


def test_textures_are_whitened_for_each_part_and_nothing_is_trained(
    tmp_path: Path, manifest: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*manifest, "--preset", "texture", "--network", "textile_resnet", "--size", "32", "--folds", "2"]
    words += ["--leave-out", "hole", "--leave-out-folds", "2"]
    assert main(["metric", "train", *words, "--out", str(tmp_path / "study")]) == 0
    first, second = (load_file(tmp_path / "study" / f"fold-{number}.safetensors") for number in (1, 2))
    assert set(first) == {"whitening.mean", "whitening.turn"}
    assert not torch.equal(first["whitening.mean"], second["whitening.mean"])
    assert main(["metric", "plot", str(tmp_path / "study")]) == 0
    assert "recall@1" not in capsys.readouterr().out
    assert main(["metric", "evaluate", str(tmp_path / "study")]) == 0
    hole = json.loads((tmp_path / "study" / "figures.json").read_text())["unseen"]["classes"]["hole"]
    assert hole["folds"] == 2 and 0 <= hole["recall"]["mean"] <= 1


def test_what_is_done_is_not_done_again_and_another_study_is_not_mixed_in(
    study: Path, manifest: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*COMMAND, *manifest, "--out", str(study)]) == 0
    assert capsys.readouterr().out.count("there already") == 3
    assert main([*COMMAND, *manifest, "--out", str(study), "--rate", "1e-3"]) == 2
    assert "holds another study (recipe differ)" in capsys.readouterr().err


def test_a_killed_training_goes_on_where_it_was(
    tmp_path: Path, cloth: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen, by = (
        recipe("multi-similarity", {"epochs": 2, "batch": 20, "width": 16}),
        Standardise((0.5,), (0.25,), "image"),
    )
    whole = train(net(), cloth, cloth, chosen, by, Course())
    course = Course(checkpoint=tmp_path / "part.pt", identity="this")
    keep = training._Run.save

    def killed(run: training._Run) -> None:
        keep(run)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(training._Run, "save", killed)
        train(net(), cloth, cloth, chosen, by, course)
    again = train(net(), cloth, cloth, chosen, by, course)
    assert [epoch["loss"] for epoch in again] == pytest.approx([epoch["loss"] for epoch in whole])
    with pytest.raises(DataError, match="belongs to another training"):
        train(net(), cloth, cloth, chosen, by, replace(course, identity="that"))


@pytest.mark.parametrize(("learns", "stages"), [("head", 4), ("stage", 3), ("all", 0)])
def test_what_is_frozen_stays_as_it_was(cloth: Dataset, learns: str, stages: int) -> None:
    made, before = net(), net()
    preset = "siamese" if learns == "head" else "multi-similarity"
    chosen = recipe(preset, {"learns": learns, "epochs": 1, "batch": 20, "width": 16})
    train(made, cloth, cloth, chosen, Standardise((0.5,), (0.25,)), Course())
    same = [
        all(torch.equal(weight, old.state_dict()[name]) for name, weight in mine.state_dict().items())
        for mine, old in zip(made.trunk.children(), before.trunk.children(), strict=True)
    ]
    assert same == [True] * stages + [False] * (4 - stages)
    assert not (made.classifier.weight == before.classifier.weight).all()


def test_a_loss_that_is_no_number_ends_the_training(cloth: Dataset) -> None:
    chosen = recipe("siamese", {"epochs": 1, "rate": 1e30, "width": 16})
    with pytest.raises(DataError, match="no number any more in epoch 1"):
        train(net(), cloth, cloth, chosen, Standardise((0.5,), (0.25,)), Course())


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--preset", "siamise"], "there is no preset 'siamise'"),
        (["--batch", "2"], "a batch must be of 4 images or more"),
        (["--preset", "texture", "--homogenise", "image"], "takes images by their own contrast"),
        (["--leave-out", "hale"], "no class is named hale"),
        (["--homogenise", "camera"], "no camera is named of: images/"),
        (["--folds", "1"], "--folds must be 2 or more"),
        (["--network", "resnet19v1"], "there is no network 'resnet19v1'"),
        (["--network", "resnet18", "--weights", "{tmp}/none.pth"], "none.pth cannot be read as weights"),
        (["--log", "{tmp}/no/where"], "no file can be written"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_message(
    tmp_path: Path, manifest: list[str], words: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [word.format(tmp=tmp_path) for word in words]
    assert main(["metric", "train", *manifest, *QUICK, "--out", str(tmp_path / "out"), *given]) == 2
    said = capsys.readouterr().err
    assert said.startswith("ml metric: ") and reason in said and said.count("\n") == 1


def rewritten(folder: Path, place: Path, change: dict[str, str] | None = None, keep: tuple[str, ...] = ()) -> Path:
    """The manifest again, with only the labels to keep, and a column `split` of its own for each row in turn."""
    shutil.copytree(folder, place)
    with (place / "manifest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    rows = [row | (change or {}) for row in rows if not keep or row["label"] in keep]
    if change is None:
        rows = [row | {"split": ("train", "test")[number % 2]} for number, row in enumerate(rows)]
    with (place / "manifest.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return place / "manifest.csv"


@pytest.mark.parametrize(
    ("change", "keep", "reason"),
    [
        ({}, ("good",), "needs at least two classes"),
        ({"source": "one", "roll": ""}, (), "fewer than 2 sources in class"),
        (None, (), "stands on both sides of the split"),
    ],
)
def test_data_that_cannot_be_split_by_source_is_refused(
    folder: Path, tmp_path: Path, change: dict[str, str] | None, keep: tuple[str, ...], reason: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    manifest = rewritten(folder, tmp_path / "cloth", change, keep)
    assert main(["metric", "train", "--manifest", str(manifest), *QUICK, "--out", str(tmp_path / "out")]) == 2
    assert reason in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_class_of_one_image_cannot_train(cloth: Dataset) -> None:
    lone = cloth.take(np.concatenate([np.flatnonzero(cloth.targets == 0), np.flatnonzero(cloth.targets == 1)[:1]]))
    with pytest.raises(DataError, match="at least two images"):
        training.refuse_few(lone)
    with pytest.raises(DataError, match="at least two classes"):
        training.refuse_few(cloth.take(np.flatnonzero(cloth.targets == 0)))


@pytest.mark.parametrize(("name", "reason"), [("study.json", "no study of a metric"), ("fold-1.npz", "as embeddings")])
def test_a_broken_study_is_refused(
    study: Path, tmp_path: Path, name: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(study, tmp_path / "study")
    (tmp_path / "study" / name).write_bytes(b"{")
    assert main(["metric", "evaluate", str(tmp_path / "study")]) == 2
    assert reason in capsys.readouterr().err


@pytest.mark.real_data
def test_the_reference_learns_steel_with_each_source_on_one_side(real_cloth: Path, tmp_path: Path) -> None:
    lines = (real_cloth / "steel" / "neu" / "manifest.csv").read_text().splitlines()
    few = [lines[0], *(f"{real_cloth}/steel/neu/{line}" for line in lines[1::10])]
    (tmp_path / "manifest.csv").write_text("\n".join(few))
    words = ["--manifest", str(tmp_path / "manifest.csv"), "--out", str(tmp_path / "study"), "--leave-out", "patches"]
    assert main(["metric", "train", *words, *QUICK]) == 0
    assert main(["metric", "evaluate", str(tmp_path / "study")]) == 0
    found = json.loads((tmp_path / "study" / "figures.json").read_text())
    assert found["held"]["recall_at_1"]["mean"] > 0.3  # by chance one in six
    assert found["unseen"]["classes"]["patches"]["images"] > 10
