"""Every engine and precision against torch eager, in one run, round by round; the whole path from bytes; memory."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import geometric_mean
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from ml import chip
from ml.drawn import draw_roll
from ml.peak import peaks
from ml.preprocess import Pixels
from ml.rounds import interleaved
from ml.spec import PRECISIONS
from ml.untrained import write_untrained
from ml.ways import EAGER, LAST, OURS, network, operations, ways
from ml.whole_path import by_inspector, by_torch, files, process


def bench(networks: Sequence[str], size: int, channels: int, batch: int, rounds: int) -> dict[str, Any]:
    """Medians over interleaved rounds, one thread, random weights (speed does not depend on them).

    `peak`: 10^9 operations a second of one core, for each precision (see ml.peak).
    """
    torch.set_num_threads(1)
    most = peaks()
    images = draw_roll((1, batch, size, size, channels))[0]
    found = {name: _one(name, images, rounds, most) for name in networks}
    return {
        "size": size, "channels": channels, "batch": batch, "rounds": rounds, "threads": 1, "peak": most,
        "networks": found, "geometric_mean": _means(found.values()), "load": _load(),
    }  # fmt: skip


def _one(name: str, images: Pixels, rounds: int, most: dict[str, float]) -> dict[str, Any]:
    batch, size, _, channels = images.shape
    net = network(name, channels)
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        runs = ways(net, images, folder)
        work = operations(net, images)
        answers = {way: run() for way, run in runs.items()}
        seconds = dict(zip(runs, interleaved(list(runs.values()), rounds), strict=True))
        whole = _whole(name, images, rounds, folder)
    table = {
        way: {
            "per_s": round(batch / took, 1),
            "ratio": round(seconds[EAGER] / took, 3),
            "share_of_peak": round(work * batch / took / 1e3 / most[way.split()[-1]], 3),
            "logits_apart": float(np.abs(answers[way] - answers[EAGER]).max()),
        }
        for way, took in seconds.items()
    }
    return {
        "torch_eager_per_s": table[EAGER]["per_s"], "torch_channels_last_per_s": table[LAST]["per_s"],
        "cpu_engine_per_s": table[OURS]["per_s"], "ratio": table[OURS]["ratio"],
        "ratio_to_channels_last": round(seconds[LAST] / seconds[OURS], 3),
        "million_operations": round(work, 1), "ways": table, **whole,
    }  # fmt: skip


def _whole(name: str, images: Pixels, rounds: int, folder: Path) -> dict[str, Any]:
    """From bytes, at every precision, and as one would write it with torch; each judging process alone."""
    _, size, _, channels = images.shape
    kind, data = files(images, size)
    picture = folder / f"picture.{kind.lower()}"
    picture.write_bytes(data[0])
    bundles = {
        precision: write_untrained(folder / precision, name, size, channels, precision)
        for precision in PRECISIONS
        if chip.can(precision)
    }
    jobs = {EAGER: by_torch(network(name, channels), data, size, channels)}
    jobs |= {precision: by_inspector(bundle, data) for precision, bundle in bundles.items()}
    seconds = interleaved(list(jobs.values()), rounds)
    return {
        "from_bytes": {"kind": kind}
        | {way: round(len(data) / took, 1) for way, took in zip(jobs, seconds, strict=True)},
        "process": {precision: process(bundle, picture) for precision, bundle in bundles.items()},
    }


def _means(found: Iterable[dict[str, Any]]) -> dict[str, float]:
    """Geometric means of the ratios to torch eager, over the networks."""
    tables = [one["ways"] for one in found]
    return {way: round(geometric_mean(table[way]["ratio"] for table in tables), 3) for way in tables[0]}


def _load() -> float | None:
    """The machine's load over the last minute: above 1 beside this program, the figures are of a busy machine."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
