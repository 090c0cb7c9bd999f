"""How far a piece of work is, in a small JSON file for whoever watches: a page that must not open the log to know."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

EVERY = 0.5  # seconds between two writings, at least
# Shares of a training that are done by then, about.
READ, LEARNT, EXPORTED, CHOSEN, PACKED = 0.03, 0.9, 0.92, 0.98, 0.99
LOOK_BACK = 60  # writings whose pace tells what is left


class Progress:
    """Keeps `place` up to date: `{"stage", "epoch", "epochs", "batch", "batches", "share", "eta_s"}`.

    `share` is of the whole work, 0..1 and never less than before; `eta_s` the seconds left at the latest pace, null
    while nobody can tell. The file is replaced whole, at most every EVERY seconds and whenever a stage begins. Without
    a place nothing is written and nothing is counted.
    """

    def __init__(self, place: Path | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._place, self._clock = place, clock
        self._stage, self._share, self._start, self._until = "", 0.0, 0.0, 0.0
        self._counts = {"epoch": 0, "epochs": 0, "batch": 0, "batches": 0}
        self._written = -EVERY
        self._seen: deque[tuple[float, float]] = deque(maxlen=LOOK_BACK)

    def stage(self, name: str, until: float) -> None:
        """A stage begins, in words; the whole work will be done to the share `until` when it ends."""
        if self._place is None:
            return
        self._share = max(self._share, self._until)
        self._stage, self._start, self._until = name, self._share, max(until, self._share)
        self._counts = dict.fromkeys(self._counts, 0)
        self._write(self._clock())

    def batch(self, epoch: int, epochs: int, batch: int, batches: int) -> None:
        """Within a stage: `batch` of `batches` is done in the epoch `epoch` of `epochs`, both counted from 1."""
        if self._place is None:
            return
        now = self._clock()
        if now - self._written < EVERY:
            return
        self._counts = {"epoch": epoch, "epochs": epochs, "batch": batch, "batches": batches}
        part = (epoch - 1 + batch / max(batches, 1)) / max(epochs, 1)
        self._share = max(self._share, self._start + (self._until - self._start) * min(part, 1.0))
        self._write(now)

    def done(self) -> None:
        self._until = 1.0
        self.stage("done", 1.0)

    def _write(self, now: float) -> None:
        assert self._place is not None
        self._written = now
        self._seen.append((now, self._share))
        told = {"stage": self._stage, **self._counts, "share": round(self._share, 4), "eta_s": self._left()}
        part = self._place.with_name(self._place.name + ".part")
        part.write_text(json.dumps(told) + "\n")
        part.replace(self._place)

    def _left(self) -> float | None:
        (then, had), (now, has) = self._seen[0], self._seen[-1]
        if has >= 1:
            return 0.0
        return round((now - then) / (has - had) * (1 - has), 1) if has > had and now > then else None


SILENT = Progress()
