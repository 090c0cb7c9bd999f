"""Starts an ordered set of processes, starts again what dies, and ends them all in the reverse order."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from workers.leash import Warden, group_lives, kill_group, leash
from workers.process_logs import bound, fresh, last_line

READY_S = 60.0
BACKOFF_S, BACKOFF_MAX_S = 0.5, 10.0
LIVED_S = 60.0  # one that lived this long starts its backoff anew
HURRY_S = 2.0  # the whole grace once somebody insists
TICK_S = 0.25
WATCHED = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD}


@dataclass(frozen=True)
class Child:
    """One process to keep. The next one starts when `is_ready` says so; `may_finish`: exit code 0 means done."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    is_ready: Callable[[], bool] | None = None
    grace_s: float = 5.0
    may_finish: bool = False
    nice: int = 0


@dataclass
class _Kept:
    child: Child
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    restarts: int = 0
    quick_deaths: int = 0
    due: float | None = None


class Supervisor:
    """`run` blocks until a signal asks for the end (0), or a child never became ready (1)."""

    def __init__(self, children: Sequence[Child], logs: Path, say: Callable[[str], None]) -> None:
        self._kept = [_Kept(child) for child in children]
        self._logs = logs
        self._say = say
        self._stops = 0
        self._checked = 0.0

    def run(self) -> int:
        self._logs.mkdir(parents=True, exist_ok=True)
        before = signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
        self._warden = Warden()
        try:
            started = self._start_all()
            while started and not self._stops:
                self._tick()
        finally:
            self._stop_all()
            self._warden.dismiss()
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return 0 if started or self._stops else 1

    # --- starting ---------------------------------------------------------------------------------------------

    def _start_all(self) -> bool:
        for kept in self._kept:
            self._start(kept)
            if not self._becomes_ready(kept.child):
                return False
        return True

    def _start(self, kept: _Kept) -> None:
        child = kept.child
        with fresh(self._log(child)).open("ab") as log:
            kept.process = subprocess.Popen(
                child.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **child.environment},
                start_new_session=True,
                preexec_fn=leash(child.nice),
            )
        self._warden.note(kept.process.pid)
        kept.started, kept.due = time.monotonic(), None

    def _becomes_ready(self, child: Child) -> bool:
        deadline = time.monotonic() + READY_S
        while child.is_ready and not child.is_ready():
            if time.monotonic() > deadline:
                self._say(f"{child.name} did not become ready in {READY_S:.0f} s: {self._last_words(child)}")
                return False
            self._tick()
            if self._stops:
                return False
        return True

    # --- keeping ----------------------------------------------------------------------------------------------

    def _tick(self) -> None:
        self._listen(TICK_S)
        now = time.monotonic()
        for kept in self._kept:
            if kept.process and _has_ended(kept.process):
                self._bury(kept)
            elif kept.due is not None and kept.due <= now and not self._stops:
                self._start(kept)
        if now - self._checked > 10:
            self._checked = now
            for kept in self._kept:
                bound(self._log(kept.child))

    def _listen(self, seconds: float) -> None:
        """Wait for a signal at most so long; count those that ask for the end."""
        heard = signal.sigtimedwait(WATCHED, seconds)
        if heard and heard.si_signo != signal.SIGCHLD:
            self._stops += 1

    def _bury(self, kept: _Kept) -> None:
        child, code = kept.child, self._collect(kept)
        if code == 0 and child.may_finish:
            self._say(f"{child.name}: {last_line(self._log(child)) or 'finished'}")
            return
        kept.restarts += 1
        lived = time.monotonic() - kept.started
        kept.quick_deaths = 1 if lived > LIVED_S else kept.quick_deaths + 1
        wait = min(BACKOFF_MAX_S, BACKOFF_S * 2 ** (kept.quick_deaths - 1))
        kept.due = time.monotonic() + wait
        self._say(
            f"{child.name} ended ({_in_words(code)}); restart {kept.restarts} in {wait:g} s. {self._last_words(child)}"
        )

    def _collect(self, kept: _Kept) -> int:
        """Kill what is left of the group while the dead leader still holds its number, then take its code."""
        process = kept.process
        assert process is not None
        kill_group(process.pid)
        code = process.wait()
        self._warden.forget(process.pid)
        kept.process = None
        return code

    # --- ending -----------------------------------------------------------------------------------------------

    def _stop_all(self) -> None:
        if any(kept.process for kept in self._kept):
            self._say("stopping; once more to hurry")
        for kept in reversed(self._kept):
            if kept.process:
                self._stop(kept, kept.process)

    def _stop(self, kept: _Kept, process: subprocess.Popen[bytes]) -> None:
        """SIGTERM to the leader, its grace (less if somebody insists), then SIGKILL to its group."""
        asked = time.monotonic()
        if not _has_ended(process):
            process.send_signal(signal.SIGTERM)
        while not _has_ended(process) or group_lives(process.pid):
            grace = HURRY_S if self._stops > 1 else kept.child.grace_s
            if time.monotonic() - asked > grace:
                self._say(f"{kept.child.name} did not end in {grace:g} s and was killed")
                break
            self._listen(0.05)
        self._collect(kept)

    def _log(self, child: Child) -> Path:
        return self._logs / f"{child.name}.log"

    def _last_words(self, child: Child) -> str:
        log = self._log(child)
        return f"Its log, {log}, ends: {last_line(log) or '(empty)'}"


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """True once it ended, without collecting it: its number must stay taken until its group is gone."""
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _in_words(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"
