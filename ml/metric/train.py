"""Training a metric: a loop to read aloud. The last epoch is kept, so what it is checked on chooses nothing."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR

from ml import checkpoint, chip
from ml.augment import Augment
from ml.data import DataError, Dataset
from ml.metric import losses
from ml.metric.batches import balanced, triplets
from ml.metric.measures import retrieve, side
from ml.metric.recipes import MetricRecipe
from ml.networks import Network
from ml.standardise import Standardise
from ml.touch import textures
from ml.train import answers

WARMUP = 0.1  # of all steps, where the rate rises
CLIP = 5.0  # largest gradient norm, where a trunk learns

Figures = dict[str, float | int | str | None]


@dataclass(frozen=True)
class Course:
    """How one training is run, beside its recipe. `checkpoint`: where it goes on after a kill; `identity` tells this
    training from any other; `title` names it in the log."""

    seed: int = 0
    log: Path | None = None
    checkpoint: Path | None = None
    identity: str = ""
    title: str = "train"


def train(
    net: Network, train_on: Dataset, check_on: Dataset, recipe: MetricRecipe, standardise: Standardise, course: Course
) -> list[Figures]:
    """Trains `net`, whose classifier is the embedding head, in place; the figures of every epoch.

    DataError where a class has fewer than two images, where fewer than two classes are left, or if the loss stops being
    a number.
    """
    refuse_few(train_on)
    torch.manual_seed(course.seed)
    run = _Run(net, train_on, check_on, recipe, standardise, course)
    run.resume()
    while run.epoch < recipe.epochs:
        run.one_epoch()
        run.save()
    net.eval()
    return run.history


def refuse_few(data: Dataset) -> None:
    """DataError on fewer than two classes with images, or a class of one image, of which no pair can be made."""
    counts = {name: count for name, count in data.counts().items() if count}
    lone = [name for name, count in counts.items() if count < 2]
    if len(counts) < 2:
        raise DataError(f"a metric needs at least two classes to train on, and there is only {', '.join(counts)}")
    if lone:
        raise DataError(f"a class needs at least two images to train on, and there is one of {', '.join(lone)}")


def freeze(net: Network, learns: str) -> None:
    """Lets only the head, or the trunk's last stage as well, or everything learn; what is frozen keeps its statistics.

    To be called after every `net.train()`.
    """
    stages = list(net.trunk.children())
    frozen = {"head": stages, "stage": stages[:-1], "all": []}[learns]
    for stage in frozen:
        stage.requires_grad_(False).eval()


def embed(
    net: Network, images: NDArray[np.uint8], standardise: Standardise, recipe: MetricRecipe
) -> NDArray[np.float32]:
    """(N, D): what is compared of images (N, H, W, C), before any whitening, as the recipe says."""
    net.flips = recipe.views
    if recipe.kept == "texture":
        return textures(net, images, standardise)
    head, _, pooled = answers(net, images, standardise)
    return head if recipe.kept == "head" else pooled


@dataclass
class _Run:
    """One training in progress; everything that a checkpoint must hold is here."""

    net: Network
    train_on: Dataset
    check_on: Dataset
    recipe: MetricRecipe
    standardise: Standardise
    course: Course
    epoch: int = 0
    history: list[Figures] = field(default_factory=list)

    def __post_init__(self) -> None:
        data = self.train_on
        self.net.to(memory_format=torch.channels_last)
        freeze(self.net, self.recipe.learns)
        self.loss = losses.made(self.recipe, len(data.classes))
        self.halved = chip.can("bf16") and self.recipe.learns != "head"
        side = (data.images.shape[1], data.images.shape[2])
        self.augment = Augment(self.recipe.augment, data.classes, data.images.shape[3], side)
        self.steps = sum(1 for _ in self._batches(data.targets, 0))
        self.optimiser, self.pace = self._optimiser()
        # Nothing changes below a frozen trunk's top: its features are taken once.
        self.features = self._pooled(data) if self.recipe.learns == "head" else None
        self.checked = self._pooled(self.check_on) if self.recipe.learns == "head" else None

    def _optimiser(self) -> tuple[torch.optim.Optimizer, LambdaLR]:
        recipe = self.recipe
        trunk = [weight for weight in self.net.trunk.parameters() if weight.requires_grad]
        head = [*self.net.classifier.parameters(), *self.loss.parameters()]
        groups = [{"params": head, "lr": recipe.rate}]
        groups += [{"params": trunk, "lr": recipe.rate * recipe.trunk_rate}] if trunk else []
        # Without decay AdamW is Adam.
        optimiser = torch.optim.AdamW(groups, betas=(0.9, recipe.beta2), weight_decay=recipe.weight_decay)
        total = self.steps * recipe.epochs
        return optimiser, LambdaLR(optimiser, lambda step: _share(step / total, recipe.schedule))

    def _batches(self, targets: NDArray[np.intp], number: int) -> Iterator[NDArray[np.intp]]:
        rng = np.random.default_rng([self.course.seed, number])
        make = triplets if self.recipe.loss == "triplet" else balanced
        return make(targets, self.recipe.batch, rng)

    def _pooled(self, data: Dataset) -> Tensor:
        return torch.from_numpy(answers(self.net, data.images, self.standardise)[2])

    def one_epoch(self) -> None:
        start = time.perf_counter()
        torch.manual_seed(self.course.seed * 100_003 + self.epoch * 101)
        self.net.train()
        freeze(self.net, self.recipe.learns)
        rate = self.optimiser.param_groups[0]["lr"]
        found = [self._step(rows) for rows in self._batches(self.train_on.targets, self.epoch + 1)]
        self.epoch += 1
        loss = float(np.mean(found))
        if not math.isfinite(loss):
            raise DataError(f"the loss is no number any more in epoch {self.epoch}: try a lower --rate")
        figures: Figures = {"epoch": self.epoch, "loss": loss, "rate": rate, **self._check()}
        figures["seconds"] = round(time.perf_counter() - start, 2)
        self.history.append(figures)
        if self.course.log:
            with self.course.log.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"run": self.course.title, **figures}) + "\n")

    def _step(self, rows: NDArray[np.intp]) -> float:
        targets = torch.from_numpy(self.train_on.targets[rows])
        loss: Tensor = self.loss(self._scaled(self._embedded(rows, targets)), targets)
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        if self.features is None:
            nn.utils.clip_grad_norm_(self.net.parameters(), CLIP)
        self.optimiser.step()
        self.pace.step()
        return float(loss.detach())

    def _embedded(self, rows: NDArray[np.intp], targets: Tensor) -> Tensor:
        if self.features is not None:
            found: Tensor = self.net.classifier(self.features[rows])
            return found
        pixels = torch.from_numpy(self.train_on.images[rows]).permute(0, 3, 1, 2)
        inputs = self.standardise(self.augment(pixels, targets)).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.halved):
            made: Tensor = self.net(inputs)
        return made.float()

    def _scaled(self, embeddings: Tensor) -> Tensor:
        return nn.functional.normalize(embeddings) if self.recipe.unit else embeddings

    @torch.no_grad()
    def _check(self) -> Figures:
        """Loss over the check side in batches like those of training, and recall@1 within it."""
        self.net.eval()
        if self.checked is not None:
            found = self.net.classifier(self.checked)
        else:
            found = torch.from_numpy(answers(self.net, self.check_on.images, self.standardise)[0])
        targets, among = self.check_on.targets, side(found.numpy(), self.check_on.targets, self.check_on.groups)
        first = retrieve(among, among).first
        figures: Figures = {"recall_at_1": None if np.isnan(first).all() else float(np.nanmean(first))}
        rows = np.flatnonzero(np.bincount(targets, minlength=len(self.check_on.classes))[targets] > 1)
        if len(np.unique(targets[rows])) > 1:
            scaled = self._scaled(found)[torch.from_numpy(rows)]
            own = torch.from_numpy(targets[rows])
            parts = [self.loss(scaled[batch], own[batch]) for batch in self._batches(targets[rows], 0)]
            figures["check_loss"] = float(torch.stack(parts).mean())
        return figures

    def save(self) -> None:
        if self.course.checkpoint:
            state = {
                "identity": self.course.identity, "epoch": self.epoch, "history": self.history,
                "net": self.net.state_dict(), "loss": self.loss.state_dict(),
                "optimiser": self.optimiser.state_dict(), "pace": self.pace.state_dict(),
            }  # fmt: skip
            checkpoint.save(self.course.checkpoint, state)

    def resume(self) -> None:
        state = checkpoint.load(self.course.checkpoint, self.course.identity) if self.course.checkpoint else None
        if state is None:
            return
        self.epoch, self.history = state["epoch"], state["history"]
        self.net.load_state_dict(state["net"])
        self.loss.load_state_dict(state["loss"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.pace.load_state_dict(state["pace"])


def _share(done: float, schedule: str) -> float:
    """Of the highest rate when `done` of all steps are: half a cosine down to nothing after a straight warm-up."""
    if schedule == "constant":
        return 1.0
    if done < WARMUP:
        return max(done / WARMUP, 0.04)
    return (1 + math.cos(math.pi * min(1.0, (done - WARMUP) / (1 - WARMUP)))) / 2
