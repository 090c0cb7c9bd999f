"""Recipes by name: how a network is trained. Every field is an option of `python -m ml train` as well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

from ml.refusal import DataError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

AnyRecipe = TypeVar("AnyRecipe", bound="DataclassInstance")

CHOICES: dict[str, tuple[str, ...]] = {
    "optimiser": ("adam", "adamw", "sgd"),
    "schedule": ("constant", "cosine", "steps", "plateau"),
    "augment": ("none", "cloth", "cifar", "strong"),
    "contrast": ("set", "image"),
    "keep": ("best", "last"),
    "calibrate": ("validation", "folds"),
    "start": ("new", "imagenet", "drawn", "base"),
}


@dataclass(frozen=True)
class Recipe:
    """How to train.

    rate: the highest learning rate. weight_decay: with adam it is L2, with adamw decoupled. schedule: constant; cosine
    after a warm-up of `warmup` of all steps; steps (x 0.1 at 40, 60 and 80 % of the epochs, x 0.5 at 90 %); plateau
    (x sqrt(0.1) after 5 epochs without a better macro-F1, not below 0.5e-6); steps falls on a plateau as well.
    smoothing: of labels. balance: 0 takes every image once an epoch, 1 draws every class equally often, between is
    between. mixup, cutmix: alpha of the beta distribution, 0 for none. ema: decay of the averaged weights that are
    judged and kept, 0 for none. patience: epochs without a better macro-F1 after which it stops, 0 for never. clip:
    largest gradient norm, 0 for any. keep: the best epoch on the validation side, or the last. calibrate: on the
    validation side, or on folds, after which everything trains. contrast: pixels are normalised by the training set's
    mean and deviation, or each image by its own. start: new weights, ImageNet's, the trunk learnt on drawn cloth, or a
    bundle's with its own contrast and flips.
    flips: judge by the mean over an image's four mirrorings, at four times the cost.
    """

    optimiser: str = "adamw"
    rate: float = 2e-3
    weight_decay: float = 0.02
    schedule: str = "cosine"
    warmup: float = 0.1
    epochs: int = 20
    batch: int = 64
    smoothing: float = 0.0
    balance: float = 1.0
    augment: str = "cloth"
    mixup: float = 0.0
    cutmix: float = 0.0
    ema: float = 0.0
    patience: int = 0
    clip: float = 0.0
    keep: str = "best"
    calibrate: str = "validation"
    contrast: str = "set"
    start: str = "new"
    flips: bool = False
    amp: bool = False
    channels_last: bool = True


PRESETS: dict[str, Recipe] = {
    "cloth": Recipe(),
    # The textile model's own recipe: cross-entropy, Adam 1e-3 (0.9, 0.999), batch 256, 10 epochs, shuffled.
    "perceptilabs": Recipe("adam", 1e-3, 0.0, "constant", 0.0, 10, 256, balance=0.0, augment="none"),
    # The tutorial on ResNet v1 and v2: Adam 1e-3 falling in steps, L2 1e-4, shifts of 10 % and mirrored, 200 epochs.
    "cifar": Recipe("adam", 1e-3, 1e-4, "steps", 0.0, 200, 32, balance=0.0, augment="cifar"),
    # Weights that have seen photographs: small steps, few epochs.
    "finetune": Recipe(rate=3e-4, weight_decay=0.05, epochs=15, batch=32, balance=0.5, clip=5.0, start="imagenet"),
    # For small real sets: what docs/learning.md recommends.
    "best": Recipe(
        rate=1e-3, weight_decay=0.05, warmup=0.15, epochs=20, batch=32, smoothing=0.05, balance=0.5, augment="strong",
        mixup=0.2, ema=0.995, clip=5.0, keep="last", calibrate="folds", contrast="image", start="drawn", flips=True,
        amp=True,
    ),
    # The starter model's: the same, but drawn cloth is endless, so that a part of it can be spared to calibrate on.
    "starter": Recipe(
        rate=2e-3, weight_decay=0.02, epochs=8, smoothing=0.05, balance=0.0, ema=0.999, clip=5.0, keep="last",
        contrast="image", start="drawn", amp=True,
    ),
    # Going on from a version in use with the labels that came since: small steps, so that it keeps what it can.
    "refresh": Recipe(
        rate=5e-4, weight_decay=0.05, epochs=12, batch=32, smoothing=0.05, balance=0.5, ema=0.97, clip=5.0,
        contrast="image", start="base", amp=True,
    ),
    "quick": Recipe(epochs=3, batch=32),
}  # fmt: skip


def turned(
    presets: Mapping[str, AnyRecipe], choices: Mapping[str, Sequence[str]], preset: str, changes: dict[str, Any]
) -> AnyRecipe:
    """The preset of this name with its knobs turned. DataError where there is no such preset or choice."""
    if preset not in presets:
        raise DataError(f"there is no preset {preset!r}: use one of {', '.join(presets)}")
    made = replace(presets[preset], **changes)
    for name, allowed in choices.items():
        if getattr(made, name) not in allowed:
            raise DataError(f"{name} must be one of {', '.join(allowed)}, not {getattr(made, name)!r}")
    return made


def recipe(preset: str, changes: dict[str, Any]) -> Recipe:
    """A preset with some of its knobs turned. DataError on a preset, a choice or a figure that makes no sense."""
    made = turned(PRESETS, CHOICES, preset, changes)
    _refuse_senseless(made)
    return made


def _refuse_senseless(made: Recipe) -> None:
    rules = (
        (made.rate > 0, "rate must be above 0"),
        (made.epochs >= 1 and made.batch >= 1, "epochs and batch must be 1 or more"),
        (0 <= made.warmup < 1, "warmup must lie in 0..1"),
        (0 <= made.smoothing < 1 and 0 <= made.ema < 1, "smoothing and ema must lie in 0..1"),
        (0 <= made.balance <= 1, "balance must lie in 0..1"),
        (min(made.mixup, made.cutmix, made.clip, made.weight_decay, made.patience) >= 0, "no knob may be negative"),
    )
    for holds, reason in rules:
        if not holds:
            raise DataError(reason)


def knobs() -> list[tuple[str, type]]:
    """Name and type of every knob, for the command line."""
    kinds = {"str": str, "float": float, "int": int, "bool": bool}
    return [(field.name, kinds[str(field.type)]) for field in fields(Recipe)]
