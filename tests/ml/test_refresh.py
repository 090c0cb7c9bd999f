"""Going on from a bundle: what is taken from it, what is refused, and that a class nobody validates still trains."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from ml import bundle  # noqa: E402
from ml.cli import main  # noqa: E402
from ml.drawn import draw  # noqa: E402
from ml.inspector import Inspector  # noqa: E402
from ml.learn import learn  # noqa: E402
from ml.linear_start import fit_last_layer  # noqa: E402
from ml.networks import build  # noqa: E402
from ml.order import Order  # noqa: E402
from ml.pretrained import load_trunk  # noqa: E402
from ml.refresh import settled  # noqa: E402
from ml.refusal import DataError  # noqa: E402
from ml.splits import settle  # noqa: E402
from ml.standardise import Standardise  # noqa: E402
from ml.train import answers  # noqa: E402
from ml.untrained import write_untrained  # noqa: E402

STARTER = Path(bundle.__file__).parent / "starter"


@pytest.fixture(scope="module")
def mill(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A manifest of drawn frames, of which one source shows pilling and only trains; the labels count differently."""
    folder = tmp_path_factory.mktemp("mill")
    cloth = draw(90, 71, (32, 32), 1)
    rolls = sorted(set(cloth.groups))
    lines = ["path,label,source,split,weight"]
    for number, image in enumerate(cloth.images):
        Image.fromarray(image[..., 0]).save(folder / f"{number}.png")
        group, label = cloth.groups[number], "good" if cloth.targets[number] == 0 else "hole"
        side = "val" if rolls.index(group) % 3 == 0 else "train"
        if group == rolls[1]:
            label, side = "pilling", "train"
        lines.append(f"{number}.png,{label},{group},{side},{1 + number % 2}")
    (folder / "m.csv").write_text("\n".join(lines))
    return folder / "m.csv"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_untrained(tmp_path_factory.mktemp("bases") / "base", "resnet8v1", 32, 1)


def order(mill: Path, base: Path | None, out: Path) -> Order:
    knobs = {"epochs": 2}
    return Order(
        out=out, manifest=mill, network="resnet8v1", preset="refresh", knobs=knobs, size=32, channels=1, weights=base,
        precision="fp32", leave_twins=True,
    )  # fmt: skip


def test_it_goes_on_as_its_base_saw_and_measures_what_it_can(mill: Path, base: Path, tmp_path: Path) -> None:
    spec = learn(order(mill, base, tmp_path / "new"))
    was = bundle.read(base)
    assert spec is not None and spec.training["began"] == "trunk of base"
    assert (spec.contrast, spec.mean, spec.std, spec.flips) == (was.contrast, was.mean, was.std, was.flips)
    found = spec.metrics["held_out"]
    assert found["of"].startswith("the validation side") and found["per_class"]["hole"]["f1"] is not None
    assert found["per_class"]["pilling"]["f1"] is None and spec.data["counts"]["train"]["pilling"] > 0
    assert "not measured" in (tmp_path / "new" / "CARD.md").read_text()
    Inspector.load(tmp_path / "new", device="cpu")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weights": None}, "--weights names its folder"),
        ({"network": "resnet14v1"}, "base has network resnet8v1 and not resnet14v1"),
        ({"size": 64, "channels": 3}, "base has size 32 and not 64, channels 1 and not 3"),
        ({"large": "tiles"}, "base has large resize and not tiles"),
        ({"homogenise": True}, "base has homogenise False and not True"),
    ],
    ids=lambda part: "" if isinstance(part, str) else ",".join(part),
)
def test_a_base_that_does_not_fit_is_refused_in_words_before_anything_is_read(
    changes: dict[str, object], message: str, base: Path, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=message):
        learn(replace(order(tmp_path / "nowhere.csv", base, tmp_path / "new"), **changes))  # type: ignore[arg-type]


def test_knobs_do_not_change_how_the_base_sees(base: Path, tmp_path: Path) -> None:
    asked = replace(order(tmp_path / "m.csv", base, tmp_path / "new"), knobs={"contrast": "image", "flips": True})
    assert settled(asked).recipe.contrast == "set" and not settled(asked).recipe.flips


def test_the_last_layer_is_fitted_before_the_trunk_learns_on() -> None:
    cloth = draw(60, 9, (64, 64), 3)
    spec = bundle.read(STARTER)
    net, see = build(spec.network, 3, len(cloth.classes)), Standardise(spec.mean, spec.std, spec.contrast)
    load_trunk(net, STARTER)
    before = net.trunk.state_dict()["0.down.0.weight"].clone()
    fit_last_layer(net, cloth, see, 0.5)
    assert (answers(net, cloth.images, see)[0].argmax(axis=1) == cloth.targets).mean() > 0.95
    assert torch.equal(before, net.trunk.state_dict()["0.down.0.weight"])


def test_a_class_of_two_training_images_is_refused_before_training(
    mill: Path, base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = mill.read_text().splitlines()
    pilling = [line for line in lines if ",pilling," in line]
    few = mill.with_name("few.csv")
    few.write_text("\n".join(line for line in lines if line not in pilling[2:]))
    words = ["train", "--manifest", str(few), "--network", "resnet8v1", "--size", "32", "--channels", "1"]
    assert main([*words, "--preset", "quick", "--leave-twins", "--out", str(tmp_path / "out")]) == 2
    assert "too few of: pilling (2)" in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_twins_of_training_images_leave_the_other_sides_when_that_is_asked_for() -> None:
    cloth = draw(40, 9, (32, 32), 1)
    count = len(cloth.targets)
    again = np.concatenate([np.arange(count), np.arange(5)])
    both = replace(
        cloth, images=cloth.images[again], targets=cloth.targets[again],
        groups=(*cloth.groups, *["copy"] * 5), splits=(*["train"] * count, *["val"] * 5), sources=(), names=(),
        lines=np.arange(count + 5),
    )  # fmt: skip
    names = tuple(f"{row}.png" for row in range(count + 5))
    with pytest.raises(DataError, match="near-duplicates stand on both sides"):
        settle(replace(both, names=names))
    kept = settle(both, leave_twins=True)
    assert set(kept.splits) == {"train"} and len(kept.targets) == count
    assert "5 images left out as near-duplicates" in kept.split_by
