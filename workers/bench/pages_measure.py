"""Pages at the server, in this process: how long, how many queries, and how a file of many rows streams."""

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from inspections.locking import ACTIVE_AT
from inspections.models import Person
from workers.bench.pages_list import Address

ROUNDS = 20  # their p95 is about the slowest of them
MORE_ROUNDS = 80  # where that is over the limit, so that a single request no longer makes a p95


@dataclass(frozen=True)
class Measured:
    """Milliseconds of one address; `status` other than 200: it was not measured."""

    address: Address
    status: int
    p50: float = 0.0
    p95: float = 0.0
    requests: int = 0
    cpu: float = 0.0  # of this process, p50: what is left of p50 on a machine with other work
    queries: int = 0
    slowest: tuple[str, ...] = ()  # its longest queries, seconds and SQL

    @property
    def figures(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("p50", "p95", "requests", "cpu", "queries", "slowest")}

    @property
    def ratio(self) -> float:
        """Of its limit."""
        return self.p95 / self.address.limit


@dataclass(frozen=True)
class Streamed:
    """A file: rows, seconds, and by how much the process grew meanwhile, MiB."""

    rows: int
    seconds: float
    grown: float


def client_of(person: Person) -> Client:
    """A manager's browser, in front of which somebody sits."""
    client = Client(raise_request_exception=False)
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    session = client.session
    session[ACTIVE_AT] = time.time() + 24 * 3600
    session.save()
    return client


def measure(client: Client, address: Address, rounds: int = ROUNDS, more: int = MORE_ROUNDS) -> Measured:
    """After two requests that nobody times: the first fills caches, the second counts queries.

    `more` requests follow where the first `rounds` have their p95 over the limit; all of them count.
    """
    status = _get(client, address).status
    if status != 200:
        return Measured(address, status)
    with CaptureQueriesContext(connection) as queries:
        _get(client, address)
    told = sorted(queries.captured_queries, key=lambda one: float(one["time"]), reverse=True)  # read before they clear
    slowest = tuple(f"{one['time']} {one['sql']}" for one in told[:3])
    times = [_get(client, address) for _ in range(rounds)]
    if _p95(times) > address.limit:
        times += [_get(client, address) for _ in range(more)]
    p50, cpu = median(one.wall for one in times), median(one.cpu for one in times)
    return Measured(address, status, p50, _p95(times), len(times), cpu, len(told), slowest)


def headers_of(address: Address) -> dict[str, str]:
    return {"HX-Request": "true"} if address.refresh else {}


@dataclass(frozen=True)
class _Got:
    status: int
    wall: float  # milliseconds
    cpu: float


def _p95(times: list[_Got]) -> float:
    return quantiles([one.wall for one in times], n=20)[18]


def _get(client: Client, address: Address) -> _Got:
    began, cpu = time.perf_counter(), time.thread_time()
    response = client.get(address.url, headers=headers_of(address))
    if response.streaming:
        for _part in response.streaming_content:  # type: ignore[attr-defined]
            pass
    return _Got(response.status_code, (time.perf_counter() - began) * 1000, (time.thread_time() - cpu) * 1000)


def stream(client: Client, url: str) -> Streamed:
    """Read a file to its end, and look at this process's memory on the way."""
    before, most, lines = _resident(), 0.0, 0
    began = time.perf_counter()
    response = client.get(url)
    if response.status_code != 200:
        raise SystemExit(f"{url} answered {response.status_code}")
    for part in response.streaming_content:  # type: ignore[attr-defined]
        lines += part.count(b"\n")
        most = max(most, _resident())
    return Streamed(lines - 1, time.perf_counter() - began, max(0.0, most - before))


def _resident() -> float:
    """MiB that this process holds."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
    return 0.0
