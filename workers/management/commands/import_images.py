"""`manage.py import_images PLACE --by USERNAME`: images labelled elsewhere become captures and labels."""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from inspections.models import AuditEvent, DefectClass, Person
from ml.refusal import DataError
from ml.rows import Row, parse_merge, read_rows
from workers import import_plan
from workers.importing import Brought, bring_in, camera_of

SOME_SKIPPED, STOPPED = 3, 130
MOST_NAMED = 20
EPILOG = """\
examples:
  manage.py import_images /data/cloth --by mara                      a folder for each class
  manage.py import_images manifest.csv --by mara --merge spot=nep,fuzzyball --map broken=thread --make-classes
  manage.py import_images manifest.csv --by mara --share 0.2         a fifth of the sources, at least 3 of each class
  manage.py import_images manifest.csv --by mara --unlabelled        images alone: label them in the queue
  manage.py import_images cloth.h5 --by mara --array-sources rolls.csv

A manifest is a CSV with the columns path, label, source and, where known, roll and licence. The source (the roll, where
one is given) becomes the capture's roll, so that neighbours stay together. Images that are there already are met again
and not doubled: run it again after a stop, and it goes on.

exit codes: 0 all taken, 1 refused and nothing done, 3 done without the images that are listed, 130 stopped
"""


class Command(BaseCommand):
    help = "Bring in images that were labelled elsewhere: a folder of class folders, a manifest, HDF5 or NumPy."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        parser.epilog = EPILOG
        parser.add_argument("place", type=Path)
        parser.add_argument("--by", required=True, help="the manager or admin in whose name it is done")
        parser.add_argument("--line", default="import", help="the line that they stand on; made where it is not there")
        parser.add_argument("--merge", action="append", default=[], metavar="NAME=A,B", help="A and B count as NAME")
        parser.add_argument("--map", action="append", default=[], metavar="OLD=NEW", help="OLD is called NEW here")
        parser.add_argument("--make-classes", action="store_true", help="make the classes that the mill lacks")
        parser.add_argument("--array-sources", type=Path, metavar="CSV", help="names the sources of arrays")
        part = parser.add_mutually_exclusive_group()
        part.add_argument("--share", type=float, help="of the sources, drawn by --seed")
        part.add_argument("--sources", type=int, metavar="N", help="so many sources, drawn by --seed")
        part.add_argument("--sources-file", type=Path, help="the sources to take, one a line")
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--unlabelled", action="store_true", help="captures alone, without their labels")
        parser.add_argument("--json", action="store_true", help="print the summary as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        by = _person(options["by"])
        try:
            rows = _chosen(options)
            classes = None if options["unlabelled"] else _classes(rows, by, make=options["make_classes"])
        except DataError as problem:
            raise CommandError(f"Nothing was imported: {problem}") from problem
        self._run(rows, by, classes, options)

    def _run(self, rows: Sequence[Row], by: Person, classes: Any, options: dict[str, Any]) -> None:
        camera = camera_of(options["line"])
        told = {"place": str(options["place"]), "images": len(rows), "labels": classes is not None}
        AuditEvent.note(by, "import", f"line {camera.line.slug}", timezone.now(), **told)
        progress = Progress(len(rows))
        try:
            brought = bring_in(rows, camera, by, classes, progress)
        except OSError as problem:
            raise CommandError(f"Stopped: {problem}. What came before is kept; run it again to go on.") from problem
        except KeyboardInterrupt:
            raise CommandError(
                "Stopped. What came before is kept; run it again to go on.", returncode=STOPPED
            ) from None
        finally:
            progress.end()
        self._tell(brought, rows, options["json"])

    def _tell(self, brought: Brought, rows: Sequence[Row], as_json: bool) -> None:
        if as_json:
            sources = sorted({row.group for row in rows})
            labels = dict(sorted(Counter(row.label for row in rows).items()))
            self.stdout.write(json.dumps({**asdict(brought), "sources": len(sources), "labels": labels}))
        else:
            self.stdout.write(
                f"{brought.rows} images: {brought.new} new, {brought.there} were there; {brought.labelled} labelled."
            )
            if brought.other_label:
                self.stdout.write(f"{brought.other_label} have another label here, which stands.")
        if brought.skipped:
            named = "\n  ".join(brought.skipped[:MOST_NAMED])
            more = len(brought.skipped) - MOST_NAMED
            rest = f"\n  and {more} more" if more > 0 else ""
            raise CommandError(f"Skipped {len(brought.skipped)}:\n  {named}{rest}", returncode=SOME_SKIPPED)


def _person(username: str) -> Person:
    found = Person.objects.filter(username=username, is_active=True).first()
    if found is None or not found.sees_every_line:
        raise CommandError(f"{username!r} is no manager and no admin: labels are imported in the name of one.")
    return found


def _chosen(options: dict[str, Any]) -> list[Row]:
    rows = read_rows(options["place"], parse_merge(options["merge"]), options["array_sources"])
    rows = import_plan.renamed(rows, import_plan.parse_map(options["map"]))
    if options["sources_file"]:
        return import_plan.listed_sources(rows, options["sources_file"])
    share, count = options["share"], options["sources"]
    if share is not None:
        if not 0 < share <= 1:
            raise DataError(f"--share wants a number above 0 and up to 1, not {share:g}")
        count = round(share * len({row.group for row in rows}))
    return rows if count is None else import_plan.some_sources(rows, count, options["seed"])


def _classes(rows: Sequence[Row], by: Person, *, make: bool) -> dict[str, DefectClass]:
    labels = {row.label for row in rows}
    lacking = import_plan.lacking_classes(labels)
    if lacking and not make:
        raise DataError(
            f"the mill has no class {', '.join(lacking)}; --map OLD=NEW names them after one, --make-classes makes them"
        )
    for code in lacking:
        DefectClass.objects.create(code=code, name=code.replace("_", " ").capitalize())
        AuditEvent.note(by, "new-class", f"class {code}", timezone.now(), by="import")
    return {one.code: one for one in DefectClass.objects.filter(code__in=labels)}


class Progress:
    """One line that is written over, on a terminal alone."""

    def __init__(self, total: int) -> None:
        self.total, self.start, self.shown = total, time.monotonic(), 0.0
        self.hidden = not sys.stderr.isatty()

    def __call__(self, brought: Brought) -> None:
        now = time.monotonic()
        if self.hidden or now - self.shown < 0.2:
            return
        self.shown = now
        rate = brought.rows / max(now - self.start, 1e-6)
        left = (self.total - brought.rows) / rate
        share = 100 * brought.rows / self.total
        sys.stderr.write(f"\r  {brought.rows} of {self.total} ({share:.0f} %), {rate:.0f}/s, {left:.0f} s left \x1b[K")
        sys.stderr.flush()

    def end(self) -> None:
        if not self.hidden:
            sys.stderr.write("\r\x1b[K")
