"""`manage.py recall VERSION`: ask which stored captures a version would judge otherwise, as the page does."""

import json
from argparse import ArgumentTypeError, RawDescriptionHelpFormatter
from datetime import date, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from inspections.models import Line, ModelVersion
from inspections.quality import day_start
from inspections.second_looks import ask
from inspections.second_looks.recalling import Wanted, preview
from inspections.snapshots import Refused

REFUSED = 2
EXAMPLES = """examples:
  manage.py recall 2026.11.2 --roll R-2026-0042 --roll R-2026-0043
  manage.py recall 2026.11.2 --from 2026-11-20 --to 2026-11-21 --line loom-1 --count

exit codes: 0 asked for (or counted), 2 refused
"""


class Command(BaseCommand):
    help = "Have a version judge stored captures anew, after everything else. Nothing that was said changes."

    def create_parser(self, *args: Any, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(*args, **kwargs)
        parser.formatter_class, parser.epilog = RawDescriptionHelpFormatter, EXAMPLES
        return parser

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("version", help="its name, for example 2026.11.2")
        parser.add_argument("--roll", action="append", default=[], metavar="CODE", help="may be given again")
        parser.add_argument("--from", dest="first", type=_day, metavar="DAY", help="or from this day, as 2026-11-22")
        parser.add_argument("--to", dest="last", type=_day, metavar="DAY", help="to this day, itself included")
        parser.add_argument("--line", metavar="SLUG", help="of one line alone")
        parser.add_argument("--count", action="store_true", help="say how many captures these are, and do no more")
        parser.add_argument("--json", action="store_true", help="print the answer as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        wanted, now = _wanted(options), timezone.now()
        found = preview(wanted, now) if options["count"] else ask(wanted, None, now)
        if isinstance(found, Refused):
            raise CommandError(str(found.reason), returncode=REFUSED)
        told = {"captures": found} if isinstance(found, int) else {"recall": found.pk, "captures": found.total}
        words = f"{told['captures']} captures"
        if "recall" in told:
            words = f"recall {told['recall']}: {words} wait; see /recalls/{told['recall']}/"
        self.stdout.write(json.dumps(told) if options["json"] else words)


def _wanted(options: dict[str, Any]) -> Wanted:
    last: date | None = options["last"]
    return Wanted(
        version=_named(ModelVersion, "name", options["version"]),
        rolls=tuple(dict.fromkeys(options["roll"])),
        since=day_start(options["first"]) if options["first"] else None,
        until=day_start(last + timedelta(days=1)) if last else None,
        line=_named(Line, "slug", options["line"]) if options["line"] else None,
    )


def _named(kind: Any, field: str, value: str) -> Any:
    found = kind.objects.filter(**{field: value}).first()
    if found is None:
        raise CommandError(f"There is no {kind._meta.verbose_name} {value}.", returncode=REFUSED)
    return found


def _day(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is no day, as 2026-11-22") from error
