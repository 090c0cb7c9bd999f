"""Recipes by name, with the transforms for training and for judging side by side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torchvision.transforms import v2

from ml.preprocess import resize

GROUP = 16  # images that share one draw of the augmentation: v2 draws once a call, and a call has a fixed cost


@dataclass(frozen=True)
class Recipe:
    """How to train. `schedule`: constant, or cosine with a short warm-up; `balance`: classes drawn equally often."""

    optimiser: str = "adamw"
    rate: float = 2e-3
    weight_decay: float = 0.02
    schedule: str = "cosine"
    epochs: int = 20
    batch: int = 64
    balance: bool = True
    augment: str = "cloth"


PRESETS: dict[str, Recipe] = {
    "cloth": Recipe(),
    # The textile model's own recipe: cross-entropy, Adam 1e-3, batch 256, 10 epochs, shuffled.
    "perceptilabs": Recipe("adam", 1e-3, 0.0, "constant", 10, 256, balance=False, augment="none"),
    # The starter model's: drawn cloth is endless, so more of it does what weight decay would.
    "starter": Recipe(rate=3e-3, epochs=12, balance=False),
    "quick": Recipe(epochs=3, batch=32),
}


def train_transform(name: str, channels: int, side: tuple[int, int]) -> Callable[[Tensor], Tensor]:
    """uint8 (N, C, H, W) to the same, `side` is (H, W). `cloth`: flips, shifts, light, some grey as grey cameras see.

    No turns by 90 degrees, which swap warp and weft; no shift that leaves a black border, which is a defect.
    """
    if name == "none":
        return lambda images: images
    steps: list[torch.nn.Module] = [
        v2.RandomHorizontalFlip(),
        v2.RandomVerticalFlip(),
        v2.RandomResizedCrop(side, scale=(0.85, 1.0), ratio=(0.92, 1.09), antialias=True),
        v2.ColorJitter(brightness=0.25, contrast=0.2),
    ]
    if channels == 3:
        steps += [v2.ColorJitter(saturation=0.3), v2.RandomGrayscale(0.3)]
    steps += [v2.RandomApply([v2.GaussianBlur(3, (0.2, 0.7))], 0.15)]
    both: Callable[[Tensor], Tensor] = v2.Compose(steps)
    return both


eval_transform = resize  # judging changes nothing but the size; normalising happens inside the graph


def in_groups(images: Tensor, transform: Callable[[Tensor], Tensor]) -> Tensor:
    """Applies a transform to a batch in groups, so that a batch holds many draws of it."""
    return torch.cat([transform(group) for group in torch.split(images, GROUP)])
