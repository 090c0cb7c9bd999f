"""The process that learns: on a leash, at a low priority, with few threads, its words in a bounded file."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from signal import SIGKILL
from types import TracebackType
from typing import Self

from django.conf import settings

from workers import stopping
from workers.leash import kill_group, leash
from workers.process_logs import bound

OF_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "ONEDNN_NUM_THREADS")
LOOK_S = 0.05


class Child:
    """`with Child(words, out) as child:` — at the end of the block nothing of its group lives."""

    def __init__(self, words: Sequence[str], out: Path) -> None:
        self._out = out
        with out.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "ml", *words],
                cwd=settings.BASE_DIR,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **dict.fromkeys(OF_THREADS, str(settings.TRAIN_THREADS)), "PYTHONUNBUFFERED": "1"},
                start_new_session=True,
                preexec_fn=leash(settings.TRAIN_NICE, SIGKILL),
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait(self, seconds: float) -> int | None:
        """Its exit code (negative: the signal that killed it), or None if it still runs after so long; sooner where
        this worker is asked to end."""
        bound(self._out)
        until = time.monotonic() + seconds
        while (code := self._process.poll()) is None and time.monotonic() < until and not stopping.is_asked():
            time.sleep(LOOK_S)
        return code

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        kill_group(self._process.pid)
        self._process.wait()
