"""A network in whole numbers: the exported graph with its convolutions and sums in int8, calibrated on real input."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from ml.export import without_traces

KINDS = ("Conv", "Add", "Relu", "MaxPool")
PIECE = 8  # images of a calibration run


class Feed(CalibrationDataReader):  # type: ignore[misc]
    """Hands out images (N, H, W, C) in pieces."""

    def __init__(self, images: NDArray[Any]) -> None:
        self._pieces: Iterator[NDArray[Any]] = iter(np.split(images, range(PIECE, len(images), PIECE)))

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        piece = next(self._pieces, None)
        return None if piece is None else {"images": piece}


def to_int8(graph: bytes, images: NDArray[np.uint8], spared: int = 0) -> bytes:
    """ONNX bytes with int8 weights a channel and uint8 activations a layer, by the extremes seen on `images`.

    The first `spared` convolutions stay in fp32, and always the one that makes the maps, the pooling and the
    classifier behind it: they cost next to nothing, and what they say is what is shown. Each quantised layer stands
    between a QuantizeLinear and a DequantizeLinear, which the engine melts into it (the QDQ form).
    """
    model = onnx.load_model_from_string(graph)
    return quantised(model, images, _names(model, spared))


def quantised(model: onnx.ModelProto, images: NDArray[Any], names: Sequence[str] = ()) -> bytes:
    """The model with these nodes (all, where none are named) in whole numbers. `images` feed its input `images`."""
    # Shapes are known and constants folded, which is all that its own preparation would add.
    model.metadata_props.add(key="onnx.quant.pre_process", value="onnxruntime.quant")
    with TemporaryDirectory() as folder:
        path = Path(folder) / "int8.onnx"
        quantize_static(
            model,
            path,
            Feed(images),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
            nodes_to_quantize=list(names),
        )
        return bytes(without_traces(onnx.load(path)).SerializeToString())


def _names(model: onnx.ModelProto, spared: int) -> list[str]:
    """Names of the nodes to quantise: from the first convolution that is not spared to the one that makes the maps.

    That one is the last in every graph, also where the maps of mirrorings are averaged after it.
    """
    nodes = list(model.graph.node)
    convolutions = [at for at, node in enumerate(nodes) if node.op_type == "Conv"]
    return [node.name for node in nodes[convolutions[spared] : convolutions[-1]] if node.op_type in KINDS]
