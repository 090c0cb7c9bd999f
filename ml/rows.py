"""What is labelled, row by row: from a manifest, class folders or arrays, or one clear message naming the rows."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml import arrays
from ml.answers import UNKNOWN
from ml.refusal import DataError, refuse

COLUMNS = ("path", "label", "source", "roll", "split", "licence", "box", "weight", "camera")


@dataclass(frozen=True)
class Row:
    """One labelled image. `group` (the roll where it is given, else the source) stays on one side of a split.

    `name` is the path as the manifest has it, or file[index] in an array, whose `pixels` (H, W, C) are then held.
    box: x, y, width, height of the defect in pixels, where it is known. weight: how much its label counts in training,
    beside others; any number above 0. camera: which took it, where it is known.
    """

    line: int
    path: Path
    label: str
    source: str
    name: str
    roll: str = ""
    split: str = ""
    licence: str = ""
    box: tuple[int, int, int, int] | None = None
    weight: float = 1.0
    camera: str = ""
    pixels: NDArray[np.uint8] | None = field(default=None, compare=False, repr=False)

    @property
    def group(self) -> str:
        return self.roll or self.source

    @property
    def where(self) -> str:
        return f"row {self.line} ({self.name})"

    def read(self) -> bytes:
        """The image as a camera would send it: the file's bytes, or an array's pixels as a BMP, which loses nothing."""
        if self.pixels is None:
            return self.path.read_bytes()
        out = io.BytesIO()
        Image.fromarray(self.pixels[..., 0] if self.pixels.shape[2] == 1 else self.pixels).save(out, "BMP")
        return out.getvalue()


def parse_merge(texts: Iterable[str]) -> dict[str, str]:
    """`spot=nep,fuzzyball` to {nep: spot, fuzzyball: spot}."""
    merged: dict[str, str] = {}
    for text in texts:
        target, equals, parts = text.partition("=")
        if not (target and equals and parts):
            raise DataError(f"--merge wants NAME=class,class, not {text!r}")
        merged |= dict.fromkeys(parts.split(","), target)
    return merged


def read_rows(place: Path, merge: Mapping[str, str] | None = None, source_file: Path | None = None) -> list[Row]:
    """The rows of a manifest, of arrays (see ml.arrays), or of a folder with a folder for each class.

    `source_file`: a CSV that names the sources of arrays.
    """
    if arrays.are_at(place):
        rows = _from_arrays(place, source_file)
    elif source_file:
        raise DataError(f"{source_file} names the sources of arrays, and {place} holds none")
    else:
        rows = _from_folder(place) if place.is_dir() else _from_manifest(place)
    if not rows:
        raise DataError(f"{place} lists no images")
    names = merge or {}
    return [replace(row, label=names.get(row.label, row.label)) for row in rows]


def _from_manifest(place: Path) -> list[Row]:
    try:
        with place.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            lacking = {"path", "label", "source"} - set(reader.fieldnames or ())
            if lacking:
                raise DataError(f"{place} lacks the column {', '.join(sorted(lacking))}")
            return [_row(place.parent, line, entry) for line, entry in enumerate(reader, 2)]
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise DataError(f"{place} cannot be read: {problem}") from problem


def _row(folder: Path, line: int, entry: Mapping[str, str | None]) -> Row:
    path, label, source, roll, split, licence, box, weight, camera = ((entry.get(key) or "").strip() for key in COLUMNS)
    if not (path and label and source):
        raise DataError(f"row {line} lacks its path, label or source")
    return Row(
        line, folder / path, label, source, path, roll, split, licence, _box(line, box), _weight(line, weight), camera
    )  # fmt: skip


def _box(line: int, text: str) -> tuple[int, int, int, int] | None:
    """`x y width height` in whole pixels, as `python -m ml draw` writes it."""
    parts = text.split()
    if not parts:
        return None
    if len(parts) != 4 or not all(part.isdecimal() for part in parts):
        raise DataError(f"row {line}: box is {text!r}, not x y width height in whole pixels")
    x, y, width, height = map(int, parts)
    return x, y, width, height


def _weight(line: int, text: str) -> float:
    """1 where none is given."""
    try:
        weight = float(text or 1)
    except ValueError:
        weight = math.nan
    if not 0 < weight < math.inf:
        raise DataError(f"row {line}: weight is {text!r}, not a number above 0")
    return weight


def _from_folder(place: Path) -> list[Row]:
    """Without a manifest nothing says which images are of one source, so each counts as its own."""
    files = sorted(file for file in place.glob("*/*") if file.is_file() and not file.name.startswith("."))
    return [_alone(number, file, file.relative_to(place).as_posix()) for number, file in enumerate(files, 1)]


def _alone(number: int, file: Path, name: str) -> Row:
    return Row(number, file, file.parent.name, name, name)


def _from_arrays(place: Path, source_file: Path | None) -> list[Row]:
    found = arrays.read(place, source_file)
    names = [f"{place.name}[{index}]" for index in range(len(found.images))]
    sources = found.sources or names
    return [
        Row(index + 1, place, found.labels[index], sources[index], names[index], pixels=found.images[index])
        for index in range(len(names))
    ]


def class_names(rows: Sequence[Row], wanted: Sequence[str] = ()) -> tuple[str, ...]:
    """The classes, `good` first where there is one. DataError on labels not wanted, on one class only."""
    found = sorted({row.label for row in rows}, key=lambda name: (name != "good", name))
    classes = tuple(wanted) or tuple(found)
    refuse("unknown is an answer and no class", [row.where for row in rows if row.label == UNKNOWN])
    refuse("unknown label", [f"row {row.line} ({row.label})" for row in rows if row.label not in classes])
    refuse("no row is of class", [name for name in classes if name not in found])
    if len(found) < 2:
        raise DataError(f"needs at least two classes, and rows {rows[0].line} to {rows[-1].line} are all {found[0]}")
    return classes


def check_files(rows: Sequence[Row]) -> None:
    """DataError naming the rows whose file is missing."""
    refuse("missing file", [row.where for row in rows if not row.path.is_file() and row.pixels is None])


def check_rows(rows: Sequence[Row]) -> None:
    """DataError on missing files and on classes of fewer than two sources, which no split of ours can hold apart. Where
    a split is given, one source may train: its class is then not measured."""
    check_files(rows)
    if any(row.split for row in rows):
        return
    groups: dict[str, set[str]] = {}
    first: dict[str, Row] = {}
    for row in rows:
        groups.setdefault(row.label, set()).add(row.group)
        first.setdefault(row.label, row)
    lone = [f"{name} (from {first[name].where} on)" for name in sorted(groups) if len(groups[name]) < 2]
    refuse("fewer than 2 sources in class", lone)
