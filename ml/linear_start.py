"""A trunk that has learnt gets a last layer before it learns on: a new one would tear at it (Kumar et al. 2022)."""

from __future__ import annotations

import numpy as np
import torch

from ml.data import Dataset
from ml.logistic import Layer, fit
from ml.networks import Network
from ml.standardise import Standardise
from ml.train import answers

STRENGTH = 1e-3


def fit_last_layer(net: Network, data: Dataset, standardise: Standardise, balance: float) -> None:
    """Fits the classifier to what the trunk says of `data`; a class of n images counts n ** (1 - balance)."""
    embedding = answers(net, data.images, standardise)[2]
    sizes = np.bincount(data.targets, minlength=len(data.classes))
    weights = data.weighed() * sizes[data.targets] ** -float(balance)
    nothing = Layer(np.zeros((len(data.classes), net.embedding_size)), np.zeros(len(data.classes)))
    layer = next(one.layer for one in fit(embedding, data.targets, weights, nothing) if one.strength <= STRENGTH)
    with torch.no_grad():
        net.classifier.weight.copy_(torch.from_numpy(layer.weight))
        net.classifier.bias.copy_(torch.from_numpy(layer.bias))
