"""A trunk that has learnt gets a last layer before it learns on: a new one would tear at it (Kumar et al. 2022)."""

from __future__ import annotations

import numpy as np
import torch

from ml.calibrate import fit_temperature, softmax
from ml.data import Dataset
from ml.logistic import USUAL, Fitted, Layer, fit
from ml.metrics import brier
from ml.networks import Network
from ml.standardise import Standardise
from ml.train import answers


def fit_last_layer(
    net: Network, data: Dataset, check_on: Dataset | None, standardise: Standardise, balance: float
) -> None:
    """Fits the classifier to what the trunk says of `data`; a class of n images counts n ** (1 - balance).

    The strength is that of the least Brier score on `check_on`, or the usual one without it.
    """
    embedding = answers(net, data.images, standardise)[2]
    sizes = np.bincount(data.targets, minlength=len(data.classes))
    weights = data.weighed() * sizes[data.targets] ** -float(balance)
    nothing = Layer(np.zeros((len(data.classes), net.embedding_size)), np.zeros(len(data.classes)))
    tried = list(fit(embedding, data.targets, weights, nothing))
    layer = _best(tried, net, check_on, standardise).layer
    with torch.no_grad():
        net.classifier.weight.copy_(torch.from_numpy(layer.weight))
        net.classifier.bias.copy_(torch.from_numpy(layer.bias))


def _best(tried: list[Fitted], net: Network, check_on: Dataset | None, standardise: Standardise) -> Fitted:
    if check_on is None:
        return next(one for one in tried if one.strength == USUAL)
    embedding, targets = answers(net, check_on.images, standardise)[2], check_on.targets

    def miss(one: Fitted) -> float:
        logits = one.layer.logits(embedding)
        return brier(softmax(logits, fit_temperature(logits, targets)), targets)

    return min(tried, key=miss)
