"""The pages over a mill with a long history, on the database that the environment names, which this fills.

`python -m workers.bench.pages CAPTURES DAYS OUT` writes what it found to OUT as JSON. `manage.py bench_pages` starts it
in a scratch folder, once for each database.
"""

import json
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import django

SEED = 6
PART = 0.1  # of the history: what is measured first
CSV_PARTS = ("/flagged.csv?line={slug}", "/flagged.csv")  # some rows, then more than 100 000 of 5 000 000


def main(captures: int, days: int, out: Path) -> None:
    django.setup()
    from django.core.management import call_command
    from django.db import connection
    from django.utils import timezone

    from inspections.models import HourlyCount, LengthCount, PlaceCount, SlotCount
    from workers.bench.pages_mill import build
    from workers.prepare import collect_static

    say = _teller()
    call_command("migrate", interactive=False, verbosity=0)
    collect_static(lambda _words: None)
    now = timezone.now()
    mill = build(now, days)
    found: dict[str, Any] = {"database": connection.vendor, "captures": captures, "days": days, "stages": []}
    for stage in fill_in_stages(mill, captures, days, now, say):
        found["stages"].append({**stage, "pages": _pages(mill, now, say)})
    found["rollups"] = {one.__name__: one._default_manager.count() for one in _tables(HourlyCount, SlotCount)}
    found["rollups"] |= {one.__name__: one._default_manager.count() for one in _tables(PlaceCount, LengthCount)}
    found["files"] = _files(mill, say)
    out.write_text(json.dumps(found))


def _tables(*models: Any) -> tuple[Any, ...]:
    return models


def fill_in_stages(mill: Any, captures: int, days: int, now: datetime, say: Callable[[str], None]) -> Any:
    """The last tenth of the time first, then all before it: so that both stages show the same days."""
    import numpy as np

    from inspections import recount
    from workers.bench.bulk import settle, unchecked
    from workers.bench.pages_alarms import alarms
    from workers.bench.pages_captures import Filler

    filler = Filler(mill, now, np.random.default_rng(SEED))
    few = int(captures * PART)
    border = now - timedelta(days=days * PART)
    for count, since, until in ((few, border, now), (captures - few, now - timedelta(days=days), border)):
        began = time.perf_counter()
        with unchecked():
            for done in filler.fill(count, since, until):
                say(f"{done} of {count} captures")
            alarms(mill, since, until)
            filled = time.perf_counter() - began
            began = time.perf_counter()
            for step in recount.steps(mill.lines, every_line=True):
                recount.rebuild(step)
                say(f"counting {step.words}")
            rebuilt = time.perf_counter() - began
        settle()
        began = time.perf_counter()
        unlike = sum(len(recount.verify(step)) for step in recount.steps(mill.lines, every_line=True))
        verified = time.perf_counter() - began
        yield {"captures": filler.made, "fill_s": filled, "rebuild_s": rebuilt, "verify_s": verified, "unlike": unlike}


def samples(mill: Any) -> dict[str, Any]:
    """What stands in addresses."""
    from inspections.models import Alarm, AlarmRule, Capture, Shift
    from inspections.pages.worklist import Mark, Order

    rows = Capture.objects.filter(line=mill.lines[3], flagged=True).order_by("-counted_at", "-id")
    newest, deep = rows[0], rows[min(2000, rows.count() - 1)]
    alarm, rule, shift = Alarm.objects.first(), AlarmRule.objects.first(), Shift.objects.first()
    return {
        "slug": mill.lines[3].slug,
        "key": newest.pk,
        "mark": Mark.of(deep, Order.NEW),
        "code": "hole",
        "name": mill.version.name,
        "alarm": alarm.pk if alarm else 0,
        "rule": rule.pk if rule else 0,
        "shift": shift.pk if shift else 0,
    }


def _pages(mill: Any, now: datetime, say: Callable[[str], None]) -> dict[str, Any]:
    from workers.bench.pages_list import addresses
    from workers.bench.pages_measure import client_of, measure

    client = client_of(mill.manager)
    wanted, without = addresses(samples(mill))
    rows, left_out = [], [*without]
    for address in wanted:
        say(address.words)
        one = measure(client, address)
        if one.status == 405:
            continue  # it takes POST alone
        if one.status != 200:
            left_out.append(f"{address.url}: {one.status}")
            continue
        rows.append({"page": address.words, "limit": address.limit, "ratio": one.ratio, **one.figures})
    return {"measured": rows, "left_out": left_out}


def _files(mill: Any, say: Callable[[str], None]) -> list[dict[str, Any]]:
    from workers.bench.pages_measure import client_of, stream

    client = client_of(mill.manager)
    found = []
    for url in (one.format(slug=mill.lines[3].slug) for one in (CSV_PARTS[0], *CSV_PARTS)):
        say(url)
        one = stream(client, url)
        found.append({"file": url, "rows": one.rows, "seconds": one.seconds, "grown_mib": one.grown})
    return found[1:]  # the first one warmed up


def _teller() -> Callable[[str], None]:
    """What is done just now, where somebody watches."""
    watched = sys.stderr.isatty()

    def say(words: str) -> None:
        if watched:
            sys.stderr.write(f"\r\x1b[K{words[:100]}")
            sys.stderr.flush()

    return say


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
