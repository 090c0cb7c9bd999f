"""The GPU engine: torch from the weights, half precision, channels last; pixels cross the bus as bytes.

Written without a GPU at hand: its decisions are tested with a feigned device, its speed and its answers are not.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file

from ml.bundle import WEIGHTS, BundleError, Spec
from ml.halving import Halving
from ml.networks import Network, Normalised, build
from ml.probe import Answer
from ml.spec import LOOKS, REFERENCE
from ml.texture import MEAN, TURN, Texture

BESIDE = (REFERENCE, LOOKS, MEAN, TURN)  # tensors of the weights file that are none of the network's

# What CUDA's libraries call their failures where torch has no class of its own for them.
SIGNS = ("CUDA error", "cuDNN error", "CUBLAS_STATUS", "CUDNN_STATUS", "NCCL")


class DeviceLost(SystemExit):
    """The GPU answers no more, and in this process never will again: the process ends, and its supervisor starts it.

    A SystemExit, so that nothing on the way that handles errors takes it for one that it can handle.
    """


class Device(Protocol):
    """Runs at most `size` images (n, H, W, C) as one batch; `forget` gives its memory back."""

    def run(self, images: NDArray[np.uint8], size: int) -> Answer: ...

    def forget(self) -> None: ...


def available() -> bool:
    return torch.cuda.is_available()


def load_network(folder: Path, spec: Spec) -> tuple[Network, Texture | None]:
    """The bundle's network in torch, on the CPU, ready to judge, and the texture that it gives. BundleError if the
    weights do not fit it."""
    try:
        net = build(spec.network, spec.input.channels, len(spec.classes), spec.stem)
        net.flips = spec.flips
        tensors = load_file(folder / WEIGHTS)
        own = {name: tensor for name, tensor in tensors.items() if name not in BESIDE}
        net.load_state_dict(own)
        texture = Texture.of(tensors) if spec.texture_size else None
    except (SafetensorError, OSError, RuntimeError, ValueError, KeyError) as problem:
        raise BundleError(f"{WEIGHTS} does not fit {spec.network}: {problem}") from problem
    return net.eval(), texture


def open_gpu(folder: Path, spec: Spec) -> GpuEngine:
    """The bundle on the current CUDA device: the network in float16, its input standardised and its texture taken in
    float32 there."""
    from ml.cuda_graphs import CudaGraphs

    net, texture = load_network(folder, spec)
    half = net.to(torch.float16).to(memory_format=torch.channels_last)
    model = Normalised(half, spec.mean, spec.std, spec.contrast, texture).eval().to("cuda")
    return GpuEngine(CudaGraphs(model, (spec.input.height, spec.input.width, spec.input.channels)))


class GpuEngine:
    """Cuts what it is given into batches that fit. DeviceLost ends the process."""

    device, precision = "cuda", "fp16"

    def __init__(self, device: Device) -> None:
        self._device, self._sizes = device, Halving()

    def run(self, images: NDArray[np.uint8]) -> Answer:
        parts: list[Answer] = []
        done = 0
        while done < len(images):
            size = self._sizes.size(len(images) - done)
            found = self._try(np.ascontiguousarray(images[done : done + size]), size)
            if found is not None:
                parts.append(found)
                done += len(found.logits)
        return Answer.joined(parts)

    def _try(self, images: NDArray[np.uint8], size: int) -> Answer | None:
        """The answer, or None where the memory ran out: then the next try is half as large."""
        try:
            found = self._device.run(images, size)
        except RuntimeError as problem:
            if _out_of_memory(problem) and self._sizes.ran_out(size):
                self._device.forget()
                return None
            if _out_of_memory(problem) or _lost(problem):
                raise DeviceLost(f"the GPU is lost: {problem}") from problem
            raise
        self._sizes.went_well()
        return found


def _out_of_memory(problem: RuntimeError) -> bool:
    return isinstance(problem, torch.OutOfMemoryError) or "out of memory" in str(problem)


def _lost(problem: RuntimeError) -> bool:
    return isinstance(problem, torch.AcceleratorError) or any(sign in str(problem) for sign in SIGNS)
