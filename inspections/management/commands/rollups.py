"""`manage.py rollups verify|rebuild`: the counts behind the pages, held against the captures or made anew from them."""

import json
import sys
from argparse import ArgumentTypeError, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from inspections import recount
from inspections.models import Line

DIFFERENT, USAGE = 1, 2
OTHERWISE = "first_at lies behind its earliest capture, or the style is not its roll's"  # where every count is right
EXAMPLES = """examples:
  manage.py rollups verify                                    everything; writes nothing and stops nobody
  manage.py rollups verify --line loom-1 --since 2026-11-01   one line, from this day (UTC) on
  manage.py rollups rebuild                                   after a restore, or where verify found differences

Both may run while images are judged and labelled.
exit codes: 0 all equal (or rebuilt), 1 differences were found, 2 no such line
"""


class Command(BaseCommand):
    help = "Hold the counts behind the pages against the captures they were counted from, or count them anew."

    def create_parser(self, *args: Any, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(*args, **kwargs)
        parser.formatter_class, parser.epilog = RawDescriptionHelpFormatter, EXAMPLES
        return parser

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", choices=["verify", "rebuild"])
        parser.add_argument("--line", metavar="SLUG", help="of one line alone")
        parser.add_argument("--since", type=_day, metavar="DAY", help="from this UTC day on, as 2026-11-22")
        parser.add_argument("--json", action="store_true", help="print the answer as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        lines = list(Line.objects.filter(**({"slug": options["line"]} if options["line"] else {})))
        if options["line"] and not lines:
            raise CommandError(f"There is no line {options['line']}.", returncode=USAGE)
        steps = recount.steps(lines, options["since"], every_line=not options["line"])
        do = self._verify if options["what"] == "verify" else self._rebuild
        do(self._told(steps), self._as_json if options["json"] else self._in_words)

    def _verify(self, steps: Iterator[recount.Step], say: Callable[[dict[str, Any], str], None]) -> None:
        found: list[recount.Difference] = []
        done = 0
        for step in steps:
            found += recount.verify(step)
            done += 1
        told = [_told(one) for one in found]
        words = "\n".join(
            [*(_words(one) for one in found), f"{len(found)} differences in {done} days and groups of rolls"]
        )
        say({"steps": done, "differences": told}, words)
        if found:
            sys.exit(DIFFERENT)

    def _rebuild(self, steps: Iterator[recount.Step], say: Callable[[dict[str, Any], str], None]) -> None:
        done = 0
        for step in steps:
            recount.rebuild(step)
            done += 1
        say({"steps": done}, f"{done} days and groups of rolls were counted anew")

    def _as_json(self, told: dict[str, Any], _words: str) -> None:
        self.stdout.write(json.dumps(told))

    def _in_words(self, _told: dict[str, Any], words: str) -> None:
        self.stdout.write(words)

    def _told(self, steps: Iterator[recount.Step]) -> Iterator[recount.Step]:
        """The steps, each named while it is done, where somebody watches."""
        watched = self.stderr.isatty()
        for step in steps:
            if watched:
                self.stderr.write(f"\r\x1b[K{step.words}", ending="")
            yield step
        if watched:
            self.stderr.write("\r\x1b[K", ending="")


def _told(one: recount.Difference) -> dict[str, Any]:
    key = {name: str(value) for name, value in one.key.items()}
    return {"table": one.table, "key": key, "kept": one.kept_by_name, "counted": one.counted_by_name}


def _words(one: recount.Difference) -> str:
    key = ", ".join(f"{name} {value}" for name, value in one.key.items())
    unlike = ", ".join(f"{name} {kept} is kept, {found} counted" for name, (kept, found) in one.unlike.items())
    return f"{one.table}: {key}: {unlike or OTHERWISE}"


def _day(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is no day, as 2026-11-22") from error
