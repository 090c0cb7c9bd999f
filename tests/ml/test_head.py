"""A new head on the trunk of a bundle: what it answers, what it keeps of its base, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from ml import bundle, probe  # noqa: E402
from ml.base import Base  # noqa: E402
from ml.bundle import BundleError  # noqa: E402
from ml.cli import main  # noqa: E402
from ml.data import Dataset  # noqa: E402
from ml.drawn import draw  # noqa: E402
from ml.engines import CpuEngine  # noqa: E402
from ml.head import learn  # noqa: E402
from ml.head_data import HeadOrder  # noqa: E402
from ml.inspector import Inspector, Item, Judgement  # noqa: E402
from ml.learn import png  # noqa: E402
from ml.refusal import DataError  # noqa: E402
from ml.untrained import write_untrained  # noqa: E402

STARTER = Path(bundle.__file__).parent / "starter"
CLASSES = ("good", "hole", "cut", "pilling")


@pytest.fixture(scope="module")
def cloth() -> Dataset:
    """Drawn frames in three classes of the starter and a fourth that it never heard of: `thread` under a new name."""
    drawn = draw(200, 77, (64, 64), 3)
    names = np.array(["pilling" if name == "thread" else name for name in drawn.classes])[drawn.targets]
    rows = np.flatnonzero(np.isin(names, CLASSES))
    targets = np.array([CLASSES.index(name) for name in names[rows]], dtype=np.intp)
    return replace(drawn.take(rows), targets=targets, classes=CLASSES)


@pytest.fixture(scope="module")
def embeddings(cloth: Dataset) -> np.ndarray:
    return CpuEngine(STARTER / bundle.GRAPH).run(cloth.images)[2]


def sides_of(cloth: Dataset) -> list[str]:
    """Every third roll validates."""
    rolls = sorted(set(cloth.groups))
    return ["val" if rolls.index(group) % 3 == 0 else "train" for group in cloth.groups]


@pytest.fixture
def kept(cloth: Dataset, embeddings: np.ndarray, tmp_path: Path) -> Callable[..., Path]:
    """Writes the embeddings as they are kept, with whatever a test spoils of them."""

    def write(**spoilt: Any) -> Path:
        arrays = {
            "embedding": embeddings.astype(np.float16), "label": np.array([CLASSES[t] for t in cloth.targets]),
            "source": np.array(cloth.groups), "side": np.array(sides_of(cloth)),
            "weight": np.ones(len(cloth.targets), dtype=np.float32),
        }  # fmt: skip
        arrays |= spoilt
        place = tmp_path / "kept.npz"
        np.savez(place, **{name: array for name, array in arrays.items() if array is not None})
        return place

    return write


def manifest(cloth: Dataset, folder: Path) -> Path:
    lines = ["path,label,source,split"]
    for number, (image, side) in enumerate(zip(cloth.images, sides_of(cloth), strict=True)):
        Image.fromarray(image).save(folder / f"{number}.png")
        lines.append(f"{number}.png,{CLASSES[cloth.targets[number]]},{cloth.groups[number]},{side}")
    (folder / "m.csv").write_text("\n".join(lines))
    return folder / "m.csv"


def test_a_head_learns_classes_that_its_base_never_knew_and_judges_by_them(
    cloth: Dataset, kept: Callable[..., Path], tmp_path: Path
) -> None:
    spec = learn(HeadOrder(STARTER, tmp_path / "new", kept(), classes=CLASSES, name="mill-2"))
    assert spec.classes == CLASSES and spec.name == "mill-2" and spec.training["base"] == bundle.digest(STARTER)
    assert spec.metrics["held_out"]["macro_f1_top_class"] > 0.85
    assert spec.data["counts"]["val"]["pilling"] == spec.metrics["held_out"]["per_class"]["pilling"]["support"] > 0
    judged = Inspector.load(tmp_path / "new", device="cpu").judge([Item(png(image)) for image in cloth.images])
    right = [
        max(one.probabilities, key=one.probabilities.__getitem__) == CLASSES[target]
        for one, target in zip(judged, cloth.targets, strict=True)
        if isinstance(one, Judgement) and one.probabilities
    ]
    assert len(right) == len(cloth.targets) and np.mean(right) > 0.9
    card = (tmp_path / "new" / "CARD.md").read_text()
    assert "pilling" in card and "The last layer alone, held to" in card


def test_a_base_of_other_names_is_begun_with_where_they_are_said(
    cloth: Dataset, kept: Callable[..., Path], tmp_path: Path
) -> None:
    """A mill calls the base's classes otherwise; what they are called changes nothing that is learnt."""
    own = Base.load(STARTER)
    called = tuple(f"mill-{name}" for name in own.spec.classes)
    renamed = Base.load(STARTER, classes=called)
    assert np.array_equal(renamed.prior(called).weight, own.prior(own.spec.classes).weight)
    assert not np.array_equal(renamed.prior(own.spec.classes).weight, own.prior(own.spec.classes).weight)
    labels = np.array([f"mill-{CLASSES[target]}" for target in cloth.targets])
    classes = tuple(f"mill-{name}" for name in CLASSES)
    spec = learn(HeadOrder(STARTER, tmp_path / "new", kept(label=labels), classes=classes, base_classes=called))
    plain = learn(HeadOrder(STARTER, tmp_path / "plain", kept(), classes=CLASSES))
    assert spec.metrics["held_out"]["macro_f1"] == plain.metrics["held_out"]["macro_f1"]
    with pytest.raises(DataError, match="2 names are given"):
        Base.load(STARTER, classes=("good", "hole"))


def test_the_trunk_stays_bit_for_bit(cloth: Dataset, kept: Callable[..., Path], tmp_path: Path) -> None:
    learn(HeadOrder(STARTER, tmp_path / "new", kept(), classes=CLASSES))
    said = [CpuEngine(folder / bundle.GRAPH).run(cloth.images[:9]) for folder in (STARTER, tmp_path / "new")]
    assert np.array_equal(said[0][2], said[1][2])
    assert said[1][0].shape == (9, 4) and said[1][1].shape[:2] == (9, 4)


def test_images_renew_what_known_cloth_looks_like_and_prove_fewer_bits(cloth: Dataset, tmp_path: Path) -> None:
    spec = learn(HeadOrder(STARTER, tmp_path / "new", manifest=manifest(cloth, tmp_path), leave_twins=True))
    assert spec.unknown.look_limit != bundle.read(STARTER).unknown.look_limit
    tried = spec.engine.finding["candidates"][0]
    assert tried["precision"] == "int8" and (tried["refused"] is None) == (spec.engine.precision == "int8")
    if spec.engine.precision == "int8":  # where the processor has the instructions
        engine = CpuEngine(tmp_path / "new" / bundle.GRAPH_INT8, precision="int8")
        probe.check(engine, spec)


def test_without_images_there_is_no_proof_for_fewer_bits(kept: Callable[..., Path], tmp_path: Path) -> None:
    spec = learn(HeadOrder(STARTER, tmp_path / "new", kept(), classes=CLASSES))
    assert spec.engine.precision == "fp32" and "no images" in spec.engine.finding["why"]
    assert not (tmp_path / "new" / bundle.GRAPH_INT8).exists()


def test_labels_that_count_little_do_little_harm(cloth: Dataset, kept: Callable[..., Path], tmp_path: Path) -> None:
    """Seven holes in eight that train are labelled as cuts."""
    labels = np.array([CLASSES[target] for target in cloth.targets])
    holes = np.flatnonzero((labels == "hole") & (np.array(sides_of(cloth)) == "train"))
    wrong = np.delete(holes, slice(0, None, 8))
    labels[wrong] = "cut"
    quiet = np.ones(len(labels))
    quiet[wrong] = 0.01
    recall = {}
    for name, weights in (("loud", np.ones(len(labels))), ("quiet", quiet)):
        spec = learn(HeadOrder(STARTER, tmp_path / name, kept(label=labels, weight=weights), classes=CLASSES))
        recall[name] = spec.metrics["held_out"]["per_class"]["hole"]["recall"]
    assert recall["quiet"] > recall["loud"] + 0.2


def test_a_class_that_nothing_validates_trains_and_is_not_measured(
    cloth: Dataset, kept: Callable[..., Path], tmp_path: Path
) -> None:
    """One roll is all there is of it, and that roll trains."""
    holes = np.array([CLASSES[target] == "hole" for target in cloth.targets])
    sides = np.where(holes, "train", np.array(sides_of(cloth)))
    sources = np.where(holes, "the one roll of holes", np.array(cloth.groups))
    spec = learn(HeadOrder(STARTER, tmp_path / "new", kept(side=sides, source=sources), classes=CLASSES))
    hole = spec.metrics["held_out"]["per_class"]["hole"]
    assert hole["support"] == 0 and hole["recall"] is hole["f1"] is None
    assert spec.data["counts"]["train"]["hole"] > 0


def test_it_tells_how_far_it_is_and_what_it_tried(kept: Callable[..., Path], tmp_path: Path) -> None:
    words = ["head", "--base", str(STARTER), "--embeddings", str(kept()), "--classes", ",".join(CLASSES)]
    words += ["--progress", str(tmp_path / "p.json"), "--log", str(tmp_path / "log"), "--out", str(tmp_path / "new")]
    assert main(words) == 0
    told = json.loads((tmp_path / "p.json").read_text())
    assert told["stage"] == "done" and told["share"] == 1 and told["eta_s"] == 0
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == list(range(1, len(lines) + 1)) and len(lines) > 5
    assert {"run", "loss", "macro_f1", "rate", "seconds"} <= set(lines[0])


@pytest.mark.parametrize(("network", "flips"), [("resnet8v1", True), ("resnet11v2", False)])
def test_every_kind_of_graph_takes_a_new_head(network: str, flips: bool, tmp_path: Path) -> None:
    base = write_untrained(tmp_path / "base", network, 32, 1, flips=flips)
    cloth = draw(60, 5, (32, 32), 1)
    embedding = CpuEngine(base / bundle.GRAPH).run(cloth.images)[2]
    few = np.where(cloth.targets == 0, "good", "bad")
    sides = np.where(np.arange(len(few)) < 40, "train", "val")
    np.savez(tmp_path / "kept.npz", embedding=embedding, label=few, source=np.array(cloth.groups), side=sides)
    spec = learn(HeadOrder(base, tmp_path / "new", tmp_path / "kept.npz"))
    assert spec.classes == ("good", "bad") and spec.flips == flips and spec.metrics["parity"] < 1e-3
    Inspector.load(tmp_path / "new", device="cpu")


def nan(cloth: Dataset, embeddings: np.ndarray) -> dict[str, Any]:
    spoilt = embeddings.copy()
    spoilt[7, 3] = np.nan
    return {"embedding": spoilt}


def few(cloth: Dataset, embeddings: np.ndarray) -> dict[str, Any]:
    labels = np.array([CLASSES[target] for target in cloth.targets])
    train = np.flatnonzero(np.array(sides_of(cloth)) == "train")
    holes = train[labels[train] == "hole"]
    labels[holes[2:]] = "good"
    return {"label": labels}


def torn(cloth: Dataset, embeddings: np.ndarray) -> dict[str, Any]:
    sides = np.array(sides_of(cloth))
    sides[0] = "val" if sides[0] == "train" else "train"
    return {"side": sides}


def zero(cloth: Dataset, embeddings: np.ndarray) -> dict[str, Any]:
    weights = np.ones(len(cloth.targets))
    weights[4], weights[5] = 0, -1
    return {"weight": weights}


BAD: dict[str, tuple[Callable[[Dataset, np.ndarray], dict[str, Any]], str]] = {
    "not numbers": (nan, "embedding that is not in numbers: row 7"),
    "too few of a class": (few, r"3 training images are needed of a class, and there are too few of: hole \(2\)"),
    "a source on two sides": (torn, "stands on both sides of the split"),
    "weights of nothing": (zero, "weight that is not a number above 0: row 4, row 5"),
    "a class not asked for": (
        lambda c, e: {"label": np.where(c.targets == 1, "slub", "good")}, r"unknown label: row \d+ \(slub\)",
    ),
    "one class": (lambda c, e: {"label": np.full(len(e), "good")}, "no row is of class: hole, cut, pilling"),
    "another model's": (lambda c, e: {"embedding": e[:, :8]}, "an embedding has 8 figures, and the base's has 512"),
    "of another shape": (lambda c, e: {"embedding": e[None]}, "not floats"),
    "of another length": (lambda c, e: {"label": np.array(["good", "hole"])}, "and not one each of: label"),
    "lacking": (lambda c, e: {"side": None}, "lacks: side"),
    "pickled": (lambda c, e: {"label": np.array([object()] * len(e), dtype=object)}, "cannot be read as embeddings"),
    "nothing to validate on": (lambda c, e: {"side": np.full(len(e), "train")}, "nothing to calibrate on"),
    "on a third side": (lambda c, e: {"side": np.full(len(e), "test")}, r"other than train and val: row 0 \(test\)"),
}  # fmt: skip


@pytest.mark.parametrize("fault", BAD)
def test_what_cannot_be_learnt_from_is_refused_in_words_and_leaves_nothing(
    fault: str, cloth: Dataset, embeddings: np.ndarray, kept: Callable[..., Path], tmp_path: Path
) -> None:
    spoil, message = BAD[fault]
    with pytest.raises(DataError, match=message):
        learn(HeadOrder(STARTER, tmp_path / "new", kept(**spoil(cloth, embeddings)), classes=CLASSES))
    assert not list(tmp_path.glob("new*"))


def test_a_bundle_of_another_make_gets_no_head(tiny: Path, kept: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not hold the last layer"):
        learn(HeadOrder(tiny, tmp_path / "new", kept()))
    with pytest.raises(BundleError, match="not a bundle"):
        learn(HeadOrder(tmp_path, tmp_path / "new", kept()))


def test_a_base_whose_answers_are_not_its_last_layers_is_refused(kept: Callable[..., Path], tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save

    spec, tensors = bundle.read(STARTER), load_file(STARTER / bundle.WEIGHTS)
    tensors["classifier.weight"] = tensors["classifier.weight"] * 2
    bundle.write(tmp_path / "odd", spec, save(tensors), (STARTER / bundle.GRAPH).read_bytes(), more={
        bundle.GRAPH_INT8: (STARTER / bundle.GRAPH_INT8).read_bytes(),
    })  # fmt: skip
    with pytest.raises(DataError, match="no linear layer on its embedding"):
        learn(HeadOrder(tmp_path / "odd", tmp_path / "new", kept()))
