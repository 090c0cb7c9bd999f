"""An upload answered 201 is never lost: web, judge, chores, beat and broker are killed with -9 under load.

`make soak` asks for 2000 uploads and 20 kills (env UPLOADS, KILLS).
"""

import os
import random
import threading
import time

import pytest

from tests.faults.mill import VICTIMS, Mill, embedded
from tests.processes import wait_for

pytestmark = pytest.mark.stack

UPLOADS = int(os.environ.get("UPLOADS", "160"))
KILLS = int(os.environ.get("KILLS", "6"))
EVERY_S = 1.5


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
    brokers = mill.processes("broker")
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
