"""The CPU engine against torch eager, both sides in one run, round by round; the whole path from bytes; memory."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from ml.decode import decode
from ml.drawn import draw_roll
from ml.engines import CpuEngine
from ml.export import to_graph
from ml.learn import png
from ml.networks import Normalised, build, default_stem
from ml.preprocess import resize

# A judging process alone: what it imports, one batch, and the most memory it ever held.
MEMORY = """
import json, sys, time
start = time.perf_counter()
import numpy as np
from pathlib import Path
import ml.inspector
from ml.engines import CpuEngine
engine = CpuEngine(Path(sys.argv[1]))
ready = time.perf_counter() - start
shape = json.loads(sys.argv[2])
engine.run(np.zeros(shape, dtype=np.uint8))
# The high-water mark of this program alone: what getrusage tells begins with the parent's.
status = Path("/proc/self/status")
lines = status.read_text().splitlines() if status.exists() else []
peak = next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), float("nan"))
print(json.dumps({"ready_s": round(ready, 3), "peak_mib": round(peak, 1), "torch": "torch" in sys.modules}))
"""


def bench(networks: Sequence[str], size: int, channels: int, batch: int, rounds: int) -> dict[str, Any]:
    """Medians over interleaved rounds, one thread, random weights (speed does not depend on them)."""
    torch.set_num_threads(1)
    found = {name: _one(name, size, channels, batch, rounds) for name in networks}
    return {"size": size, "channels": channels, "batch": batch, "rounds": rounds, "threads": 1, "networks": found}


def _one(name: str, size: int, channels: int, batch: int, rounds: int) -> dict[str, Any]:
    torch.manual_seed(0)
    net = build(name, channels, 6, default_stem(name, size)).eval()
    mean, std = (0.5,) * channels, (0.25,) * channels
    images = draw_roll((1, batch, size, size, channels))[0]
    files = [png(image) for image in images]
    channels_last = Normalised(net, mean, std).eval()
    with TemporaryDirectory() as folder:
        graph = Path(folder) / "graph.onnx"
        graph.write_bytes(to_graph(net, mean, std, (size, size, channels)))
        engine = CpuEngine(graph)

        plain = ((torch.from_numpy(images).permute(0, 3, 1, 2) - 127.5) / 63.75).contiguous()

        def torch_eager() -> None:  # as anyone would call it: float planes, normalised beforehand
            with torch.inference_mode():
                net.explain(plain)

        def torch_channels_last() -> None:
            with torch.inference_mode():
                channels_last(torch.from_numpy(images))

        def from_bytes() -> None:
            engine.run(np.stack([resize(decode(file, channels), size, size) for file in files]))

        seconds = interleaved([torch_eager, torch_channels_last, lambda: engine.run(images), from_bytes], rounds)
        memory = _memory(graph, images.shape)
    slow, last, fast, whole = (batch / second for second in seconds)
    return {
        "torch_eager_per_s": round(slow, 1), "torch_channels_last_per_s": round(last, 1),
        "cpu_engine_per_s": round(fast, 1), "ratio": round(fast / slow, 3),
        "ratio_to_channels_last": round(fast / last, 3),
        "from_png_bytes_per_s": round(whole, 1), "process": memory,
    }  # fmt: skip


def interleaved(jobs: Sequence[Callable[[], object]], rounds: int) -> list[float]:
    """Median seconds of each job: all of them once a round, so that a noisy neighbour hits them alike."""
    for job in jobs:  # warm up
        job()
    times: list[list[float]] = [[] for _ in jobs]
    for _ in range(rounds):
        for job, mine in zip(jobs, times, strict=True):
            start = time.perf_counter()
            job()
            mine.append(time.perf_counter() - start)
    return [statistics.median(mine) for mine in times]


def _memory(graph: Path, shape: tuple[int, ...]) -> dict[str, Any]:
    command = [sys.executable, "-c", MEMORY, str(graph), json.dumps(shape)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    found: dict[str, Any] = json.loads(done.stdout)
    return found
