"""What a study is to learn from and how, and the trainings that it consists of. Needs no torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.data import DataError, Dataset
from ml.folds import folds
from ml.metric import kept
from ml.metric.recipes import MetricRecipe, recipe
from ml.order import Order

Rows = NDArray[np.intp]


@dataclass(frozen=True)
class MetricOrder:
    """What to learn from and how: the fields are the options of `python -m ml metric train`.

    leave_out: classes of which each is left out of one more training on the sides of a fold, of the first
    `leave_out_folds` of them; `all` or `none`.
    weights: a file of ImageNet weights; without it the trunk is the one learnt on drawn cloth.
    """

    out: Path
    manifest: Path | None = None
    drawn: int = 0
    network: str = "resnet18"
    stem: str = "standard"
    preset: str = "siamese"
    knobs: dict[str, Any] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    merge: tuple[str, ...] = ()
    source_file: Path | None = None
    size: int = 64
    channels: int = 1
    resize_mixed: bool = False
    folds: int = 3
    leave_out: tuple[str, ...] = ("all",)
    leave_out_folds: int = 1
    seed: int = 0
    threads: int = 1
    weights: Path | None = None
    log: Path | None = None

    @property
    def recipe(self) -> MetricRecipe:
        return recipe(self.preset, self.knobs)

    @property
    def data(self) -> Order:
        names = ("manifest", "drawn", "network", "stem", "classes", "merge", "source_file", "size", "channels")
        return Order(**{name: getattr(self, name) for name in (*names, "resize_mixed", "seed", "threads")})

    def told(self, data: Dataset) -> dict[str, Any]:
        """What tells this study from any other."""
        return {
            "preset": self.preset, "recipe": asdict(self.recipe), "network": self.network, "stem": self.stem,
            "size": self.size, "channels": self.channels, "folds": self.folds, "seed": self.seed,
            "weights": self.weights.name if self.weights else "", "classes": list(data.classes),
            "about": data.about, "digest": data.digest, "split": data.split_by, "licence": data.licence,
        }  # fmt: skip


@dataclass(frozen=True)
class Part:
    """One training of a study: rows that train, rows that are held out, and the class that it never sees."""

    name: str
    train: Rows
    held: Rows
    without: str = ""

    def sides(self, count: int) -> NDArray[np.uint8]:
        """Which side each of `count` images is on, as ml.metric.kept says it."""
        sides = np.full(count, kept.SPARED, dtype=np.uint8)
        sides[self.train], sides[self.held] = kept.TRAINED, kept.HELD
        return sides


def parts(order: MetricOrder, data: Dataset) -> Iterator[Part]:
    """A part for each fold, then for each class one that leaves it out of a fold's training side."""
    dealt = folds(data, order.folds, order.seed)
    for number, (train_rows, held) in enumerate(dealt, 1):
        yield Part(f"fold-{number}", train_rows, held)
    for number, (train_rows, held) in enumerate(dealt[: order.leave_out_folds], 1):
        for name in _left_out(order, data.classes):
            others = train_rows[data.targets[train_rows] != data.classes.index(name)]
            yield Part(f"without-{name}-{number}", others, held, name)


def _left_out(order: MetricOrder, classes: tuple[str, ...]) -> tuple[str, ...]:
    if order.leave_out in (("all",), ("none",)):
        return classes if order.leave_out == ("all",) else ()
    strange = sorted(set(order.leave_out) - set(classes))
    if strange:
        raise DataError(f"--leave-out: no class is named {', '.join(strange)}: there are {', '.join(classes)}")
    return order.leave_out
