"""The pages over a mill with a long history, on the database that the environment names, which this fills.

`python -m workers.bench.pages CAPTURES DAYS PART OUT` fills PART of the history (the last tenth, or all of it) where
nothing is filled yet, and writes what it found to OUT as JSON. `manage.py bench_pages` starts it, once for each
database and part.
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
CSV_PARTS = ("/flagged.csv?line={slug}", "/flagged.csv")  # some rows, then more than 100 000 of 5 000 000


def main(captures: int, days: int, part: float, out: Path) -> None:
    django.setup()
    from django.core.management import call_command
    from django.db import connection
    from django.utils import timezone

    from inspections.models import Capture
    from inspections.snapshots.foreseen import keep_fresh
    from qc_site.warm import warm_up
    from workers.bench.bulk import settle
    from workers.bench.pages_mill import build, built
    from workers.bench.pages_others import others
    from workers.prepare import collect_static

    say = _teller()
    call_command("migrate", interactive=False, verbosity=0)
    collect_static(lambda _words: None)
    now = timezone.now()
    found: dict[str, Any] = {"database": connection.vendor, "days": days, "filled": None}
    if Capture.objects.exists():  # kept from an earlier run
        mill = built()
    else:
        mill = build(now, days, part)
        found["filled"] = fill(mill, captures, days, now, say, part)
        others(mill, now)
    settle()  # also after a kept one was migrated
    keep_fresh(now)  # as the clock does every few minutes
    warm_up()  # as a web process does before its first request
    found |= {"captures": Capture.objects.count(), "rollups": _rollups(), "pages": _pages(mill, say)}
    found["files"] = _files(mill, say) if part == 1 else []
    out.write_text(json.dumps(found))


def _rollups() -> dict[str, int]:
    from inspections.tally import ROLLUPS

    return {one.model.__name__: one.model._default_manager.count() for one in ROLLUPS}


def fill(
    mill: Any, captures: int, days: int, now: datetime, say: Callable[[str], None], part: float = 1.0
) -> dict[str, Any]:
    """`part` of the captures, over the last part of the days."""
    import numpy as np

    from inspections import recount
    from workers.bench.bulk import settle, unchecked
    from workers.bench.pages_alarms import alarms
    from workers.bench.pages_captures import Filler

    filler = Filler(mill, now, np.random.default_rng(SEED))
    count, since = int(captures * part), now - timedelta(days=days * part)
    began = time.perf_counter()
    with unchecked():
        for done in filler.fill(count, since, now):
            say(f"{done} of {count} captures")
        alarms(mill, since, now)
        filled, began = time.perf_counter() - began, time.perf_counter()
        for step in recount.steps(mill.lines, every_line=True):
            recount.rebuild(step)
            say(f"counting {step.words}")
        rebuilt = time.perf_counter() - began
    settle()
    began = time.perf_counter()
    unlike = sum(len(recount.verify(step)) for step in recount.steps(mill.lines, every_line=True))
    return {"fill_s": filled, "rebuild_s": rebuilt, "verify_s": time.perf_counter() - began, "unlike": unlike}


def samples(mill: Any) -> dict[str, Any]:
    """What stands in addresses."""
    from inspections.models import (
        Alarm,
        AlarmRule,
        Capture,
        Channel,
        Quarantine,
        Recall,
        RuleKind,
        Shift,
        Snapshot,
        TrainingRun,
    )
    from inspections.pages.worklist import Mark, Order

    rows = Capture.objects.filter(line=mill.lines[3], flagged=True).order_by("-counted_at", "-id")
    newest, deep = rows[0], rows[min(2000, rows.count() // 2)]  # a whole page follows, also where there are few
    until = newest.counted_at.replace(minute=0, second=0, microsecond=0)
    of_cloth = Alarm.objects.filter(rule__kind=RuleKind.SIGNAL).exclude(line=mill.lines[4])  # its page has a chart
    of = {"rule": AlarmRule, "shift": Shift, "channel": Channel, "number": Recall}
    of |= {"training": TrainingRun, "quarantine": Quarantine}
    keys = {name: model._default_manager.values_list("pk", flat=True).first() or 0 for name, model in of.items()}
    return {
        "slug": mill.lines[3].slug,
        "by_length": mill.lines[4].slug,
        "key": newest.pk,
        "alarm": of_cloth.values_list("pk", flat=True).first() or 0,
        "mark": Mark.of(deep, Order.NEW),
        "code": "hole",
        "name": mill.version.name,
        "snapshot": Snapshot.objects.values_list("name", flat=True).first() or "S1",
        "since": f"{until - timedelta(days=28):%Y-%m-%dT%H:%M}",
        "until": f"{until:%Y-%m-%dT%H:%M}",
        "year_ago": f"{until - timedelta(days=365):%Y-%m-%dT%H:%M:%SZ}",
        **keys,
    }


def _pages(mill: Any, say: Callable[[str], None]) -> dict[str, Any]:
    from workers.bench.pages_list import addresses
    from workers.bench.pages_measure import client_of, measure

    manager, admin = client_of(mill.manager), client_of(mill.admin)
    wanted, without = addresses(samples(mill))
    rows, left_out = [], [*without]
    for address in wanted:
        say(address.words)
        one = measure(manager, address)
        if one.status == 403:
            one = measure(admin, address)
        if one.status == 405:
            continue  # it takes POST alone
        if one.status != 200:
            left_out.append(f"{address.url}: {one.status}")
            continue
        rows.append({"page": address.name, "limit": address.limit, "ratio": one.ratio, **one.figures})
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
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), Path(sys.argv[4]))
