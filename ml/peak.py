"""What one core can do at most: a stack of convolutions of the shape that suits it best, in each precision.

Not a loop of bare multiply-adds, which Python cannot write: these convolutions fill whole vectors, their maps stay in
the cache, and the engine is the one that judges. A network's share of this says what a better engine could still gain.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from ml import chip
from ml.engines import compiled
from ml.quantise import quantised
from ml.spec import PRECISIONS

SHAPES = ((256, 14), (128, 16), (256, 28))  # channels in and out, side of the map
LAYERS = 8
REPEATS = 15  # the best counts: whatever else ran on the core only made it slower


def peaks() -> dict[str, float]:
    """10^9 operations a second of one thread (a multiply and an add are two), for each precision that the chip has."""
    return {
        precision: max(_rate(*shape, precision) for shape in SHAPES) for precision in PRECISIONS if chip.can(precision)
    }


def _rate(channels: int, side: int, precision: str) -> float:
    image = np.random.default_rng(0).random((1, channels, side, side), dtype=np.float32)
    model = _stack(channels, side)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "stack.onnx"
        path.write_bytes(quantised(model, image) if precision == "int8" else model.SerializeToString())
        request = compiled(path, 1, precision).create_infer_request()
        best = min(_seconds(request.infer, image) for _ in range(REPEATS))
    return round(2 * LAYERS * 9 * channels**2 * side**2 / best / 1e9, 1)


def _seconds(infer: Callable[..., object], image: NDArray[np.float32]) -> float:
    start = time.perf_counter()
    infer({0: image}, share_inputs=True, share_outputs=True)
    return time.perf_counter() - start


def _stack(channels: int, side: int) -> onnx.ModelProto:
    """LAYERS times a 3x3 convolution and a ReLU, scaled so that values neither grow nor vanish (He et al. 2015)."""
    rng = np.random.default_rng(0)
    nodes, weights, last = [], [], "images"
    for layer in range(LAYERS):
        weight = rng.normal(0, np.sqrt(2 / (9 * channels)), (channels, channels, 3, 3)).astype(np.float32)
        weights.append(numpy_helper.from_array(weight, f"weight{layer}"))
        nodes.append(helper.make_node("Conv", [last, f"weight{layer}"], [f"sum{layer}"], f"conv{layer}", pads=[1] * 4))
        nodes.append(helper.make_node("Relu", [f"sum{layer}"], [last := f"out{layer}"], f"relu{layer}"))
    shape = (1, channels, side, side)
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("images", last)]
    graph = helper.make_graph(nodes, "stack", ends[:1], ends[1:], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
