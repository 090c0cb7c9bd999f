"""Run rules on standardised values: which points tell that something changed.

Rules 1 to 4 of Nelson (Journal of Quality Technology 16(4), 1984). The zone rules belong to variables charts and are
not here. The Western Electric set (Statistical Quality Control Handbook, 1956) counts 8 on one side, Nelson's 9.

`z` has shape (m,), oldest first. Each rule answers with +1 where it signals upwards, -1 downwards, else 0, shape (m,):
at the point that completes the pattern and at each that goes on with it.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from inspections.spc.limits import EDGE, SIGMAS, Floats

Signs = NDArray[np.int8]
Rule = Callable[[Floats], Signs]

NELSON_SIDE, WESTERN_SIDE = 9, 8
TREND, ALTERNATING = 6, 14


def beyond(z: Floats, sigmas: float = SIGMAS) -> Signs:
    """Rule 1: one point beyond 3 σ."""
    return _signs((z > sigmas + EDGE).astype(np.int8) - (z < -sigmas - EDGE).astype(np.int8))


def one_side(z: Floats, length: int = NELSON_SIDE) -> Signs:
    """Rule 2: `length` points in a row on one side. A point on the centre is on neither."""
    side = np.sign(z)
    return _signs(np.where(_runs(side) >= length, side, 0))


def trending(z: Floats, length: int = TREND) -> Signs:
    """Rule 3: `length` points in a row, each above the one before, or each below it."""
    step = np.sign(_steps(z))
    return _signs(np.where(_runs(step) >= length - 1, step, 0))


def alternating(z: Floats, length: int = ALTERNATING) -> Signs:
    """Rule 4: `length` points in a row, up and down in turn. It tells of no direction: +1 wherever it signals."""
    step = np.sign(_steps(z))
    turned = np.append([0.0], step[1:] * -step[:-1] > 0) if step.size else step
    return _signs(_runs(turned) >= length - 2)


def of_set(is_western: bool) -> Mapping[int, Rule]:
    """The four rules by their numbers."""
    side = WESTERN_SIDE if is_western else NELSON_SIDE
    return {1: beyond, 2: lambda z: one_side(z, side), 3: trending, 4: alternating}


def _steps(z: Floats) -> Floats:
    """From the point before; 0 at the first. Points at infinity have no step between them."""
    with np.errstate(invalid="ignore"):
        return np.nan_to_num(np.diff(z, prepend=z[:1]), nan=0.0)


def _runs(signs: NDArray[np.float64]) -> NDArray[np.int64]:
    """How many entries in a row, up to this one, have its sign; 0 where it is 0."""
    places = np.arange(signs.size)
    changed = np.append([True], signs[1:] != signs[:-1])[: signs.size]
    start = np.maximum.accumulate(np.where(changed, places, 0))
    return np.where(signs == 0, 0, places - start + 1)


def _signs(found: NDArray[np.generic]) -> Signs:
    return found.astype(np.int8)
