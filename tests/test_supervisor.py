"""The supervisor keeps what it starts, and leaves nothing behind however it ends. Real processes, real kills."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.processes import is_gone, wait_for
from workers import process_logs
from workers.data_lock import claim

HARNESS = """
import json, pathlib, sys
from workers.supervisor import Child, Supervisor
plan, folder = json.loads(sys.argv[1]), pathlib.Path(sys.argv[2])
children = [
    Child(one["name"], [sys.executable, "-c", one["code"], str(folder)], grace_s=one.get("grace_s", 5.0),
          may_finish=one.get("may_finish", False),
          is_ready=(lambda path=folder / one["ready"]: path.exists()) if "ready" in one else None)
    for one in plan
]
sys.exit(Supervisor(children, folder / "logs", lambda text: print(text, flush=True)).run())
"""
WRITES_PID = (
    "import os, pathlib, sys, time; f = pathlib.Path(sys.argv[1]); (f / '{name}').write_text(str(os.getpid()));"
)
SLEEPS = WRITES_PID + "time.sleep(300)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);" + SLEEPS
WITH_GRANDCHILD = (
    "import subprocess, sys, pathlib, time;"
    "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(300)']);"
    "(pathlib.Path(sys.argv[1]) / '{name}').write_text(str(p.pid)); time.sleep(300)"
)
NOTES_ITS_END = (
    "import signal, sys, pathlib, time; f = pathlib.Path(sys.argv[1]);\n"
    "def end(*_):\n"
    "    with (f / 'ends').open('a') as log: log.write('{name} ')\n"
    "    sys.exit(0)\n"
    "signal.signal(signal.SIGTERM, end); (f / '{name}').touch(); time.sleep(300)"
)


def child(name: str, code: str, **more: object) -> dict[str, object]:
    return {"name": name, "code": code.format(name=name), **more}


@contextlib.contextmanager
def supervised(folder: Path, *plan: dict[str, object]) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HARNESS, json.dumps(plan), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            yield process
        finally:
            process.kill()


def pid_in(path: Path) -> int:
    return int(wait_for(lambda: path.exists() and path.read_text()))


def test_sigterm_ends_every_process_in_the_reverse_order(tmp_path: Path) -> None:
    names = ("broker", "judge", "web")
    with supervised(tmp_path, *(child(name, NOTES_ITS_END, grace_s=60) for name in names)) as process:
        wait_for(lambda: all((tmp_path / name).exists() for name in names))
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert (tmp_path / "ends").read_text().split() == ["web", "judge", "broker"]


def test_the_next_child_waits_until_the_one_before_is_ready(tmp_path: Path) -> None:
    with supervised(tmp_path, child("first", SLEEPS, ready="go"), child("second", SLEEPS)) as process:
        pid_in(tmp_path / "first")
        time.sleep(0.5)
        assert not (tmp_path / "second").exists()
        (tmp_path / "go").touch()
        pid_in(tmp_path / "second")
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def test_a_child_that_dies_is_started_again_and_it_says_so(tmp_path: Path) -> None:
    with supervised(tmp_path, child("judge", SLEEPS)) as process:
        first = pid_in(tmp_path / "judge")
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: pid_in(tmp_path / "judge") != first)
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=60)[0]
    assert "judge ended (killed by SIGKILL); restart 1 in 0.5 s." in said


def test_one_that_keeps_dying_is_started_ever_less_often(tmp_path: Path) -> None:
    with supervised(tmp_path, child("judge", "import sys; print('no model'); sys.exit(7)")) as process:
        assert process.stdout
        said = [process.stdout.readline() for _ in range(3)]
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert [line.split(" in ")[1].split(" s.")[0] for line in said] == ["0.5", "1", "2"]
    assert "exit code 7" in said[0]
    assert said[0].strip().endswith("ends: no model")


def test_what_a_dead_child_left_behind_is_ended_before_its_restart(tmp_path: Path) -> None:
    with supervised(tmp_path, child("judge", WITH_GRANDCHILD)) as process:
        grandchild = pid_in(tmp_path / "judge")
        psutil.Process(grandchild).parent().kill()
        wait_for(lambda: is_gone(grandchild))
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def test_one_that_may_finish_is_not_started_again(tmp_path: Path) -> None:
    with supervised(tmp_path, child("cameras", "print('all posted')", may_finish=True)) as process:
        assert process.stdout
        assert process.stdout.readline() == "cameras: all posted\n"
        time.sleep(1)
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=60)[0] == ""


def test_one_that_ignores_sigterm_is_killed_after_its_grace(tmp_path: Path) -> None:
    with supervised(tmp_path, child("judge", STUBBORN, grace_s=0.5)) as process:
        stubborn = pid_in(tmp_path / "judge")
        process.send_signal(signal.SIGTERM)
        assert "judge did not end in 0.5 s and was killed" in process.communicate(timeout=60)[0]
    assert is_gone(stubborn)


def test_a_second_interrupt_hurries(tmp_path: Path) -> None:
    with supervised(tmp_path, child("judge", STUBBORN, grace_s=600)) as process:
        stubborn = pid_in(tmp_path / "judge")
        process.send_signal(signal.SIGINT)
        assert process.stdout
        assert "once more to hurry" in process.stdout.readline()  # two that wait at once are one
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    assert is_gone(stubborn)


@pytest.mark.parametrize("code", [SLEEPS, STUBBORN, WITH_GRANDCHILD], ids=["plain", "stubborn", "grandchild"])
def test_kill_9_of_the_supervisor_leaves_nothing_behind(tmp_path: Path, code: str) -> None:
    with supervised(tmp_path, child("judge", code)) as process:
        left = pid_in(tmp_path / "judge")
        started = set(psutil.Process(process.pid).children(recursive=True))
        process.kill()
        process.wait(60)
        wait_for(lambda: is_gone(left) and all(is_gone(one.pid) for one in started))


def test_one_that_never_becomes_ready_ends_the_run_with_its_last_words(tmp_path: Path) -> None:
    hopeless = HARNESS.replace("path.exists()", "wait_for(log.exists) and wait_for(log.read_text) and False").replace(
        "sys.exit(Sup", "log = folder / 'logs/web.log'; s.READY_S = 0.0; sys.exit(Sup"
    )
    hopeless = f"import workers.supervisor as s; from tests.processes import wait_for\n{hopeless}"
    plan = [child("web", "print('address in use', flush=True); import time; time.sleep(300)", ready="never")]
    ran = subprocess.run(
        [sys.executable, "-c", hopeless, json.dumps(plan), str(tmp_path)], capture_output=True, text=True, timeout=90
    )
    assert ran.returncode == 1
    assert "web did not become ready in 0 s" in ran.stdout
    assert "ends: address in use" in ran.stdout


def test_a_data_folder_has_one_run_at_a_time(tmp_path: Path) -> None:
    held = claim(tmp_path)
    assert isinstance(held, int)
    try:
        refusal = claim(tmp_path)
    finally:
        os.close(held)
    assert refusal == f"{tmp_path} is in use by another run (process {os.getpid()}): stop it, or choose another " + (
        "folder with DATA=…"
    )


def test_a_folder_is_free_again_after_its_run(tmp_path: Path) -> None:
    for _ in range(2):
        held = claim(tmp_path)
        assert isinstance(held, int)
        os.close(held)


def test_a_full_log_moves_aside_at_a_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_logs, "LOG_BYTES", 10)
    log = tmp_path / "web.log"
    log.write_text("long enough\n")
    assert not process_logs.fresh(log).exists()
    assert (tmp_path / "web.log.1").read_text() == "long enough\n"


def test_a_log_that_grows_full_is_emptied_under_its_writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_logs, "LOG_BYTES", 10)
    log = tmp_path / "web.log"
    with log.open("a") as writer:
        writer.write("long enough\n")
        writer.flush()
        process_logs.bound(log)
        writer.write("next\n")
    assert (log.read_text(), process_logs.last_line(log)) == ("next\n", "next")
