"""P8: promotions and rollbacks every two seconds while cameras post. Nothing fails, and every verdict has its version.

`make soak` asks for 60 s of it (env DRILL_S). How long single changes take is printed, and asserted of nothing.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median

import pytest

from tests.bundles import small_bundle
from tests.faults.mill import CameraApi, Mill, embedded, postgres
from tests.processes import ROOT, clean_environment, free_port, process, wait_for

pytestmark = pytest.mark.stack

DRILL_S = float(os.environ.get("DRILL_S", "8"))
EVERY_S = 2.0
PACE_S = 0.08  # of each of two cameras
STACKS = [embedded, postgres] if DRILL_S > 8 else [embedded]
ASK = """
import django; django.setup()
from django.utils import timezone
from inspections import changes
from inspections.models import ModelVersion
import sys
for line in sys.stdin:
    names = line.split()
    now, version = timezone.now(), ModelVersion.objects.get(name=names[1]) if len(names) > 1 else None
    asked = changes.promote(version, None, now, "drill") if version else changes.roll_back(None, now, "drill")
    print(getattr(asked, "pk", None) or f"refused: {asked.reason}", flush=True)
"""
PREPARE = """
import django; django.setup()
from django.utils import timezone
from pathlib import Path
from inspections import registry
from inspections.models import GateReport, JobState, ModelVersion
import sys
challenger = registry.add(Path(sys.argv[1]), timezone.now())
from inspections.models import DefectClass
DefectClass.objects.exclude(code__in=challenger.classes).update(active=False)
champion = ModelVersion.objects.get(is_default=True)
GateReport.objects.create(
    version=challenger, champion=champion, asked_at=timezone.now(), state=JobState.DONE, passed=True
)
print(champion.name, challenger.name)
"""


@pytest.mark.timeout(600)
@pytest.mark.parametrize("stack", STACKS, ids=lambda one: one.__name__)
def test_promote_and_roll_back_under_load(stack: object, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    with stack(data) as (more, ask):  # type: ignore[operator]
        environment = clean_environment(
            DATA=str(data), PORT=str(free_port()), CAMERAS="0", LINES="1", JUDGE_PROCESSES="1",
            STARTER_BUNDLE=str(small_bundle(tmp_path / "bundle")), DJANGO_SETTINGS_MODULE="qc_site.settings", **more,
        )  # fmt: skip
        log = tmp_path / "out"
        with process([sys.executable, "manage.py", "demo"], environment, log) as started:
            wait_for(lambda: "Selvedge runs at" in log.read_text() or started.poll() is not None, 90, "the web")
            assert started.poll() is None, log.read_text()
            key = json.loads((data / "demo.json").read_text())["cameras"][0]["key"]
            mill = Mill(started.pid, CameraApi(int(environment["PORT"]), key, {}), ask)
            names = prepared(environment, small_bundle(tmp_path / "other", 1))
            drill(mill, environment, names)


def prepared(environment: Mapping[str, str], bundle: Path) -> list[str]:
    """The champion's name, and that of a challenger whose gate stands open."""
    command = [sys.executable, "-c", PREPARE, str(bundle)]
    done = subprocess.run(command, cwd=ROOT, env=dict(environment), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def drill(mill: Mill, environment: Mapping[str, str], names: list[str]) -> None:
    mill.send(999_999)
    wait_for(lambda: mill.ask("SELECT count(*) FROM inspections_verdict") == [(1,)], what="the first verdict")
    stop = threading.Event()
    cameras = [threading.Thread(target=post_until, args=(mill, stop, number)) for number in range(2)]
    for camera in cameras:
        camera.start()
    times = swap_until(mill, environment, names[1], time.monotonic() + DRILL_S)
    stop.set()
    for camera in cameras:
        camera.join()
    waiting = "SELECT count(*) FROM inspections_capture WHERE status = 0"
    wait_for(lambda: mill.ask(waiting) == [(0,)], 60, "the last verdict")
    print(
        f"{len(times)} changes in {DRILL_S:g} s under {len(mill.answered)} uploads: in force after "
        f"{min(times):.2f} to {max(times):.2f} s, median {median(times):.2f} s"
    )
    assert mill.ask("SELECT count(*) FROM inspections_capture WHERE status = 2") == [(0,)]
    assert mill.ask("SELECT count(*) FROM inspections_verdict") == [(len(mill.answered),)]
    known = "SELECT v.name, count(*) FROM inspections_verdict d JOIN inspections_modelversion v ON v.id = d.version_id"
    counts = dict(mill.ask(f"{known} GROUP BY v.name"))
    assert set(counts) == set(names)
    assert sum(counts.values()) == len(mill.answered)
    assert mill.ask("SELECT count(*) FROM inspections_versionchange WHERE state = 'refused'") == [(0,)]


def post_until(mill: Mill, stop: threading.Event, first: int) -> None:
    number = first
    while not stop.is_set():
        mill.send(number)
        number += 2
        time.sleep(PACE_S)


def swap_until(mill: Mill, environment: Mapping[str, str], name: str, end: float) -> list[float]:
    """Promotes and rolls back by turns; seconds from asking to the first verdict of the other version's, each."""
    asker = subprocess.Popen(
        [sys.executable, "-c", ASK], cwd=ROOT, env=dict(environment), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    assert asker.stdin and asker.stdout
    times: list[float] = []
    try:
        while time.monotonic() < end or len(times) < 2:
            began = time.monotonic()
            asker.stdin.write(f"promote {name}\n" if len(times) % 2 == 0 else "rollback\n")
            asker.stdin.flush()
            answer = asker.stdout.readline().strip()
            assert answer.isdigit(), answer
            row = f"SELECT version_id FROM inspections_versionchange WHERE id = {answer} AND state = 'active'"  # noqa: S608
            version = wait_for(lambda row=row: mill.ask(row), what="the change")
            newest = "SELECT version_id FROM inspections_verdict ORDER BY judged_at DESC LIMIT 1"
            wait_for(lambda newest=newest, version=version: mill.ask(newest) == version, what="its first verdict")
            times.append(time.monotonic() - began)
            time.sleep(max(0.0, EVERY_S - times[-1]))
    finally:
        asker.stdin.close()
        asker.wait(60)
        asker.stdout.close()
    return times
