"""One run at a time in a data folder."""

import fcntl
import os
import time
from pathlib import Path

WAIT_S = 20.0  # longer than the warden of a killed run takes to end what was left


def claim(data: Path) -> int | str:
    """Hold the folder until this process (and its warden) ends: the lock, or in words why it cannot be had."""
    path = data / "running.lock"
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + WAIT_S
    while not _locked(lock):
        holder = os.pread(lock, 20, 0).decode(errors="replace").strip()
        if _lives(holder) or time.monotonic() > deadline:
            os.close(lock)
            return f"{data} is in use by another run (process {holder}): stop it, or choose another folder with DATA=…"
        time.sleep(0.1)  # its supervisor was killed; the warden is ending the rest
    os.ftruncate(lock, 0)
    os.pwrite(lock, str(os.getpid()).encode(), 0)
    return lock


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lives(holder: str) -> bool:
    return holder.isdigit() and Path(f"/proc/{holder}").exists()
