"""A real bundle small enough to read: its network looks at the top left corner of a picture and nothing else.

Grey there is `good`, white `hole`, dark `cut`; pitch black makes its logits not a number. Each seed is another bundle.
Its embedding is 1 and, small beside it, the grey of three points on the picture's edge.
"""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from PIL import Image
from safetensors.numpy import save

from ml import bundle, probe
from ml.bundle import Input, Quality, Spec, Unknown
from ml.engines import CpuEngine
from ml.novelty import unit
from ml.picture import Picture, open_picture
from tests.cast import encoded, weave

CLASSES = ("good", "hole", "cut")
CENTRES = (128.0, 250.0, 30.0)
CORNER = 8
SHAPE = Input(width=64, height=64, channels=1)
KNOWN = np.array([[1, 0, 0, 0], [0.95, 0.3, 0, 0]], np.float16)


def small_bundle(
    folder: Path,
    seed: int = 0,
    classes: tuple[str, ...] = CLASSES,
    *,
    centres: tuple[float, ...] = CENTRES,
    learnt: Sequence[bytes] = (),
    threshold: float = 0.5,
    weights: dict[str, NDArray[np.floating]] | None = None,
) -> Path:
    """Write the bundle to `folder` and return it.

    `centres`: the grey that each class stands for. `learnt`: images whose embeddings it keeps as known cloth.
    `weights`: further tensors of the weights file, which nothing computes with.
    """
    graph = _graph(seed, centres)
    with TemporaryDirectory() as scratch:
        path = Path(scratch) / bundle.GRAPH
        path.write_bytes(graph)
        engine = CpuEngine(path)
        asked = probe.ask(engine, SHAPE)
        reference = np.concatenate([KNOWN, _embeddings(engine, learnt)])
    spec = Spec(
        name=f"corner-{seed}", network="corner", stem="none", classes=classes, input=SHAPE, mean=(0.0,), std=(1.0,),
        embedding_size=4, temperature=1.0, threshold=threshold, shares={code: 1 / len(classes) for code in classes},
        unknown=Unknown(limit=0.5, largest=0.5), quality=Quality(dark=20, bright=235, blurred=5), heat_scale=1.0,
        probe=asked,
    )  # fmt: skip
    bundle.write(folder, spec, save({bundle.REFERENCE: reference, **(weights or {})}), graph)
    return folder


def _embeddings(engine: CpuEngine, images: Sequence[bytes]) -> NDArray[np.float16]:
    found = [open_picture(data, SHAPE) for data in images]
    views = [picture.views for picture in found if isinstance(picture, Picture)]
    if not views:
        return np.empty((0, 4), np.float16)
    return unit(engine.run(np.concatenate(views))[2]).astype(np.float16)


def _graph(seed: int, centres: tuple[float, ...]) -> bytes:
    constants = {
        "starts": np.array([0, 0], np.int64),
        "ends": np.array([CORNER, CORNER], np.int64),
        "axes": np.array([1, 2], np.int64),
        "over": np.array([1, 2, 3], np.int64),
        "centres": np.array([centres], np.float32),
        "scale": np.array(1 / (20.0 + 1e-3 * seed), np.float32),
        "five": np.array(5, np.float32),
        "zero": np.array(0, np.float32),
        "one": np.array(1, np.float32),
        "rows": np.array([20, 40, 60], np.int64),
        "edge": np.array([0], np.int64),
        "middle": np.array(128, np.float32),
        "part": np.array(2 / 255, np.float32),
        "low": np.array(-0.25, np.float32),
        "high": np.array(0.25, np.float32),
        "spatial": np.array([2, 3], np.int64),
        "spread": np.ones((1, 1, 4, 4), np.float32),
    }
    nodes = [
        helper.make_node("Cast", ["images"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Slice", ["floats", "starts", "ends", "axes"], ["corner"]),
        helper.make_node("ReduceMean", ["corner", "over"], ["flat"], keepdims=0),
        helper.make_node("Unsqueeze", ["flat", "last"], ["grey"]),
        helper.make_node("Sub", ["grey", "centres"], ["apart"]),
        helper.make_node("Mul", ["apart", "scale"], ["steps"]),
        helper.make_node("Mul", ["steps", "steps"], ["squares"]),
        helper.make_node("Neg", ["squares"], ["near"]),
        helper.make_node("Sub", ["grey", "five"], ["light"]),
        helper.make_node("Log", ["light"], ["log"]),
        helper.make_node("Mul", ["log", "zero"], ["poison"]),
        helper.make_node("Add", ["near", "poison"], ["logits"]),
        helper.make_node("Unsqueeze", ["logits", "spatial"], ["points"]),
        helper.make_node("Mul", ["points", "spread"], ["maps"]),
        helper.make_node("Gather", ["floats", "rows"], ["thrice"], axis=1),
        helper.make_node("Gather", ["thrice", "edge"], ["points3"], axis=2),
        helper.make_node("Squeeze", ["points3", "spatial"], ["levels"]),
        helper.make_node("Sub", ["levels", "middle"], ["off"]),
        helper.make_node("Mul", ["off", "part"], ["wide"]),
        helper.make_node("Clip", ["wide", "low", "high"], ["small"]),
        helper.make_node("Add", ["poison", "one"], ["first"]),
        helper.make_node("Concat", ["first", "small"], ["embedding"], axis=1),
    ]
    constants["last"] = np.array([1], np.int64)
    graph = helper.make_graph(
        nodes,
        "corner",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", 64, 64, 1])],
        [
            helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", len(centres)]),
            helper.make_tensor_value_info("maps", TensorProto.FLOAT, ["n", len(centres), 4, 4]),
            helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", 4]),
        ],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    data: bytes = model.SerializeToString()
    return data


def cloth(corner: int | None = None, seed: int = 0) -> bytes:
    """A PNG of weave; `corner` paints the place that the network looks at."""
    image: Image.Image = weave(seed)
    if corner is not None:
        image.paste(corner, (0, 0, CORNER, CORNER))
    return encoded(image)


GOOD, HOLE, CUT, NOT_A_NUMBER = 128, 250, 30, 0
