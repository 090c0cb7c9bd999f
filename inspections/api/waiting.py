"""`Prefer: wait=N` (RFC 7240): hold the answer until there is a verdict. Waiters are bounded, so they starve nobody."""

import re
import threading
import time
from uuid import UUID

from django.conf import settings

from inspections.models import Capture, Status

MAX_WAIT_S = 10
STEPS_S = (0.005, 0.01, 0.02, 0.03)  # then 0.05 for as long as it takes

_places = threading.BoundedSemaphore(settings.MAX_WAITERS)
_WAIT = re.compile(r"(?:^|[,;])\s*wait\s*=\s*\"?(\d{1,9})\"?\s*(?=$|[,;])", re.IGNORECASE)


def wanted_s(header: str) -> int | None:
    """The seconds asked for, at most MAX_WAIT_S; None where nothing was asked."""
    found = _WAIT.search(header)
    return min(int(found.group(1)), MAX_WAIT_S) if found else None


def wait_for_verdict(capture_id: UUID, seconds: int) -> bool:
    """Wait until the capture is no longer pending or the time is up. False: no place was free, so nobody waited."""
    if not _places.acquire(blocking=False):
        return False
    try:
        _poll(capture_id, time.monotonic() + seconds)
    finally:
        _places.release()
    return True


def _poll(capture_id: UUID, until: float) -> None:
    steps = iter(STEPS_S)
    while time.monotonic() < until:
        if not Capture.objects.filter(pk=capture_id, status=Status.PENDING).exists():
            return
        time.sleep(next(steps, 0.05))
