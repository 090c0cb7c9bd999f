"""Cross-validation and the preset for small sets: honest by construction."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from ml import bundle, crossval
from ml import fit as fitting
from ml.cli import main
from ml.data import Dataset
from ml.drawn import draw
from ml.fit import Trained, fit
from ml.held import _dealt, judged
from ml.inspector import Inspector, Item, Judgement
from ml.learn import gather, png
from ml.order import Order
from ml.spec import Input
from tests.ml.test_splits import copied

SHAPE = Input(64, 64, 1)
QUICK = Order(network="resnet8v1", preset="best", knobs={"epochs": 1, "start": "new"}, channels=1)


@pytest.fixture(scope="module")
def cloth() -> Dataset:
    return draw(90, 7, (64, 64), 1)


def test_every_image_is_judged_once_by_a_network_that_never_saw_its_source(
    cloth: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[set[str]] = []

    def watched(order: Order, train_on: Dataset, check_on: Dataset | None, part: str, shape: Input) -> Trained:
        seen.append(set(train_on.groups) | set(check_on.groups if check_on else ()))
        return fit(order, train_on, check_on, part, shape)

    monkeypatch.setattr(crossval, "fit", watched)
    held = crossval.crossval(QUICK, cloth, SHAPE)
    assert len(seen) == 3
    assert sorted(image.tobytes() for image in held.data.images) == sorted(image.tobytes() for image in cloth.images)
    for group, fold in zip(held.data.groups, held.fold.tolist(), strict=True):
        assert group not in seen[fold]


def test_what_calibrates_a_source_comes_from_the_others(cloth: Dataset) -> None:
    held = crossval.crossval(QUICK, cloth, SHAPE)
    first = _dealt(held.data.groups) == 0
    logits, far = held.logits.copy(), held.distance.copy()
    logits[first] *= 3
    far[first] += 100
    plain, bent = judged(held, QUICK.flag), judged(replace(held, logits=logits, distance=far), QUICK.flag)
    cubed = plain.probabilities[first] ** 3  # the temperature did not follow the sources' own louder answers
    assert np.allclose(bent.probabilities[first], cubed / cubed.sum(axis=1, keepdims=True), atol=1e-6)
    assert {bent.said[row] for row in np.flatnonzero(first)} == {"unknown"}  # nor did the limit follow their distances
    groups = np.array(held.data.groups)
    assert not set(groups[first]) & set(groups[~first])


def test_crossval_prints_and_keeps_the_mean_and_the_interval_over_folds(tmp_path: Path) -> None:
    report, page = tmp_path / "figures.json", tmp_path / "report.html"
    words = [
        "crossval",
        "--drawn",
        "90",
        "--network",
        "resnet8v1",
        "--preset",
        "quick",
        "--epochs",
        "1",
        "--size",
        "32",
    ]
    assert main([*words, "--json", str(report), "--html", str(page)]) == 0
    found = json.loads(report.read_text())
    assert len(found["folds"]) == 3 and sum(fold["images"] for fold in found["folds"]) == found["images"]
    over = found["over_folds"]["accuracy"]
    values = [fold["accuracy"] for fold in found["folds"]]
    assert over["mean"] == pytest.approx(np.mean(values))
    assert over["interval"][1] - over["mean"] == pytest.approx(4.303 * np.std(values, ddof=1) / 3**0.5, rel=1e-3)
    assert found["interval"]["accuracy"][0] <= found["accuracy"] <= found["interval"]["accuracy"][1]
    assert "cross-validated" in page.read_text()


def test_the_best_preset_calibrates_on_folds_trains_on_everything_and_starts_from_the_drawn_trunk(
    tmp_path: Path,
) -> None:
    out = tmp_path / "best"
    words = ["train", "--drawn", "90", "--preset", "best", "--epochs", "1", "--channels", "1", "--precision", "fp32"]
    assert main([*words, "--out", str(out)]) == 0
    spec = bundle.read(out)
    assert spec.contrast == "image" and spec.training["began"].startswith("trunk textile_resnet")
    assert sum(spec.data["counts"]["train"].values()) == 90 == spec.metrics["held_out"]["images"]
    assert spec.metrics["held_out"]["of"] == "networks trained alike, out of fold"
    answer = Inspector.load(out).judge([Item(png(draw(5, 9, (64, 64), 1).images[0]))])[0]
    assert isinstance(answer, Judgement) and answer.heatmap.shape == (8, 8)


def test_a_wrong_network_or_preset_is_refused_before_anything_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nothing = ["--manifest", str(tmp_path / "nowhere.csv")]
    for words, reason in (
        (["crossval", *nothing, "--network", "resnet21v1"], "nearest: resnet20v1, resnet26v1"),
        (["crossval", *nothing, "--preset", "magic"], "no preset 'magic'"),
        (["crossval", *nothing, "--weights", "w.pth"], "only --start imagenet reads a file of weights"),
        (["crossval", *nothing, "--json", str(tmp_path / "no" / "x.json")], "no file can be written to"),
        (["train", *nothing, "--out", str(tmp_path / "x"), "--log", str(tmp_path / "no" / "x")], "no file can be"),
        (["train", *nothing, "--out", str(tmp_path / "x"), "--network", "alexnet"], "no network 'alexnet'"),
        (["train", *nothing, "--out", str(tmp_path / "x"), "--curves", "x.png"], "give both"),
    ):
        assert main(words) == 2
        assert reason in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_imagenet_weights_that_are_not_there_are_asked_for_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "cache"))
    words = ["train", "--drawn", "60", "--network", "resnet18", "--preset", "finetune", "--epochs", "1", "--size", "32"]
    assert main([*words, "--out", str(tmp_path / "x")]) == 2
    told = capsys.readouterr().err
    assert "resnet18-f37072fd.pth" in told and "--weights" in told
    assert not (tmp_path / "x").exists()


def test_a_network_starts_from_the_trunk_of_a_bundle_that_is_named(tmp_path: Path, cloth: Dataset) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    words = ["train", "--drawn", "60", "--network", "resnet8v1", "--preset", "quick", "--epochs", "1", "--size", "32"]
    assert main([*words, "--precision", "fp32", "--out", str(first)]) == 0
    assert main([*words, "--precision", "fp32", "--weights", str(first), "--out", str(second)]) == 0
    assert bundle.read(second).training["began"] == "trunk of first"


def test_shares_are_those_that_the_balance_drew(cloth: Dataset) -> None:
    counts = cloth.counts()
    order = Order(knobs={"balance": 1.0})
    assert set(fitting._shares(order.recipe, cloth).values()) == {1 / len(counts)}
    plain = fitting._shares(Order(knobs={"balance": 0.0}).recipe, cloth)
    assert plain == pytest.approx({name: count / len(cloth.targets) for name, count in counts.items()})


def rolls(count: int, seed: int = 0) -> Dataset:
    """Unlike pictures of `count` rolls, each good and with holes, two sources a roll."""
    images = np.random.default_rng(seed).integers(0, 256, (count * 8, 32, 32, 1), dtype=np.uint8)
    numbers = np.arange(len(images))
    return Dataset(
        images, np.array(numbers % 2, dtype=np.intp), ("good", "hole"), tuple(f"roll{n // 8}" for n in numbers),
        ("",) * len(images), "d", "a", sources=tuple(f"s{n // 4}" for n in numbers), lines=numbers.astype(np.intp),
        names=tuple(map(str, numbers)),
    )  # fmt: skip


def test_few_sources_still_leave_some_to_choose_the_epoch_by() -> None:
    order = replace(QUICK, preset="quick", knobs={"epochs": 1})
    assert order.recipe.keep == "best"
    held = crossval.crossval(order, rolls(4), Input(32, 32, 1))
    assert len(held.fold) == 32


def test_intervals_are_over_rolls_where_they_are_known() -> None:
    held = crossval.crossval(QUICK, rolls(6), Input(32, 32, 1))
    told = crossval.report(held, QUICK)
    assert told["sources"] == told["bootstrap"]["groups"] == 6


def test_the_interval_over_many_folds_is_students() -> None:
    values = np.linspace(0.8, 0.9, 15)
    over = crossval._mean(list(values))
    reach = 2.1448 * np.std(values, ddof=1) / 15**0.5
    assert over["interval"] == pytest.approx([0.85 - reach, 0.85 + reach], abs=1e-5)


def test_folds_keep_near_duplicates_together_though_the_manifest_has_a_split_of_its_own(tmp_path: Path) -> None:
    lines = ["path,label,source,split"]
    for index, image in enumerate(copied(24)):
        (tmp_path / f"{index}.png").write_bytes(png(image))
        lines.append(f"{index}.png,{('good', 'hole')[index % 2]},s{index},train")
    (tmp_path / "m.csv").write_text("\n".join(lines))
    data, _ = gather(Order(manifest=tmp_path / "m.csv", channels=1), given=False)
    assert data.groups[0] == data.groups[-1] and not any(data.splits)


def test_a_side_of_what_a_bundle_trained_on_whole_is_not_told_as_held_out(tmp_path: Path) -> None:
    assert main(["draw", "--out", str(tmp_path / "cloth"), "--rolls", "12", "--frames", "8", "--size", "64"]) == 0
    manifest = ["--manifest", str(tmp_path / "cloth" / "manifest.csv")]
    words = ["--network", "resnet8v1", "--size", "32", "--preset", "quick", "--epochs", "1", "--precision", "fp32"]
    for how, warned in (("folds", True), ("validation", False)):
        out, told = tmp_path / how, tmp_path / f"{how}.json"
        assert main(["train", *manifest, *words, "--calibrate", how, "--out", str(out)]) == 0
        assert main(["evaluate", str(out), *manifest, "--side", "test", "--json", str(told)]) == 0
        assert ("trained on every side" in json.loads(told.read_text())["split"]) is warned
