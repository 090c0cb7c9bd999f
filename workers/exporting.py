"""A snapshot as a folder: its images, and a manifest that `python -m ml` reads."""

import csv
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.core.files.storage import default_storage
from django.db.models import QuerySet

from inspections.models import Side, Snapshot, SnapshotRow
from inspections.models.capture import path_of

MANIFEST = "manifest.csv"
COLUMNS = ("path", "label", "source", "split", "weight", "licence", "camera")
SPLIT = {Side.TRAIN: "train", Side.VAL: "val", Side.GOLDEN: "test"}
BLOCK = 500


@dataclass(frozen=True)
class Export:
    """How many images were written, and the paths in storage of those that are gone."""

    written: int
    missing: tuple[str, ...]


def write_out(
    snapshot: Snapshot,
    folder: Path,
    sides: Sequence[str] = (Side.TRAIN, Side.VAL),
    with_split: bool = True,
) -> int:
    """Write the images of these sides and `manifest.csv` to the folder; returns how many images.

    FileNotFoundError names the images whose files are gone: nothing is trained on less than the snapshot says.
    """
    done = export(snapshot, folder, sides, with_split)
    if done.missing:
        named = ", ".join(done.missing[:5])
        raise FileNotFoundError(f"{len(done.missing)} images of {snapshot} are gone from storage, such as {named}")
    return done.written


def export(
    snapshot: Snapshot, folder: Path, sides: Sequence[str] = (Side.TRAIN, Side.VAL), with_split: bool = True
) -> Export:
    """The same, leaving out what is gone. An image lies in a folder of its class; the manifest comes last, whole."""
    folder.mkdir(parents=True, exist_ok=True)
    columns = [name for name in COLUMNS if with_split or name != "split"]
    missing: list[str] = []
    part, written = folder / f"{MANIFEST}.part", 0
    with part.open("w", newline="", encoding="utf-8") as file:
        out = csv.DictWriter(file, columns, extrasaction="ignore")
        out.writeheader()
        for row in _rows(snapshot, sides):
            stored = path_of(row.capture_id, row.capture.suffix)
            path = Path(row.defect_class.code) / f"{row.capture_id}.{row.capture.suffix}"
            if not _copied(stored, folder / path):
                missing.append(stored)
                continue
            out.writerow(_line(row, path))
            written += 1
    part.rename(folder / MANIFEST)
    return Export(written, tuple(missing))


def _rows(snapshot: Snapshot, sides: Sequence[str]) -> Iterator[SnapshotRow]:
    rows: QuerySet[SnapshotRow] = snapshot.rows.filter(side__in=sides).order_by("capture_id")
    joined = ("capture__roll", "capture__camera__line", "defect_class")
    camera = ("capture__camera__slug", "capture__camera__line__slug")
    fields = ("source", "side", "weight", "capture__suffix", "capture__roll__licence", "defect_class__code", *camera)
    return rows.select_related(*joined).only(*fields).iterator(BLOCK)


def _line(row: SnapshotRow, path: Path) -> dict[str, str]:
    roll = row.capture.roll
    return {
        "path": path.as_posix(),
        "label": row.defect_class.code,
        "source": row.source,
        "split": SPLIT.get(Side(row.side), ""),
        "weight": f"{row.weight:g}",
        "licence": roll.licence if roll else "",
        "camera": row.capture.camera.place,
    }


def _copied(stored: str, target: Path) -> bool:
    """False where the file is gone."""
    target.parent.mkdir(exist_ok=True)
    try:
        with default_storage.open(stored) as source, target.open("wb") as out:
            shutil.copyfileobj(source, out)
    except FileNotFoundError:
        target.unlink(missing_ok=True)
        return False
    return True
