"""The fourth output of a graph: textures as torch takes them, of unit length, in every bundle but those of before."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from ml import bundle, chip, probe  # noqa: E402
from ml.agreement import Agreement, compare  # noqa: E402
from ml.bundle import BundleError, Unknown  # noqa: E402
from ml.cli import main  # noqa: E402
from ml.data import Dataset  # noqa: E402
from ml.drawn import draw  # noqa: E402
from ml.engines import open_graph  # noqa: E402
from ml.export import check_parity, to_graph  # noqa: E402
from ml.gate_images import GateImages  # noqa: E402
from ml.gpu import load_network  # noqa: E402
from ml.head import learn as learn_head  # noqa: E402
from ml.head_data import HeadOrder  # noqa: E402
from ml.held import Held  # noqa: E402
from ml.inspector import Inspector, Item, Judgement  # noqa: E402
from ml.learn import learn, png  # noqa: E402
from ml.networks import build  # noqa: E402
from ml.novelty import Known  # noqa: E402
from ml.order import Order  # noqa: E402
from ml.picture import Picture, open_picture  # noqa: E402
from ml.preprocess import Pixels  # noqa: E402
from ml.probe import Answer  # noqa: E402
from ml.quantise import to_int8  # noqa: E402
from ml.refusal import DataError  # noqa: E402
from ml.retrofit import RetrofitOrder, retrofit  # noqa: E402
from ml.standardise import Standardise  # noqa: E402
from ml.texture import Texture, whitening  # noqa: E402
from ml.touch import chosen, fitted, textures  # noqa: E402
from ml.verdict import Reading, conclude  # noqa: E402
from tests.ml.bundles import tiny_bundle  # noqa: E402

MEAN, STD = (0.5,) * 3, (0.25,) * 3
EACH = (  # network, whether it judges mirrorings, figures of a texture
    ("textile_resnet", True, 384),
    ("resnet18", False, 384),
    ("resnet50", False, 512),
    ("resnet8v1", True, 96),
    ("resnet11v2", False, 384),
)


@pytest.fixture(scope="module")
def cloth() -> Dataset:
    return draw(60, 41, (32, 32), 3)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("texture") / "model"
    learn(Order(out=out, drawn=120, size=32, network="resnet8v1", preset="quick", precision="fp32", texture="yes"))
    return out


@pytest.fixture(scope="module")
def without(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same bundle as it was packed before there were textures."""
    spec = bundle.verify(trained)
    net, _ = load_network(trained, spec)
    graph = to_graph(net, spec.mean, spec.std, (32, 32, 3), spec.contrast)
    with open_graph(graph) as engine:
        asked = probe.ask(engine, spec.input)
    metrics = {name: value for name, value in spec.metrics.items() if name != "likeness"}
    old = replace(spec, texture_size=0, probe=asked, metrics=metrics, files={})
    folder = tmp_path_factory.mktemp("old") / "model"
    bundle.write(folder, old, (trained / bundle.WEIGHTS).read_bytes(), graph)
    return folder


def pictures(count: int = 4) -> list[Item]:
    return [Item(png(image)) for image in draw(max(10, count), 77, (32, 32), 3).images[:count]]


def judged(folder: Path, items: list[Item]) -> list[Judgement]:
    answers = Inspector.load(folder, device="cpu").judge(items)
    return [answer for answer in answers if isinstance(answer, Judgement)]


@pytest.mark.parametrize(("name", "flips", "width"), EACH)
def test_the_graph_gives_the_textures_of_torch_at_unit_length(
    name: str, flips: bool, width: int, cloth: Dataset
) -> None:
    torch.manual_seed(0)
    net = build(name, 3, 4).eval()
    net.flips = flips
    texture = fitted(net, Standardise(MEAN, STD), cloth)
    graph = to_graph(net, MEAN, STD, (32, 32, 3), texture=texture)
    assert check_parity(net, MEAN, STD, graph, cloth.images[:5], texture=texture) < 1e-4
    with open_graph(graph) as engine:
        found = engine.run(cloth.images[:5]).texture
    assert found.shape == (5, width) == (5, texture.size)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-4)
    seen = textures(net, cloth.images[:5], Standardise(MEAN, STD))
    by_hand = (seen - texture.mean.numpy()) @ texture.turn.numpy()
    np.testing.assert_allclose(found, by_hand / np.linalg.norm(by_hand, axis=1, keepdims=True), atol=1e-3)


def test_the_first_two_stages_are_where_they_end() -> None:
    for name, sides in {
        "textile_resnet": (32, 16),
        "resnet18": (16, 8),
        "resnet8v1": (64, 32),
        "resnet11v2": (64, 32),
    }.items():
        net = build(name, 1, 2).eval()
        _last, early = net.passed(torch.zeros(1, 1, 64, 64))
        assert tuple(maps.shape[-1] for maps in early) == sides


def test_a_bundle_gives_textures_where_they_tell_about_as_much_as_its_embeddings(cloth: Dataset) -> None:
    torch.manual_seed(0)
    net, by = build("resnet8v1", 3, 4).eval(), Standardise(MEAN, STD)
    none = np.zeros(len(cloth.targets), dtype=np.intp)
    knows = np.eye(len(cloth.classes), dtype=np.float32)[cloth.targets]
    sees = Held(cloth, none, knows, knows, knows, none.astype(np.float32), none.astype(bool))
    noise = np.random.default_rng(0).normal(size=knows.shape).astype(np.float32)
    guesses = replace(sees, embedding=noise)
    texture, figures = chosen(net, by, cloth, sees)
    assert texture is None and figures["embedding"] == 1 and figures["compared"] == "embedding"
    texture, figures = chosen(net, by, cloth, guesses)
    assert texture is not None and figures["texture"] > figures["embedding"]  # type: ignore[operator]
    assert chosen(net, by, cloth, sees, "yes").texture is not None
    assert chosen(net, by, cloth, guesses, "no").texture is None


def test_of_a_wide_network_the_axes_are_kept_along_which_classes_are_widest() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(0, [1.0, 9.0, 3.0], (500, 3))
    kept = whitening(rows, np.zeros(500, dtype=np.intp), 0.0, most=2)
    assert kept.turn.shape == (3, 2)
    assert np.abs(kept.turn[0]).max() < 0.02  # the narrowest is left out
    np.testing.assert_allclose(np.cov(kept(rows).T), np.eye(2), atol=0.05)


def test_a_training_packs_a_texture_and_every_judgement_carries_it(trained: Path) -> None:
    spec = bundle.verify(trained)
    assert spec.texture_size == 96 == len(judged(trained, pictures())[0].compared)
    net, texture = load_network(trained, spec)
    assert texture is not None and texture.size == 96
    for one in judged(trained, pictures()):
        assert one.texture is not None and one.texture.dtype == np.float16
        assert np.linalg.norm(one.texture.astype(np.float32)) == pytest.approx(1, abs=1e-2)


def test_a_bundle_of_before_judges_as_it_did_and_is_compared_by_its_embedding(trained: Path, without: Path) -> None:
    items = pictures()
    for now, before in zip(judged(trained, items), judged(without, items), strict=True):
        assert before.texture is None
        np.testing.assert_array_equal(before.compared, before.embedding)
        np.testing.assert_allclose(now.embedding.astype(float), before.embedding.astype(float), atol=1e-3)
        assert (now.label, now.flagged) == (before.label, before.flagged)


def test_a_bundle_that_does_not_give_the_texture_that_it_tells_of_is_refused(tmp_path: Path, trained: Path) -> None:
    spec = bundle.read(trained)
    weights, graph = ((trained / name).read_bytes() for name in (bundle.WEIGHTS, bundle.GRAPH))
    lying = replace(spec, texture_size=50)
    bundle.write(tmp_path / "lying", lying, weights, graph)
    with pytest.raises(BundleError, match="a texture has 96 figures, not 50"):
        Inspector.load(tmp_path / "lying", device="cpu")
    other = tuple(tuple(-value for value in row) for row in spec.probe.texture)
    bundle.write(tmp_path / "other", replace(spec, probe=replace(spec.probe, texture=other)), weights, graph)
    with pytest.raises(BundleError, match="the probe's texture are off"):
        Inspector.load(tmp_path / "other", device="cpu")
    with pytest.raises(BundleError, match="do not match its count"):
        bundle.write(tmp_path / "mute", replace(spec, probe=replace(spec.probe, texture=())), weights, graph)


def test_a_texture_that_is_no_number_passes_nothing(tmp_path: Path) -> None:
    spec = bundle.verify(tiny_bundle(tmp_path / "tiny"))
    item = Item(png(np.full((64, 64, 3), 120, dtype=np.uint8)))
    picture = open_picture(item.data, spec.input)
    assert isinstance(picture, Picture)
    logits = np.zeros((1, len(spec.classes)), np.float32)
    maps, embedding, none = np.zeros((1, len(spec.classes), 8, 8), np.float32), np.ones((1, 8), np.float32), np.zeros(1)
    sound = Reading(
        logits, maps, embedding, np.ones((1, 4), np.float32), none.astype(np.float32), none.astype(np.float32)
    )
    assert "not-a-number" not in conclude(spec, item, picture, sound).warnings
    broken = replace(sound, texture=np.array([[1, np.nan, 0, 0]], np.float32))
    found = conclude(spec, item, picture, broken)
    assert "not-a-number" in found.warnings and found.flagged and found.label == "unknown"


@pytest.mark.skipif(not chip.can("int8"), reason="this processor has no VNNI: int8 is never used on it")
def test_in_whole_numbers_textures_still_tell_images_apart(trained: Path) -> None:
    images = draw(100, 43, (32, 32), 3).images
    graph = (trained / bundle.GRAPH).read_bytes()
    with open_graph(graph) as plain, open_graph(to_int8(graph, images[:64]), "int8") as whole:
        was, now = plain.run(images), whole.run(images)
    np.testing.assert_allclose(np.linalg.norm(now.texture, axis=1), 1, atol=1e-3)
    assert agreed(was, now, images).texture_moved < 0.5
    assert agreed(was, was, images).texture_moved == 0


def test_a_precision_that_blurs_textures_is_refused(trained: Path) -> None:
    images = draw(100, 43, (32, 32), 3).images
    with open_graph((trained / bundle.GRAPH).read_bytes()) as plain:
        was = plain.run(images)
    noise = np.random.default_rng(0).normal(0, 0.1, was.texture.shape).astype(np.float32)
    assert "textures move by" in str(agreed(was, was._replace(texture=was.texture + noise), images).objection())
    shifted = was._replace(texture=was.texture + noise[:1])
    assert agreed(was, shifted, images).objection() is None  # what moves all alike does nothing
    lost = was._replace(texture=np.full_like(was.texture, np.nan))
    assert agreed(was, lost, images).objection() == "an answer is no number"


def agreed(was: Answer, now: Answer, images: Pixels) -> Agreement:
    targets = was.logits.argmax(axis=1)
    gate = GateImages(images, targets, tuple("abcdef"), {})
    return compare(was, now, gate, Known(was.embedding[:1], np.empty((0, 0), np.float32)), Unknown(9.0, 9.0))


def test_a_bundle_of_before_is_given_textures_and_nothing_else_changes(
    without: Path, trained: Path, tmp_path: Path
) -> None:
    order = RetrofitOrder(without, tmp_path / "new", drawn=120, texture="yes")
    spec = retrofit(order)
    old = bundle.verify(without)
    changed = {name for name in vars(old) if getattr(old, name) != getattr(spec, name)}
    assert changed == {"texture_size", "probe", "files", "metrics"}
    assert {**old.metrics, "likeness": spec.metrics["likeness"]} == spec.metrics
    items = pictures()
    for now, packed in zip(judged(tmp_path / "new", items), judged(trained, items), strict=True):
        np.testing.assert_allclose(now.compared.astype(float), packed.compared.astype(float), atol=2e-3)
        assert now.probabilities == pytest.approx(packed.probabilities, abs=1e-4)
    with pytest.raises(DataError, match="gives textures already"):
        retrofit(RetrofitOrder(tmp_path / "new", tmp_path / "again", drawn=120))
    with pytest.raises(DataError, match="not the images that model was trained on"):
        retrofit(RetrofitOrder(without, tmp_path / "other", drawn=60))
    assert not (tmp_path / "other").exists()


def test_a_class_that_a_bundle_never_learnt_is_measured_by_all_that_it_compares(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cloth = draw(160, 9, (32, 32), 3)
    rows = [(image, cloth.classes[target], group) for image, target, group in
            zip(cloth.images, cloth.targets, cloth.groups, strict=True)]  # fmt: skip
    rows += [(striped(seed), "stripes", f"stripes-{seed}") for seed in range(24)]
    (tmp_path / "images").mkdir()
    lines = ["path,label,source"]
    for number, (image, label, source) in enumerate(rows):
        Image.fromarray(image).save(tmp_path / "images" / f"{number}.png")
        lines.append(f"images/{number}.png,{label},{source}")
    (tmp_path / "all.csv").write_text("\n".join(lines))
    words = ["unseen", str(trained), "--draws", "4", "--manifest"]
    assert main([*words, str(tmp_path / "all.csv"), "--json", str(tmp_path / "found.json")]) == 0
    assert "stripes                texture" in capsys.readouterr().out
    found = json.loads((tmp_path / "found.json").read_text())["stripes"]
    assert set(found) == {"embedding", "texture"} and len(found["texture"]["recall"]) == 4
    assert np.mean(found["texture"]["recall"]) > 0.8 and np.mean(found["texture"]["precision"]) > 0.8
    (tmp_path / "known.csv").write_text("\n".join(line for line in lines if "stripes" not in line))
    assert main([*words, str(tmp_path / "known.csv")]) == 2
    assert "knows every class" in capsys.readouterr().err


def striped(seed: int) -> Pixels:
    rng = np.random.default_rng(seed)
    bands = np.where(np.arange(32) // 2 % 2, 60, 190)[:, None, None] + rng.normal(0, 12, (32, 32, 3))
    return np.roll(bands, int(rng.integers(4)), axis=0).clip(0, 255).astype(np.uint8)


def test_a_new_head_gives_the_textures_of_its_base(trained: Path, tmp_path: Path) -> None:
    cloth = draw(150, 9, (32, 32), 3)
    with open_graph((trained / bundle.GRAPH).read_bytes()) as engine:
        embedding = engine.run(cloth.images).embedding
    rolls = sorted(set(cloth.groups))
    arrays = {
        "embedding": embedding, "label": np.array([cloth.classes[target] for target in cloth.targets]),
        "source": np.array(cloth.groups),
        "side": np.array(["val" if rolls.index(group) % 3 == 0 else "train" for group in cloth.groups]),
    }  # fmt: skip
    np.savez(tmp_path / "kept.npz", **arrays)
    spec = learn_head(HeadOrder(trained, tmp_path / "head", tmp_path / "kept.npz", classes=cloth.classes))
    assert spec.texture_size == 96
    for now, before in zip(judged(tmp_path / "head", pictures()), judged(trained, pictures()), strict=True):
        assert now.texture is not None and before.texture is not None
        np.testing.assert_array_equal(now.texture, before.texture)
    _net, texture = load_network(tmp_path / "head", spec)
    assert texture is not None


def test_blocks_of_zeros_make_no_texture_that_is_no_number() -> None:
    zeros = [torch.zeros(2, 3) for _ in range(4)]
    found = Texture(whitening(np.zeros((4, 12)), np.zeros(4, dtype=np.intp), 0.03))(zeros)
    assert bool(torch.isfinite(found).all())
