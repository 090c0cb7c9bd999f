"""Brightness homogenisation, so that a metric does not learn which class was filmed under which lamp.

As the steel-surface article has it: mean grey level of each class, global mean, and each class moved so that its mean
falls on the global one. That needs the label of every image, also of those to be judged, so its figures flatter. In
production the class is unknown: each image (or camera) is moved by its own mean to the training set's. Either way the
raw brightness is recorded first, or evening it out would hide a dying lamp.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ml.data import Dataset
from ml.preprocess import homogenise

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Levels:
    """Mean grey levels 0..255 of a training side: of all its images, and of each class (K,), NaN of one it lacks."""

    level: float
    of_class: Floats


def levels(train_on: Dataset) -> Levels:
    """Of raw images."""
    light = train_on.measured().light
    return Levels(float(light.mean()), class_means(light, train_on.targets, len(train_on.classes)))


def class_means(light: NDArray[np.floating], targets: NDArray[np.intp], classes: int) -> Floats:
    """(K,): mean of the grey levels (N,) of each class, NaN where it has no image."""
    counts = np.bincount(targets, minlength=classes)
    sums = np.bincount(targets, weights=light, minlength=classes)
    return np.asarray(np.divide(sums, counts, out=np.full(classes, np.nan), where=counts > 0))


def evened(data: Dataset, how: str, known: Levels) -> Dataset:
    """The same images with brightness homogenised: `none`, by `class`, or by `image`; `light` keeps the raw levels.

    A class that the training side lacks has no mean of its own yet: its images are moved one by one.
    """
    raw = data.measured()
    if how == "none":
        return raw
    own = np.asarray(raw.light, dtype=np.float64)
    of_class = known.of_class[raw.targets]
    light = np.where(np.isnan(of_class), own, of_class) if how == "class" else own
    moved = [homogenise(image, float(mean), known.level) for image, mean in zip(raw.images, light, strict=True)]
    return replace(raw, images=np.stack(moved))
