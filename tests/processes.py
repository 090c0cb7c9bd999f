"""What tests that start real processes share."""

import atexit
import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psutil

from workers.leash import kill_group

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
# What a test run's own environment must not hand to a product that it starts.
OURS = {"DATA", "DATABASE_URL", "BROKER_URL", "SECRET_KEY", "MEDIA_ROOT", "BUNDLES", "STATIC_ROOT", "STACK"}
OURS |= {"DJANGO_ALLOW_ASYNC_UNSAFE"}  # the browser tests'


def clean_environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in OURS and "PYTEST" not in name}
    return {**kept, "PATH": f"{BIN}{os.pathsep}{kept.get('PATH', '')}", "PYTHONWARNINGS": "", **more}


@cache
def _prepared() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="selvedge-empty-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    preparing = "import django; django.setup(); from workers.prepare import prepare; prepare(print)"
    own = {"DATA": str(folder), "STARTER_BUNDLE": str(folder / "none"), "DJANGO_SETTINGS_MODULE": "qc_site.settings"}
    command = [sys.executable, "-c", preparing]
    subprocess.run(command, cwd=ROOT, env=clean_environment(**own), check=True, capture_output=True)
    return folder


def with_tables(data: Path) -> Path:
    """A data folder whose database has its tables, and whose static files were collected: both take seconds, and the
    first start of tests/test_demo.py shows that a start does them."""
    data.mkdir(parents=True, exist_ok=True)
    shutil.copy(_prepared() / "selvedge.sqlite3", data)
    shutil.copytree(_prepared() / "static", data / "static", dirs_exist_ok=True)
    return data


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(condition: Callable[[], Any], seconds: float = 60.0, what: str = "it") -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what} did not happen in {seconds:g} s"
        time.sleep(0.05)
    return found


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def family(pid: int) -> list[int]:
    """The process and all below it."""
    return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]


@contextlib.contextmanager
def process(command: Sequence[str], environment: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run it in a group of its own; at the end SIGTERM, and SIGKILL to its group if that does not help."""
    with log.open("ab") as out:
        started = subprocess.Popen(
            command, cwd=ROOT, env=dict(environment), stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            start_new_session=True,
        )  # fmt: skip
    try:
        yield started
    finally:
        started.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            started.wait(90)
        kill_group(started.pid)
        started.wait()


@dataclass(frozen=True)
class Api:
    """A camera's view of a running web."""

    port: int
    key: str
    headers: Mapping[str, str]

    def post(self, image: bytes, **fields: Any) -> dict[str, Any]:
        return self._ask("POST", f"/api/v1/captures/?{urlencode(fields)}", image, 201)

    def get(self, capture: str) -> dict[str, Any]:
        return self._ask("GET", f"/api/v1/captures/{capture}/", b"", 200)

    def judged(self, capture: str, seconds: float = 60.0) -> dict[str, Any]:
        def verdict() -> dict[str, Any] | None:
            found = self.get(capture)
            return None if found["status"] == "pending" else found

        return wait_for(verdict, seconds, "a verdict")

    def _ask(self, verb: str, path: str, body: bytes, expected: int) -> dict[str, Any]:
        wire = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            sent = {"Authorization": f"Api-Key {self.key}", "Content-Type": "application/octet-stream", **self.headers}
            wire.request(verb, path, body or None, sent)
            answer = wire.getresponse()
            text = answer.read()
        finally:
            wire.close()
        assert answer.status == expected, (answer.status, text)
        found: dict[str, Any] = json.loads(text)
        return found
