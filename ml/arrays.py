"""Labelled images held as NumPy or HDF5 arrays: X and Y, or `images` beside a CSV, read without unpickling anything."""

from __future__ import annotations

import csv
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.levels import eight_bits
from ml.refusal import DataError

# The names that arrays go by, compared without regard to case; images and labels in every kind of place.
IMAGES = ("images", "x", "data")
LABELS = ("labels", "y", "target")
SOURCES = ("sources",)
# Columns of a CSV beside an HDF5 file. Kaggle's textile set has index, angle, indication_type, indication_value, split;
# its index is a running number over both of its files and names no source.
LABEL_COLUMNS = ("label", "indication_type")
SOURCE_COLUMNS = ("source",)
HDF5 = (".h5", ".hdf5")


@dataclass(frozen=True)
class Arrays:
    """images uint8 (N, H, W, 1 or 3), the label of each, and the source of each or none at all."""

    images: NDArray[np.uint8]
    labels: tuple[str, ...]
    sources: tuple[str, ...]


def are_at(place: Path) -> bool:
    """Whether a place is read as arrays: a folder with X.npy, an X.npy itself, an .npz, or an HDF5 file."""
    return place.suffix.lower() in (".npy", ".npz", *HDF5) or bool(_files(place, IMAGES))


def read(place: Path, source_file: Path | None = None) -> Arrays:
    """Images, labels and sources of a place. DataError with the reason, listing what is inside where names do not fit.

    Integer labels are named by `classes.json` (a list of names) beside the arrays, else they are the numbers.
    `source_file`, or a CSV of the same name beside an HDF5 file, has one line for each image, in the same order.
    """
    try:
        if place.suffix.lower() in HDF5:
            return _from_hdf5(place, source_file)
        if place.suffix.lower() == ".npz":
            with np.load(place, allow_pickle=False) as found:
                return _gather(place, dict(found), source_file)
        return _from_folder(place if place.is_dir() else place.parent, source_file)
    except ValueError as problem:
        plain = "only plain numbers and texts are read, never Python objects such as images of different sizes"
        raise DataError(f"{place} cannot be read: {problem}; {plain}") from problem
    except (OSError, EOFError, zipfile.BadZipFile) as problem:
        raise DataError(f"{place} cannot be read: {problem}") from problem


def _files(folder: Path, wanted: tuple[str, ...]) -> list[Path]:
    return sorted(path for path in folder.glob("*.npy") if path.stem.lower() in wanted)


def _from_folder(folder: Path, source_file: Path | None) -> Arrays:
    paths = _files(folder, (*IMAGES, *LABELS, *SOURCES))
    found = {path.stem: np.load(path, mmap_mode="r", allow_pickle=False) for path in paths}
    return _gather(folder, found, source_file)


def _from_hdf5(place: Path, source_file: Path | None) -> Arrays:
    try:
        import h5py  # type: ignore[import-untyped]
    except ImportError as problem:
        raise DataError(f"{place}: reading HDF5 needs h5py, which the extra `train` installs") from problem
    with h5py.File(place, "r") as file:
        found = {name: part for name, part in file.items() if isinstance(part, h5py.Dataset)}
        beside = place.with_suffix(".csv")
        return _gather(place, found, source_file or (beside if beside.is_file() else None), list(file))


def _gather(place: Path, found: Mapping[str, Any], sidecar: Path | None, inside: list[str] | None = None) -> Arrays:
    named = {name.lower(): part for name, part in found.items()}
    images = _pick(named, IMAGES)
    if images is None:
        raise DataError(
            f"{place} holds {', '.join(inside or found) or 'nothing'}, and none is named {', '.join(IMAGES)}"
        )
    columns = _columns(sidecar, len(images)) if sidecar else {}
    labels = _labels(place, _pick(named, LABELS), columns)
    sources = _pick(named, SOURCES)
    told = _column(columns, SOURCE_COLUMNS) if sources is None else _texts(sources[...])
    if len(labels) != len(images) or len(told) not in (0, len(images)):
        raise DataError(f"{place} holds {len(images)} images, {len(labels)} labels and {len(told)} sources")
    return Arrays(eight_bits(place.name, images), labels, told)


def _pick(named: Mapping[str, Any], wanted: tuple[str, ...]) -> Any:
    return next((named[name] for name in wanted if name in named), None)


def _column(columns: Mapping[str, tuple[str, ...]], wanted: tuple[str, ...]) -> tuple[str, ...]:
    return next((columns[name] for name in wanted if name in columns), ())


def _columns(sidecar: Path, count: int) -> dict[str, tuple[str, ...]]:
    """Each column of a CSV with a line for every image."""
    with sidecar.open(newline="", encoding="utf-8-sig") as file:
        lines = list(csv.DictReader(file))
    if len(lines) != count:
        raise DataError(f"{sidecar} has {len(lines)} lines for {count} images")
    names = [name for name in lines[0] if name] if lines else []
    return {name.strip().lower(): tuple((line[name] or "").strip() for line in lines) for name in names}


def _labels(place: Path, labels: Any, columns: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    if labels is None:
        told = _column(columns, LABEL_COLUMNS)
        if not told:
            raise DataError(f"{place} names no labels: no {', '.join(LABELS)} inside, and no CSV with {LABEL_COLUMNS}")
        return told
    values = np.asarray(labels[...])
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1 or values.dtype.kind not in "iuSUO":
        raise DataError(f"{place}: labels must be one whole number or name an image, not {values.dtype} {values.shape}")
    names = _class_file(place)
    if values.dtype.kind not in "iu" or not names:
        return _texts(values)
    if values.min(initial=0) < 0 or values.max(initial=0) >= len(names):
        raise DataError(f"{place}: label {values.max()} is not among the {len(names)} names of classes.json")
    return tuple(names[value] for value in values.tolist())


def _class_file(place: Path) -> list[str]:
    path = (place if place.is_dir() else place.parent) / "classes.json"
    if not path.is_file():
        return []
    names = json.loads(path.read_text())
    if not (isinstance(names, list) and all(isinstance(name, str) for name in names)):
        raise DataError(f"{path} is not a list of class names")
    return names


def _texts(values: Any) -> tuple[str, ...]:
    return tuple(value.decode() if isinstance(value, bytes) else str(value) for value in np.asarray(values).tolist())
