"""The processes of one box, in the order in which they start (they end in the reverse order)."""

import http.client
import os
import sys
from collections.abc import Callable

from django.conf import settings

from workers.embedded import broker_answers, broker_command
from workers.options import Options
from workers.supervisor import Child

WEB_THREADS = 16
CELERY = (sys.executable, "-m", "celery", "--app", "workers.app")
QUIET = ("--without-gossip", "--without-mingle")  # these workers know each other by their queues alone


def children(options: Options, *, simulate: bool) -> list[Child]:
    """The broker (if it is ours), chores, judge, the scheduler, the web, training and, for a demo, the cameras."""
    found = [chores(), judge(), beat(), web(options), train()]
    if settings.EMBEDDED_BROKER:
        found.insert(0, broker())
    if simulate and options.cameras:
        found.append(simulated_cameras(options))
    return found


def broker() -> Child:
    socket = settings.EMBEDDED_BROKER_SOCKET
    return Child("broker", broker_command(socket), is_ready=lambda: broker_answers(socket), grace_s=2)


def chores() -> Child:
    command = (*CELERY, "worker", "--queues", "chores", "--concurrency", "1", "--hostname", "chores@%h", *QUIET)
    return Child("chores", command, grace_s=4)


def judge() -> Child:
    """A process a core with one thread each; one core is left to everything else."""
    processes = settings.JUDGE_PROCESSES or max(1, len(os.sched_getaffinity(0)) - 1)
    command = (*CELERY, "worker", "--queues", "judge", "--concurrency", str(processes), "--hostname", "judge@%h")
    return Child("judge", (*command, *QUIET), {"OMP_NUM_THREADS": "1"}, grace_s=8)


def train() -> Child:
    """Two processes, so that a gate is measured while a training runs; both step back behind everything else.

    It starts after the web, which shall not wait for it. What it holds is small: a training is a process of its own.
    Asked to end it hands back at once what it is at; Celery itself then takes 2.5 s, and longer behind everything else.
    """
    command = (*CELERY, "worker", "--queues", "train", "--concurrency", "2", "--hostname", "train@%h", *QUIET)
    return Child("train", command, {"OMP_NUM_THREADS": str(settings.TRAIN_THREADS)}, grace_s=7, nice=10)


def beat() -> Child:
    return Child("beat", (*CELERY, "beat", "--pidfile="), grace_s=2)


def web(options: Options) -> Child:
    command = (
        *(sys.executable, "-m", "granian", "--interface", "wsgi"),
        *("--host", options.host, "--port", str(options.port), "--http", "1", "--no-ws"),
        *("--workers", "1", "--blocking-threads", str(WEB_THREADS)),
        *("--respawn-failed-workers", "--workers-kill-timeout", "5"),
        "qc_site.wsgi:application",
    )
    return Child("web", command, is_ready=lambda: answers(options.url), grace_s=7)


def simulated_cameras(options: Options) -> Child:
    environment = {
        "DATA": str(settings.DATA),
        "LINES": str(options.lines),
        "RATE": str(options.rate),
        "DEFECTS": str(options.defects),
        "IMAGES": str(options.images or ""),
        "LOOP": str(int(options.loop)),
    }
    return Child("cameras", (sys.executable, "-m", "workers.simulate"), environment, grace_s=4, may_finish=True)


def answers(url: str) -> bool:
    """Whether the web says that it is alive."""
    wire = http.client.HTTPConnection(url.removeprefix("http://"), timeout=2)
    try:
        wire.request("GET", "/healthz")
        return wire.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        wire.close()


def then(child: Child, report: Callable[[], None]) -> Child:
    """The same child, with something to do once it is ready."""

    def ready() -> bool:
        if child.is_ready is not None and not child.is_ready():
            return False
        report()
        return True

    return Child(child.name, child.command, child.environment, ready, child.grace_s, child.may_finish)
