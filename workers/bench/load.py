"""Line cameras under a clock: posts on a schedule over kept connections, and what each one took."""

import http.client
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from urllib.parse import urlsplit

from workers.bench.product import Product


@dataclass
class Load:
    """What was offered: seconds from the schedule's moment to the answer, and the epoch time of each moment."""

    answered_s: list[float] = field(default_factory=list)
    moments: dict[str, float] = field(default_factory=dict)
    refused: int = 0


def offer(product: Product, images: Sequence[bytes], rate: float, seconds: float, cameras: int, name: str) -> Load:
    """Post `rate` images a second for `seconds` from `cameras` connections; open loop: lateness counts as waiting."""
    load, numbers, lock = Load(), count(), threading.Lock()
    start_mono, start_epoch = time.monotonic() + 0.2, time.time() + 0.2

    def camera() -> None:
        wire = _connect(product.url)
        while True:
            with lock:
                number = next(numbers)
            due = number / rate
            if due > seconds:
                break
            time.sleep(max(0.0, start_mono + due - time.monotonic()))
            status = _post(wire, product.key, images[number % len(images)], f"{name}-{number}")
            took = time.monotonic() - start_mono - due
            with lock:
                load.answered_s.append(took)
                load.moments[f"{name}-{number}"] = start_epoch + due
                load.refused += status != 201
        wire.close()

    threads = [threading.Thread(target=camera) for _ in range(cameras)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return load


def post_once(product: Product, image: bytes, name: str) -> int:
    wire = _connect(product.url)
    try:
        return _post(wire, product.key, image, name)
    finally:
        wire.close()


def _connect(url: str) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    wire = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    wire.connect()
    return wire


def _post(wire: http.client.HTTPConnection, key: str, image: bytes, name: str) -> int:
    headers = {"Authorization": f"Api-Key {key}", "Content-Type": "application/octet-stream"}
    wire.request("POST", f"/api/v1/captures/?capture_id={name}", image, headers)
    answer = wire.getresponse()
    answer.read()
    return answer.status
