"""The last layer fitted to embeddings, and how strongly it is held to what the base said before."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ml.base import Base
from ml.calibrate import fit_temperature, softmax
from ml.data import Dataset
from ml.head_data import Labelled
from ml.kept import Floats
from ml.logistic import USUAL, Fitted, Layer, fit
from ml.metrics import brier, confusion, macro_f1, per_class

BALANCE = 0.5  # a class of n images counts n ** (1 - BALANCE), as in the preset `best`
THIN = 20  # validation rows, below which they choose nothing


@dataclass(frozen=True)
class Chosen:
    """The fitted layer; how strongly it was held to what; its macro-F1 on the validation side, where that chose."""

    layer: Layer
    strength: float
    held_to: str
    macro_f1: float | None


def best(base: Base, labelled: Labelled, log: Path | None = None) -> Chosen:
    """The layer that is right most often on the validation side: by macro-F1 in whole points, then by Brier.

    Tried is every one of STRENGTHS, held to the base's own layer (a class new to it begins as the mean of those it
    knew) and held to nothing. A validation side of fewer than THIN rows or of one class chooses nothing: the usual
    strength then.
    """
    check, held = labelled.side(labelled.val)
    starts = _starts(base, held.classes)
    if len(held.targets) < THIN or len(set(held.targets.tolist())) < 2:
        found = next(one for one in _fits(labelled, starts[0][1]) if one.strength == USUAL)
        return Chosen(found.layer, found.strength, starts[0][0], None)
    tried: list[tuple[float, float, Chosen]] = []
    for name, start in starts:
        before = time.perf_counter()
        for found in _fits(labelled, start):
            score, sharp = _score(found.layer.logits(check), held)
            tried.append((round(score, 2), sharp, Chosen(found.layer, found.strength, name, score)))
            figures = {"epoch": len(tried), "loss": found.loss, "macro_f1": score, "rate": found.strength}
            _note(log, {"run": f"held to {name}", **figures, "seconds": round(time.perf_counter() - before, 3)})
            before = time.perf_counter()
    return max(tried, key=lambda one: one[:2])[2]


def shares(labelled: Labelled) -> dict[str, float]:
    """Class shares as the layer saw them."""
    weights = {name: n ** (1 - BALANCE) for name, n in labelled.data.take(labelled.train).counts().items()}
    return {name: weight / sum(weights.values()) for name, weight in weights.items()}


def _starts(base: Base, classes: tuple[str, ...]) -> list[tuple[str, Layer]]:
    prior = base.prior(classes)
    nothing = ("nothing", Layer(np.zeros_like(prior.weight), np.zeros_like(prior.bias)))
    return [("the base's layer", prior), nothing] if set(classes) & set(base.classes) else [nothing]


def _fits(labelled: Labelled, start: Layer) -> Iterator[Fitted]:
    embedding, data = labelled.side(labelled.train)
    sizes = np.bincount(data.targets, minlength=len(data.classes))
    return fit(embedding, data.targets, data.weighed() * sizes[data.targets] ** -BALANCE, start)


def _score(logits: Floats, held: Dataset) -> tuple[float, float]:
    """Macro-F1 of the most probable class; and the Brier score at the best temperature, negative."""
    names = held.classes
    table = confusion([names[i] for i in held.targets], [names[i] for i in logits.argmax(axis=1)], names)
    chances = softmax(logits, fit_temperature(logits, held.targets))
    return macro_f1(per_class(table, names)), -brier(chances, held.targets)


def _note(log: Path | None, figures: dict[str, Any]) -> None:
    if log:
        with log.open("a") as file:
            file.write(json.dumps(figures) + "\n")
