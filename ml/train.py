"""Training: a loop to read aloud. The best checkpoint is the one of highest macro-F1 on the validation side."""

from __future__ import annotations

import copy
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from tqdm import tqdm

from ml.data import Dataset
from ml.metrics import confusion, macro_f1, per_class
from ml.networks import Network
from ml.presets import Recipe, in_groups, train_transform


@dataclass(frozen=True)
class Outcome:
    """What training leaves: the best weights are in the network; the figures of every epoch are here."""

    best_epoch: int
    best_macro_f1: float
    epochs: tuple[dict[str, float], ...]


class Normaliser:
    """uint8 images (N, H, W, C) to what the trunk takes, on a device; the same formula as inside the graph."""

    def __init__(self, mean: tuple[float, ...], std: tuple[float, ...], device: torch.device) -> None:
        self.shift = 255 * torch.tensor(mean, device=device).view(1, -1, 1, 1)
        self.scale = 1 / (255 * torch.tensor(std, device=device).view(1, -1, 1, 1))

    def __call__(self, images: Tensor) -> Tensor:
        return ((images - self.shift) * self.scale).contiguous(memory_format=torch.channels_last)


def statistics(images: NDArray[np.uint8]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel, 0..1, over (N, H, W, C); the deviation at least 0.02."""
    sample = images[:: max(1, len(images) // 4000)].astype(np.float64) / 255
    mean, std = sample.mean(axis=(0, 1, 2)), np.maximum(sample.std(axis=(0, 1, 2)), 0.02)
    return tuple(float(round(value, 6)) for value in mean), tuple(float(round(value, 6)) for value in std)


def train(
    net: Network,
    train_on: Dataset,
    check_on: Dataset,
    recipe: Recipe,
    normalise: Normaliser,
    *,
    seed: int = 0,
    amp: bool = False,
    log: Path | None = None,
) -> Outcome:
    """Trains `net` in place and leaves its best weights in it. `amp`: bfloat16 where it is safe."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    net.to(normalise.shift.device).to(memory_format=torch.channels_last)
    epoch_of = _epochs(net, train_on, recipe, normalise, amp)
    best, best_weights, history = (0, -1.0), net.state_dict(), []
    for epoch in range(1, recipe.epochs + 1):
        start = time.perf_counter()
        loss = epoch_of(f"epoch {epoch}/{recipe.epochs}", rng)
        score = validate(net, check_on, normalise)
        history.append({"epoch": epoch, "loss": loss, "macro_f1": score, "seconds": time.perf_counter() - start})
        _note(log, history[-1])
        if score > best[1]:
            best, best_weights = (epoch, score), copy.deepcopy(net.state_dict())
    net.load_state_dict(best_weights)
    net.to("cpu").eval()
    return Outcome(best[0], best[1], tuple(history))


def _epochs(
    net: Network, data: Dataset, recipe: Recipe, normalise: Normaliser, amp: bool
) -> Callable[[str, np.random.Generator], float]:
    """A function that runs one epoch and returns its mean loss; optimiser and schedule live on between calls."""
    device = normalise.shift.device
    steps = -(-len(data.targets) // recipe.batch)
    optimiser, schedule = _optimiser(net, recipe, steps * recipe.epochs)
    augment = train_transform(recipe.augment, data.images.shape[3], data.images.shape[1:3])

    def run(title: str, rng: np.random.Generator) -> float:
        net.train()
        losses = []
        for images, targets in tqdm(_batches(data, recipe, rng), title, steps, disable=not sys.stderr.isatty()):
            inputs = normalise(in_groups(images, augment).to(device))
            with torch.autocast(device.type, torch.bfloat16, enabled=amp):
                loss = nn.functional.cross_entropy(net(inputs), targets.to(device))
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
            losses.append(float(loss.detach()))
        return float(np.mean(losses))

    return run


def _optimiser(net: nn.Module, recipe: Recipe, steps: int) -> tuple[torch.optim.Optimizer, Any]:
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[recipe.optimiser]
    optimiser = kind(net.parameters(), lr=recipe.rate, weight_decay=recipe.weight_decay)
    if recipe.schedule == "constant":
        return optimiser, torch.optim.lr_scheduler.ConstantLR(optimiser, factor=1.0)
    cosine = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, recipe.rate, total_steps=steps + 1, pct_start=0.1, cycle_momentum=False
    )
    return optimiser, cosine


def _batches(data: Dataset, recipe: Recipe, rng: np.random.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    """One epoch, shuffled: uint8 (N, C, H, W) and targets (N,)."""
    order = _order(data, recipe.balance, rng)
    for start in range(0, len(order), recipe.batch):
        rows = order[start : start + recipe.batch]
        images = torch.from_numpy(data.images[rows]).permute(0, 3, 1, 2)
        yield images, torch.from_numpy(data.targets[rows])


def _order(data: Dataset, balance: bool, rng: np.random.Generator) -> NDArray[np.intp]:
    """Every image once, or as many draws with every class equally likely."""
    count = len(data.targets)
    if not balance:
        return rng.permutation(count)
    sizes = np.bincount(data.targets, minlength=len(data.classes))
    weights = 1 / sizes[data.targets]
    return rng.choice(count, count, p=weights / weights.sum())


@torch.inference_mode()
def answers(
    net: Network, images: NDArray[np.uint8], normalise: Normaliser, batch: int = 256
) -> tuple[NDArray[np.float32], ...]:
    """Logits (N, K), class maps (N, K, h, w) and embeddings (N, D) in full precision."""
    net.eval()
    device = normalise.shift.device
    parts = []
    for start in range(0, len(images), batch):
        pixels = torch.from_numpy(images[start : start + batch]).permute(0, 3, 1, 2).to(device)
        parts.append([part.cpu().numpy() for part in net.explain(normalise(pixels))])
    return tuple(np.concatenate(column) for column in zip(*parts, strict=True))


def validate(net: Network, data: Dataset, normalise: Normaliser) -> float:
    """Macro-F1 of the most probable class."""
    said = answers(net, data.images, normalise)[0].argmax(axis=1)
    names = data.classes
    table = confusion([names[i] for i in data.targets], [names[i] for i in said], names)
    return macro_f1(per_class(table, names))


def _note(log: Path | None, figures: dict[str, float]) -> None:
    if log:
        with log.open("a") as file:
            file.write(json.dumps(figures) + "\n")
