"""Drawn cloth as training data: many rolls, a few frames of each, and the roll is the source."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.data import Dataset
from ml.fabric import CLASSES, Roll
from ml.preprocess import resize

FRAMES = 5  # frames a roll: few, because what a model must learn is rolls it has not seen
GOOD = 0.4  # share of good frames; the defect classes share the rest equally
QUALITIES = (80, 96)  # of JPEG
LICENCE = "our own drawings, no outside image"
SIZE = 256  # pixels of a drawn frame before it is resized to the input


def labels(seed: int, count: int) -> list[str]:
    """`count` labels of one roll, shuffled by its seed."""
    rng = np.random.default_rng([seed, 0x1AB])
    shares = [GOOD] + [(1 - GOOD) / (len(CLASSES) - 1)] * (len(CLASSES) - 1)
    return [str(label) for label in rng.choice(CLASSES, count, p=shares)]


def draw_roll(job: tuple[int, int, int, int, int]) -> tuple[NDArray[np.uint8], NDArray[np.intp]]:
    """(seed, frames, width, height, channels) to images (n, height, width, channels) and targets (n,)."""
    seed, count, width, height, channels = job
    roll = Roll(seed, SIZE)
    names = labels(seed, count)
    quality = _quality(seed)
    frames = [resize(sent(roll.frame(index, name).image, quality), width, height) for index, name in enumerate(names)]
    images = np.stack(frames)
    if channels == 1:
        images = np.rint(images @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)[..., None]
    return images, np.array([CLASSES.index(name) for name in names], dtype=np.intp)


def _quality(seed: int) -> int | None:
    """How the roll's camera compresses, half of them not at all: coding adds to a picture's spectrum, its look."""
    rng = np.random.default_rng([seed, 0x17E6])
    return int(rng.integers(*QUALITIES)) if rng.random() < 0.5 else None


def sent(image: NDArray[np.uint8], quality: int | None) -> NDArray[np.uint8]:
    """The image (H, W, 3) as it arrives from a camera that sends JPEG of that quality, or loses nothing."""
    if quality is None:
        return image
    out = io.BytesIO()
    Image.fromarray(image).save(out, "JPEG", quality=quality)
    return np.asarray(Image.open(out))


def draw(count: int, seed: int, size: tuple[int, int], channels: int, workers: int = 1) -> Dataset:
    """About `count` frames from rolls seed * 1_000_000 onwards; `size` is (width, height)."""
    rolls = [seed * 1_000_000 + index for index in range(max(2, -(-count // FRAMES)))]
    found = list(_run([(roll, FRAMES, *size, channels) for roll in rolls], workers))
    images = np.concatenate([part for part, _ in found])
    targets = np.concatenate([part for _, part in found])
    groups = tuple(f"roll-{roll}" for roll in rolls for _ in range(FRAMES))
    digest = hashlib.sha256(images.tobytes() + targets.tobytes()).hexdigest()
    about = f"{len(images)} frames of {len(rolls)} rolls drawn by ml.fabric, seed {seed}"
    return Dataset(images, targets, CLASSES, groups, ("",) * len(groups), digest, about, licence=LICENCE)


def _run(
    jobs: list[tuple[int, int, int, int, int]], workers: int
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.intp]]]:
    if workers == 1:
        yield from map(draw_roll, jobs)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(draw_roll, jobs, chunksize=8)
