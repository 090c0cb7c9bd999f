"""Labelled images: a manifest or class folders to arrays at input size, or one clear message naming the rows."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml.decode import UndecodableImage, decode
from ml.preprocess import resize

NAMED = 5  # rows named in a message; the rest are counted


class DataError(Exception):
    """The data cannot be used; the message names what is wrong and where."""


@dataclass(frozen=True)
class Row:
    """One line of a manifest. `group` (the roll where it is given, else the source) stays on one side of a split."""

    line: int
    path: Path
    label: str
    source: str
    roll: str = ""
    split: str = ""

    @property
    def group(self) -> str:
        return self.roll or self.source


@dataclass(frozen=True)
class Dataset:
    """images uint8 (N, H, W, C) at input size, targets (N,) into `classes`, and each image's group and given split."""

    images: NDArray[np.uint8]
    targets: NDArray[np.intp]
    classes: tuple[str, ...]
    groups: tuple[str, ...]
    splits: tuple[str, ...]
    digest: str
    about: str

    def take(self, rows: NDArray[np.intp]) -> Dataset:
        groups, splits = tuple(self.groups[row] for row in rows), tuple(self.splits[row] for row in rows)
        return Dataset(self.images[rows], self.targets[rows], self.classes, groups, splits, self.digest, self.about)

    def counts(self) -> dict[str, int]:
        found = np.bincount(self.targets, minlength=len(self.classes))
        return dict(zip(self.classes, found.tolist(), strict=True))


def parse_merge(texts: Iterable[str]) -> dict[str, str]:
    """`spot=nep,fuzzyball` to {nep: spot, fuzzyball: spot}."""
    merged: dict[str, str] = {}
    for text in texts:
        target, equals, parts = text.partition("=")
        if not (target and equals and parts):
            raise DataError(f"--merge wants NAME=class,class, not {text!r}")
        merged |= dict.fromkeys(parts.split(","), target)
    return merged


def read_rows(place: Path, merge: Mapping[str, str] | None = None) -> list[Row]:
    """The rows of a manifest (path,label,source[,roll][,split]) or of a folder with a folder for each class."""
    rows = _from_folder(place) if place.is_dir() else _from_manifest(place)
    if not rows:
        raise DataError(f"{place} lists no images")
    names = merge or {}
    return [Row(r.line, r.path, names.get(r.label, r.label), r.source, r.roll, r.split) for r in rows]


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
    path, label, source, roll, split = (
        (entry.get(key) or "").strip() for key in ("path", "label", "source", "roll", "split")
    )
    if not (path and label and source):
        raise DataError(f"row {line} lacks its path, label or source")
    return Row(line, folder / path, label, source, roll, split)


def _from_folder(place: Path) -> list[Row]:
    """Without a manifest nothing says which images are of one source, so each counts as its own."""
    files = sorted(file for file in place.glob("*/*") if file.is_file() and not file.name.startswith("."))
    return [Row(number, file, file.parent.name, str(file.relative_to(place))) for number, file in enumerate(files, 1)]


def class_names(rows: Sequence[Row], wanted: Sequence[str] = ()) -> tuple[str, ...]:
    """The classes, `good` first. DataError on labels not wanted, on one class only, without good."""
    found = sorted({row.label for row in rows}, key=lambda name: (name != "good", name))
    classes = tuple(wanted) or tuple(found)
    _refuse("unknown label", [f"row {row.line} ({row.label})" for row in rows if row.label not in classes])
    if "good" not in found or len(found) < 2:
        raise DataError(f"needs good and at least one defect class, and has only {', '.join(found)}")
    return classes


def check_files(rows: Sequence[Row]) -> None:
    """DataError naming the rows whose file is missing."""
    _refuse("missing file", [f"row {row.line} ({row.path.name})" for row in rows if not row.path.is_file()])


def check_rows(rows: Sequence[Row]) -> None:
    """DataError on missing files and on classes of fewer than two sources, which no split can hold apart."""
    check_files(rows)
    groups: dict[str, set[str]] = {}
    for row in rows:
        groups.setdefault(row.label, set()).add(row.group)
    _refuse("fewer than 2 sources in class", [name for name, found in sorted(groups.items()) if len(found) < 2])


def load(rows: Sequence[Row], classes: tuple[str, ...], size: tuple[int, int], channels: int, about: str) -> Dataset:
    """Decodes and resizes every row as the inspector will; `size` is (width, height). DataError if unreadable."""
    images = np.empty((len(rows), size[1], size[0], channels), dtype=np.uint8)
    spoilt: list[str] = []
    digest = hashlib.sha256()
    for index, row in enumerate(rows):
        data = row.path.read_bytes()
        digest.update(f"{row.label}\t{row.source}\t{hashlib.sha256(data).hexdigest()}\n".encode())
        try:
            images[index] = resize(decode(data, channels), *size)
        except UndecodableImage as problem:
            spoilt.append(f"row {row.line} ({row.path.name}: {problem})")
    _refuse("unreadable image", spoilt)
    targets = np.array([classes.index(row.label) for row in rows], dtype=np.intp)
    groups, splits = tuple(row.group for row in rows), tuple(row.split for row in rows)
    return Dataset(images, targets, classes, groups, splits, digest.hexdigest(), about)


def _refuse(what: str, found: Sequence[str]) -> None:
    if found:
        more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
        raise DataError(f"{what}: {', '.join(found[:NAMED])}{more}")
