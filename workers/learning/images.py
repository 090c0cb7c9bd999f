"""The images of a snapshot beside a manifest, as `python -m ml train` reads them."""

import csv
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import structlog
from django.core.files.storage import FileSystemStorage, default_storage
from django.db.models import QuerySet

from inspections.models import Capture, Side, Snapshot, SnapshotRow

COLUMNS = ("path", "label", "source", "split", "weight", "licence", "camera")
LEARNT = (Side.TRAIN, Side.VAL)
TICK = 200  # images between two ticks

log = structlog.get_logger(__name__)


def lay_out(snapshot: Snapshot, folder: Path, *, with_split: bool, tick: Callable[[int], object]) -> int:
    """Write `manifest.csv` and the images that train and validate; how many. What is gone is left out and logged.

    Files on the same disk are linked, so that they cost neither room nor time. `with_split`: with the sides; without,
    the recipe makes its own folds over everything. `tick` is called now and then with the number so far; False ends it.
    """
    (folder / "images").mkdir(parents=True)
    joined = ("capture__roll", "capture__camera__line", "defect_class")
    rows = snapshot.rows.filter(side__in=LEARNT).select_related(*joined).order_by("pk")
    done = 0
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        for number, row in enumerate(_in_parts(rows)):
            if number % TICK == 0 and tick(number) is False:
                break
            name = f"images/{row.capture_id}.{row.capture.suffix}"
            if not _bring(row.capture, folder / name):
                continue
            licence = row.capture.roll.licence if row.capture.roll else ""
            split = row.side if with_split else ""
            camera = row.capture.camera.place
            table.writerow((name, row.defect_class.code, row.source, split, row.weight, licence, camera))
            done += 1
    return done


def _in_parts(rows: QuerySet[SnapshotRow]) -> Iterator[SnapshotRow]:
    """Each part is read to its end before it is gone through: SQLite lets nobody write whose reading stands open while
    others have written, and `tick` writes."""
    last = 0
    while some := list(rows.filter(pk__gt=last)[:TICK]):
        yield from some
        last = some[-1].pk


def _bring(capture: Capture, place: Path) -> bool:
    """Link the stored file, or copy it where that cannot be; False where it is gone."""
    try:
        if not _linked(capture.path, place):
            with default_storage.open(capture.path) as stored, place.open("wb") as copy:
                shutil.copyfileobj(stored, copy)
    except FileNotFoundError:
        log.warning("image-gone", capture=str(capture.pk))
        return False
    return True


def _linked(name: str, place: Path) -> bool:
    """False where the disk is another one, or takes no links. FileNotFoundError where there is no such file."""
    if not isinstance(default_storage, FileSystemStorage):
        return False
    try:
        os.link(default_storage.path(name), place)
    except FileNotFoundError:
        raise
    except OSError:
        return False
    return True
