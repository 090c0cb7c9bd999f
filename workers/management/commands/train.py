"""`manage.py train`: ask for a training, as the page does, and watch it if wanted."""

import json
import sys
import time
from argparse import ArgumentTypeError, RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from inspections import retraining
from inspections.models import Base, JobState, ModelVersion, Quarantine, TrainingRun
from inspections.snapshots import Foreseen, Refused, counted

REFUSED, FAILED = 2, 1
LOOK_S = 1.0
BAR = 30
EXAMPLES = """examples:
  manage.py train                                        the head of the version in force, every class that has enough
  manage.py train --base scratch --network resnet18 --preset best --classes hole,cut --wait
  manage.py train --base active --knob epochs=5 --wait --json

exit codes: 0 asked for (with --wait: done), 1 failed or cancelled, 2 refused
"""


class Command(BaseCommand):
    help = "Ask for a training. A training worker carries it out; --wait stays until it has ended."

    def create_parser(self, *args: Any, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(*args, **kwargs)
        parser.formatter_class, parser.epilog = RawDescriptionHelpFormatter, EXAMPLES
        return parser

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--base", choices=Base.values, help="head, active (from a version's weights) or scratch")
        parser.add_argument("--from", dest="version", metavar="VERSION", help="the version to start from (in force)")
        parser.add_argument("--network", help="from scratch: for example resnet18")
        parser.add_argument("--preset", help="the recipe")
        parser.add_argument("--classes", type=_names, help="comma-separated codes; every class that has enough images")
        parser.add_argument("--knob", type=_knob, action="append", default=[], metavar="NAME=VALUE")
        parser.add_argument("--without", type=int, metavar="N", help="as if quarantine N stood")
        parser.add_argument("--wait", action="store_true", help="stay until it has ended")
        parser.add_argument("--json", action="store_true", help="print the run as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        run = self._ask(options)
        if options["wait"]:
            _watch(run, self.stderr if sys.stderr.isatty() else None)
        self.stdout.write(json.dumps(_told(run)) if options["json"] else _in_words(run))
        if run.state in (JobState.FAILED, JobState.CANCELLED):
            sys.exit(FAILED)

    def _ask(self, options: dict[str, Any]) -> TrainingRun:
        version = _named(ModelVersion, "name", options["version"])
        wish = retraining.usual(options["base"] and Base(options["base"]), version)
        is_head = wish.base == Base.HEAD
        found = retraining.ask(
            None,
            timezone.now(),
            base=wish.base,
            network=options["network"] or wish.network,
            preset=wish.preset if is_head else options["preset"] or wish.preset,
            knobs={} if is_head else dict(options["knob"]),
            classes=options["classes"] or retraining.enough(retraining.preview(Foreseen(counted()))),
            base_version=wish.base_version,
            without=_named(Quarantine, "pk", options["without"]),
            why="command",
        )
        if isinstance(found, Refused):
            raise CommandError(found.reason, returncode=REFUSED)
        return found


def _watch(run: TrainingRun, terminal: Any) -> None:
    """Until it has ended; on a terminal with a bar."""
    run.refresh_from_db()
    while run.is_live:
        if terminal:
            done = round(BAR * run.share_done)
            epoch = f", epoch {run.epoch} of {run.epochs}" if run.epochs else ""
            words = f"{run.stage or run.get_state_display()}{epoch}"
            bar = f"[{'#' * done}{'.' * (BAR - done)}] {run.share_done:4.0%} {words}"
            terminal.write(f"\r{bar[:100]:<100}", ending="")
        time.sleep(LOOK_S)
        run.refresh_from_db()
    if terminal:
        terminal.write("")


def _told(run: TrainingRun) -> dict[str, Any]:
    return {
        "training": run.pk,
        "state": run.state,
        "snapshot": run.snapshot.name,
        "base": run.base,
        "network": run.network,
        "preset": run.preset,
        "classes": run.snapshot.classes,
        "version": run.version.name if run.version else None,
        "reason": run.reason,
        "epochs": run.history,
    }


def _in_words(run: TrainingRun) -> str:
    ended = f": {run.version}" if run.version else f": {run.reason}" if run.reason else ""
    return f"training {run.pk} on {run.snapshot}: {run.get_state_display()}{ended}"


def _named(kind: Any, field: str, value: Any) -> Any:
    if value is None:
        return None
    found = kind.objects.filter(**{field: value}).first()
    if found is None:
        raise CommandError(f"There is no {kind._meta.verbose_name} {value}.", returncode=REFUSED)
    return found


def _names(text: str) -> list[str]:
    return [name for name in text.split(",") if name]


def _knob(text: str) -> tuple[str, Any]:
    """`epochs=5`: a number or true or false where it reads as one, else text."""
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise ArgumentTypeError("must be NAME=VALUE")
    try:
        return name.replace("-", "_"), json.loads(value)
    except ValueError:
        return name.replace("-", "_"), value
