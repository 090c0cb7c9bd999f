"""Weave diagrams: one repeat as a boolean table (weft row, warp column), True where the warp lies on top."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Table = NDArray[np.bool_]


def plain() -> Table:
    return np.array([[1, 0], [0, 1]], dtype=bool)


def basket(n: int = 2) -> Table:
    return np.kron(plain(), np.ones((n, n), dtype=bool)).astype(bool)


def rib() -> Table:
    return np.kron(plain(), np.ones((2, 1), dtype=bool)).astype(bool)


def twill(over: int, under: int, step: int = 1) -> Table:
    """Each pick moves the float by `step` ends: `twill(3, 1)` is denim's, a negative step leans the other way."""
    repeat = over + under
    first = np.arange(repeat) < over
    return np.stack([np.roll(first, step * row) for row in range(repeat)])


def satin(repeat: int, move: int) -> Table:
    """Warp-faced satin: one weft tie in each row, `move` coprime to `repeat` so that no twill line shows."""
    table = np.ones((repeat, repeat), dtype=bool)
    rows = np.arange(repeat)
    table[rows, (rows * move) % repeat] = False
    return table


def herringbone(half: int = 8) -> Table:
    """2/2 twill that turns after `half` ends."""
    right = np.tile(twill(2, 2, 1), (1, half // 4))
    return np.concatenate([right, right[:, ::-1]], axis=1)


WEAVES: dict[str, Callable[[], Table]] = {
    "plain": plain,
    "basket": basket,
    "rib": rib,
    "twill 2/1": lambda: twill(2, 1),
    "twill 2/2": lambda: twill(2, 2),
    "twill 2/2 left": lambda: twill(2, 2, -1),
    "twill 3/1": lambda: twill(3, 1),
    "satin 5": lambda: satin(5, 2),
    "satin 8": lambda: satin(8, 3),
    "sateen 5": lambda: ~satin(5, 2),
    "herringbone": herringbone,
}
