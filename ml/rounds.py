"""Timing several jobs side by side, so that a noisy neighbour hits them alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence


def interleaved(jobs: Sequence[Callable[[], object]], rounds: int) -> list[float]:
    """Median seconds of each job: all of them once a round, after one round that is not counted."""
    for job in jobs:
        job()
    times: list[list[float]] = [[] for _ in jobs]
    for _ in range(rounds):
        for job, mine in zip(jobs, times, strict=True):
            start = time.perf_counter()
            job()
            mine.append(time.perf_counter() - start)
    return [statistics.median(mine) for mine in times]
