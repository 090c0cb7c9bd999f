"""A tiny bundle that judges by rule, made without torch: a black patch is a hole, anything else is what it `says`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save

from ml import bundle, probe
from ml.bundle import Input, Probe, Quality, Spec, Unknown
from ml.engines import CpuEngine

CLASSES = ("good", "color", "cut", "hole", "thread", "metal_contamination")
WIDTH, CELLS = 8, 8


def tiny_bundle(
    folder: Path,
    *,
    says: str = "good",
    classes: Sequence[str] = CLASSES,
    channels: int = 3,
    size: int = 64,
    large: str = "resize",
    max_tiles: int = 64,
    threshold: float = 0.5,
    nan_above: float | None = None,
    unknown_limit: float = 9.0,
    quality: Quality | None = None,
    name: str = "tiny",
) -> Path:
    """Writes a bundle to `folder` (which must not exist) and returns it.

    It answers `says` with about 99 %, and `hole` where at least one of the 8 x 8 cells of the picture is black.
    `nan_above`: images brighter than this mean grey (above 200, so that the probe stays sound) give NaN.
    """
    classes = tuple(classes)
    graph = tiny_graph(classes, says, channels, size, nan_above)
    shape = Input(size, size, channels, large, max_tiles)
    spec = Spec(
        name=name,
        network="tiny",
        stem="standard",
        classes=classes,
        input=shape,
        mean=(0.5,) * channels,
        std=(0.25,) * channels,
        embedding_size=WIDTH,
        temperature=1.0,
        threshold=threshold,
        shares=dict.fromkeys(classes, 1 / len(classes)),
        unknown=Unknown(unknown_limit, unknown_limit),
        quality=quality or Quality(dark=-1, bright=256, blurred=-1),
        heat_scale=1.0,
        probe=Probe(probe.RECIPE, 1, 1, ((0.0,) * len(classes),), ((0.0,) * WIDTH,), 1e-3),
        created_at="2026-01-01T00:00:00+00:00",
    )
    reference = np.eye(WIDTH, dtype=np.float16)
    return pack(folder, replace(spec, probe=_ask(graph, shape)), graph, save({bundle.REFERENCE: reference}))


def pack(folder: Path, spec: Spec, graph: bytes, weights: bytes) -> Path:
    bundle.write(folder, spec, weights, graph)
    return folder


def _ask(graph: bytes, shape: Input) -> Probe:
    with TemporaryDirectory() as folder:
        path = Path(folder) / bundle.GRAPH
        path.write_bytes(graph)
        return probe.ask(CpuEngine(path), shape)


def tiny_graph(classes: tuple[str, ...], says: str, channels: int, size: int, nan_above: float | None) -> bytes:
    """Darkness of 8 x 8 cells and seven fixed colour mixtures, one linear layer over their means."""
    rng = np.random.default_rng(5)
    mix = rng.normal(0, 1, (WIDTH, channels, 1, 1)).astype(np.float32)
    mix[0] = -5 / channels
    bias = np.full(WIDTH, 0.1, dtype=np.float32)
    bias[0] = 1.0  # darkness is above 0 only where a cell's mean is below a fifth of white
    weight = np.zeros((len(classes), WIDTH, 1, 1), dtype=np.float32)
    if "hole" in classes:
        weight[classes.index("hole"), 0] = 640.0
    offset = np.zeros(len(classes), dtype=np.float32)
    offset[classes.index(says)] = 6.3
    cell = size // CELLS
    nodes = [
        helper.make_node("Cast", ["images"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["float", "white"], ["unit"]),
        helper.make_node("Transpose", ["unit"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("AveragePool", ["planes"], ["cells"], kernel_shape=[cell, cell], strides=[cell, cell]),
        helper.make_node("Conv", ["cells", "mix", "bias"], ["mixed"]),
        helper.make_node("Relu", ["mixed"], ["features"]),
        helper.make_node("Conv", ["features", "weight"], ["maps"]),
        helper.make_node("ReduceMean", ["features", "space"], ["embedding"], keepdims=0),
        helper.make_node("ReduceMean", ["maps", "space"], ["sums"], keepdims=0),
        helper.make_node("Add", ["sums", "offset"], ["plain" if nan_above else "logits"]),
    ]
    values = {
        "white": np.array(255, dtype=np.float32),
        "mix": mix,
        "bias": bias,
        "weight": weight,
        "offset": offset,
        "space": np.array([2, 3], dtype=np.int64),
    }
    if nan_above:
        nodes += _nan_nodes()
        values |= {"ceiling": np.array(nan_above / 255, dtype=np.float32), "zero": np.array(0, dtype=np.float32)}
        values |= {"all": np.array([1, 2, 3], dtype=np.int64), "one": np.array([1], dtype=np.int64)}
    inputs = [helper.make_tensor_value_info("images", TensorProto.UINT8, ["N", size, size, channels])]
    outputs = [
        helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", len(classes)]),
        helper.make_tensor_value_info("maps", TensorProto.FLOAT, ["N", len(classes), CELLS, CELLS]),
        helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["N", WIDTH]),
    ]
    constants = [numpy_helper.from_array(value, key) for key, value in values.items()]
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    packed: bytes = model.SerializeToString()
    return packed


def _nan_nodes() -> list[onnx.NodeProto]:
    """The square root of what is left below the ceiling, times nothing: nothing, or not a number."""
    return [
        helper.make_node("ReduceMean", ["planes", "all"], ["light"], keepdims=0),
        helper.make_node("Sub", ["ceiling", "light"], ["room"]),
        helper.make_node("Sqrt", ["room"], ["root"]),
        helper.make_node("Mul", ["root", "zero"], ["nothing"]),
        helper.make_node("Unsqueeze", ["nothing", "one"], ["column"]),
        helper.make_node("Add", ["plain", "column"], ["logits"]),
    ]
