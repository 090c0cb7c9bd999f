"""Patches of drawn cloth with a planted fault, as a data set: the kind of fault is the label."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates

from ml.data import Dataset
from ml.fabric import Roll
from ml.preprocess import grey
from ml.pretext.faults import FAULTS
from ml.pretext.shapes import SIDE, Plane, X, Y

KINDS = ("good", *FAULTS)
ROLLS = 700  # drawn rolls that patches are cut from
FRAME = 256  # pixels of a drawn frame
FIRST = 900_000  # the first roll's seed: far from those that the starter learns from and is tested on
WHOLE = 0.15  # share of patches without a fault


def planted(count: int, seed: int) -> Dataset:
    """`count` grey patches (N, SIDE, SIDE, 1) of cloth at many scales and lights, and the kind of fault in each."""
    rng = np.random.default_rng([seed, 0xFA17])
    bank = [grey(Roll(FIRST + index, FRAME).frame(0, "good").image) for index in range(min(ROLLS, max(2, count // 4)))]
    images = np.empty((count, SIDE, SIDE, 1), dtype=np.uint8)
    targets = np.empty(count, dtype=np.intp)
    for index in range(count):
        targets[index] = 0 if rng.random() < WHOLE else rng.integers(1, len(KINDS))
        images[index, ..., 0] = patch(bank[rng.integers(len(bank))], KINDS[targets[index]], rng)
    digest = hashlib.sha256(images.tobytes() + targets.tobytes()).hexdigest()
    about = f"{count} patches of drawn cloth with planted faults, seed {seed}"
    return Dataset(images, targets, KINDS, ("drawn",) * count, ("",) * count, digest, about)


def patch(frame: Plane, kind: str, rng: np.random.Generator) -> NDArray[np.uint8]:
    """One patch (SIDE, SIDE) cut from a frame (FRAME, FRAME), with a fault of `kind`, as a camera might see it."""
    cloth = _cut(frame, rng)
    if kind in FAULTS:
        contrast = max(float(cloth.std()), 5.0)
        strength = float(rng.choice([-1, 1]) * np.exp(rng.uniform(np.log(0.6), np.log(5)))) * contrast
        cloth = FAULTS[kind](cloth, strength, rng)
    if rng.random() < 0.5:
        cloth = cloth + rng.uniform(-15, 15) * (X / SIDE - 0.5) + rng.uniform(-15, 15) * (Y / SIDE - 0.5)
    if rng.random() < 0.4:
        cloth = gaussian_filter(cloth, rng.uniform(0.2, 0.8))
    seen = cloth + rng.standard_normal((SIDE, SIDE)) * rng.uniform(0, 4) + rng.uniform(50, 190)
    return np.clip(np.rint(seen), 0, 255).astype(np.uint8)


def _cut(frame: Plane, rng: np.random.Generator) -> Plane:
    """A part of the frame, 60 to 170 pixels wide, at SIDE pixels, of mean 0 and a contrast of its own."""
    width = int(rng.uniform(60, 170))
    y, x = (int(value) for value in rng.integers(0, FRAME - width + 1, 2))
    part = frame[y : y + width, x : x + width]
    if width > SIDE:
        part = gaussian_filter(part, 0.35 * width / SIDE)
    places = (np.arange(SIDE) + 0.5) * width / SIDE - 0.5
    cloth = map_coordinates(part, np.meshgrid(places, places, indexing="ij"), order=1, mode="nearest")
    cloth = cloth - cloth.mean()
    return np.asarray(cloth / max(float(cloth.std()), 4) * rng.uniform(5, 24), dtype=np.float32)
