"""Children that cannot outlive their supervisor, however it ends.

Two holds, because each has a gap. The kernel signals a child when its parent dies (but not the grandchildren);
a warden, forked before the first child, sees the supervisor's pipe close and ends what is left of every group.
"""

import contextlib
import ctypes
import os
import signal
import time
from collections.abc import Callable, Iterable
from pathlib import Path

PR_SET_PDEATHSIG = 1
WARDEN_GRACE_S = 8.0


def leash(nice: int = 0, ending: signal.Signals = signal.SIGTERM) -> Callable[[], None]:
    """What a child does between fork and exec: die with its parent (by `ending`), take signals again, step back."""
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def tie() -> None:
        prctl(PR_SET_PDEATHSIG, ending, 0, 0, 0)
        if os.getppid() != parent:  # it died before the hold was on
            os._exit(1)
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        if nice:
            _step_back(nice)

    return tie


def _step_back(nice: int) -> None:
    """Lower this process's priority. Where the kernel groups by session, only the group's own figure counts."""
    os.setpriority(os.PRIO_PROCESS, 0, nice)
    with contextlib.suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(nice))


class Warden:
    """A forked watcher. It holds what the supervisor has open (the data folder's lock too) until all is ended."""

    def __init__(self) -> None:
        end, self._pipe = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(self._pipe)
            _watch(end)
            os._exit(0)
        os.close(end)

    def note(self, pid: int) -> None:
        self._tell(f"+{pid}\n")

    def forget(self, pid: int) -> None:
        self._tell(f"-{pid}\n")

    def dismiss(self) -> None:
        os.close(self._pipe)
        os.waitpid(self._pid, 0)

    def _tell(self, line: str) -> None:
        with contextlib.suppress(BrokenPipeError):  # somebody killed the warden: the kernel's hold remains
            os.write(self._pipe, line.encode())


def _watch(end: int) -> None:
    os.setsid()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    groups: set[int] = set()
    with os.fdopen(end, encoding="ascii") as lines:
        for line in lines:
            (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
    end_groups(groups, WARDEN_GRACE_S)


def end_groups(leaders: Iterable[int], grace_s: float) -> None:
    """SIGTERM to each group's leader (its own children are its business), then SIGKILL to what is left."""
    groups = set(leaders)
    for pid in groups:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + grace_s
    while groups and time.monotonic() < deadline:
        groups = {group for group in groups if group_lives(group)}
        time.sleep(0.05)
    for group in groups:
        kill_group(group)


def group_lives(group: int) -> bool:
    """Whether a process of the group still runs. One that ended and was not collected yet is a zombie, not alive."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _parent, its_group, *_ = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(its_group) == group and state not in "ZX":
            return True
    return False


def kill_group(group: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
