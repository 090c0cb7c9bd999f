"""A class from a few examples: their mean on the unit sphere, and how far around it the class reaches. Pure numpy.

Nearest prototype after Snell et al. 2017 (arXiv 1703.05175). All distances are Euclidean, of embeddings scaled to unit
length: 0 for the same direction, sqrt(2) for unrelated ones, 2 for opposites.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Rows = NDArray[np.floating]

GOOD = "good"
FEWEST = 2  # examples, below which none can be left out and still leave a mean
# Of the images to come, the share that the examples' own spread makes one expect inside. It is generous:
# what is taken in error is looked at by a person, what is missed is not, and rivals and `lost` hold the other side.
REACHED = 0.99
BLOCK = 8192  # rows whose distances are taken at a time


class Prototype(NamedTuple):
    """A class by its centre (D,), a unit vector, and the distance from it up to which an image is of the class."""

    centre: Floats
    radius: float


class Calibration(NamedTuple):
    """What a few examples make of a class, and what it would cost the others.

    spread (n,): of each example, its distance to the mean of the others: how far an image lies that the mean has not
    seen. asked: the radius that this spread asks for by itself; the prototype's is that or, where others are in the
    way, less. swallowed: of each other class, the share that would be called the new one. swallows_good: the examples
    lie so far apart that a circle which holds the middle one of them holds good images as well, so that they make no
    class. nearest_other: distance to the nearest centre of another class, infinite where there is none.
    """

    prototype: Prototype
    spread: Floats
    asked: float
    swallowed: Mapping[str, float]
    swallows_good: bool
    nearest_other: float


def prototype(examples: Rows) -> Floats:
    """The unit mean (D,) of unit rows of (n, D). Of rows that cancel each other it is zero, as far from all as any."""
    return np.asarray(unit(unit(examples).mean(axis=0, keepdims=True))[0])


def unit(rows: Rows) -> Floats:
    """Rows (N, D) scaled to length 1; one that is as good as zero becomes zero."""
    wide = np.asarray(rows, dtype=np.float64)
    lengths = np.linalg.norm(wide, axis=1, keepdims=True)
    return np.asarray(np.divide(wide, lengths, out=np.zeros_like(wide), where=lengths > 1e-6))


def distances(embeddings: Rows, centres: Floats) -> Floats:
    """(N, K): of each row of (N, D), scaled to unit length, to each centre (K, D)."""
    found = np.empty((len(embeddings), len(centres)))
    lengths = (centres**2).sum(axis=1)
    for start in range(0, len(embeddings), BLOCK):
        rows = unit(embeddings[start : start + BLOCK])
        squares = (rows**2).sum(axis=1)[:, None] + lengths - 2 * rows @ centres.T
        found[start : start + BLOCK] = np.sqrt(np.maximum(squares, 0))
    return found


def inside(embeddings: Rows, prototypes: Sequence[Prototype], rivals: Floats) -> NDArray[np.intp]:
    """Which prototype takes each row of (N, D): its index (N,), -1 where none does.

    It takes what lies within its radius and nearer to its centre than to each of the rivals (R, D), the centres of the
    other classes; of several that would, the nearest does.
    """
    if not prototypes:
        return np.full(len(embeddings), -1, dtype=np.intp)
    far = distances(embeddings, np.stack([one.centre for one in prototypes]))
    within = far <= np.array([one.radius for one in prototypes])
    if len(rivals):
        within &= far < distances(embeddings, rivals).min(axis=1, keepdims=True)
    return np.where(within.any(axis=1), np.where(within, far, np.inf).argmin(axis=1), -1)


def calibrate(examples: Rows, others: Rows, other_labels: Sequence[str], *, lost: float = 0.01) -> Calibration:
    """The class of the examples (n, D), with the largest radius that

    (a) follows from their own spread: the distance below which REACHED of the images to come are expected, from n
    left-out distances taken as a normal sample (see `_reach`), and
    (b) costs each other class at most the share `lost` of its images: rows of `others` (m, D) by `other_labels` (m,),
    which the class would take by the rule of `inside`, their own classes' centres being its rivals.

    The others should be images that trained nothing, for those that did lie closer together than new ones will.
    ValueError on fewer than two examples, on embeddings that are not finite, or where shapes do not fit.
    """
    _refuse_unfit(examples, others, other_labels, lost)
    labels = np.asarray(other_labels, dtype=object)
    centre, spread = prototype(examples), left_out(examples)
    rivals = centres(others, other_labels)
    asked = _reach(spread)
    far = distances(others, centre[None])[:, 0]
    contested = inside(others, [Prototype(centre, math.inf)], rivals) == 0
    names = sorted(set(other_labels))
    allowed = [_allowed(np.where(contested, far, np.inf)[labels == name], lost) for name in names]
    radius = min([asked, *allowed])
    taken = contested & (far <= radius)
    middle = far <= float(np.median(spread))
    return Calibration(
        Prototype(centre, radius), spread, asked,
        {name: float(taken[labels == name].mean()) for name in names},
        GOOD in names and bool(middle[labels == GOOD].mean() > lost),
        float(distances(centre[None], rivals).min()) if names else math.inf,
    )  # fmt: skip


def centres(embeddings: Rows, labels: Sequence[str]) -> Floats:
    """The prototype (K, D) of each class of the rows (N, D), in the order of their names."""
    named = np.asarray(labels, dtype=object)
    found = [prototype(embeddings[named == name]) for name in sorted(set(labels))]
    return np.stack(found) if found else np.empty((0, embeddings.shape[1]))


def left_out(examples: Rows) -> Floats:
    """Of each of the examples (n, D), the distance (n,) to the prototype of the others."""
    rest = [np.delete(examples, row, axis=0) for row in range(len(examples))]
    return np.array([distances(examples[row][None], prototype(rest[row])[None])[0, 0] for row in range(len(examples))])


def _reach(spread: Floats) -> float:
    """The one-sided prediction bound for one more distance like these n: mean + t sd sqrt(1 + 1/n), t of n-1 degrees of
    freedom (Hahn and Meeker 1991, section 4.8). With few examples it is wide by right: they tell little of the rest.
    Nothing lies further than 2.
    """
    count = len(spread)
    bound = spread.mean() + _student(count - 1) * spread.std(ddof=1) * math.sqrt(1 + 1 / count)
    return min(float(bound), 2.0)


def _student(freedom: int) -> float:
    """The REACHED point of Student's t by its expansion about the normal's (Abramowitz and Stegun 26.7.5): within 0.5 %
    from 3 degrees of freedom on, 2 % too low at two and 24 % at one."""
    z = NormalDist().inv_cdf(REACHED)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    fourth = (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160
    return z + first / freedom + second / freedom**2 + third / freedom**3 + fourth / freedom**4


def _allowed(far: Floats, lost: float) -> float:
    """The largest radius that takes at most the share `lost` of rows at these distances (m,)."""
    spared = math.floor(lost * len(far) + 1e-9)
    if spared >= len(far):
        return math.inf
    first_too_many = float(np.partition(far, spared)[spared])
    return first_too_many * (1 - 1e-9)


def _refuse_unfit(examples: Rows, others: Rows, other_labels: Sequence[str], lost: float) -> None:
    if examples.ndim != 2 or others.ndim != 2 or examples.shape[1] != others.shape[1]:
        raise ValueError(f"embeddings of {examples.shape} and {others.shape} do not fit")
    if len(examples) < FEWEST:
        raise ValueError(f"a class needs {FEWEST} examples or more, not {len(examples)}")
    if len(others) != len(other_labels):
        raise ValueError(f"{len(others)} rows have {len(other_labels)} labels")
    if not (np.isfinite(examples).all() and np.isfinite(others).all()):
        raise ValueError("an embedding is not finite")
    if not 0 <= lost <= 1:
        raise ValueError(f"lost must lie in 0..1, not {lost}")
