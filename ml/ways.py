"""Every way at hand to run one network on one core: torch, ONNX Runtime and OpenVINO, at each precision."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from torch.utils.flop_counter import FlopCounterMode

from ml import chip
from ml.engines import CpuEngine
from ml.export import to_graph
from ml.networks import Network, build
from ml.preprocess import Pixels
from ml.quantise import to_int8

EAGER, LAST, OURS = "torch eager fp32", "torch channels last fp32", "OpenVINO fp32"
Ways = dict[str, Callable[[], NDArray[np.float32]]]


def network(name: str, channels: int, classes: int = 6) -> Network:
    """A network of random weights: its speed is that of a trained one."""
    torch.manual_seed(0)
    return build(name, channels, classes).eval()


def operations(net: Network, images: Pixels) -> float:
    """10^6 operations an image, a multiply and an add being two, by torch's own count of images (N, H, W, C)."""
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        net(_planes(images[:1]))
    return float(counter.get_total_flops()) / 1e6


def ways(net: Network, images: Pixels, folder: Path) -> Ways:
    """What runs `net` over images (N, H, W, C) and gives logits (N, K), by name; the name ends in the precision.

    torch gets what it likes best, float planes made ready beforehand; the others get the bytes and normalise
    themselves. `folder` takes the graphs.
    """
    channels = images.shape[3]
    half = (0.5,) * channels
    plain, whole = folder / "plain.onnx", folder / "int8.onnx"
    graph = to_graph(net, half, half, images.shape[1:])
    plain.write_bytes(graph)
    whole.write_bytes(to_int8(graph, images[:32]))
    found = _torch(net, images) | {
        "ONNX Runtime fp32": _onnxruntime(plain, images),
        "ONNX Runtime int8": _onnxruntime(whole, images),
        OURS: _openvino(plain, images, "fp32"),
        "OpenVINO bf16": _openvino(plain, images, "bf16"),
        "OpenVINO int8": _openvino(whole, images, "int8"),
    }
    return {name: run for name, run in found.items() if chip.can(name.split()[-1])}


def _planes(images: Pixels) -> torch.Tensor:
    return ((torch.from_numpy(images).permute(0, 3, 1, 2) - 127.5) / 127.5).contiguous()


def _torch(net: Network, images: Pixels) -> Ways:
    last = deepcopy(net).to(memory_format=torch.channels_last)
    planes = _planes(images)
    turned = planes.to(memory_format=torch.channels_last)

    def run(model: Network, inputs: torch.Tensor) -> NDArray[np.float32]:
        with torch.inference_mode():
            logits: NDArray[np.float32] = model.explain(inputs)[0].numpy()
        return logits

    return {EAGER: lambda: run(net, planes), LAST: lambda: run(last, turned)}


def _openvino(graph: Path, images: Pixels, precision: str) -> Callable[[], NDArray[np.float32]]:
    engine = CpuEngine(graph, precision=precision)
    return lambda: engine.run(images)[0]


def _onnxruntime(graph: Path, images: Pixels) -> Callable[[], NDArray[np.float32]]:
    """As fast as it will go: with its arena, and the whole batch at once."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])

    def run() -> NDArray[np.float32]:
        logits: NDArray[np.float32] = session.run(["logits"], {"images": images})[0]
        return logits

    return run
