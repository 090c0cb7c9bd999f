"""The bell that wakes the workers: rung on commit, at most so often, never in the way of a request.

A thread of this process does the ringing, so a broker that hangs or is gone delays nobody. A bell that cannot be rung
is not a loss: the row is the queue of record and the sweep rings again.
"""

import threading
import time
from functools import partial

import structlog
from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

log = structlog.get_logger(__name__)

JUDGE = "workers.judge_pending"
TRAIN = "workers.train"
ASSESS = "workers.assess"  # the gate's measuring
RECKON = "workers.reckon"  # what to label next, and what the labels tell
CHANGE = "workers.change_version"
LOOK_AGAIN = "workers.look_again"  # shadow and recall
INDEX = "workers.index_look_alikes"
PROVISIONAL = "workers.provisional"  # prototypes for a version that lacks them, and classes that were taken back
EVERY_S = 0.02
STALE_S = 10  # a bell not heard by then is dropped; the sweep rings anyway


def ring_on_commit(task: str = JUDGE) -> None:
    """Ring once the present transaction has committed, or at once where there is none."""
    transaction.on_commit(partial(_ringer.ring, task))


def ring_now(task: str = JUDGE) -> None:
    """Ring from a process of our own that may wait for the broker (the sweep)."""
    current_app.send_task(task, expires=STALE_S)


class Ringer:
    """Coalesces rings: however many come, one message each EVERY_S, and always one after the last."""

    def __init__(self) -> None:
        self._wanted = threading.Event()
        self._tasks: set[str] = set()
        self._start = threading.Lock()
        self._thread: threading.Thread | None = None

    def ring(self, task: str = JUDGE) -> None:
        self._tasks.add(task)
        self._wanted.set()
        if self._thread is None or not self._thread.is_alive():  # also true in a forked child
            with self._start:
                if self._thread is None or not self._thread.is_alive():
                    self._thread = threading.Thread(target=self._run, name="bell", daemon=True)
                    self._thread.start()

    def _run(self) -> None:
        while True:
            self._wanted.wait()
            self._wanted.clear()
            try:
                for task in list(self._tasks):  # what is wanted meanwhile has its turn EVERY_S later
                    self._tasks.discard(task)
                    ring_now(task)
            except (OperationalError, OSError) as error:
                log.warning("bell-not-heard", reason=str(error))
                time.sleep(1)
            time.sleep(EVERY_S)


_ringer = Ringer()
