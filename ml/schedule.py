"""The optimiser of a recipe and what its learning rate does over time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR, MultiplicativeLR, ReduceLROnPlateau

from ml.presets import Recipe

# The published steps of the 200-epoch recipe, as shares of its epochs: x 0.1 at 80, 120 and 160, x 0.5 at 180.
STEPS = ((0.4, 0.1), (0.6, 0.1), (0.8, 0.1), (0.9, 0.5))
FIRST = 0.04  # of the highest rate, where a warm-up begins
PARTS = ("optimiser", "by_step", "by_epoch", "by_score")
# Better by a threshold that is no share of the score: of a loss, below 0, a share would take worse for better.
PLATEAU: dict[str, Any] = {
    "factor": 0.1**0.5, "patience": 5, "min_lr": 0.5e-6, "threshold": 1e-4, "threshold_mode": "abs",
}  # fmt: skip


@dataclass
class Pace:
    """An optimiser with its schedules: `batch()` after every step, `epoch(score)` after every validation."""

    optimiser: torch.optim.Optimizer
    by_step: LambdaLR | None
    by_epoch: MultiplicativeLR | None
    by_score: ReduceLROnPlateau | None

    def batch(self) -> None:
        if self.by_step:
            self.by_step.step()

    def epoch(self, score: float) -> None:
        if self.by_epoch:
            self.by_epoch.step()
        if self.by_score:
            self.by_score.step(score)

    def state(self) -> dict[str, Any]:
        parts = {name: getattr(self, name) for name in PARTS}
        return {name: part.state_dict() for name, part in parts.items() if part is not None}

    def load(self, state: dict[str, Any]) -> None:
        for name, held in state.items():
            getattr(self, name).load_state_dict(held)


def pace(net: nn.Module, recipe: Recipe, steps: int) -> Pace:
    """The pace of `recipe` over `steps` batches an epoch."""
    optimiser = _optimiser(net, recipe)
    if recipe.schedule == "cosine":
        total = steps * recipe.epochs
        return Pace(optimiser, LambdaLR(optimiser, lambda step: _wave(step / total, recipe.warmup)), None, None)
    by_epoch = None
    if recipe.schedule == "steps":
        by_epoch = MultiplicativeLR(optimiser, lambda epoch: _step(epoch, recipe.epochs))
    falling = recipe.schedule in ("steps", "plateau")
    return Pace(optimiser, None, by_epoch, ReduceLROnPlateau(optimiser, "max", **PLATEAU) if falling else None)


def _wave(done: float, warmup: float) -> float:
    """Half a cosine up to 1 over `warmup` of the whole, half a cosine down to nothing over the rest (Smith 2018)."""
    if done < warmup:
        return FIRST + (1 - FIRST) * (1 - math.cos(math.pi * done / warmup)) / 2
    return (1 + math.cos(math.pi * min(1.0, (done - warmup) / (1 - warmup)))) / 2


def _step(epoch: int, epochs: int) -> float:
    """What the rate is multiplied by as `epoch` begins."""
    share = 1.0
    for place, factor in STEPS:
        if epoch == round(place * epochs):
            share *= factor
    return share


def _optimiser(net: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    if recipe.optimiser == "sgd":
        return torch.optim.SGD(
            net.parameters(), recipe.rate, momentum=0.9, nesterov=True, weight_decay=recipe.weight_decay
        )
    if recipe.optimiser == "adam":
        return torch.optim.Adam(net.parameters(), lr=recipe.rate, weight_decay=recipe.weight_decay)
    return torch.optim.AdamW(net.parameters(), lr=recipe.rate, weight_decay=recipe.weight_decay)
