"""The GPU engine: torch from the weights, half precision, channels last; pixels cross the bus as bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file

from ml.bundle import REFERENCE, WEIGHTS, BundleError, Spec
from ml.networks import Network, Normalised, build
from ml.probe import Answer

BATCH = 128  # images a run


def available() -> bool:
    return torch.cuda.is_available()


def load_network(folder: Path, spec: Spec) -> Network:
    """The bundle's network in torch, on the CPU, ready to judge. BundleError if the weights do not fit it."""
    try:
        net = build(spec.network, spec.input.channels, len(spec.classes), spec.stem)
        tensors = load_file(folder / WEIGHTS)
        tensors.pop(REFERENCE, None)
        net.load_state_dict(tensors)
    except (SafetensorError, OSError, RuntimeError, ValueError) as problem:
        raise BundleError(f"{WEIGHTS} does not fit {spec.network}: {problem}") from problem
    return net.eval()


class GpuEngine:
    """float16 network on the current CUDA device."""

    device, precision = "cuda", "fp16"

    def __init__(self, folder: Path, spec: Spec) -> None:
        net = Normalised(load_network(folder, spec), spec.mean, spec.std, spec.contrast)
        self._net = net.eval().to("cuda", torch.float16).to(memory_format=torch.channels_last)

    def run(self, images: NDArray[np.uint8]) -> Answer:
        parts = [self._run(images[at : at + BATCH]) for at in range(0, len(images), BATCH)]
        logits, maps, embedding = (np.concatenate(values) for values in zip(*parts, strict=True))
        return logits, maps, embedding

    @torch.inference_mode()
    def _run(self, images: NDArray[np.uint8]) -> Answer:
        pixels = torch.from_numpy(np.ascontiguousarray(images)).pin_memory().to("cuda", non_blocking=True)
        logits, maps, embedding = (part.float().cpu().numpy() for part in self._net(pixels))
        return logits, maps, embedding
