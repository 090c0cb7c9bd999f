"""Labelled images as arrays at input size, each made ready as the inspector will make it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ml.decode import UndecodableImage, decode
from ml.patches import patches
from ml.picture import Picture
from ml.preprocess import brightness, focus, homogenise
from ml.refusal import DataError, refuse
from ml.rows import Row, check_files, check_rows, class_names, parse_merge, read_rows
from ml.spec import Input

__all__ = [
    "DataError", "Dataset", "Row", "check_files", "check_rows", "class_names", "load", "parse_merge", "read_rows",
]  # fmt: skip

UNSTATED = "not stated"


def _none() -> NDArray[np.float32]:
    return np.empty(0, dtype=np.float32)


@dataclass(frozen=True)
class Dataset:
    """images uint8 (N, H, W, C) at input size, targets (N,) into `classes`, and each image's group and given split.

    licence: of the images, as the manifest states it. split_by: how sides are kept apart. names, sources: of each
    image, and lines (N,): the row it is from (a tiled row gives several images); empty where they are from no list.
    cameras: which took each, empty of one that names none, or altogether where they are from no list.
    weights (N,): how much each label counts in training; empty where all count alike.
    light, sharp (N,): brightness and focus of the picture that each image is from, before anything was changed; empty
    where the images are as they came.
    """

    images: NDArray[np.uint8]
    targets: NDArray[np.intp]
    classes: tuple[str, ...]
    groups: tuple[str, ...]
    splits: tuple[str, ...]
    digest: str
    about: str
    licence: str = UNSTATED
    split_by: str = "hash of the source or roll"
    names: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    cameras: tuple[str, ...] = ()
    lines: NDArray[np.intp] = field(default_factory=lambda: np.empty(0, dtype=np.intp))
    weights: NDArray[np.float32] = field(default_factory=_none)
    light: NDArray[np.float32] = field(default_factory=_none)
    sharp: NDArray[np.float32] = field(default_factory=_none)

    def take(self, rows: NDArray[np.intp]) -> Dataset:
        return replace(
            self, images=self.images[rows], targets=self.targets[rows],
            groups=_some(self.groups, rows), splits=_some(self.splits, rows),
            names=_some(self.names, rows), sources=_some(self.sources, rows),
            cameras=_some(self.cameras, rows),
            lines=self.lines[rows] if len(self.lines) else self.lines,
            weights=self.weights[rows] if len(self.weights) else self.weights,
            light=self.light[rows] if len(self.light) else self.light,
            sharp=self.sharp[rows] if len(self.sharp) else self.sharp,
        )  # fmt: skip

    def counts(self) -> dict[str, int]:
        found = np.bincount(self.targets, minlength=len(self.classes))
        return dict(zip(self.classes, found.tolist(), strict=True))

    def weighed(self) -> NDArray[np.float32]:
        """How much each image counts (N,), 1 in the mean."""
        if not len(self.weights):
            return np.ones(len(self.targets), dtype=np.float32)
        return np.asarray(self.weights / self.weights.mean(), dtype=np.float32)

    def measured(self) -> Dataset:
        """The same with `light` and `sharp` filled in."""
        if len(self.light):
            return self
        light = np.array([brightness(image) for image in self.images], dtype=np.float32)
        return replace(self, light=light, sharp=np.array([focus(image) for image in self.images], dtype=np.float32))

    def homogenised(self, level: float) -> Dataset:
        """The same with every picture's mean grey level moved to `level`, as the judge does with Input.homogenise."""
        raw = self.measured()
        moved = [homogenise(image, float(light), level) for image, light in zip(raw.images, raw.light, strict=True)]
        return replace(raw, images=np.stack(moved))


def _some(values: tuple[str, ...], rows: NDArray[np.intp]) -> tuple[str, ...]:
    return tuple(values[row] for row in rows) if values else ()


def load(rows: Sequence[Row], classes: tuple[str, ...], shape: Input, about: str, mixed: bool = False) -> Dataset:
    """Decodes every row and makes it ready as the inspector will. DataError on unreadable images.

    Images of several sizes that would all be resized are refused unless `mixed`: the same flaw would be seen at
    several scales, which is rarely meant.
    """
    pictures: list[Picture] = []
    sizes: list[tuple[int, int]] = []
    spoilt: list[str] = []
    digest = hashlib.sha256()
    for row in rows:
        data = row.read()
        more = ("" if row.weight == 1 else f"\t{row.weight!r}") + (f"\tby {row.camera}" if row.camera else "")
        digest.update(f"{row.label}\t{row.source}\t{hashlib.sha256(data).hexdigest()}{more}\n".encode())
        try:
            pixels = decode(data, shape.channels)
        except UndecodableImage as problem:
            spoilt.append(f"{row.where[:-1]}: {problem})")
            continue
        sizes.append((pixels.shape[1], pixels.shape[0]))
        pictures.append(patches(pixels, row, shape))
    refuse("unreadable image", spoilt)
    if shape.large == "resize" and not mixed:
        _refuse_mixed(rows, sizes)
    return _joined(rows, pictures, classes, digest.hexdigest(), about)


def _refuse_mixed(rows: Sequence[Row], sizes: Sequence[tuple[int, int]]) -> None:
    usual = Counter(sizes).most_common(1)[0][0]
    odd = [f"{row.where[:-1]}, {size[0]} x {size[1]})" for row, size in zip(rows, sizes, strict=True) if size != usual]
    refuse(f"mixed sizes, most are {usual[0]} x {usual[1]}, --resize-mixed takes them all", odd)


def _joined(
    rows: Sequence[Row], pictures: Sequence[Picture], classes: tuple[str, ...], digest: str, about: str
) -> Dataset:
    counts = [len(picture.views) for picture in pictures]
    mine = [row for row, count in zip(rows, counts, strict=True) for _ in range(count)]
    return Dataset(
        images=np.concatenate([picture.views for picture in pictures]),
        targets=np.array([classes.index(row.label) for row in mine], dtype=np.intp),
        classes=classes,
        groups=tuple(row.group for row in mine),
        splits=tuple(row.split for row in mine),
        digest=digest,
        about=about,
        licence=", ".join(sorted({row.licence for row in rows} - {""})) or UNSTATED,
        names=tuple(row.name for row in mine),
        sources=tuple(row.source for row in mine),
        cameras=tuple(row.camera for row in mine),
        lines=np.array([row.line for row in mine], dtype=np.intp),
        weights=np.array([row.weight for row in mine], dtype=np.float32),
        light=np.repeat(np.array([picture.brightness for picture in pictures], dtype=np.float32), counts),
        sharp=np.repeat(np.array([picture.focus for picture in pictures], dtype=np.float32), counts),
    )
