"""Judges are killed with -9 while they look again: nothing is lost, nothing is compared twice, verdicts stay."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.bundles import small_bundle
from tests.faults.mill import Mill, embedded
from tests.processes import ROOT, clean_environment, wait_for

pytestmark = pytest.mark.stack
STORED, FRESH = 40, 20
PREPARE = """
from datetime import timedelta
from pathlib import Path
from django.utils import timezone
from inspections import registry, second_looks
from inspections.second_looks.recalling import Wanted
now = timezone.now()
version = registry.add(Path({bundle!r}), now)
assert second_looks.start_shadow(version, 1.0, None, now).pk
wanted = Wanted(version, since=now - timedelta(days=1), until=now + timedelta(days=1))
print(second_looks.ask(wanted, None, timezone.now()).total)
"""


@pytest.fixture(autouse=True)
def short_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEASE_S", "4")
    monkeypatch.setenv("MAX_ATTEMPTS", "10")  # as many as kills may hit: which they do is chance


@pytest.mark.parametrize("mill", [embedded], ids=["sqlite"], indirect=True)
def test_a_shadow_and_a_recall_survive_their_workers(mill: Mill, tmp_path: Path) -> None:
    for number in range(STORED):
        mill.send(number)
    wait_for(lambda: mill.ask("SELECT count(*) FROM inspections_capture WHERE status = 1") == [(STORED,)], 60)
    bundle = small_bundle(tmp_path / "newer", 1, classes=("good", "cut", "hole"))
    code = PREPARE.format(bundle=str(bundle))
    command = [sys.executable, "manage.py", "shell", "--verbosity", "0", "-c", code]
    environment = clean_environment(DATA=str(tmp_path / "data"))
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == str(STORED), done.stderr

    time.sleep(1.5)  # a judging process asks once a second whether anything is in shadow
    for number in range(FRESH):
        mill.send(STORED + number)
        if number % 5 == 4:
            wait_for(lambda: mill.processes("judge"), what="a judge")
            time.sleep(0.3)
            assert mill.kill("judge")

    wait_for(lambda: mill.ask("SELECT state FROM inspections_recall") == [("done",)], 60, "the recall's end")
    wait_for(lambda: mill.ask("SELECT count(*) FROM inspections_secondlook") == [(0,)], 60, "the last look")
    compared = "SELECT count(*), count(DISTINCT capture_id) FROM inspections_comparison WHERE recall_id IS "
    assert mill.ask(f"{compared} NOT NULL") == [(STORED, STORED)]
    assert mill.ask("SELECT done, dropped, total FROM inspections_recall") == [(STORED, 0, STORED)]
    wait_for(lambda: mill.ask(f"{compared} NULL") == [(FRESH, FRESH)], 60, "the shadow's last word")
    effective = "SELECT count(*), count(DISTINCT capture_id) FROM inspections_verdict WHERE effective"
    assert mill.ask(effective) == [(STORED + FRESH, STORED + FRESH)]
    assert mill.ask("SELECT sum(judged) FROM inspections_hourlycount") == [(STORED + FRESH,)]
