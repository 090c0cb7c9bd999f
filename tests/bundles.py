"""A real bundle small enough to read: its network looks at the top left corner of a picture and nothing else.

Grey there is `good`, white `hole`, dark `cut`; pitch black makes its logits not a number. Each seed is another bundle.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from PIL import Image
from safetensors.numpy import save

from ml import bundle, probe
from ml.bundle import Input, Quality, Spec, Unknown
from ml.engines import CpuEngine
from tests.cast import encoded, weave

CLASSES = ("good", "hole", "cut")
CENTRES = (128.0, 250.0, 30.0)
CORNER = 8
SHAPE = Input(width=64, height=64, channels=1)


def small_bundle(folder: Path, seed: int = 0, classes: tuple[str, ...] = CLASSES) -> Path:
    """Write the bundle to `folder` and return it."""
    graph = _graph(seed)
    with TemporaryDirectory() as scratch:
        path = Path(scratch) / bundle.GRAPH
        path.write_bytes(graph)
        asked = probe.ask(CpuEngine(path), SHAPE)
    spec = Spec(
        name=f"corner-{seed}", network="corner", stem="none", classes=classes, input=SHAPE, mean=(0.0,), std=(1.0,),
        embedding_size=4, temperature=1.0, threshold=0.5, shares={code: 1 / len(classes) for code in classes},
        unknown=Unknown(limit=0.5, largest=0.5), quality=Quality(dark=20, bright=235, blurred=5), heat_scale=1.0,
        probe=asked,
    )  # fmt: skip
    reference = np.array([[1, 0, 0, 0]], dtype=np.float16)
    bundle.write(folder, spec, save({bundle.REFERENCE: reference}), graph)
    return folder


def _graph(seed: int) -> bytes:
    constants = {
        "starts": np.array([0, 0], np.int64),
        "ends": np.array([CORNER, CORNER], np.int64),
        "axes": np.array([1, 2], np.int64),
        "over": np.array([1, 2, 3], np.int64),
        "centres": np.array([CENTRES], np.float32),
        "scale": np.array(1 / (20.0 + 1e-3 * seed), np.float32),
        "five": np.array(5, np.float32),
        "zero": np.array(0, np.float32),
        "known": np.array([[1, 0, 0, 0]], np.float32),
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
        helper.make_node("Add", ["poison", "known"], ["embedding"]),
    ]
    constants["last"] = np.array([1], np.int64)
    graph = helper.make_graph(
        nodes,
        "corner",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", 64, 64, 1])],
        [
            helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 3]),
            helper.make_tensor_value_info("maps", TensorProto.FLOAT, ["n", 3, 4, 4]),
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
