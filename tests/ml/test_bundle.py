from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ml import bundle
from ml.bundle import BundleError
from ml.inspector import Inspector
from tests.ml.bundles import tiny_bundle


@pytest.fixture
def copy(tiny: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny, tmp_path / "copy"))


def edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    raw = json.loads((folder / bundle.SPEC).read_text())
    change(raw)
    (folder / bundle.SPEC).write_text(json.dumps(raw))


def test_what_is_written_is_read_back(tiny: Path) -> None:
    spec = bundle.verify(tiny)
    assert (spec.name, spec.format, spec.classes[0]) == ("tiny", 1, "good")
    assert set(spec.files) == {bundle.WEIGHTS, bundle.GRAPH}


def test_the_digest_names_the_spec_and_so_every_file(tiny: Path, copy: Path) -> None:
    assert bundle.digest(copy) == bundle.digest(tiny)
    edit(copy, lambda raw: raw.update(threshold=0.4))
    assert bundle.digest(copy) != bundle.digest(tiny)


def test_a_bundle_is_never_overwritten(tiny: Path) -> None:
    with pytest.raises(BundleError, match="already exists"):
        bundle.write(tiny, bundle.read(tiny), b"", b"")


def test_no_part_is_left_behind(tmp_path: Path) -> None:
    tiny_bundle(tmp_path / "new")
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


@pytest.mark.parametrize("name", [bundle.WEIGHTS, bundle.GRAPH])
def test_a_missing_file_is_named(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(BundleError, match=f"{name} is missing"):
        bundle.verify(copy)


@pytest.mark.parametrize("name", [bundle.WEIGHTS, bundle.GRAPH])
def test_a_truncated_file_is_refused(copy: Path, name: str) -> None:
    data = (copy / name).read_bytes()
    (copy / name).write_bytes(data[:-1])
    with pytest.raises(BundleError, match="SHA-256"):
        Inspector.load(copy, device="cpu")


@pytest.mark.parametrize("name", [bundle.WEIGHTS, bundle.GRAPH])
def test_one_changed_byte_is_refused(copy: Path, name: str) -> None:
    data = bytearray((copy / name).read_bytes())
    data[len(data) // 2] ^= 1
    (copy / name).write_bytes(data)
    with pytest.raises(BundleError, match="SHA-256"):
        Inspector.load(copy, device="cpu")


def test_another_format_version_is_refused(copy: Path) -> None:
    edit(copy, lambda raw: raw.update(format=2))
    with pytest.raises(BundleError, match="format 2"):
        bundle.verify(copy)


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw.pop("classes"),
        lambda raw: raw.update(classes=["hole", "cut"]),
        lambda raw: raw.update(classes=["good", "unknown"]),
        lambda raw: raw.update(temperature=0),
        lambda raw: raw.update(threshold=float("nan")),
        lambda raw: raw.update(threshold=1.5),
        lambda raw: raw.update(mean=[0.5]),
        lambda raw: raw.update(shares={"good": 1}),
        lambda raw: raw["input"].update(channels=2),
        lambda raw: raw["input"].update(large="squash"),
        lambda raw: raw["input"].update(width=1e9),
        lambda raw: raw["unknown"].update(limit=float("inf")),
        lambda raw: raw["unknown"].update(surprise=1),
        lambda raw: raw.update(files={"../../etc/passwd": "0", **raw["files"]}),
        lambda raw: raw.update(files={}),
        lambda raw: raw.update(probe=None),
        lambda raw: raw.update(input=[1, 2]),
        lambda raw: raw.update(metrics={"macro_f1": float("nan")}),
        lambda raw: raw.update(metrics={"nul": "a\0b"}),
        lambda raw: raw.update(data={"half a character": "\ud800"}),
        lambda raw: raw.update(data={"\0": 1}),
        lambda raw: raw.update(training=nested(40)),
        lambda raw: raw.update(embedding_size=float("inf")),
        lambda raw: raw.update(files={"a" * 5000: "0", **raw["files"]}),
        lambda raw: raw["input"].update(width="64"),
        lambda raw: raw["input"].update(channels=True),
        lambda raw: raw["input"].update(homogenise="grey"),
        lambda raw: raw["unknown"].update(limit="far"),
        lambda raw: raw["unknown"].update(neighbours=0),
        lambda raw: raw["quality"].update(dark="dark"),
        lambda raw: raw["probe"].update(tolerance="some"),
        lambda raw: raw["probe"].update(seed=10**30),
    ],
)
def test_a_spec_that_makes_no_sense_is_refused(copy: Path, change: Callable[[dict[str, Any]], object]) -> None:
    edit(copy, change)
    with pytest.raises(BundleError):
        bundle.read(copy)


def nested(times: int) -> dict[str, Any]:
    return {"in": nested(times - 1)} if times else {}


@pytest.mark.parametrize("text", ["", "[]", "{", "null", '{"format": 1}', "[" * 100_000])
def test_a_foreign_spec_is_refused(copy: Path, text: str) -> None:
    (copy / bundle.SPEC).write_text(text)
    with pytest.raises(BundleError):
        bundle.verify(copy)


def test_an_empty_folder_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="not a bundle"):
        bundle.verify(tmp_path)
    with pytest.raises(BundleError):
        bundle.digest(tmp_path)


def repack(source: Path, out: Path, **changes: Any) -> Path:
    files = {"weights": (source / bundle.WEIGHTS).read_bytes(), "graph": (source / bundle.GRAPH).read_bytes()}
    spec = replace(bundle.read(source), **{k: v for k, v in changes.items() if k not in files})
    bundle.write(out, spec, **{**files, **{k: v for k, v in changes.items() if k in files}})
    return out


def test_a_pickle_in_place_of_the_weights_is_never_opened(tiny: Path, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
            return Path.touch, (str(tmp_path / "sprung"),)  # type: ignore[return-value]

    folder = repack(tiny, tmp_path / "trap", weights=pickle.dumps(Trap()))
    with pytest.raises(BundleError, match="cannot be read"):
        Inspector.load(folder, device="cpu")
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("graph", [b"", b"not a graph", b"\x08\x09" * 40])
def test_a_graph_that_is_none_is_refused_by_its_reason(tiny: Path, tmp_path: Path, graph: bytes) -> None:
    with pytest.raises(BundleError, match="graph.onnx"):
        Inspector.load(repack(tiny, tmp_path / "odd", graph=graph), device="cpu")


def test_a_model_that_does_not_answer_its_probe_is_refused(tiny: Path, tmp_path: Path) -> None:
    other = tiny_bundle(tmp_path / "other", says="cut")
    folder = repack(tiny, tmp_path / "swapped", graph=(other / bundle.GRAPH).read_bytes())
    with pytest.raises(BundleError, match="probe's logits are off"):
        Inspector.load(folder, device="cpu")


def test_a_probe_of_an_unknown_recipe_is_refused(tiny: Path, tmp_path: Path) -> None:
    probe = replace(bundle.read(tiny).probe, recipe="waves-9")
    with pytest.raises(BundleError, match="waves-9"):
        Inspector.load(repack(tiny, tmp_path / "odd", probe=probe), device="cpu")


def test_a_named_device_that_is_missing_raises_and_auto_falls_back(tiny: Path) -> None:
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(RuntimeError, match="cuda"):
        Inspector.load(tiny, device="cuda")
    assert Inspector.load(tiny, device="auto").device == "cpu"
    with pytest.raises(ValueError, match="device"):
        Inspector.load(tiny, device="tpu")
