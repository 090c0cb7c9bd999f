"""One metric fitted: a network whose classifier is the embedding head, from the weights that it starts with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch

from ml import pretrained
from ml.data import Dataset
from ml.metric.recipes import MetricRecipe
from ml.metric.train import Course, Figures, train
from ml.networks import Network, build
from ml.pretext import trunk
from ml.standardise import Standardise
from ml.train import statistics


class Start(NamedTuple):
    """A network by name and stem, and what it starts from: a file of ImageNet weights, or the trunk learnt on drawn
    cloth."""

    network: str
    stem: str
    weights: Path | None

    def new(self, channels: int, width: int, seed: int) -> tuple[Network, str]:
        """The network with a head of `width`, and in words which weights it has. DataError where the file does not
        fit."""
        torch.manual_seed(seed)
        net = build(self.network, channels, width, self.stem)
        if self.weights:
            return net, pretrained.load_imagenet(net, self.network, self.weights, self.stem)
        return net, trunk.take(net, self.network, self.stem, seed)


@dataclass(frozen=True)
class Fitted:
    """A metric: its network, the mean and deviation that pixels are standardised by, where it began, in words, and the
    figures of every epoch."""

    net: Network
    mean: tuple[float, ...]
    std: tuple[float, ...]
    standardise: Standardise
    began: str
    history: list[Figures]


def fit(start: Start, recipe: MetricRecipe, train_on: Dataset, check_on: Dataset, course: Course) -> Fitted:
    """DataError as ml.metric.train."""
    net, began = start.new(train_on.images.shape[3], recipe.width, course.seed)
    mean, std = statistics(train_on.images)
    standardise = Standardise(mean, std, recipe.contrast)
    return Fitted(net, mean, std, standardise, began, train(net, train_on, check_on, recipe, standardise, course))
