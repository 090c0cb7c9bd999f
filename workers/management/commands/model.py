"""`manage.py model …`: the registry by command, with the same gate, checks and audit rows as the pages."""

import json
import time
from argparse import RawDescriptionHelpFormatter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from inspections import changes, gate
from inspections.models import ChangeState, GateReport, Line, ModelVersion, Person, VersionChange
from inspections.snapshots import Refused
from ml.bundle import BundleError
from workers import assessing, changing, comparing_versions, exporting_bundle, installing, told

REFUSED, BAD_INPUT = 1, 2
EXAMPLES = """
  manage.py model list                                      every version: state, where it is in force, its gate
  manage.py model show 2026.11.2 --json                     all that is known of one
  manage.py model install bundles/x --map nep=spot          add a bundle as a candidate; it judges nothing yet
  manage.py model gate 2026.11.2                            hold it against the golden set now, rule by rule
  manage.py model compare 2026.11.2 2026.11.1               both on the golden set: recalls, gain, McNemar
  manage.py model promote 2026.11.2 --reason "fewer false alarms"
  manage.py model promote 2026.11.2 --line loom-1 --reason "try it there first"
  manage.py model rollback --reason "it misses holes"       back to what was in force before, in one step
  manage.py model export 2026.11.2 bundles/2026.11.2        its files, as a folder that can be installed elsewhere

Exit codes: 0 done, 1 refused (the reason is on stderr), 2 bad input.
"""


class Command(BaseCommand):
    help = "List, show, compare, measure, install, export, promote and roll back model versions."

    def create_parser(self, *args: Any, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(*args, **kwargs)
        parser.formatter_class, parser.epilog = RawDescriptionHelpFormatter, EXAMPLES
        return parser

    def add_arguments(self, parser: CommandParser) -> None:
        words = parser.add_subparsers(dest="word", required=True, metavar="COMMAND")

        def word(name: str, words_of_help: str, *names: str) -> Any:
            one = words.add_parser(name, help=words_of_help)
            one.add_argument("--json", action="store_true", help="for machines")
            for argument in names:
                one.add_argument(argument)
            return one

        word("list", "every version")
        word("show", "one version", "name")
        word("gate", "hold one against the golden set now", "name")
        word("compare", "two versions on the golden set", "name", "other")
        for one in (word("promote", "put one in force", "name"), word("rollback", "back to the one before")):
            one.add_argument("--line", help="one line's slug; without it, the whole mill")
            one.add_argument("--reason", required=True, help="kept with the change")
        for one in words.choices.values():
            one.add_argument("--as", dest="person", metavar="USERNAME", help="who does it, for the audit log")
        install = word("install", "add a bundle as a candidate")
        install.add_argument("bundle", type=Path)
        install.add_argument("--map", action="append", default=[], metavar="OLD=NEW", help="the mill's code of a class")
        word("export", "write a version's files to a folder", "name").add_argument("folder", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        works: dict[str, Callable[[dict[str, Any]], None]] = {
            "list": self._list, "show": self._show, "gate": self._gate, "compare": self._compare,
            "promote": self._promote, "rollback": self._roll_back, "install": self._install, "export": self._export,
        }  # fmt: skip
        works[options["word"]](options)

    def _list(self, options: dict[str, Any]) -> None:
        rows = [told.in_short(version) for version in ModelVersion.objects.all()]
        self._say(options, rows, told.as_table(rows))

    def _show(self, options: dict[str, Any]) -> None:
        found = told.in_full(_version(options["name"]))
        self._say(options, found, told.as_lines(found))

    def _gate(self, options: dict[str, Any]) -> None:
        asked = gate.ask(_version(options["name"]), _person(options), timezone.now())
        if isinstance(asked, Refused):
            raise CommandError(asked.reason, returncode=REFUSED)
        assessing.work()
        report = GateReport.objects.get(pk=asked.pk)
        while report.is_live:  # a worker was quicker
            time.sleep(0.5)
            report.refresh_from_db()
        self._say(options, told.of_report(report), told.rules_as_lines(report))
        if not report.passed:
            raise CommandError(gate.objection(report.version), returncode=REFUSED)

    def _compare(self, options: dict[str, Any]) -> None:
        found = comparing_versions.compare(_version(options["name"]), _version(options["other"]))
        if isinstance(found, Refused):
            raise CommandError(found.reason, returncode=REFUSED)
        self._say(options, found, comparing_versions.as_lines(found))

    def _promote(self, options: dict[str, Any]) -> None:
        now, line, by = timezone.now(), _line(options), _person(options)
        self._decide(options, changes.promote(_version(options["name"]), by, now, options["reason"], line))

    def _roll_back(self, options: dict[str, Any]) -> None:
        self._decide(options, changes.roll_back(_person(options), timezone.now(), options["reason"], _line(options)))

    def _decide(self, options: dict[str, Any], asked: VersionChange | Refused) -> None:
        """Checked and made here and now: no worker need be running."""
        if isinstance(asked, Refused):
            raise CommandError(asked.reason, returncode=REFUSED)
        change = changing.decide(asked)
        if change.state == ChangeState.REFUSED:
            raise CommandError(change.answer, returncode=REFUSED)
        where = change.line.slug if change.line else "the mill"
        told_of = {"version": change.version.name, "kind": change.kind, "line": change.line and change.line.slug}
        self._say(options, {**told_of, "state": change.state}, f"{change.version} judges {where}.")

    def _install(self, options: dict[str, Any]) -> None:
        try:
            found = installing.install(options["bundle"], installing.class_map(options["map"]))
        except (BundleError, OSError) as error:
            raise CommandError(f"The bundle was refused: {error}", returncode=REFUSED) from error
        words = "This bundle is here already, as" if found.was_here else "Added as"
        answer = {"version": found.version.name, "was_here": found.was_here}
        self._say(options, answer, f"{words} {found.version}.")

    def _export(self, options: dict[str, Any]) -> None:
        try:
            folder = exporting_bundle.export(_version(options["name"]), options["folder"])
        except (BundleError, OSError) as error:
            raise CommandError(f"It was not written: {error}", returncode=REFUSED) from error
        self._say(options, {"folder": str(folder)}, f"Written to {folder}.")

    def _say(self, options: dict[str, Any], found: Any, words: str) -> None:
        self.stdout.write(json.dumps(found, indent=1, default=str) if options["json"] else words)


def _version(name: str) -> ModelVersion:
    found = ModelVersion.objects.filter(name=name).first()
    if found is None:
        raise CommandError(f"There is no version {name}.", returncode=BAD_INPUT)
    return found


def _line(options: dict[str, Any]) -> Line | None:
    if not options["line"]:
        return None
    found = Line.objects.filter(slug=options["line"]).first()
    if found is None:
        raise CommandError(f"There is no line {options['line']}.", returncode=BAD_INPUT)
    return found


def _person(options: dict[str, Any]) -> Person | None:
    name = options.get("person")
    found = Person.objects.filter(username=name).first() if name else None
    if name and found is None:
        raise CommandError(f"There is nobody called {name}.", returncode=BAD_INPUT)
    return found
