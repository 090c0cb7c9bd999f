"""Brightness homogenisation, so that a metric does not learn which class was filmed under which lamp.

As the steel-surface article has it: mean grey level of each class, global mean, and each class moved so that its mean
falls on the global one. That needs the label of every image, also of those to be judged, so its figures flatter. In
production the class is unknown: each image (or camera) is moved by its own mean to the training set's. By camera what
one frame has of its own stays; but a judge knows no camera's mean, so a bundle is made by image. Either way the raw
brightness is recorded first, or evening it out would hide a dying lamp.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ml.data import Dataset
from ml.preprocess import homogenise
from ml.refusal import refuse

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Levels:
    """Mean grey levels 0..255 of a training side: of all its images, of each class (K,), NaN of one that it lacks, and
    of each camera that its images name."""

    level: float
    of_class: Floats
    of_camera: Mapping[str, float]


def levels(train_on: Dataset) -> Levels:
    """Of raw images."""
    light = train_on.measured().light
    cameras, place = np.unique(np.array(train_on.cameras, dtype=str), return_inverse=True)
    means = class_means(light, place, len(cameras)) if len(cameras) else ()
    of_class = class_means(light, train_on.targets, len(train_on.classes))
    return Levels(float(light.mean()), of_class, dict(zip(cameras.tolist(), map(float, means), strict=True)))


def class_means(light: NDArray[np.floating], targets: NDArray[np.intp], classes: int) -> Floats:
    """(K,): mean of the grey levels (N,) of each class, NaN where it has no image."""
    counts = np.bincount(targets, minlength=classes)
    sums = np.bincount(targets, weights=light, minlength=classes)
    return np.asarray(np.divide(sums, counts, out=np.full(classes, np.nan), where=counts > 0))


def evened(data: Dataset, how: str, known: Levels) -> Dataset:
    """The same images with brightness homogenised: `none`, by `class`, by `camera`, or by `image`; `light` keeps the
    raw levels.

    A class or a camera that the training side lacks has no mean of its own yet: its images are moved one by one.
    """
    raw = data.measured()
    if how == "none":
        return raw
    own = np.asarray(raw.light, dtype=np.float64)
    shared = {
        "class": known.of_class[raw.targets],
        "camera": np.array([known.of_camera.get(camera, np.nan) for camera in raw.cameras]),
    }.get(how, own)
    light = np.where(np.isnan(shared), own, shared)
    moved = [homogenise(image, float(mean), known.level) for image, mean in zip(raw.images, light, strict=True)]
    return replace(raw, images=np.stack(moved))


def refuse_unnamed(data: Dataset, how: str) -> None:
    """DataError where brightness is to be evened by camera, and an image names none."""
    if how != "camera":
        return
    cameras = data.cameras or ("",) * len(data.targets)
    names = data.names or tuple(f"image {row}" for row in range(len(data.targets)))
    refuse("no camera is named of", [name for name, camera in zip(names, cameras, strict=True) if not camera])
