"""Answers on images that the answering network never trained on, and what follows from them. Needs no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ml.answers import UNKNOWN
from ml.calibrate import fit_temperature, softmax
from ml.data import Dataset
from ml.flagging import Flag
from ml.judged import GOOD, Judged
from ml.metrics import brier, ece
from ml.spec import Unknown
from ml.splits import place

PARTS = 10  # of the sources, when each is to be calibrated by the others


@dataclass(frozen=True)
class Held:
    """Answers on images that the answering network never trained on; `fold` (N,) says which network it was.

    logits (N, K), maps (N, K, h, w), embedding (N, D), distance (N,) to the cloth that network knows; foreign (N,):
    whether its looks alone say that it is other cloth.
    """

    data: Dataset
    fold: NDArray[np.intp]
    logits: NDArray[np.float32]
    maps: NDArray[np.float32]
    embedding: NDArray[np.float32]
    distance: NDArray[np.float32]
    foreign: NDArray[np.bool_]
    seconds: tuple[float, ...] = ()

    def take(self, rows: NDArray[np.intp]) -> Held:
        return replace(
            self, data=self.data.take(rows), fold=self.fold[rows], logits=self.logits[rows], maps=self.maps[rows],
            embedding=self.embedding[rows], distance=self.distance[rows], foreign=self.foreign[rows],
        )  # fmt: skip


def judged(held: Held, flag: Flag) -> Judged:
    """What would have been said, each source calibrated without itself.

    A bundle's temperature, threshold and limit come from all the answers together. So here sources are dealt into
    PARTS, and those of a part come from the answers on the others: nothing is told of a source by itself.
    """
    classes = held.data.classes
    part = _dealt(held.data.groups)
    before = softmax(held.logits)
    chances = np.empty_like(before)
    flagged, strange = np.zeros(len(before), dtype=bool), np.zeros(len(before), dtype=bool)
    for number in np.unique(part):
        mine = part == number
        others = held if mine.all() else held.take(np.flatnonzero(~mine))
        temperature = fit_temperature(others.logits, others.data.targets)
        chances[mine] = softmax(held.logits[mine], temperature)
        strange[mine] = (held.distance[mine] > np.quantile(others.distance, Unknown.quantile)) | held.foreign[mine]
        if GOOD in classes:
            threshold = flag.threshold(others.logits, others.data, temperature)
            flagged[mine] = 1 - chances[mine][:, classes.index(GOOD)] >= threshold
    top = [classes[index] for index in chances.argmax(axis=1)]
    said = [UNKNOWN if odd else name for odd, name in zip(strange, top, strict=True)]
    truth = [classes[index] for index in held.data.targets]
    data = held.data
    sure = flagged | strange | (GOOD not in classes)
    return Judged(classes, truth, said, sure, chances, data.groups, data.names, before)


def _dealt(groups: Sequence[str]) -> NDArray[np.intp]:
    """Which of PARTS each row (N,) is in: its group's, dealt out in the order of their places."""
    order = {group: index % PARTS for index, group in enumerate(sorted(set(groups), key=place))}
    return np.array([order[group] for group in groups], dtype=np.intp)


def calibration(logits: NDArray[np.float32], targets: NDArray[np.intp], temperature: float) -> dict[str, float]:
    """ECE and Brier on the validation side, before and after the temperature."""
    found: dict[str, float] = {}
    for name, value in (("before", 1.0), ("after", temperature)):
        chances = softmax(logits, value)
        found[f"ece_{name}"] = ece(chances.max(axis=1), chances.argmax(axis=1) == targets)
        found[f"brier_{name}"] = brier(chances, targets)
    return found
