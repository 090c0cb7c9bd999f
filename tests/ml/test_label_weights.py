"""How much a label counts: from the manifest's column to the loss."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from ml.data import Dataset, load, read_rows  # noqa: E402
from ml.drawn import draw  # noqa: E402
from ml.fit import told  # noqa: E402
from ml.networks import Network, build  # noqa: E402
from ml.presets import Recipe  # noqa: E402
from ml.refusal import DataError  # noqa: E402
from ml.spec import Input  # noqa: E402
from ml.standardise import Standardise  # noqa: E402
from ml.train import Course, answers, train  # noqa: E402

PLAIN = Recipe("adam", 2e-3, 0.0, "constant", 0.0, 6, 16, balance=0.0, augment="none", keep="last")


def manifest(folder: Path, weights: list[str]) -> Path:
    rng = np.random.default_rng(0)
    lines = ["path,label,source,weight"]
    for number, weight in enumerate(weights):
        Image.fromarray(rng.integers(0, 255, (16, 16), dtype=np.uint8)).save(folder / f"{number}.png")
        lines.append(f"{number}.png,{'good' if number % 2 else 'hole'},s{number},{weight}")
    (folder / "m.csv").write_text("\n".join(lines))
    return folder / "m.csv"


def read(folder: Path, weights: list[str]) -> Dataset:
    return load(read_rows(manifest(folder, weights)), ("good", "hole"), Input(16, 16, 1), "")


def test_the_column_weight_counts_one_where_it_is_empty_and_is_one_in_the_mean(tmp_path: Path) -> None:
    data = read(tmp_path, ["0.5", "", "2", "1e-1"])
    assert data.weights.tolist() == pytest.approx([0.5, 1, 2, 0.1])
    assert data.weighed().mean() == pytest.approx(1) and data.take(np.array([2])).weighed().tolist() == [1]
    assert replace(data, weights=np.empty(0, dtype=np.float32)).weighed().tolist() == [1] * 4


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "much"])
def test_a_weight_that_is_no_number_above_0_is_refused_by_its_row(text: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"row 3: weight is '{text}', not a number above 0"):
        read_rows(manifest(tmp_path, ["1", text]))


def test_other_weights_are_another_training(tmp_path: Path) -> None:
    one, other = (read(tmp_path, [weight, "1", "1", "1"]) for weight in ("1", "0.5"))
    assert one.digest != other.digest and told(one, None) != told(other, None)
    swapped = one.take(np.array([1, 0, 2, 3]))
    assert told(one.take(np.arange(2)), one.take(np.arange(2, 4))) != told(one, None) != told(swapped, None)


@pytest.fixture(scope="module")
def cloth() -> Dataset:
    """Good cloth and holes, of which every other one is labelled good."""
    drawn = draw(100, 5, (32, 32), 1)
    rows = np.flatnonzero(np.isin(drawn.targets, (0, drawn.classes.index("hole"), drawn.classes.index("cut"))))
    return replace(drawn.take(rows), targets=(drawn.targets[rows] > 0).astype(np.intp), classes=("good", "hole"))


def learnt(data: Dataset, how: Recipe) -> Network:
    torch.manual_seed(3)
    net = build("resnet8v1", 1, 2)
    train(net, data, None, how, Standardise((0.5,), (0.25,), how.contrast), Course(seed=1))
    return net


def doubt(net: Network, data: Dataset) -> float:
    """How probable defects are taken to be, in the mean of the logits' difference."""
    logits = answers(net, data.images, Standardise((0.5,), (0.25,)))[0]
    return float((logits[:, 1] - logits[:, 0]).mean())


@pytest.mark.parametrize("knobs", [{"mixup": 0.4}, {"cutmix": 0.6, "smoothing": 0.1}], ids=",".join)
def test_what_counts_more_is_said_more(cloth: Dataset, knobs: dict[str, float]) -> None:
    how = replace(PLAIN, **knobs)  # type: ignore[arg-type]
    heavy = np.where(cloth.targets == 1, 8.0, 1.0).astype(np.float32)
    light = np.where(cloth.targets == 1, 0.125, 1.0).astype(np.float32)
    assert doubt(learnt(replace(cloth, weights=heavy), how), cloth) > 1 + doubt(
        learnt(replace(cloth, weights=light), how), cloth
    )


def test_equal_weights_are_none_at_all(cloth: Dataset) -> None:
    half = replace(cloth, weights=np.full(len(cloth.targets), 0.5, dtype=np.float32))
    pairs = zip(learnt(cloth, PLAIN).state_dict().values(), learnt(half, PLAIN).state_dict().values(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)
