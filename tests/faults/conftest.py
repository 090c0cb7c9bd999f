"""The product that every test here hurts."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bundles import small_bundle
from tests.faults.mill import CameraApi, Mill, embedded, postgres
from tests.processes import clean_environment, free_port, process, wait_for, with_tables


@pytest.fixture(params=[embedded, postgres], ids=["sqlite", "postgres"])
def mill(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Mill]:
    data = with_tables(tmp_path / "data")
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
