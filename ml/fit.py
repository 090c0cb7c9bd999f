"""One network fitted to one side of the data, as an order says."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import Any

import torch

from ml import pretrained, together
from ml.data import Dataset
from ml.linear_start import fit_last_layer
from ml.networks import Network, build
from ml.order import Order
from ml.presets import Recipe
from ml.pretext import trunk
from ml.refresh import base_of
from ml.spec import Input
from ml.standardise import Standardise
from ml.train import Course, Outcome, statistics, train


@dataclass(frozen=True)
class Trained:
    """A fitted network and everything that packing needs to know of its training."""

    net: Network
    network: str
    stem: str
    input: Input
    mean: tuple[float, ...]
    std: tuple[float, ...]
    contrast: str
    shares: dict[str, float]
    training: dict[str, Any]
    outcome: Outcome

    @property
    def standardise(self) -> Standardise:
        return Standardise(self.mean, self.std, self.contrast)


def fit(order: Order, train_on: Dataset, check_on: Dataset | None, part: str, shape: Input) -> Trained:
    """Builds, starts and trains. `part` names this training in the log and among the checkpoints."""
    recipe, team = order.recipe, together.join()
    torch.manual_seed(order.seed)
    net = build(order.network, shape.channels, len(train_on.classes), order.stem)
    net.flips = recipe.flips
    began = start(net, order)
    base = base_of(order)
    mean, std = (base.mean, base.std) if base else statistics(train_on.images)
    standardise = Standardise(mean, std, recipe.contrast).to(together.device(team))
    if base:
        fit_last_layer(net.to(standardise.shift.device), train_on, standardise, recipe.balance)
    course = Course(
        order.seed, order.turns, order.fixed, order.log, order.work / f"{part}.pt" if order.work else None,
        order.identity(told(train_on, check_on), part), team, part, order.progress,
    )  # fmt: skip
    outcome = train(net, train_on, check_on, recipe, standardise, course)
    record = {
        "preset": order.preset, "recipe": asdict(recipe), "seed": order.seed, "began": began,
        "best_epoch": outcome.best_epoch, "best_macro_f1": outcome.best_macro_f1,
        "seconds": round(sum(epoch["seconds"] for epoch in outcome.epochs), 1),
    }  # fmt: skip
    return Trained(
        net, order.network, order.stem, shape, mean, std, recipe.contrast, _shares(recipe, train_on), record, outcome
    )


def told(train_on: Dataset, check_on: Dataset | None) -> str:
    """What tells these two sides from any others: the images, which of them, their classes and what each counts."""
    found = hashlib.sha256(train_on.digest.encode())
    for side in (train_on, check_on):
        if side is not None:
            found.update(f"{len(side.targets)}{side.classes}{side.names}".encode())
            found.update(side.targets.tobytes() + side.weighed().tobytes())
    return found.hexdigest()


def start(net: Network, order: Order) -> str:
    """Gives a new network the weights it starts from, and says in words which those are."""
    if order.weights and order.weights.is_dir():
        pretrained.load_trunk(net, order.weights)
        return f"trunk of {order.weights.name}"
    if order.recipe.start == "imagenet":
        return pretrained.load_imagenet(net, order.network, order.weights, order.stem)
    if order.recipe.start == "drawn":
        return trunk.take(net, order.network, order.stem, order.seed)
    return "new weights"


def _shares(recipe: Recipe, data: Dataset) -> dict[str, float]:
    """Class shares as the network saw them: the weight of a class of n images is n ** (1 - balance)."""
    weights = {name: max(count, 1) ** (1 - recipe.balance) for name, count in data.counts().items()}
    return {name: weight / sum(weights.values()) for name, weight in weights.items()}
