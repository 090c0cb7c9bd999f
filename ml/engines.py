"""The CPU engine, OpenVINO on the exported graph, and the choice of a device."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml import chip
from ml.bundle import GRAPH, GRAPH_INT8, BundleError, Spec
from ml.probe import ANSWERS, Answer, Engine

# OpenVINO's converter, of which nothing is used here, counts its users; without this package it does not.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

import openvino  # noqa: E402
from openvino import frontend  # noqa: E402

# Pixels a run: 8 images of 64 px, one of 224. Larger runs are no faster and hold many times as much memory.
PIXELS = 1 << 15

# What OpenVINO raises on a graph that it cannot take.
REFUSALS: tuple[type[Exception], ...] = (
    frontend.GeneralFailure,
    frontend.InitializationFailure,
    frontend.NotImplementedFailure,
    frontend.OpConversionFailure,
    frontend.OpValidationFailure,
    RuntimeError,
)


class CpuEngine:
    """One compiled graph of `threads` threads; made for one judging process a core.

    `precision` bf16 runs the graph's products in bfloat16; an int8 graph carries its precision in itself.
    """

    device = "cpu"

    def __init__(self, graph: Path, threads: int = 1, precision: str = "fp32") -> None:
        self.precision = precision
        model = compiled(graph, threads, precision)
        if tuple(output.any_name for output in model.outputs) not in (ANSWERS, ANSWERS[:-1]):
            raise BundleError(f"{graph.name} does not return {', '.join(ANSWERS[:-1])}, and texture where it has one")
        self._request = model.create_infer_request()

    def run(self, images: NDArray[np.uint8]) -> Answer:
        step = max(1, PIXELS // (images.shape[1] * images.shape[2]))
        return Answer.joined([self._run(images[at : at + step]) for at in range(0, len(images), step)])

    def _run(self, images: NDArray[np.uint8]) -> Answer:
        found = self._request.infer({0: np.ascontiguousarray(images)}, share_inputs=True, share_outputs=True)
        return Answer.of([values.copy() for values in found.values()])  # the next run writes over them


def compiled(graph: Path, threads: int, precision: str) -> Any:
    """The graph made ready for this processor. BundleError if it is none that OpenVINO can take."""
    if not graph.is_file():
        raise BundleError(f"{graph.name} is missing")
    try:
        # The ONNX reader alone: left to itself OpenVINO tries every format it knows on a damaged file.
        reader = frontend.FrontEndManager().load_by_framework("onnx")
        model = reader.convert(reader.load(str(graph)))
        return openvino.Core().compile_model(model, "CPU", _options(threads, precision))
    except REFUSALS as problem:
        raise BundleError(f"{graph.name} cannot be loaded: {problem}") from problem


def _options(threads: int, precision: str) -> dict[str, Any]:
    return {
        # Without a hint OpenVINO takes bf16 wherever the chip has it.
        "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32",
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
        # Several judging processes share a machine: pinned, they would all sit on the first core.
        "ENABLE_CPU_PINNING": False,
    }


@contextmanager
def open_graph(graph: bytes, precision: str = "fp32") -> Iterator[CpuEngine]:
    """An engine on a graph that is in no bundle yet."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / GRAPH
        path.write_bytes(graph)
        yield CpuEngine(path, precision=precision)


def open_engine(folder: Path, spec: Spec, device: str, threads: int) -> Engine:
    """The engine for `auto`, `cpu` or `cuda`. `auto` falls back to the CPU; a named device that is missing raises.

    On a CPU the bundle's own precision is used, or fp32 where the chip lacks the instructions for it.
    """
    if device not in ("auto", "cpu", "cuda"):
        raise ValueError(f"device must be auto, cpu or cuda, not {device!r}")
    if device == "cuda" or (device == "auto" and _driver()):
        engine = _gpu(folder, spec, required=device == "cuda")
        if engine:
            return engine
    precision = chip.usable(spec.engine.precision)
    return CpuEngine(folder / (GRAPH_INT8 if precision == "int8" else GRAPH), threads, precision)


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
        from ml.gpu import available, open_gpu
    except ImportError as problem:
        if required:
            raise RuntimeError("device cuda was asked for, but torch is not installed") from problem
        return None
    if available():
        return open_gpu(folder, spec)
    if required:
        raise RuntimeError("device cuda was asked for, but torch finds no CUDA device")
    return None
