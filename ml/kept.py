"""Labelled embeddings, as they were kept when a bundle judged: what a new head is fitted to. Numpy alone."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.data import Dataset
from ml.refusal import DataError, refuse

SIDES = ("train", "val")
NEEDED = {"embedding": 2, "label": 1, "source": 1, "side": 1}  # arrays and their dimensions

Floats = NDArray[np.float32]


def read(place: Path, classes: Sequence[str], size: int) -> tuple[Floats, Dataset]:
    """Embeddings (N, D) and, without pictures, whose they are: label, source, side and weight of each.

    `place` is an .npz of `embedding` (N, D), `label`, `source`, `side` (train or val) and, where labels count
    differently, `weight` (N,). `size` is D of the bundle that is to have made them. DataError on anything else, before
    a second is spent on it.
    """
    found = _arrays(place)
    count = len(found["label"])
    _refuse_shapes(place, found, size)
    embedding = np.asarray(found["embedding"], dtype=np.float32)
    weights = np.asarray(found.get("weight", np.ones(count)), dtype=np.float32)
    labels, sources, sides = ([str(value) for value in found[name].tolist()] for name in ("label", "source", "side"))
    refuse("embedding that is not in numbers", _rows(~np.isfinite(embedding.sum(axis=1))))
    refuse("weight that is not a number above 0", _rows(~(np.isfinite(weights) & (weights > 0))))
    refuse("no source named", _rows(np.array([not source for source in sources])))
    refuse("side other than train and val", [f"row {row} ({s})" for row, s in enumerate(sides) if s not in SIDES])
    names = _classes(labels, classes)
    data = Dataset(
        images=np.empty((count, 0, 0, 0), dtype=np.uint8),
        targets=np.array([names.index(label) for label in labels], dtype=np.intp),
        classes=names, groups=tuple(sources), splits=tuple(sides),
        digest=_digest(embedding, weights, labels, sources, sides),
        about=f"{count} kept embeddings of {len(set(sources))} sources", sources=tuple(sources), weights=weights,
        split_by="given with the embeddings, no source on two sides",
    )  # fmt: skip
    refuse_torn(data)
    return embedding, data


def refuse_torn(data: Dataset) -> None:
    """DataError if one source stands on both sides."""
    side: dict[str, str] = {}
    for row, (group, mine) in enumerate(zip(data.groups, data.splits, strict=True)):
        if side.setdefault(group, mine) != mine:
            raise DataError(f"the source {group!r} stands on both sides of the split, from row {row} on")


def _arrays(place: Path) -> dict[str, NDArray[Any]]:
    try:
        with np.load(place, allow_pickle=False) as found:
            arrays = {name: found[name] for name in (*NEEDED, "weight") if name in found}
    except (OSError, EOFError, ValueError, AttributeError, zipfile.BadZipFile) as problem:
        raise DataError(f"{place} cannot be read as embeddings: {problem}") from problem
    refuse(f"{place} lacks", [name for name in NEEDED if name not in arrays])
    return arrays


def _refuse_shapes(place: Path, found: Mapping[str, NDArray[Any]], size: int) -> None:
    count = len(found["embedding"]) if found["embedding"].ndim else 0
    if found["embedding"].ndim != 2 or found["embedding"].dtype.kind != "f" or not count:
        raise DataError(
            f"{place}: embedding is {found['embedding'].dtype} {found['embedding'].shape}, not floats (N, D)"
        )
    if found["embedding"].shape[1] != size:
        raise DataError(f"{place}: an embedding has {found['embedding'].shape[1]} figures, and the base's has {size}")
    wrong = [name for name, array in found.items() if name != "embedding" and array.shape != (count,)]
    refuse(f"{place} holds {count} embeddings, and not one each of", wrong)
    refuse(f"{place}: not text", [name for name in ("label", "source", "side") if found[name].dtype.kind not in "US"])
    if "weight" in found and found["weight"].dtype.kind not in "fiu":
        raise DataError(f"{place}: weight is {found['weight'].dtype}, not numbers")


def _classes(labels: Sequence[str], wanted: Sequence[str]) -> tuple[str, ...]:
    found = sorted(set(labels), key=lambda name: (name != "good", name))
    classes = tuple(wanted) or tuple(found)
    refuse("unknown label", [f"row {row} ({label})" for row, label in enumerate(labels) if label not in classes])
    refuse("no row is of class", [name for name in classes if name not in found])
    if len(classes) < 2 or len(set(classes)) < len(classes) or "unknown" in classes:
        raise DataError(f"needs two classes or more, each named once and none `unknown`: not {', '.join(classes)}")
    return classes


def _rows(wrong: NDArray[np.bool_]) -> list[str]:
    return [f"row {row}" for row in np.flatnonzero(wrong)]


def _digest(embedding: Floats, weights: Floats, *texts: Sequence[str]) -> str:
    found = hashlib.sha256(embedding.tobytes() + weights.tobytes())
    for column in texts:
        found.update("\n".join(column).encode())
    return found.hexdigest()
