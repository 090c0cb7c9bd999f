"""A network recorded as CUDA graphs, one a batch size: a run is one copy in, one launch and a few copies out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ml.networks import Normalised
from ml.probe import Answer

WARM_UP = 3  # runs before recording, so that cuDNN has chosen its ways


@dataclass(frozen=True)
class Recording:
    """waiting: pinned bytes on this side (size, H, W, C). bytes_there: the same on the GPU. answers: what is left."""

    graph: torch.cuda.CUDAGraph
    waiting: torch.Tensor
    bytes_there: torch.Tensor
    answers: tuple[torch.Tensor, ...]


class CudaGraphs:
    """Runs at most `size` images as a batch of exactly `size`; recorded when first asked for.

    The recordings share one pool of memory: their answers are copied out before the next one runs.
    """

    def __init__(self, model: Normalised, shape: tuple[int, int, int]) -> None:
        self._model, self._shape = model, shape
        self._recordings: dict[int, Recording] = {}
        self._pool = torch.cuda.graph_pool_handle()

    @torch.inference_mode()
    def run(self, images: NDArray[np.uint8], size: int) -> Answer:
        """images (n, H, W, C), n at most `size`: n rows of everything, float32."""
        count = len(images)
        recording = self._recordings.get(size) or self._record(size)
        recording.waiting[:count].copy_(torch.from_numpy(images))
        recording.bytes_there.copy_(recording.waiting, non_blocking=True)
        recording.graph.replay()
        return Answer.of([answer[:count].cpu().numpy() for answer in recording.answers])

    def forget(self) -> None:
        """Gives all memory back; the next run records anew."""
        self._recordings.clear()
        self._pool = torch.cuda.graph_pool_handle()
        torch.cuda.empty_cache()

    def _record(self, size: int) -> Recording:
        waiting = torch.zeros((size, *self._shape), dtype=torch.uint8).pin_memory()
        there = waiting.to("cuda")
        aside = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(WARM_UP):
                self._model(there)
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool):
            answers = tuple(answer.float() for answer in self._model(there))
        recording = Recording(graph, waiting, there, answers)
        self._recordings[size] = recording
        return recording
