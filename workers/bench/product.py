"""The product under measurement: the real stack of `manage.py demo` in a scratch folder, without its cameras."""

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from socket import socket

from django.conf import settings

START_S = 120
OURS = ("DATABASE_URL", "BROKER_URL", "SECRET_KEY", "MEDIA_ROOT", "BUNDLES", "STATIC_ROOT", "PRODUCTION")


@dataclass(frozen=True)
class Product:
    """Where it answers, with which key, and where its rows are."""

    url: str
    key: str
    data: Path
    pid: int

    def ask(self, query: str) -> list[tuple[float, ...]]:
        with contextlib.closing(sqlite3.connect(f"file:{self.data / 'selvedge.sqlite3'}?mode=ro", uri=True)) as rows:
            return rows.execute(query).fetchall()

    def judged(self) -> int:
        return int(self.ask("SELECT coalesce(sum(judged), 0) FROM inspections_hourlycount")[0][0])

    def pending(self) -> int:
        return int(self.ask("SELECT count(*) FROM inspections_capture WHERE status = 0")[0][0])

    def family(self) -> list[int]:
        """Every process of it."""
        return _family(self.pid)

    def memory_mib(self, word: str) -> tuple[float, float]:
        """Present and highest resident memory of the largest process whose command line holds `word`."""
        found = [_memory(pid) for pid in _family(self.pid) if word in _command(pid)]
        return max(found, default=(0.0, 0.0))


@contextlib.contextmanager
def running(folder: Path, bundle: Path) -> Iterator[Product]:
    """Start, yield, and end it with everything it started."""
    data, port, log = folder / "data", _free_port(), folder / "demo.log"
    environment = {name: value for name, value in os.environ.items() if name not in OURS}
    environment |= {
        "DATA": str(data), "PORT": str(port), "CAMERAS": "0", "LINES": "1", "JUDGE_PROCESSES": "1",
        "CAMERA_RATE": "1000000", "STARTER_BUNDLE": str(bundle), "LOG_LEVEL": "WARNING",
    }  # fmt: skip
    with log.open("wb") as out:
        demo = subprocess.Popen(
            [sys.executable, "manage.py", "demo"], cwd=settings.BASE_DIR, env=environment, stdout=out, stderr=out
        )
    try:
        _wait(demo, data / "demo.json", log)
        cast = json.loads((data / "demo.json").read_text())
        yield Product(cast["url"], cast["cameras"][0]["key"], data, demo.pid)
    finally:
        demo.send_signal(signal.SIGTERM)
        demo.wait(60)


def _wait(demo: "subprocess.Popen[bytes]", cast: Path, log: Path) -> None:
    until = time.monotonic() + START_S
    while "Selvedge runs at" not in log.read_text():
        if demo.poll() is not None or time.monotonic() > until:
            raise SystemExit(f"The product did not start:\n{log.read_text()}")
        time.sleep(0.1)


def _free_port() -> int:
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _family(pid: int) -> list[int]:
    """The process and all below it."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += [one for child in task.read_text().split() for one in _family(int(child))]
    return found


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def _memory(pid: int) -> tuple[float, float]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    kib = {line.split(":")[0]: int(line.split()[1]) for line in lines if line.startswith(("VmRSS", "VmHWM"))}
    return kib.get("VmRSS", 0) / 1024, kib.get("VmHWM", 0) / 1024
