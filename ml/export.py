"""A trained network to an ONNX graph, and the proof that both answer alike."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from ml.engines import open_graph
from ml.networks import Network, Normalised
from ml.preprocess import Pixels
from ml.probe import ANSWERS, Answer
from ml.texture import Texture

PARITY = 1e-3  # largest difference allowed, relative above 1


class ParityError(Exception):
    """The graph does not answer what the network answers."""


def to_graph(
    net: Network,
    mean: Sequence[float],
    std: Sequence[float],
    size: tuple[int, int, int],
    contrast: str = "set",
    texture: Texture | None = None,
) -> bytes:
    """ONNX bytes: uint8 `images` (N, H, W, C) to `logits`, `maps`, `embedding` and, where there is one, `texture`; N is
    free, `size` is (H, W, C)."""
    model = Normalised(net, mean, std, contrast, texture).eval()
    example = torch.zeros((2, *size), dtype=torch.uint8)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # the exporter speaks of its own coming changes
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        program = torch.onnx.export(
            model,
            (example,),
            dynamo=True,
            verbose=False,
            input_names=["images"],
            output_names=list(ANSWERS if texture else ANSWERS[:-1]),
            dynamic_shapes=({0: torch.export.Dim("batch", min=1, max=4096)},),
        )
    assert program is not None  # the exporter returns None only when given a file
    graph: bytes = without_traces(program.model_proto).SerializeToString()
    return graph


def without_traces(model: Any) -> Any:
    """The ONNX model without the exporter's notes: they quote source lines and folders of who exported it."""
    graph = model.graph
    places = (*graph.input, *graph.output, *graph.value_info, *graph.initializer, *graph.node)
    for part in (model, graph, *model.functions, *places):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    return model


def check_parity(
    net: Network,
    mean: Sequence[float],
    std: Sequence[float],
    graph: bytes,
    images: Pixels,
    contrast: str = "set",
    texture: Texture | None = None,
) -> float:
    """Largest difference between torch and the CPU engine on images (N, H, W, C). ParityError beyond PARITY.

    A network that holds a NaN is refused here, and only here: the engine's ReLU makes a 0 of it.
    """
    with open_graph(graph) as engine:
        answers = engine.run(images)
    with torch.inference_mode():
        model = Normalised(net, mean, std, contrast, texture).eval()
        expected = Answer.of([part.numpy() for part in model(torch.from_numpy(images))])
    apart = max(
        float(np.max(np.abs(answer - wanted) / np.maximum(1, np.abs(wanted)), initial=0))
        for answer, wanted in zip(answers, expected, strict=True)
    )
    if not apart <= PARITY:
        raise ParityError(f"graph and network differ by {apart:.3g}")
    return apart
