"""A roll: one cloth under one camera, from which any number of frames can be drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ml.fabric import camera
from ml.fabric.cloth import lay
from ml.fabric.defects import CLASSES, plant
from ml.fabric.hairs import comb
from ml.fabric.relief import light_up
from ml.fabric.style import style
from ml.fabric.weaves import WEAVES


@dataclass(frozen=True)
class Frame:
    """image uint8 (S, S, 3); mask bool (S, S), True on the defect; box (x, y, width, height) in pixels or None."""

    image: NDArray[np.uint8]
    label: str
    mask: NDArray[np.bool_]
    box: tuple[int, int, int, int] | None


class Roll:
    """`Roll(seed).frame(index, label)` is the same picture for ever; rolls differ in cloth, frames in place."""

    def __init__(self, seed: int, size: int = 256) -> None:
        self.seed, self.size = seed, size
        rng = np.random.default_rng([seed, 0x5E1])
        self.style = style(rng)
        bend, light, twist = self.style.bend, self.style.light, self.style.twist
        self._relief = light_up(WEAVES[self.style.weave](), self.style.width, bend, light, twist)
        side = size + size // 4
        self._fibre = camera.fibre_texture(rng, side, float(rng.uniform(0.02, 0.07)))
        self._noise = camera.sensor_noise(rng, side, self.style.noise)

    def frame(self, index: int, label: str = "good") -> Frame:
        """Frame `index` of the roll with a `label` defect planted. ValueError on a label that is not in CLASSES."""
        if label not in CLASSES:
            raise ValueError(f"no way to draw {label!r}: use one of {', '.join(CLASSES)}")
        rng = np.random.default_rng([self.seed, index, CLASSES.index(label)])
        cloth = lay(rng, self.style, self._relief, self._fibre, self.size)
        comb(rng, cloth)
        mask = plant(rng, cloth, label)
        image = camera.expose(rng, cloth.rgb, self.style, self._noise)
        return Frame(image, label, mask, _box(mask))

    def random_frame(self, rng: Generator, label: str) -> Frame:
        return self.frame(int(rng.integers(1 << 31)), label)


def _box(mask: NDArray[np.bool_]) -> tuple[int, int, int, int] | None:
    if not mask.any():
        return None
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    x, y = int(columns[0]), int(rows[0])
    return x, y, int(columns[-1]) - x + 1, int(rows[-1]) - y + 1
