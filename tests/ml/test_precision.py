"""Fewer bits are used only where they were seen to say the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

import onnx
import torch
from safetensors.numpy import load_file

from ml import bundle, chip, gate, gate_images, probe
from ml.bundle import BundleError, Faster, Unknown
from ml.data import DataError, Dataset
from ml.drawn import draw
from ml.engines import open_engine, open_graph
from ml.export import to_graph
from ml.gate_images import UNLABELLED, gather
from ml.networks import Normalised, build
from ml.novelty import Known
from ml.precision import Choice, choose
from ml.quantise import _names, to_int8
from ml.spec import GRAPH, GRAPH_INT8, Input

STARTER = Path(bundle.__file__).parent / "starter"
SHAPE = Input(64, 64, 3)
whole_numbers = pytest.mark.skipif(not chip.can("int8"), reason="this processor has no VNNI: int8 is never used on it")


@pytest.fixture(scope="module")
def cloth() -> Dataset:
    return draw(300, 93, (64, 64), 3)


@pytest.fixture(scope="module")
def starter(cloth: Dataset) -> Choice:
    spec = bundle.verify(STARTER)
    known = Known.from_tensors(load_file(STARTER / bundle.WEIGHTS), spec.embedding_size, spec.unknown)
    return choose((STARTER / GRAPH).read_bytes(), SHAPE, cloth, cloth, known, spec.unknown)


@pytest.fixture(scope="module")
def undecided(cloth: Dataset) -> bytes:
    """A network of random weights whose classes lie so close together that the least rounding changes the first."""
    torch.manual_seed(0)
    net = build("textile_resnet", 3, 6).eval()
    half = (0.5,) * 3
    with torch.inference_mode():
        mean = Normalised(net, half, half)(torch.from_numpy(cloth.images[:64]))[2].mean(0)
        net.classifier.bias.copy_(-net.classifier.weight @ mean)
    return to_graph(net, half, half, (64, 64, 3))


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer images are asked for: drawing and judging a thousand takes seconds."""
    for module in (gate, gate_images):
        monkeypatch.setattr(module, "IMAGES", 100)
        monkeypatch.setattr(module, "A_CLASS", 20)


def nothing_known() -> tuple[Known, Unknown]:
    return Known(np.zeros((1, 512), np.float32), np.empty((0, 0), np.float32)), Unknown(limit=9.0, largest=9.0)


@whole_numbers
def test_a_trained_network_passes_and_its_finding_says_on_what(starter: Choice) -> None:
    found = starter.engine.finding
    assert starter.engine.precision != "fp32" and found["images"] >= 1000 and found["smallest_class"] >= 200
    assert found["origin"]["drawn"] == found["images"] - 300 > 0
    for one in found["candidates"]:
        if one["refused"] is None:
            assert one["agreement"] >= 0.995 and min(one["recall_change"].values()) >= -0.5
            assert abs(one["unknown_change"]) <= 0.5 and one["ratio"] > 1


@whole_numbers
def test_the_answers_of_int8_stay_close_to_those_of_fp32(cloth: Dataset) -> None:
    graph = (STARTER / GRAPH).read_bytes()
    with open_graph(graph, "fp32") as plain, open_graph(to_int8(graph, cloth.images[:200]), "int8") as whole:
        first, second = plain.run(cloth.images), whole.run(cloth.images)
    assert [part.shape for part in first] == [part.shape for part in second]
    assert (first[0].argmax(1) == second[0].argmax(1)).mean() > 0.99
    for one, other in zip(first[:-1], second[:-1], strict=True):
        assert np.abs(one - other).mean() < 0.1 * np.abs(one).mean()
    assert np.median(np.linalg.norm(first.texture - second.texture, axis=1)) < 0.25  # two images lie about 1 apart


@whole_numbers
@pytest.mark.parametrize("flips", [False, True])
def test_what_makes_the_maps_stays_in_fp32(flips: bool) -> None:
    net = build("resnet8v1", 1, 3).eval()
    net.flips = flips
    model = onnx.load_model_from_string(to_graph(net, (0.5,), (0.25,), (32, 32, 1)))
    quantised = set(_names(model, 0))
    convolutions = [node.name for node in model.graph.node if node.op_type == "Conv"]
    assert [name for name in convolutions if name not in quantised] == convolutions[-1:]


@pytest.mark.usefixtures("small")
def test_a_network_whose_int8_says_otherwise_stays_in_fp32(undecided: bytes, cloth: Dataset) -> None:
    found = choose(undecided, SHAPE, cloth, cloth, *nothing_known())
    refused = [one["refused"] for one in found.engine.finding["candidates"] if one["precision"] == "int8"]
    assert len(refused) == 2 and all("agrees on" in reason or "recall" in reason for reason in refused)
    assert found.engine.precision != "int8" and found.files == {}


@whole_numbers
@pytest.mark.usefixtures("small")
def test_a_precision_that_is_asked_for_by_name_must_pass_as_well(undecided: bytes, cloth: Dataset) -> None:
    with pytest.raises(DataError, match="int8 may not be used"):
        choose(undecided, SHAPE, cloth, cloth, *nothing_known(), wanted="int8")


def test_fp32_that_is_asked_for_is_not_argued_with(undecided: bytes, cloth: Dataset) -> None:
    assert choose(undecided, SHAPE, cloth, cloth, *nothing_known(), wanted="fp32").engine.precision == "fp32"
    with pytest.raises(DataError, match="no precision 'int4'"):
        choose(undecided, SHAPE, cloth, cloth, *nothing_known(), wanted="int4")


@pytest.mark.usefixtures("small")
def test_a_processor_without_the_instructions_packs_fp32(
    undecided: bytes, cloth: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chip, "flags", lambda: frozenset({"avx2"}))
    found = choose(undecided, SHAPE, cloth, cloth, *nothing_known())
    assert found.engine.precision == "fp32"
    assert all("no instructions" in one["refused"] for one in found.engine.finding["candidates"])


def test_classes_that_cannot_be_drawn_are_filled_with_views_of_their_own(cloth: Dataset) -> None:
    few = replace(cloth, classes=("good", "nep", "crease", "hole", "thread", "spot")).take(np.arange(40))
    found = gather(few, SHAPE)
    assert len(found.images) == len(found.targets) == sum(found.origin.values()) >= 1000
    assert found.origin["validation"] == 40 and found.origin["views"] > 0
    assert found.smallest() >= 200 or set(range(6)) - set(few.targets.tolist())


@pytest.mark.usefixtures("small")
def test_what_they_are_of_is_told(cloth: Dataset) -> None:
    assert gather(cloth.take(np.arange(40)), SHAPE, "training").origin["training"] == 40


@pytest.mark.usefixtures("small")
def test_drawn_kinds_that_the_bundle_does_not_know_have_no_label(cloth: Dataset) -> None:
    few = replace(cloth, classes=("good", "nep")).take(np.flatnonzero(cloth.targets < 2)[:30])
    assert (gather(few, SHAPE).targets == UNLABELLED).any()


@pytest.mark.usefixtures("small")
def test_a_class_without_an_image_is_too_few(undecided: bytes, cloth: Dataset) -> None:
    named = replace(cloth, classes=("good", "a", "b", "c", "d", "e")).take(np.flatnonzero(cloth.targets == 0)[:30])
    found = choose(undecided, SHAPE, named, named, *nothing_known())
    assert found.engine.precision == "fp32"
    if chip.can("bf16"):
        assert "too few" in found.engine.finding["candidates"][0]["refused"]


def packed(folder: Path, choice: Choice) -> Path:
    spec = bundle.verify(STARTER)
    weights, graph = ((STARTER / name).read_bytes() for name in (bundle.WEIGHTS, GRAPH))
    bundle.write(folder, replace(spec, engine=choice.engine), weights, graph, more=choice.files)
    return folder


@whole_numbers
def test_a_bundle_is_judged_at_its_precision_and_its_probe_is_of_that_precision(
    starter: Choice, tmp_path: Path
) -> None:
    folder = packed(tmp_path / "fast", starter)
    spec = bundle.verify(folder)
    engine = open_engine(folder, spec, "cpu", 1)
    assert engine.precision == spec.engine.precision == starter.engine.precision
    assert (GRAPH_INT8 in spec.files) == (engine.precision == "int8")
    probe.check(engine, spec)


def test_a_processor_without_the_instructions_judges_in_fp32(
    starter: Choice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = packed(tmp_path / "fast", starter)
    monkeypatch.setattr(chip, "flags", lambda: frozenset({"avx2"}))
    spec = bundle.verify(folder)
    engine = open_engine(folder, spec, "cpu", 1)
    assert engine.precision == "fp32"
    probe.check(engine, spec)


def test_a_changed_int8_graph_is_refused_by_its_hash(starter: Choice, tmp_path: Path) -> None:
    choice = Choice(replace(starter.engine), {GRAPH_INT8: b"not a graph"})
    folder = packed(tmp_path / "fast", choice)
    (folder / GRAPH_INT8).write_bytes(b"another")
    with pytest.raises(BundleError, match=r"graph\.int8\.onnx is not the file"):
        bundle.verify(folder)


def test_a_bundle_that_says_int8_without_its_graph_is_refused(tmp_path: Path) -> None:
    spec = bundle.verify(STARTER)
    choice = Choice(Faster("int8", spec.probe), {})
    with pytest.raises(BundleError, match=r"int8 needs graph\.int8\.onnx"):
        packed(tmp_path / "fast", choice)


def test_the_processors_flags_are_read_from_linux(tmp_path: Path) -> None:
    told = tmp_path / "cpuinfo"
    told.write_text("processor : 0\nflags\t: fpu avx_vnni\n\nprocessor : 1\nflags : fpu\n")
    assert chip.flags(told) == {"fpu", "avx_vnni"}
    assert chip.flags(tmp_path / "missing") == frozenset()
