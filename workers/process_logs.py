"""The log files of the supervised processes: appended to by the process, kept small from outside."""

import os
import shutil
from pathlib import Path

LOG_BYTES = 10 * 1024 * 1024
TAIL_BYTES = 4096


def fresh(log: Path) -> Path:
    """The log to append to; a full one moves aside first."""
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))
    return log


def bound(log: Path) -> None:
    """Copy a full log aside and empty it. Its writer appends, so it goes on at the start."""
    if log.exists() and log.stat().st_size > LOG_BYTES:
        shutil.copyfile(log, log.with_suffix(".log.1"))
        os.truncate(log, 0)


def last_line(log: Path) -> str:
    """The last line with words in it."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - TAIL_BYTES))
        lines = file.read().decode(errors="replace").splitlines()
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
