"""The last linear layer of an exported graph, exchanged: the trunk before it stays bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from ml.refusal import DataError

Floats = NDArray[np.float32]


def exchange(graph: bytes, old: tuple[Floats, Floats], new: tuple[Floats, Floats]) -> bytes:
    """ONNX bytes with the weight (K, D) and bias (K,) `new` wherever those of `old` stood; K may differ.

    A graph holds the layer twice: as the matrix behind the pooling and as the 1 x 1 convolution that makes the maps.
    Where mirrorings are averaged behind it, the shapes that name K follow. DataError where either is not found.
    """
    model = onnx.load_model_from_string(graph)
    held = {tensor.name: tensor for tensor in model.graph.initializer}
    forms = [
        (old[0], new[0]),
        (old[0][:, :, None, None], new[0][:, :, None, None]),
        (old[0].T, new[0].T),
        (old[1], new[1]),
    ]
    changed: dict[str, Any] = {}
    for name, tensor in held.items():
        for was, now in forms:
            if tuple(tensor.dims) == was.shape and np.array_equal(numpy_helper.to_array(tensor), was):
                changed[name] = np.ascontiguousarray(now, dtype=np.float32)
                break
    ranks = {array.ndim for array in changed.values()}
    if not {1, 2, 4} <= ranks:
        raise DataError("the base's graph does not hold its last layer as we export it: train from its trunk instead")
    for name, array in changed.items():
        held[name].CopyFrom(numpy_helper.from_array(array, name))
    _reshape(model, set(changed), len(old[1]), len(new[1]))
    for output in model.graph.output:
        if output.name in ("logits", "maps"):
            output.type.tensor_type.shape.dim[1].dim_value = len(new[1])
    del model.graph.value_info[:]  # shapes as they were; every reader finds them anew
    return bytes(model.SerializeToString())


def _reshape(model: Any, layer: set[str], was: int, now: int) -> None:
    """Shapes (views, N, K, …) to which the layer's answers are folded."""
    answers = {output for node in model.graph.node if layer & set(node.input) for output in node.output}
    held = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type != "Reshape" or node.input[0] not in answers:
            continue
        shape = numpy_helper.to_array(held[node.input[1]]).copy()
        if shape[2] != was:
            raise DataError(
                "the base's graph folds its answers in a way that is not ours: train from its trunk instead"
            )
        shape[2] = now
        name = f"{node.input[1]}.{node.output[0]}"
        model.graph.initializer.append(numpy_helper.from_array(shape, name))
        node.input[1] = name
