"""The draw command: drawn cloth as files, or a contact sheet to look at."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from PIL import Image

from ml.data import DataError
from ml.fabric import CLASSES, Roll

QUICK = 1  # of zlib's levels: cloth is noise, which the usual sixth takes over twice as long to make no smaller


def folder(out: Path, seeds: Iterable[int], frames: int, size: int) -> None:
    """images/, masks/ and manifest.csv (path,label,source,box) under `out`. The classes follow each other."""
    if (out / "manifest.csv").exists():
        raise DataError(f"{out} already holds a manifest")
    for part in ("images", "masks"):
        (out / part).mkdir(parents=True, exist_ok=True)
    with (out / "manifest.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "source", "box"])
        for seed in seeds:
            roll = Roll(seed, size)
            for index in range(frames):
                writer.writerow(_save(out, roll, index, CLASSES[index % len(CLASSES)]))


def _save(out: Path, roll: Roll, index: int, label: str) -> list[str]:
    frame = roll.frame(index, label)
    name = f"roll-{roll.seed}-{index:05}.png"
    Image.fromarray(frame.image).save(out / "images" / name, compress_level=QUICK)
    Image.fromarray(frame.mask).save(out / "masks" / name, compress_level=QUICK)
    return [f"images/{name}", label, f"roll-{roll.seed}", " ".join(map(str, frame.box or ()))]


def contact_sheet(out: Path, seeds: Iterable[int], frames: int, size: int) -> None:
    """sheet.png under `out`: a row for each roll, a column for each of the first `frames` classes."""
    out.mkdir(parents=True, exist_ok=True)
    rolls = [Roll(seed, size) for seed in seeds]
    columns = CLASSES[:frames]
    sheet = Image.new("RGB", (len(columns) * (size + 4), len(rolls) * (size + 4)))
    for row, roll in enumerate(rolls):
        for column, label in enumerate(columns):
            sheet.paste(Image.fromarray(roll.frame(column, label).image), (column * (size + 4), row * (size + 4)))
    sheet.save(out / "sheet.png", compress_level=QUICK)
