"""How far two readers of the same images agree beyond chance: Cohen's kappa for any number of classes.

Pure functions; they know no SQL and no Django. Kappa is (po - pe) / (1 - pe), with po the share on which both agree and
pe the share on which two readers with these habits would agree by chance (Cohen, Educ. Psychol. Meas. 20, 1960). Its
standard error is the large-sample one of Fleiss, Cohen and Everitt (Psychol. Bull. 72, 1969).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from inspections.escape import Interval, clopper_pearson

Z = 1.959963984540054  # two-sided 95 %
FEW = 20  # pairs; below, the large-sample interval says little and the page says so


@dataclass(frozen=True)
class Agreement:
    """Two readers, a first (or the truth) and a second. What is None is undefined."""

    classes: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]  # (K, K): rows the first reader, columns the second
    kappa: float | None
    between: Interval | None

    @property
    def pairs(self) -> int:
        return sum(map(sum, self.confusion))

    @property
    def agreed(self) -> int:
        return sum(row[place] for place, row in enumerate(self.confusion))

    @property
    def raw(self) -> float | None:
        """The share on which both agree."""
        return self.agreed / self.pairs if self.pairs else None

    @property
    def is_one_class(self) -> bool:
        """Both said one and the same class of everything: there is no chance to be better than."""
        return bool(self.pairs) and self.kappa is None

    @property
    def is_few(self) -> bool:
        return self.pairs < FEW


def agreement(pairs: Iterable[tuple[str, str]]) -> Agreement:
    """From (first, second) answers; the classes are those that anybody named, sorted."""
    said = list(pairs)
    classes = tuple(sorted({code for pair in said for code in pair}))
    place = {code: number for number, code in enumerate(classes)}
    table = np.zeros((len(classes), len(classes)), dtype=np.int64)
    for first, second in said:
        table[place[first], place[second]] += 1
    return of_table(classes, table)


def of_table(classes: Sequence[str], table: NDArray[np.int64]) -> Agreement:
    """From a confusion matrix, (K, K)."""
    kappa = kappa_of(table)
    confusion = tuple(tuple(int(count) for count in row) for row in table)
    return Agreement(tuple(classes), confusion, kappa, None if kappa is None else _between(table, kappa))


def kappa_of(table: NDArray[np.int64]) -> float | None:
    """None without pairs, and where both readers used one and the same class only: 0 / 0."""
    if not table.sum():
        return None
    observed, expected = _observed(table), _expected(table)
    return None if expected == 1 else (observed - expected) / (1 - expected)


def standard_error(table: NDArray[np.int64]) -> float:
    """Of kappa, where kappa is defined; not the one for testing kappa = 0."""
    share = table / table.sum()
    rows, columns = share.sum(1), share.sum(0)
    observed, expected = _observed(table), _expected(table)
    same = np.diag(share) @ ((1 - expected) - (rows + columns) * (1 - observed)) ** 2
    crossed = share * (columns[:, None] + rows[None, :]) ** 2
    apart = (1 - observed) ** 2 * (crossed.sum() - np.trace(crossed))
    rest = (observed * expected - 2 * expected + observed) ** 2
    return sqrt(max(float(same + apart - rest), 0.0) / table.sum()) / (1 - expected) ** 2


def _between(table: NDArray[np.int64], kappa: float) -> Interval:
    """95 %, within -1 and 1. Where all agree, or none, the standard error is nothing, which is no certainty: the exact
    interval of the raw agreement takes its place, at the same chance agreement."""
    error = standard_error(table)
    observed, expected = _observed(table), _expected(table)
    if 0 < observed < 1 and error > 0:
        return Interval(max(kappa - Z * error, -1.0), min(kappa + Z * error, 1.0))
    exact = clopper_pearson(float(np.trace(table)), float(table.sum()))
    low, high = ((end - expected) / (1 - expected) for end in (exact.low, exact.high))
    return Interval(max(low, -1.0), min(high, 1.0))


def _observed(table: NDArray[np.int64]) -> float:
    return float(np.trace(table) / table.sum())


def _expected(table: NDArray[np.int64]) -> float:
    # In whole numbers up to the last step, so that one class alone is exactly 1.
    return int(table.sum(1) @ table.sum(0)) / int(table.sum()) ** 2
