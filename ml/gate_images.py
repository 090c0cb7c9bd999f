"""Images to compare two precisions on: the validation side, filled up with drawn cloth where it is small."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.data import Dataset
from ml.fabric import CLASSES, Roll
from ml.picture import prepare
from ml.preprocess import Pixels
from ml.spec import Input

IMAGES, A_CLASS = 1000, 200  # fewest images to compare on, in all and of each class
MOST = 4 * IMAGES  # of the validation side
ROLLS = 700_000_000  # far from any roll that a model learns from
FRAMES = 5  # a roll
UNLABELLED = -1


@dataclass(frozen=True)
class GateImages:
    """images (N, H, W, C) at input size; targets (N,) into `classes`, or UNLABELLED; how many are of which origin."""

    images: Pixels
    targets: NDArray[np.intp]
    classes: tuple[str, ...]
    origin: dict[str, int]

    def smallest(self) -> int:
        """Images of the class that has fewest."""
        return min(int((self.targets == index).sum()) for index in range(len(self.classes)))


def gather(
    check_on: Dataset, shape: Input, side: str = "validation", draw: bool = True, most: int = MOST
) -> GateImages:
    """At least IMAGES in all, and A_CLASS of each class as far as there are any. `side`: what `check_on` is.

    A class that ml.fabric can draw is filled up with drawn frames; another one with views of its own images, each
    shifted, mirrored or lighter: numbers that the network has not multiplied yet. What is missing in all then is drawn
    cloth; where its kind is no class of the bundle it counts for agreement and has no label. Unless `draw`, views fill
    up everything: drawing takes 17 ms a frame.
    """
    rows = _evenly(check_on, most)
    real, targets = check_on.images[rows], check_on.targets[rows]
    drawn: list[tuple[Pixels, int]] = []
    views: list[tuple[Pixels, int]] = []
    for index, name in enumerate(check_on.classes):
        mine = real[targets == index]
        lacking = max(0, A_CLASS - len(mine))
        if draw and name in CLASSES:
            drawn += [(image, index) for image in _frames([name] * lacking, len(drawn), shape)]
        elif len(mine):
            views += [(image, index) for image in _views(mine, lacking)]
    lacking = max(0, IMAGES - len(real) - len(drawn) - len(views))
    if not draw:
        spread = np.random.default_rng(2).permutation(len(real))[: max(1, lacking)]
        views += zip(_views(real[spread], lacking), np.resize(targets[spread], lacking).tolist(), strict=True)
        lacking = 0
    names = [CLASSES[number % len(CLASSES)] for number in range(lacking)]
    labels = [check_on.classes.index(name) if name in check_on.classes else UNLABELLED for name in names]
    drawn += zip(_frames(names, len(drawn), shape), labels, strict=True)
    added = drawn + views
    return GateImages(
        np.concatenate([real, np.stack([image for image, _ in added])]) if added else real,
        np.concatenate([targets, np.array([label for _, label in added], dtype=np.intp)]),
        check_on.classes,
        {side: len(real), "drawn": len(drawn), "views": len(views)},
    )


def _evenly(data: Dataset, most: int) -> NDArray[np.intp]:
    """At most `most` rows, as many of each class as possible."""
    share = most // len(data.classes)
    order = np.random.default_rng(0).permutation(len(data.targets))
    return np.sort(np.concatenate([order[data.targets[order] == index][:share] for index in range(len(data.classes))]))


def _frames(names: list[str], start: int, shape: Input) -> Iterator[Pixels]:
    """One drawn frame a name, made ready as the judge would, from rolls that follow `start` frames."""
    roll = Roll(ROLLS + start)
    for number, name in enumerate(names):
        if number and number % FRAMES == 0:
            roll = Roll(ROLLS + start + number)
        image = roll.frame(number % FRAMES, name).image
        if shape.channels == 1:
            image = np.asarray(Image.fromarray(image).convert("L"))[..., None]
        yield prepare(image, replace(shape, large="resize")).views[0]


def _views(images: Pixels, count: int) -> Iterator[Pixels]:
    rng = np.random.default_rng(1)
    for number in range(count):
        image = np.roll(images[number % len(images)], tuple(rng.integers(-8, 9, 2)), axis=(0, 1))
        lighter = image.astype(np.int16) + int(rng.integers(-12, 13))
        yield np.clip(lighter[:, :: rng.choice((-1, 1))], 0, 255).astype(np.uint8)
