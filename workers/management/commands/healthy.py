"""`manage.py healthy SERVICE`: exit code 0 if that service does its work, for a container's health check."""

import http.client
import os
import socket
import time
from argparse import RawDescriptionHelpFormatter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from celery import current_app
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from inspections.models import Capture, Status, Verdict

STUCK = timedelta(minutes=3)
EXAMPLES = """
  web              answers /readyz with 200: database, storage and a model in force
  judge            answers on its queue, and captures do not wait while no verdict is made
  train            answers on its queue
  chores, beat     the sweep that beat rings is carried out while we look
"""


class Command(BaseCommand):
    help = "Say whether a service does its work."
    requires_system_checks = ()

    def create_parser(self, *args: Any, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(*args, **kwargs)
        parser.formatter_class, parser.epilog = RawDescriptionHelpFormatter, EXAMPLES
        return parser

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("service", choices=sorted(CHECKS))

    def handle(self, *args: Any, **options: Any) -> None:
        trouble = CHECKS[options["service"]]()
        if trouble:
            raise CommandError(trouble)
        self.stdout.write(f"{options['service']} works")


def web() -> str:
    """Asks as the proxy would: by a host name that is allowed."""
    host = next((name.lstrip(".") for name in settings.ALLOWED_HOSTS if name != "*"), "127.0.0.1")
    wire = http.client.HTTPConnection("127.0.0.1", int(os.environ.get("GRANIAN_PORT", "8000")), timeout=5)
    try:
        wire.request("GET", "/readyz", headers={"Host": host})
        status = wire.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"no answer: {error}"
    finally:
        wire.close()
    return "" if status == 200 else f"/readyz answers {status}"


def answers_on(queue: str) -> str:
    name = f"{queue}@{socket.gethostname()}"
    return "" if current_app.control.ping(destination=[name], timeout=5) else f"{name} does not answer"


def judge() -> str:
    since = timezone.now() - STUCK
    waits = Capture.objects.filter(status=Status.PENDING, received_at__lt=since).exists()
    if waits and not Verdict.objects.filter(judged_at__gte=since, effective=True).exists():
        return "captures wait, and no verdict was made for three minutes"
    return answers_on("judge")


def train() -> str:
    return answers_on("train")


def sweeps() -> str:
    """Two looks at the chores worker's count of sweeps: it grows only if beat, broker and worker all work."""
    before = _sweeps_so_far()
    time.sleep(settings.SWEEP_EVERY_S * 2.5)
    after = _sweeps_so_far()
    return "" if after > before >= 0 else f"no sweep was carried out ({before}, then {after})"


def _sweeps_so_far() -> int:
    inspect = current_app.control.inspect
    asked = inspect(pattern="chores@*", matcher="glob", limit=1, timeout=5)  # type: ignore[arg-type]  # stub: no str
    replies = asked.stats() or {}
    counts = [one["total"].get("workers.sweep", 0) for one in replies.values()]
    return sum(counts) if counts else -1


CHECKS: dict[str, Callable[[], str]] = {
    "web": web,
    "judge": judge,
    "train": train,
    "chores": sweeps,
    "beat": sweeps,
}
