"""Training: a loop to read aloud. Kept are the weights of the best epoch by macro-F1, or of the last."""

from __future__ import annotations

import copy
import json
import math
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from tqdm import tqdm

from ml import checkpoint, chip
from ml.augment import Augment, mix
from ml.averaged import Average
from ml.data import DataError, Dataset
from ml.metrics import confusion, macro_f1, per_class
from ml.networks import Network
from ml.presets import Recipe
from ml.progress import SILENT, Progress
from ml.schedule import pace
from ml.standardise import Standardise
from ml.together import Team, agree, mine, shared

ENOUGH = 0.01  # macro-F1 is not called better for less, when patience is counted


@dataclass(frozen=True)
class Outcome:
    """What training leaves: the kept weights are in the network; the figures of every epoch are here."""

    best_epoch: int
    best_macro_f1: float | None
    epochs: tuple[dict[str, float], ...]


@dataclass(frozen=True)
class Course:
    """How one training is run, beside its recipe. `turns` and `fixed`: see ml.augment. `checkpoint`: where it goes on
    after a kill; `identity` tells this training from any other."""

    seed: int = 0
    turns: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    log: Path | None = None
    checkpoint: Path | None = None
    identity: str = ""
    team: Team = Team()
    title: str = "train"
    progress: Progress = SILENT


def train(
    net: Network, train_on: Dataset, check_on: Dataset | None, recipe: Recipe, standardise: Standardise, course: Course
) -> Outcome:
    """Trains `net` in place and leaves the kept weights in it, on the CPU. DataError if the loss stops being a number.

    `check_on` is what epochs are compared on; without it the last epoch is kept.
    """
    run = _Run(net, train_on, check_on, recipe, standardise, course)
    run.resume()
    run.begin()
    with closing(_bar(run)) as bar:
        while run.epoch < recipe.epochs and not run.tired():
            run.one_epoch(bar)
            run.save()
    return run.finish()


@dataclass
class _Run:
    """One training in progress; everything that a checkpoint must hold is here."""

    net: Network
    train_on: Dataset
    check_on: Dataset | None
    recipe: Recipe
    standardise: Standardise
    course: Course
    epoch: int = 0
    best: tuple[int, float] = (0, -1.0)
    better_at: tuple[int, float] = (0, -1.0)
    kept: dict[str, Tensor] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        form = torch.channels_last if self.recipe.channels_last else torch.contiguous_format
        self.device = self.standardise.shift.device
        self.net.to(self.device).to(memory_format=form)
        self.form = form
        # bfloat16 on a chip without it is slower than what it is to replace.
        self.halved = self.recipe.amp and (self.device.type == "cuda" or chip.can("bf16"))
        self.worker = shared(self.net, self.course.team)
        self.average = Average(self.net, self.recipe.ema) if self.recipe.ema else None
        self.steps = len(_lengths(len(self.train_on.targets), self.recipe.batch, self.course.team.size))
        self.pace = pace(self.net, self.recipe, self.steps)
        _, height, width, channels = self.train_on.images.shape
        self.weights = torch.from_numpy(self.train_on.weighed())
        self.augment = Augment(
            self.recipe.augment, self.train_on.classes, channels, (height, width), self.course.turns, self.course.fixed
        )

    @property
    def judged(self) -> Network:
        return self.average.net if self.average else self.net

    def begin(self) -> None:
        """What goes on from a base may be best before the first step: epoch 0."""
        if self.recipe.start == "base" and not self.epoch:
            self._keep(self._score())

    def tired(self) -> bool:
        """Without a validation side nothing can get better, and so patience never ends."""
        patience = self.recipe.patience if self.check_on is not None else 0
        return bool(patience) and self.epoch - self.better_at[0] >= patience

    def one_epoch(self, bar: Any) -> None:
        start = time.perf_counter()
        rng = np.random.default_rng([self.course.seed, self.epoch])
        torch.manual_seed(self.course.seed * 100_003 + self.epoch * 101 + self.course.team.rank)
        self.net.train()
        losses = []
        for number, rows in enumerate(self._batches(rng), 1):
            losses.append(self._step(rows, rng, bar))
            self.course.progress.batch(self.epoch + 1, self.recipe.epochs, number, self.steps)
        self.epoch += 1
        loss = agree(float(np.mean(losses)), self.course.team, self.device)
        if not math.isfinite(loss):
            raise DataError(f"the loss is no number any more in epoch {self.epoch}: try a lower --rate")
        figures = {"epoch": self.epoch, "loss": loss, "rate": self.pace.optimiser.param_groups[0]["lr"]}
        score = self._score()
        self.pace.epoch(-loss if score is None else score)
        if score is not None:
            figures["macro_f1"] = score
        self._keep(score)
        self.history.append({**figures, "seconds": round(time.perf_counter() - start, 3)})
        if self.course.team.first:
            _note(self.course.log, {"run": self.course.title, **self.history[-1]})
        bar.set_postfix(loss=f"{loss:.3f}", **({} if score is None else {"macro_f1": f"{score:.3f}"}))

    def _batches(self, rng: np.random.Generator) -> Iterator[Tensor]:
        """Row numbers of one epoch, shuffled, a batch at a time."""
        order = torch.from_numpy(_order(self.train_on, self.recipe.balance, rng))
        yield from torch.split(order, _lengths(len(order), self.recipe.batch, self.course.team.size))

    def _step(self, rows: Tensor, rng: np.random.Generator, bar: Any) -> float:
        targets = mine(torch.from_numpy(self.train_on.targets)[rows], self.course.team)
        images = torch.from_numpy(self.train_on.images[mine(rows, self.course.team).numpy()]).permute(0, 3, 1, 2)
        inputs = self.standardise(self.augment(images, targets).to(self.device)).contiguous(memory_format=self.form)
        # The loss is linear in the truth: what a label counts goes into it, and mixing keeps each image's own share.
        weights = mine(self.weights[rows], self.course.team).to(self.device)
        truth = _truth(targets.to(self.device), len(self.train_on.classes), self.recipe.smoothing) * weights[:, None]
        if self.recipe.mixup or self.recipe.cutmix:
            inputs, truth = mix(inputs, truth, self.recipe.mixup, self.recipe.cutmix, rng)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.halved):
            logits = self.worker(inputs)
        loss = nn.functional.cross_entropy(logits.float(), truth)
        self.pace.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        if self.recipe.clip:
            nn.utils.clip_grad_norm_(self.net.parameters(), self.recipe.clip)
        self.pace.optimiser.step()
        self.pace.batch()
        if self.average:
            self.average.follow(self.net)
        bar.update()
        return float(loss.detach())

    def _score(self) -> float | None:
        if self.check_on is None:
            return None
        return agree(validate(self.judged, self.check_on, self.standardise), self.course.team, self.device)

    def _keep(self, score: float | None) -> None:
        """Remembers the weights if this is the epoch to keep so far."""
        if score is None or self.recipe.keep == "last":
            self.best = (self.epoch, -1.0 if score is None else score)
        elif score > self.best[1]:
            self.best, self.kept = (self.epoch, score), copy.deepcopy(self.judged.state_dict())
        if score is not None and score > self.better_at[1] + ENOUGH:
            self.better_at = (self.epoch, score)

    def save(self) -> None:
        if self.course.checkpoint is None or not self.course.team.first:
            return
        state = {
            "identity": self.course.identity, "epoch": self.epoch, "best": list(self.best),
            "better_at": list(self.better_at), "kept": self.kept, "history": self.history,
            "net": self.net.state_dict(), "pace": self.pace.state(),
            "average": self.average.net.state_dict() if self.average else {},
            "average_steps": self.average.steps if self.average else 0,
        }  # fmt: skip
        checkpoint.save(self.course.checkpoint, state)

    def resume(self) -> None:
        state = checkpoint.load(self.course.checkpoint, self.course.identity) if self.course.checkpoint else None
        if state is None:
            return
        self.epoch, self.history, self.kept = state["epoch"], state["history"], state["kept"]
        self.best, self.better_at = tuple(state["best"]), tuple(state["better_at"])
        self.net.load_state_dict(state["net"])
        self.pace.load(state["pace"])
        if self.average:
            self.average.net.load_state_dict(state["average"])
            self.average.steps = state["average_steps"]

    def finish(self) -> Outcome:
        self.net.load_state_dict(self.kept or self.judged.state_dict())
        self.net.to("cpu").eval()
        return Outcome(self.best[0], None if self.best[1] < 0 else self.best[1], tuple(self.history))


def _truth(targets: Tensor, classes: int, smoothing: float) -> Tensor:
    """(N, K): what is to be said of each image, `smoothing` of it shared by all classes."""
    told = nn.functional.one_hot(targets, classes).to(torch.float32)
    return told * (1 - smoothing) + smoothing / classes


def statistics(images: NDArray[np.uint8]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel, 0..1, over (N, H, W, C); the deviation at least 0.02."""
    sample = images[:: max(1, len(images) // 4000)].astype(np.float64) / 255
    mean, std = sample.mean(axis=(0, 1, 2)), np.maximum(sample.std(axis=(0, 1, 2)), 0.02)
    return tuple(float(round(value, 6)) for value in mean), tuple(float(round(value, 6)) for value in std)


def _lengths(count: int, batch: int, processes: int) -> list[int]:
    """Lengths of the batches of `count` rows. A last one that leaves a process fewer than two joins the one before:
    of one image batch norm can make nothing where the map is one pixel."""
    lengths = [batch] * (count // batch) + [count % batch] * (count % batch > 0)
    if len(lengths) > 1 and lengths[-1] < min(2 * processes, batch):
        last = lengths.pop()
        lengths[-1] += last
    return lengths


def _order(data: Dataset, balance: float, rng: np.random.Generator) -> NDArray[np.intp]:
    """Every image once, or as many draws in which a class of n images has the weight n ** (1 - balance)."""
    count = len(data.targets)
    if not balance:
        return rng.permutation(count)
    sizes = np.bincount(data.targets, minlength=len(data.classes))
    weights = sizes[data.targets] ** -float(balance)
    return rng.choice(count, count, p=weights / weights.sum())


@torch.inference_mode()
def answers(
    net: Network, images: NDArray[np.uint8], standardise: Standardise, batch: int = 256
) -> tuple[NDArray[np.float32], ...]:
    """Logits (N, K), class maps (N, K, h, w) and embeddings (N, D) in full precision."""
    net.eval()
    device = standardise.shift.device
    parts: list[Sequence[NDArray[np.float32]]] = []
    for start in range(0, len(images), batch):
        pixels = torch.from_numpy(images[start : start + batch]).permute(0, 3, 1, 2).to(device)
        inputs = standardise(pixels).contiguous(memory_format=torch.channels_last)
        parts.append([part.cpu().numpy() for part in net.explain(inputs)])
    return tuple(np.concatenate(column) for column in zip(*parts, strict=True))


def validate(net: Network, data: Dataset, standardise: Standardise) -> float:
    """Macro-F1 of the most probable class."""
    said = answers(net, data.images, standardise)[0].argmax(axis=1)
    names = data.classes
    table = confusion([names[i] for i in data.targets], [names[i] for i in said], names)
    return macro_f1(per_class(table, names))


def _bar(run: _Run) -> Any:
    """Progress over all batches of all epochs, with the time that is left; silent where nobody watches."""
    hidden = not (run.course.team.first and sys.stderr.isatty())
    total, done = run.steps * run.recipe.epochs, run.steps * run.epoch
    return tqdm(desc=run.course.title, total=total, initial=done, unit="batch", disable=hidden)


def _note(log: Path | None, figures: dict[str, Any]) -> None:
    if log:
        with log.open("a") as file:
            file.write(json.dumps(figures) + "\n")
