"""What a metric is taught by: embeddings and classes of a batch to one figure. Mining is pytorch-metric-learning's.

triplet: the reference's own (Schroff et al. 2015 without mining). batch_hard: of each image its farthest of the same
class and its nearest of another (Hermans et al. 2017). semi_hard: negatives farther than the positive, but within the
margin (Schroff et al. 2015). multi_similarity: Wang et al. 2019. proxy: a learnt point for each class and the softmax
over the likeness to them (Zhai and Wu 2019).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from pytorch_metric_learning import distances, losses, miners
from torch import Tensor, nn

from ml.metric.recipes import MetricRecipe

Loss = Callable[[Tensor, Tensor], Tensor]  # embeddings (N, D), classes (N,) to a scalar
WARMTH = 0.05  # of the proxies' softmax


def triplet(anchors: Tensor, positives: Tensor, negatives: Tensor, margin: float) -> Tensor:
    """Mean over rows (N, D) of max(0, |a - p| - |a - n| + margin), with plain Euclidean distances."""
    same = torch.linalg.vector_norm(anchors - positives, dim=1)
    different = torch.linalg.vector_norm(anchors - negatives, dim=1)
    return torch.relu(same - different + margin).mean()


class Mined(nn.Module):
    """A loss over the pairs or triplets that a miner picks of a batch; without a miner over the whole batch."""

    def __init__(self, loss: nn.Module, miner: nn.Module | None = None) -> None:
        super().__init__()
        self.loss, self.miner = loss, miner

    def forward(self, embeddings: Tensor, targets: Tensor) -> Tensor:
        picked = self.miner(embeddings, targets) if self.miner else None
        found: Tensor = self.loss(embeddings, targets, picked)
        return found


class Thirds(nn.Module):
    """`triplet` of a batch that is anchors, then positives, then negatives, as ml.metric.batches.triplets lays it."""

    def __init__(self, margin: float) -> None:
        super().__init__()
        self.margin = margin

    def forward(self, embeddings: Tensor, targets: Tensor) -> Tensor:
        anchors, positives, negatives = embeddings.chunk(3)
        return triplet(anchors, positives, negatives, self.margin)


def made(recipe: MetricRecipe, classes: int) -> nn.Module:
    """The loss of a recipe; it has parameters of its own where it is by proxy."""
    apart = distances.LpDistance(normalize_embeddings=recipe.unit, p=2)
    if recipe.loss == "triplet":
        return Thirds(recipe.margin)
    if recipe.loss == "batch_hard":
        return Mined(losses.TripletMarginLoss(recipe.margin, distance=apart), miners.BatchHardMiner(distance=apart))
    if recipe.loss == "semi_hard":
        miner = miners.TripletMarginMiner(recipe.margin, type_of_triplets="semihard", distance=apart)
        return Mined(losses.TripletMarginLoss(recipe.margin, distance=apart), miner)
    if recipe.loss == "multi_similarity":
        return Mined(losses.MultiSimilarityLoss(alpha=2, beta=50, base=0.5), miners.MultiSimilarityMiner(epsilon=0.1))
    return Mined(losses.NormalizedSoftmaxLoss(classes, recipe.width, temperature=WARMTH))
