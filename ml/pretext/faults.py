"""The kinds of planted fault: each takes cloth (SIDE, SIDE) of mean 0, a strength in grey levels, and a generator."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy.ndimage import gaussian_filter, map_coordinates

from ml.pretext.shapes import MIDDLE, SIDE, Plane, X, Y, bell, blob, line, rough, step, thread, wave

Fault = Callable[[Plane, float, np.random.Generator], Plane]


def _plane(values: ArrayLike) -> Plane:
    return np.asarray(values, dtype=np.float32)


def warp(cloth: Plane, strength: float, rng: np.random.Generator) -> Plane:
    """A light or dark line along the warp."""
    return _plane(cloth + strength * line(rng, rng.random() < 0.35))


def weft(cloth: Plane, strength: float, rng: np.random.Generator) -> Plane:
    """The same along the weft, dashed more often: the warp covers it."""
    return _plane(cloth + strength * line(rng, rng.random() < 0.5).T)


def slash(cloth: Plane, strength: float, rng: np.random.Generator) -> Plane:
    """A short stroke, more across than along."""
    angle = rng.uniform(-0.6, 0.6) + (np.pi / 2 if rng.random() < 0.35 else 0)
    y, x = rng.uniform(14, 50, 2)
    along = (X - x) * np.cos(angle) + (Y - y) * np.sin(angle)
    across = (Y - y) * np.cos(angle) - (X - x) * np.sin(angle)
    return _plane(
        cloth + strength * bell(across, rng.uniform(0.8, 2.6)) * step(np.abs(along) - rng.uniform(6, 18), 1.5)
    )


def spot(cloth: Plane, strength: float, rng: np.random.Generator) -> Plane:
    return _plane(cloth + 1.2 * strength * blob(rng, rng.uniform(1.3, 4)))


def stain(cloth: Plane, strength: float, rng: np.random.Generator) -> Plane:
    """A larger patch under which the weave fades."""
    mask = blob(rng, rng.uniform(5, 13))
    return _plane(cloth * (1 - mask * rng.uniform(0, 0.9)) + 0.8 * strength * mask)


def curl(cloth: Plane, strength: float, rng: np.random.Generator) -> Plane:
    return _plane(cloth + strength * thread(rng))


def fold(cloth: Plane, strength: float, rng: np.random.Generator) -> Plane:
    """Light on one flank and shade on the other, and the weave drawn towards the ridge."""
    course = (rng.uniform(10, 54) + wave(rng, rng.uniform(0, 3))).astype(np.float32)
    distance, width = X - course[:, None], rng.uniform(2, 7)
    if rng.random() < 0.5:
        shade = -1.6 * distance / width * bell(distance, width)
    else:
        shade = bell(distance, width) - 0.7 * bell(distance - rng.uniform(1.2, 2) * width, width)
    pulled = X + np.sign(strength) * rng.uniform(1, 4) * bell(distance, 1.5 * width)
    moved = map_coordinates(cloth, [Y, np.clip(pulled, 0, SIDE - 1)], order=1)
    return _plane(moved + 0.8 * strength * shade)


def edge(cloth: Plane, strength: float, rng: np.random.Generator) -> Plane:
    """The cloth ends, straight or frayed, against something light or dark."""
    distance = (X, SIDE - 1 - X, Y, SIDE - 1 - Y)[rng.integers(4)]
    frayed = distance + rough(rng, 2) * rng.uniform(0, 4) - rng.uniform(5, 50)
    mask = step(np.asarray(frayed, dtype=np.float32), rng.uniform(0.4, 2))
    return _plane(cloth * (1 - mask) + mask * np.sign(strength) * rng.uniform(60, 150))


def pick(cloth: Plane, strength: float, rng: np.random.Generator) -> Plane:
    """A band along the weft in which the weave is stronger or weaker: a thick, thin or missing pick."""
    return _band(cloth, strength, rng, Y, X)


def end(cloth: Plane, strength: float, rng: np.random.Generator) -> Plane:
    """The same along the warp."""
    return _band(cloth, strength, rng, X, Y)


def _band(cloth: Plane, strength: float, rng: np.random.Generator, across: Plane, along: Plane) -> Plane:
    distance = across - rng.uniform(*MIDDLE) + rng.uniform(-0.1, 0.1) * (along - SIDE / 2)
    mask = bell(distance, float(np.exp(rng.uniform(0, 2.3))))
    return _plane(cloth * (1 + rng.uniform(-0.9, 1.2) * mask) + 0.35 * strength * mask)


def worn(cloth: Plane, strength: float, rng: np.random.Generator) -> Plane:
    """A patch where the weave is smoothed away."""
    mask = blob(rng, rng.uniform(7, 18))
    return _plane(cloth * (1 - mask) + mask * gaussian_filter(cloth, rng.uniform(1.5, 4)) + 0.15 * strength * mask)


def displaced(cloth: Plane, strength: float, rng: np.random.Generator) -> Plane:
    """A patch whose weave is out of step, or turned."""
    mask = blob(rng, rng.uniform(7, 16))
    y, x = (int(value) for value in rng.integers(3, 30, 2))
    return _plane(cloth * (1 - mask) + mask * np.roll(cloth.T if rng.random() < 0.3 else cloth, (y, x), (0, 1)))


FAULTS: dict[str, Fault] = {
    "warp": warp, "weft": weft, "slash": slash, "spot": spot, "stain": stain, "curl": curl, "fold": fold,
    "edge": edge, "pick": pick, "end": end, "worn": worn, "displaced": displaced,
}  # fmt: skip
