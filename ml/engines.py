"""The CPU engine, ONNX Runtime on the exported graph, and the choice of a device."""

from __future__ import annotations

import ctypes
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from ml.bundle import GRAPH, BundleError, Spec
from ml.probe import Answer, Engine

# Pixels a run: 8 images of 64 px, one of 224. Larger runs are no faster; without the arena they are slower, because
# every layer's memory comes fresh from the system, and they hold many times as much of it.
PIXELS = 1 << 15


class CpuEngine:
    """One session of `threads` threads; made for one judging process a core."""

    device = "cpu"

    def __init__(self, graph: Path, threads: int = 1) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        # A spinning thread takes the core from the neighbour process that shares it.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # The arena keeps the largest batch's memory for ever; batches vary and memory is promised to others.
        options.enable_cpu_mem_arena = False
        options.enable_mem_pattern = False
        options.log_severity_level = 4
        try:
            self._session = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
        except REFUSALS as problem:
            raise BundleError(f"{graph.name} cannot be loaded: {problem}") from problem
        self._input = self._session.get_inputs()[0].name
        if [output.name for output in self._session.get_outputs()] != ["logits", "maps", "embedding"]:
            raise BundleError(f"{graph.name} does not return logits, maps and embedding")

    def run(self, images: NDArray[np.uint8]) -> Answer:
        step = max(1, PIXELS // (images.shape[1] * images.shape[2]))
        parts = [self._session.run(None, {self._input: images[at : at + step]}) for at in range(0, len(images), step)]
        logits, maps, embedding = (np.concatenate(values) for values in zip(*parts, strict=True))
        return logits, maps, embedding


# What ONNX Runtime raises on a graph that it cannot take; it has no common base below RuntimeError and Exception.
_state = onnxruntime.capi.onnxruntime_pybind11_state
REFUSALS: tuple[type[Exception], ...] = (
    _state.Fail,
    _state.InvalidArgument,
    _state.InvalidGraph,
    _state.InvalidProtobuf,
    _state.NoSuchFile,
    _state.NotImplemented,
    _state.RuntimeException,
    RuntimeError,
)


def open_engine(folder: Path, spec: Spec, device: str, threads: int) -> Engine:
    """The engine for `auto`, `cpu` or `cuda`. `auto` falls back to the CPU; a named device that is missing raises."""
    if device not in ("auto", "cpu", "cuda"):
        raise ValueError(f"device must be auto, cpu or cuda, not {device!r}")
    if device == "cuda" or (device == "auto" and _driver()):
        engine = _gpu(folder, spec, required=device == "cuda")
        if engine:
            return engine
    return CpuEngine(folder / GRAPH, threads)


def _driver() -> bool:
    """Whether an NVIDIA driver is loaded: asked first, because importing torch takes seconds and 500 MB."""
    for name in ("libcuda.so.1", "nvcuda.dll"):
        try:
            ctypes.CDLL(name)
        except OSError:
            continue
        return True
    return False


def _gpu(folder: Path, spec: Spec, required: bool) -> Engine | None:
    try:
        from ml.gpu import GpuEngine, available
    except ImportError as problem:
        if required:
            raise RuntimeError("device cuda was asked for, but torch is not installed") from problem
        return None
    if available():
        return GpuEngine(folder, spec)
    if required:
        raise RuntimeError("device cuda was asked for, but torch finds no CUDA device")
    return None
