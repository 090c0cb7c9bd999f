"""A database that drops every connection: cameras see a 503 at worst, and nothing is lost."""

import threading
import time

import pytest

from tests.bundles import cloth
from tests.faults.mill import Mill, postgres
from tests.processes import wait_for

pytestmark = [pytest.mark.stack, pytest.mark.parametrize("mill", [postgres], ids=["postgres"], indirect=True)]

END_ALL = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
    "WHERE pid <> pg_backend_pid() AND datname = current_database()"
)


def test_ended_backends_never_surface_as_a_500(mill: Mill) -> None:
    stop, statuses = threading.Event(), []

    def camera() -> None:
        number = 0
        while not stop.is_set():
            statuses.append(mill.api.status_of_post(cloth(seed=number), capture_id=f"c-{number}"))
            number += 1

    sender = threading.Thread(target=camera)
    sender.start()
    ended = 0
    for _ in range(5):
        time.sleep(1)
        ended += int(mill.ask(END_ALL)[0][0])
    stop.set()
    sender.join()
    assert ended >= 5
    assert set(statuses) <= {200, 201, 503}
    assert statuses.count(201) > len(statuses) / 2
    mill.send(10**6)
    wait_for(
        lambda: mill.ask("SELECT count(*) FROM inspections_capture WHERE status = 0") == [(0,)], 60, "the verdicts"
    )
