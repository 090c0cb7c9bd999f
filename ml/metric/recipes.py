"""Recipes of metric learning by name. Every field is an option of `python -m ml metric train` as well. No torch."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from ml.presets import turned
from ml.refusal import DataError

CHOICES: dict[str, tuple[str, ...]] = {
    "loss": ("triplet", "batch_hard", "semi_hard", "multi_similarity", "proxy"),
    "learns": ("none", "head", "stage", "all"),
    "kept": ("head", "trunk", "texture"),
    "homogenise": ("none", "class", "camera", "image"),
    "contrast": ("set", "image"),
    "augment": ("none", "cloth", "cifar", "strong"),
    "schedule": ("constant", "cosine"),
}


@dataclass(frozen=True)
class MetricRecipe:
    """How to learn a metric.

    loss: see ml.metric.losses; triplet draws its triplets by chance, the others mine each batch. margin: of the triplet
    losses. learns: nothing, the embedding head, the trunk's last stage as well, or everything. width: of the head.
    kept: what is compared afterwards, the head's answer, the trunk's pooled features below it, or the texture that its
    early stages see (ml.metric.texture). whiten: that is whitened within the training classes, with this shrinkage; 0
    leaves it. unit: the loss sees embeddings scaled to length 1. homogenise: see ml.metric.brightness. contrast,
    augment: as in ml.presets. views: an embedding is the mean over the image's four mirrorings. rate falls as half a
    cosine after a warm-up of a tenth where the schedule says so; trunk_rate: the trunk's, as a share of the head's.
    """

    loss: str = "multi_similarity"
    margin: float = 0.2
    learns: str = "all"
    width: int = 128
    kept: str = "head"
    whiten: float = 0.0
    unit: bool = True
    homogenise: str = "none"
    contrast: str = "image"
    augment: str = "strong"
    views: bool = True
    rate: float = 1e-3
    trunk_rate: float = 1.0
    beta2: float = 0.99
    weight_decay: float = 0.02
    schedule: str = "cosine"
    epochs: int = 20
    batch: int = 60


PRESETS: dict[str, MetricRecipe] = {
    # The steel-surface article's: a frozen trunk, a head, triplets by chance (so pairs are half same-class, half
    # different), plain Euclidean distance, brightness homogenised by class, Adam 5e-5 (0.9, 0.99), batch 32, 30 epochs.
    "siamese": MetricRecipe(
        "triplet", 1.0, "head", unit=False, homogenise="class", contrast="set", augment="none", views=False, rate=5e-5,
        weight_decay=0.0, schedule="constant", epochs=30, batch=32,
    ),
    "batch-hard": MetricRecipe("batch_hard"),
    "semi-hard": MetricRecipe("semi_hard"),
    "multi-similarity": MetricRecipe("multi_similarity"),
    "proxy": MetricRecipe("proxy"),
    "last-stage": MetricRecipe("multi_similarity", learns="stage"),
    # No gradient at all: textures by the drawn trunk, whitened. For a class that nobody trained.
    "texture": MetricRecipe(learns="none", kept="texture", whiten=0.03, augment="none"),
    "best": MetricRecipe("proxy", width=512, kept="texture", whiten=0.1, epochs=12, batch=30),
}  # fmt: skip


def recipe(preset: str, changes: dict[str, Any]) -> MetricRecipe:
    """A preset with some of its knobs turned. DataError on a preset, a choice or a figure that makes no sense."""
    made = turned(PRESETS, CHOICES, preset, changes)
    _refuse_senseless(made)
    return made


def _refuse_senseless(made: MetricRecipe) -> None:
    rules = (
        (made.rate > 0 and made.margin > 0, "rate and margin must be above 0"),
        (made.epochs >= 1 and made.width >= 1, "epochs and width must be 1 or more"),
        (made.batch >= 4, "a batch must be of 4 images or more: two of two classes"),
        (0 <= made.beta2 < 1, "beta2 must lie in 0..1"),
        (min(made.trunk_rate, made.weight_decay, made.whiten) >= 0, "no knob may be negative"),
        (made.kept == "head" or made.learns != "head", "a frozen trunk's own features learn nothing: --learns none"),
        (
            made.learns != "none" or made.kept != "head",
            "a head that learns nothing tells nothing: --kept texture",
        ),
        (
            made.learns != "none" or (made.homogenise, made.contrast) == ("none", "image"),
            "what learns nothing takes images by their own contrast: --homogenise none --contrast image",
        ),
    )
    for holds, reason in rules:
        if not holds:
            raise DataError(reason)


def knobs() -> list[tuple[str, type]]:
    """Name and type of every knob, for the command line."""
    kinds = {"str": str, "float": float, "int": int, "bool": bool}
    return [(field.name, kinds[str(field.type)]) for field in fields(MetricRecipe)]
