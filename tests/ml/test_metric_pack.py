"""A metric packed: what it taught stays what it says, and it judges as any other bundle does."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch")

from safetensors.numpy import load_file  # noqa: E402

from ml import bundle, head_data  # noqa: E402
from ml.bundle import Spec  # noqa: E402
from ml.calibrate import softmax  # noqa: E402
from ml.cli import main  # noqa: E402
from ml.data import Dataset, load, read_rows  # noqa: E402
from ml.engines import CpuEngine  # noqa: E402
from ml.export import check_parity, to_graph  # noqa: E402
from ml.gpu import load_network  # noqa: E402
from ml.head import learn as learn_head  # noqa: E402
from ml.inspector import Inspector, Item, Judgement  # noqa: E402
from ml.metric import nearest  # noqa: E402
from ml.metric.packing import judging, servable  # noqa: E402
from ml.metric.recipes import recipe  # noqa: E402
from ml.network_names import metric, siamese, stems, untaught  # noqa: E402
from ml.networks import Siamese, build  # noqa: E402
from ml.preprocess import homogenise  # noqa: E402
from ml.pretrained import load_trunk  # noqa: E402
from ml.refusal import DataError  # noqa: E402
from ml.splits import settle, split  # noqa: E402

QUICK = ["--size", "32", "--precision", "fp32", "--width", "16"]


@pytest.fixture(scope="module")
def cloth(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("cloth") / "cloth"
    assert main(["draw", "--out", str(place), "--rolls", "16", "--frames", "6", "--size", "32"]) == 0
    return place / "manifest.csv"


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory, cloth: Path) -> Path:
    """The reference: a frozen trunk, plain Euclidean distances."""
    folder = tmp_path_factory.mktemp("packed") / "plain"
    words = ["metric", "pack", "--manifest", str(cloth), "--preset", "siamese", "--epochs", "3", *QUICK]
    assert main([*words, "--out", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def unit(tmp_path_factory: pytest.TempPathFactory, cloth: Path) -> Path:
    """Trained whole by proxies, unit length, mirrored."""
    folder = tmp_path_factory.mktemp("packed") / "unit"
    words = ["metric", "pack", "--manifest", str(cloth), "--preset", "proxy", "--epochs", "1", *QUICK]
    assert main([*words, "--out", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module", params=["plain", "unit"])
def packed(request: pytest.FixtureRequest) -> Path:
    found: Path = request.getfixturevalue(request.param)
    return found


def seen(spec: Spec, cloth: Path) -> Dataset:
    """The images as the graph gets them."""
    shape = replace(spec.input, homogenise=None)
    data = settle(load(read_rows(cloth), spec.classes, shape, ""))
    if spec.input.homogenise is None:
        return data
    return data.homogenised(spec.input.homogenise)


def is_unit(spec: Spec) -> bool:
    told = metric(spec.network)
    return told is not None and told.unit


def squares(rows: NDArray[np.floating], points: NDArray[np.floating]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = ((rows[:, None].astype(np.float64) - points[None]) ** 2).sum(axis=2)
    return found


def test_a_bundle_says_the_class_of_the_nearest_prototype_of_its_training_side(packed: Path, cloth: Path) -> None:
    spec = bundle.read(packed)
    data = seen(spec, cloth)
    logits, _, embedding = CpuEngine(packed / bundle.GRAPH).run(data.images)[:3]
    trained = split(data).train
    points = nearest.centres(embedding[trained], data.targets[trained], len(spec.classes), is_unit(spec))
    far = squares(embedding, points)
    assert (logits.argmax(axis=1) == far.argmin(axis=1)).mean() > 0.99  # an image between two may fall to either
    chances, wanted = softmax(logits), softmax(-far * nearest.APART / _mean_square(points))
    np.testing.assert_allclose(chances, wanted, atol=2e-3)


def _mean_square(points: NDArray[np.floating]) -> float:
    return float(squares(points, points).sum() / (len(points) * (len(points) - 1)))


def test_maps_speak_for_a_class_where_the_image_looks_like_its_prototype(packed: Path, cloth: Path) -> None:
    """Their mean and the bias are the logit, so that what a map adds is what is said."""
    spec = bundle.read(packed)
    bias = load_file(packed / bundle.WEIGHTS)["classifier.bias"]
    data = seen(spec, cloth)
    logits, maps, embedding = CpuEngine(packed / bundle.GRAPH).run(data.images)[:3]
    for target in range(1, len(spec.classes)):
        evidence = (maps[:, target] - maps[:, 0]).mean(axis=(1, 2))
        assert evidence[data.targets == target].mean() > evidence[data.targets == 0].mean(), spec.classes[target]
    np.testing.assert_allclose(maps.mean(axis=(2, 3)) + bias, logits, atol=2e-3)
    if is_unit(spec):
        np.testing.assert_allclose(np.linalg.norm(embedding, axis=1), 1, atol=1e-4)


def test_what_the_bundle_says_of_itself(plain: Path, unit: Path) -> None:
    first, second = bundle.read(plain), bundle.read(unit)
    assert (first.network, first.embedding_size, first.flips, first.contrast) == ("siamese16", 16, False, "set")
    assert (second.network, second.embedding_size, second.flips, second.contrast) == (
        "siamese_unit16",
        16,
        True,
        "image",
    )
    assert first.input.homogenise is not None and second.input.homogenise is None
    assert first.training["preset"] == "siamese" and first.training["recipe"]["homogenise"] == "image"
    assert 0.05 < first.temperature < 20 and 0.05 < second.temperature < 20
    assert set(first.shares.values()) == {1 / len(first.classes)}
    held = first.metrics["held_out"]
    assert {"escape_rate", "overkill", "ece", "auroc", "macro_f1"} <= set(held)
    assert sum(first.data["counts"]["test"].values()) == held["images"]
    assert "`siamese16`" in (plain / "CARD.md").read_text()


def test_torch_on_a_gpu_would_say_what_the_graph_says(packed: Path, cloth: Path) -> None:
    spec = bundle.read(packed)
    (net, texture), images = load_network(packed, spec), seen(spec, cloth).images[:8]
    graph = (packed / bundle.GRAPH).read_bytes()
    assert isinstance(net, Siamese)
    assert check_parity(net, spec.mean, spec.std, graph, images, spec.contrast, texture) <= 1e-3


def test_brightness_is_moved_to_the_training_sides_as_the_judge_moves_it(plain: Path, cloth: Path) -> None:
    spec = bundle.read(plain)
    data = seen(replace(spec, input=replace(spec.input, homogenise=None)), cloth)
    level = data.measured().light[split(data).train].mean()
    assert spec.input.homogenise == pytest.approx(level, abs=1e-3)
    image = data.images[0]
    moved = homogenise(image, float(image.mean()), float(level))
    logits = CpuEngine(plain / bundle.GRAPH).run(moved[None])[0]
    row = read_rows(cloth)[0]
    (answer,) = Inspector.load(plain, device="cpu").judge([Item(row.read())])
    assert isinstance(answer, Judgement) and answer.probabilities is not None
    np.testing.assert_allclose(list(answer.probabilities.values()), softmax(logits, spec.temperature)[0], atol=1e-3)
    assert answer.brightness == pytest.approx(float(image.mean()), abs=0.5)  # its own


def test_it_is_evaluated_as_any_bundle_is(packed: Path, cloth: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(packed), "--manifest", str(cloth), "--side", "test", "--device", "cpu"]) == 0
    said = capsys.readouterr().out
    found = bundle.read(packed).metrics["held_out"]
    assert f"images             {found['images']}" in said and f"{found['macro_f1']:.4f}" in said


def test_a_new_head_learns_on_its_embedding(unit: Path, cloth: Path, tmp_path: Path) -> None:
    order = head_data.HeadOrder(base=unit, out=tmp_path / "head", manifest=cloth)
    spec = learn_head(order)
    before, after = load_file(unit / bundle.WEIGHTS), load_file(tmp_path / "head" / bundle.WEIGHTS)
    assert np.array_equal(before["head.weight"], after["head.weight"])
    assert not np.array_equal(before["classifier.weight"], after["classifier.weight"])
    assert (spec.network, spec.embedding_size) == (bundle.read(unit).network, 16)


def test_a_training_goes_on_from_its_trunk_and_head_and_another_network_from_its_trunk(plain: Path) -> None:
    tensors = load_file(plain / bundle.WEIGHTS)
    for name in ("siamese16", "resnet18"):
        net = build(name, 1, 3)
        load_trunk(net, plain)
        given = {key: part for key, part in net.state_dict().items() if not key.startswith("classifier.")}
        assert ("head.weight" in given) == (name == "siamese16")
        assert all(np.array_equal(part.numpy(), tensors[key]) for key, part in given.items())


def test_the_layer_is_minus_the_squared_distance_up_to_what_all_classes_share() -> None:
    rng = np.random.default_rng(0)
    points, rows = rng.normal(0, 1, (4, 6)), rng.normal(0, 1, (50, 6))
    layer = nearest.layer(points)
    sharp = nearest.APART / _mean_square(points)
    told = rows @ layer.weight.T + layer.bias
    np.testing.assert_allclose(told - sharp * (rows**2).sum(axis=1, keepdims=True), -sharp * squares(rows, points))


def test_moving_the_origin_changes_no_distance_and_no_answer() -> None:
    torch.manual_seed(0)
    net, images = build("resnet18", 1, 16), torch.rand(4, 1, 32, 32)
    with torch.inference_mode():
        heads = net.eval()(images).numpy()
    data = Dataset(np.zeros((4, 32, 32, 1), dtype=np.uint8), np.array([0, 1, 2, 2]), ("a", "b", "c"), (), (), "", "")
    made = judging(net, heads, data, recipe("siamese", {"width": 16}), "standard")
    with torch.inference_mode():
        logits, _, moved = (part.numpy() for part in made.explain(images))
    np.testing.assert_allclose(squares(moved, moved), squares(heads, heads), atol=1e-4)
    points = np.stack([heads[0], heads[1], heads[2:].mean(axis=0)])
    assert logits.argmax(axis=1).tolist() == squares(heads, points).argmin(axis=1).tolist()
    np.testing.assert_allclose(moved[[0, 1]].sum(axis=0) + moved[2:].mean(axis=0), 0, atol=1e-4)


@pytest.mark.parametrize("name", ["siamese", "siamese_unit", "siamese64", "siamese_unit24"])
def test_a_metric_is_a_network_by_name(name: str) -> None:
    told = metric(name)
    assert told is not None and siamese(*told) == name and stems(name) == ("standard", "middle", "small")
    with torch.device("meta"):
        net = build(name, 3, 5, "small")
    assert isinstance(net, Siamese) and (net.embedding_size, net.unit) == told
    assert "metric pack" in (untaught(name) or "")


def test_graph_and_metric_agree_in_colour() -> None:
    torch.manual_seed(1)
    net = build("siamese_unit24", 3, 5, "middle").eval()
    graph = to_graph(net, (0.5,) * 3, (0.25,) * 3, (32, 32, 3))
    images = np.random.default_rng(0).integers(0, 255, (3, 32, 32, 3), dtype=np.uint8)
    assert check_parity(net, (0.5,) * 3, (0.25,) * 3, graph, images) < 1e-4


@pytest.mark.parametrize("name", ["siamese0", "siamese_", "siamese_unit0", "siamesex", "siamese12345"])
def test_what_is_no_metrics_name_is_no_network(name: str) -> None:
    with pytest.raises(ValueError, match="there is no network"):
        build(name, 1, 2)


@pytest.mark.parametrize("how", ["class", "camera"])
def test_brightness_that_no_judge_can_know_is_moved_by_image_and_said_so(how: str) -> None:
    said: list[str] = []
    assert servable("siamese", {"homogenise": how}, said.append).homogenise == "image"
    assert said == [f"brightness by {how} cannot be served, as no judge knows it: by image instead"]


@pytest.mark.parametrize(
    ("preset", "knobs", "reason"),
    [
        ("texture", {}, "texture compares texture embeddings"),
        ("best", {}, "best compares texture embeddings"),
        ("proxy", {"whiten": 0.1}, "proxy compares whitened embeddings"),
        ("proxy", {"kept": "trunk"}, "proxy compares trunk embeddings"),
        ("siamise", {}, "there is no preset 'siamise'"),
    ],
)
def test_what_no_bundle_can_compare_is_not_packed(preset: str, knobs: dict[str, object], reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        servable(preset, knobs)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--preset", "texture"], "compares texture embeddings"),
        (["--max-tiles", "0"], "--max-tiles must be 1 or more"),
        (["--batch", "3"], "a batch must be of 4 images or more"),
        (["--weights", "{tmp}/none.pth"], "none.pth cannot be read as weights"),
        (["--log", "{tmp}/no/where"], "no file can be written"),
        (["--out", "{tmp}"], "already exists"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_message_and_leaves_nothing(
    words: list[str], reason: str, cloth: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["metric", "pack", "--manifest", str(cloth), *QUICK, "--out", str(tmp_path / "out")]
    assert main([*given, *(word.format(tmp=tmp_path) for word in words)]) == 2
    said = capsys.readouterr().err
    assert said.startswith("ml metric: ") and reason in said and said.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_knob_that_there_is_not_is_refused(cloth: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["metric", "pack", "--manifest", str(cloth), "--out", str(tmp_path / "out"), "--warmth", "0.1"])
    assert ended.value.code == 2 and "--warmth" in capsys.readouterr().err


def test_a_class_of_one_image_is_not_packed(cloth: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with cloth.open(newline="") as file:
        rows = list(csv.DictReader(file))
    holes = [row for row in rows if row["label"] == "hole"]
    other = next(hole for hole in holes if hole["source"] != holes[0]["source"])
    few = [*(row for row in rows if row["label"] == "good"), holes[0], other]
    with (cloth.parent / "few.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(few)
    given = ["metric", "pack", "--manifest", str(cloth.parent / "few.csv"), *QUICK, "--out", str(tmp_path / "out")]
    assert main(given) == 2
    assert "3 training images are needed of a class, and there are too few of: hole (1)" in capsys.readouterr().err


def test_a_metric_is_not_trained_to_say_classes_from_nothing(
    cloth: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["train", "--manifest", str(cloth), "--network", "siamese", "--out", str(tmp_path / "out")]
    assert main(given) == 2
    assert "python -m ml metric pack" in capsys.readouterr().err
