"""What one roll is: its weave, yarns, colours and the camera above it, all from the roll's seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ml.fabric.weaves import WEAVES

YARNS = 256  # yarns remembered in each direction before the pattern starts again; a power of two

# Reflectance of warp and weft, 0..1 RGB, and how often a mill would run it.
COLOURS: dict[str, tuple[tuple[float, float, float], tuple[float, float, float], float]] = {
    "undyed": ((0.78, 0.73, 0.62), (0.80, 0.75, 0.65), 3),
    "white": ((0.86, 0.87, 0.88), (0.87, 0.88, 0.88), 2),
    "grey": ((0.52, 0.53, 0.54), (0.50, 0.51, 0.52), 3),
    "denim": ((0.13, 0.18, 0.33), (0.50, 0.52, 0.55), 3),
    "chambray": ((0.30, 0.43, 0.62), (0.66, 0.69, 0.73), 2),
    "charcoal": ((0.17, 0.17, 0.18), (0.19, 0.19, 0.20), 2),
    "navy": ((0.11, 0.14, 0.26), (0.12, 0.15, 0.28), 1),
    "red": ((0.58, 0.13, 0.13), (0.60, 0.15, 0.14), 1),
    "bottle": ((0.12, 0.30, 0.21), (0.13, 0.32, 0.23), 1),
    "khaki": ((0.52, 0.46, 0.32), (0.54, 0.48, 0.34), 2),
    "sky": ((0.52, 0.66, 0.80), (0.54, 0.68, 0.82), 1),
    "rust": ((0.58, 0.32, 0.17), (0.56, 0.31, 0.18), 1),
    "pepper": ((0.26, 0.26, 0.27), (0.56, 0.55, 0.53), 1),
}


@dataclass(frozen=True)
class Style:
    """Pitches are in pixels of a 256 px frame; colours are (YARNS, 3) reflectances; angles in radians."""

    weave: str
    colour: str
    pattern: str
    pitch: tuple[float, float]
    width: tuple[float, float]
    bend: float
    twist: float
    angle: float
    skew: float
    wobble: float
    slub: float
    hairs: int
    light: tuple[float, float]
    exposure: float
    gradient: float
    gamma: float
    noise: float
    blur: float
    warp: NDArray[np.float32]
    weft: NDArray[np.float32]


def _bands(rng: Generator, base: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Yarn colours with stripes of `other`; the repeat is short, so that a frame shows it is one."""
    repeat: list[int] = []
    for _ in range(int(rng.integers(1, 3))):
        repeat += [0] * int(rng.integers(3, 7)) + [1] * int(rng.integers(2, 5))
    which = np.resize(np.array(repeat), YARNS)
    return np.where(which[:, None] == 1, other, base)


def _yarns(rng: Generator, base: NDArray[np.float64], uneven: float) -> NDArray[np.float32]:
    """Each yarn a little lighter or darker than the next."""
    tone = 1 + uneven * np.clip(rng.standard_normal((YARNS, 1)), -2, 2)
    return np.asarray(np.clip(base * tone, 0.01, 1.0), dtype=np.float32)


def _second_colour(rng: Generator, base: NDArray[np.float64]) -> NDArray[np.float64]:
    """A stripe colour: the ground's own, lighter or darker, or one mixed towards another."""
    if rng.random() < 0.7:
        factor = rng.uniform(0.6, 0.8) if base.mean() > 0.35 else rng.uniform(1.4, 1.9)
        return np.clip(base * factor, 0.03, 0.9)
    names = sorted(COLOURS)
    other = np.array(COLOURS[names[int(rng.integers(len(names)))]][0])
    return 0.45 * base + 0.55 * other


def _pattern(rng: Generator) -> str:
    return str(rng.choice(["solid", "stripe", "check"], p=[0.8, 0.12, 0.08]))


def _colour(rng: Generator) -> str:
    names = list(COLOURS)
    weights = np.array([COLOURS[name][2] for name in names], dtype=float)
    return str(rng.choice(names, p=weights / weights.sum()))


def _exposure(rng: Generator, base: NDArray[np.float64]) -> float:
    """Cameras are set up for the cloth: dark cloth gets more light, though never enough to look grey."""
    return float(rng.uniform(0.8, 1.02) * (0.55 / max(float(base.mean()), 0.1)) ** 0.38)


def style(rng: Generator) -> Style:
    """Draws a style; the same generator state gives the same cloth."""
    weave = str(rng.choice(list(WEAVES)))
    colour = _colour(rng)
    if colour == "denim" and rng.random() < 0.8:
        weave = "twill 3/1"
    pattern = "solid" if colour == "denim" else _pattern(rng)
    jitter = rng.normal(1, 0.06) * rng.normal(1, 0.018, 3)
    warp, weft = (np.tile(np.array(part) * jitter, (YARNS, 1)) for part in COLOURS[colour][:2])
    second = _second_colour(rng, warp[0])
    uneven = rng.uniform(0.01, 0.045)
    exposure = _exposure(rng, (warp[0] + weft[0]) / 2)
    pitch = float(np.exp(rng.uniform(np.log(6.5), np.log(18 if pattern == "solid" else 11)))) * (
        0.8 if "satin" in weave or "sateen" in weave else 1.0
    )
    return Style(
        weave=weave,
        colour=colour,
        pattern=pattern,
        pitch=(pitch, pitch * float(rng.uniform(0.85, 1.35))),
        width=(float(rng.uniform(0.92, 1.15)), float(rng.uniform(0.92, 1.15))),
        bend=float(rng.uniform(0.45, 0.85)),
        twist=float(rng.uniform(0.02, 0.09)),
        angle=float(np.clip(rng.normal(0, 0.05), -0.14, 0.14)),
        skew=float(np.clip(rng.normal(0, 0.03), -0.08, 0.08)),
        wobble=float(rng.uniform(0.08, 0.30)),
        slub=float(rng.uniform(0.02, 0.09)),
        hairs=int(rng.integers(8, 40)),
        light=(float(rng.uniform(-0.5, 0.5)), float(rng.uniform(-0.5, 0.5))),
        exposure=exposure,
        gradient=float(rng.uniform(0.02, 0.22)),
        gamma=float(rng.uniform(0.72, 0.95)),
        noise=float(rng.uniform(1.0, 4.5)),
        blur=float(rng.uniform(0.3, 1.1)),
        warp=_yarns(rng, _bands(rng, warp, second) if pattern != "solid" else warp, uneven),
        weft=_yarns(rng, _bands(rng, weft, second) if pattern == "check" else weft, uneven),
    )
