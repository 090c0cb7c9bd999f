"""A thread for each channel that has something to tell: one that hangs holds up neither the others nor the alarms.

The threads are daemons of the process that looks for alarms; a process that ends amid a telling leaves a row whose
lease runs out, and it is told again.
"""

import threading
from collections.abc import Callable
from datetime import datetime

from django.db import connection
from django.utils import timezone

from workers.telling import outbox

MOST = 8  # channels at once

Clock = Callable[[], datetime]


class Teller:
    """`wake` returns at once, whatever the channels do."""

    def __init__(self, clock: Clock = timezone.now) -> None:
        self._clock = clock
        self._at_work: dict[int, threading.Thread] = {}

    def wake(self) -> None:
        """See that each channel which has something to tell is at work."""
        self._at_work = {key: thread for key, thread in self._at_work.items() if thread.is_alive()}
        for channel in outbox.channels_due(self._clock()):
            if channel not in self._at_work and len(self._at_work) < MOST:
                thread = threading.Thread(target=self._work, args=(channel,), name=f"tell-{channel}", daemon=True)
                self._at_work[channel] = thread
                thread.start()

    def wait(self, seconds: float) -> None:
        """For those at work, each at most so long."""
        for thread in self._at_work.values():
            thread.join(seconds)

    def _work(self, channel: int) -> None:
        try:
            outbox.tell(channel, self._clock)
        finally:
            connection.close()


_teller = Teller()


def wake() -> None:
    _teller.wake()
