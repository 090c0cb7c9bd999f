"""`manage.py snapshot list|show|make|golden|export`: frozen lists of labelled captures."""

import argparse
import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from inspections import snapshots
from inspections.models import Person, Purpose, Side, Snapshot
from workers.exporting import export

MISSING = 3
EPILOG = """\
examples:
  manage.py snapshot make --by mara --classes good,hole,cut
  manage.py snapshot golden --by mara --note "first set"
  manage.py snapshot list --json
  manage.py snapshot export S3 /backup/S3

exit codes: 0 done, 1 refused, 3 exported without the images that are gone
"""


class Command(BaseCommand):
    help = "List, show, make and export snapshots: the frozen lists that train models, and the golden set."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        parser.epilog = EPILOG
        verbs = parser.add_subparsers(dest="verb", required=True)
        listing = verbs.add_parser("list", help="all snapshots, the newest first")
        show = verbs.add_parser("show", help="one snapshot")
        make = verbs.add_parser("make", help="freeze what may train")
        golden = verbs.add_parser("golden", help="freeze the next version of the golden set")
        out = verbs.add_parser("export", help="write images and manifest.csv to a folder")
        for one in (show, out):
            one.add_argument("name")
        out.add_argument("folder", type=Path)
        make.add_argument("--classes", default="", help="codes, separated by commas; all in use where none are given")
        for one in (make, golden):
            one.add_argument("--by", required=True, help="the manager or admin who makes it")
            one.add_argument("--note", default="")
        for one in (listing, show, make, golden, out):
            one.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        getattr(self, f"_{options['verb']}")(options)

    def _list(self, options: dict[str, Any]) -> None:
        found = list(Snapshot.objects.all())
        if options["json"]:
            self.stdout.write(json.dumps([_told(one) for one in found]))
            return
        for one in found:
            self.stdout.write(_line(one))

    def _show(self, options: dict[str, Any]) -> None:
        self._tell(_named(options["name"]), options["json"])

    def _make(self, options: dict[str, Any]) -> None:
        classes = [code for code in options["classes"].split(",") if code] or None
        found = snapshots.freeze(_person(options["by"]), timezone.now(), classes, note=options["note"])
        self._tell(_made(found), options["json"])

    def _golden(self, options: dict[str, Any]) -> None:
        found = snapshots.make_golden(_person(options["by"]), timezone.now(), options["note"])
        self._tell(_made(found), options["json"])

    def _export(self, options: dict[str, Any]) -> None:
        snapshot, folder = _named(options["name"]), options["folder"]
        if folder.exists() and any(folder.iterdir()):
            raise CommandError(f"{folder} is not empty; give a folder of its own.")
        sides = (Side.GOLDEN,) if snapshot.purpose == Purpose.GOLDEN else (Side.TRAIN, Side.VAL)
        done = export(snapshot, folder, sides)
        told = {"snapshot": snapshot.name, "written": done.written, "missing": list(done.missing)}
        self.stdout.write(json.dumps(told) if options["json"] else f"{done.written} images are in {folder}.")
        if done.missing:
            raise CommandError("Gone from storage:\n  " + "\n  ".join(done.missing), returncode=MISSING)

    def _tell(self, one: Snapshot, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(_told(one)))
            return
        self.stdout.write(_line(one))
        for side, counts in one.counts.items():
            classes = ", ".join(f"{code} {count} of {one.sources[side][code]}" for code, count in counts.items())
            self.stdout.write(f"  {side}: {classes} (images of sources)")
        for reason, count in one.left_out.items():
            self.stdout.write(f"  left out, {reason}: {count}")


def _named(name: str) -> Snapshot:
    found = Snapshot.objects.filter(name=name).first()
    if found is None:
        raise CommandError(f"There is no snapshot {name!r}; `manage.py snapshot list` shows them.")
    return found


def _person(username: str) -> Person:
    found = Person.objects.filter(username=username, is_active=True).first()
    if found is None or not found.sees_every_line:
        raise CommandError(f"{username!r} is no manager and no admin.")
    return found


def _made(found: Snapshot | snapshots.Refused) -> Snapshot:
    if isinstance(found, snapshots.Refused):
        raise CommandError(found.reason)
    return found


def _line(one: Snapshot) -> str:
    images = sum(sum(counts.values()) for counts in one.counts.values())
    return (
        f"{one.name}  {one.purpose}  {one.created_at:%Y-%m-%d %H:%M}Z  {images} images  {one.digest[:12]}  {one.note}"
    )


def _told(one: Snapshot) -> dict[str, Any]:
    names = ("name", "purpose", "digest", "classes", "counts", "sources", "left_out", "weights", "licence", "note")
    found: dict[str, Any] = {name: getattr(one, name) for name in names}
    return {**found, "created_at": one.created_at.isoformat(), "looks": one.looks}
