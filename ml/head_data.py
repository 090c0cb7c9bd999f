"""What a new head is fitted to: kept embeddings, or labelled images that the base looks at first."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml import kept, splits
from ml.base import Base
from ml.data import DataError, Dataset, check_rows, class_names, load, parse_merge, read_rows
from ml.engines import CpuEngine
from ml.flagging import Flag
from ml.kept import Floats
from ml.progress import SILENT, Progress
from ml.spec import GRAPH


@dataclass(frozen=True)
class HeadOrder:
    """One head as asked for: the fields are the options of `python -m ml head`.

    `embeddings`: see ml.kept. `manifest`: labelled images, which renew what known cloth looks like, prove fewer bits
    again, and are what the base looks at where no embeddings are given. `base_classes`: see Base.load.
    """

    base: Path
    out: Path
    embeddings: Path | None = None
    manifest: Path | None = None
    classes: tuple[str, ...] = ()
    base_classes: tuple[str, ...] = ()
    merge: tuple[str, ...] = ()
    resize_mixed: bool = False
    leave_twins: bool = False
    name: str = ""
    licence: str = ""
    flag: Flag = Flag()
    threads: int = 1
    log: Path | None = None
    progress: Progress = field(default=SILENT)


@dataclass(frozen=True)
class Labelled:
    """embedding (N, D) and whose they are, and the rows of each side. `pictures`: of the training side, where at hand;
    `checked`: of the rows `val`, in their order, where those are at hand."""

    embedding: Floats
    data: Dataset
    train: NDArray[np.intp]
    val: NDArray[np.intp]
    pictures: Dataset | None = None
    checked: Dataset | None = None

    def side(self, rows: NDArray[np.intp]) -> tuple[Floats, Dataset]:
        return self.embedding[rows], self.data.take(rows)


def gather(order: HeadOrder, base: Base) -> Labelled:
    """DataError naming what is wrong with the data, before anything is fitted."""
    if order.embeddings is None and order.manifest is None:
        raise DataError("nothing to learn from: give --embeddings, --manifest or both")
    pictures = _pictures(order, base) if order.manifest else None
    found = _kept(order, base, pictures) if order.embeddings else _looked_at(order, pictures)
    splits.refuse_thin(found.data, found.train)
    if not len(found.val):
        raise DataError("no row is on the side val, and there is nothing to calibrate on")
    return found


def _kept(order: HeadOrder, base: Base, pictures: Dataset | None) -> Labelled:
    assert order.embeddings is not None
    embedding, data = kept.read(order.embeddings, order.classes, base.spec.embedding_size)
    train, val = (np.flatnonzero(np.array(data.splits) == side) for side in kept.SIDES)
    if pictures is not None:
        pictures = pictures.take(np.flatnonzero(np.array(pictures.splits) != "val"))
    return Labelled(embedding, data, train, val, pictures)


def _looked_at(order: HeadOrder, pictures: Dataset | None) -> Labelled:
    assert pictures is not None
    data = splits.settle(pictures, order.leave_twins)
    split = splits.split(data)
    embedding = CpuEngine(order.base / GRAPH, order.threads).run(data.images)[2]
    return Labelled(embedding, data, split.train, split.val, data.take(split.train), data.take(split.val))


def _pictures(order: HeadOrder, base: Base) -> Dataset:
    assert order.manifest is not None
    rows = read_rows(order.manifest, parse_merge(order.merge))
    classes = class_names(rows, order.classes)
    check_rows(rows)
    splits.guard(rows)
    about = f"{len(rows)} images of {(order.manifest if order.manifest.is_dir() else order.manifest.parent).name}"
    mixed = order.resize_mixed or order.embeddings is not None  # what was judged was judged, whatever its size
    return load(rows, classes, base.spec.input, about, mixed)
