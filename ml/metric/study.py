"""A study: one metric for each fold by source, and one for each class that is left out, in one folder.

A part is written when it is done; the same command goes on with the first that is not, after the epoch it had reached.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

from ml import pretrained
from ml.data import DataError, Dataset
from ml.folds import folds
from ml.learn import gather
from ml.metric import brightness, kept
from ml.metric.recipes import MetricRecipe, recipe
from ml.metric.train import Course, embed, refuse_few, train
from ml.networks import Network, build
from ml.order import Order
from ml.pretext import trunk
from ml.prototypes import unit
from ml.standardise import Standardise
from ml.texture import whitening
from ml.train import statistics

Rows = NDArray[np.intp]


@dataclass(frozen=True)
class MetricOrder:
    """What to learn from and how: the fields are the options of `python -m ml metric train`.

    leave_out: classes of which each is left out of one more training on the sides of a fold, of the first
    `leave_out_folds` of them; `all` or `none`.
    weights: a file of ImageNet weights; without it the trunk is the one learnt on drawn cloth.
    """

    out: Path
    manifest: Path | None = None
    drawn: int = 0
    network: str = "resnet18"
    stem: str = "standard"
    preset: str = "siamese"
    knobs: dict[str, Any] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    merge: tuple[str, ...] = ()
    source_file: Path | None = None
    size: int = 64
    channels: int = 1
    resize_mixed: bool = False
    folds: int = 3
    leave_out: tuple[str, ...] = ("all",)
    leave_out_folds: int = 1
    seed: int = 0
    threads: int = 1
    weights: Path | None = None
    log: Path | None = None

    @property
    def recipe(self) -> MetricRecipe:
        return recipe(self.preset, self.knobs)

    @property
    def data(self) -> Order:
        names = ("manifest", "drawn", "network", "stem", "classes", "merge", "source_file", "size", "channels")
        return Order(**{name: getattr(self, name) for name in (*names, "resize_mixed", "seed", "threads")})

    def told(self, data: Dataset) -> dict[str, Any]:
        """What tells this study from any other."""
        return {
            "preset": self.preset, "recipe": asdict(self.recipe), "network": self.network, "stem": self.stem,
            "size": self.size, "channels": self.channels, "folds": self.folds, "seed": self.seed,
            "weights": self.weights.name if self.weights else "", "classes": list(data.classes),
            "about": data.about, "digest": data.digest, "split": data.split_by, "licence": data.licence,
        }  # fmt: skip


@dataclass(frozen=True)
class Part:
    """One training of a study: rows that train, rows that are held out, and the class that it never sees."""

    name: str
    train: Rows
    held: Rows
    without: str = ""


def learn(order: MetricOrder, say: Callable[[str], None] = lambda text: None) -> dict[str, Any]:
    """Trains every part that is not there yet and returns what study.json holds. DataError on data, weights or a recipe
    that cannot be used, and on a folder that holds another study."""
    order.recipe  # noqa: B018 - refuses a senseless one before anything is read
    torch.set_num_threads(order.threads)
    data, _ = gather(order.data, given=False)
    wanted = list(parts(order, data))
    study = _begun(order, order.told(data))
    for part in wanted:
        refuse_few(data.take(part.train))
    seen = _untrained(order, data) if order.recipe.learns == "none" else None
    order.out.mkdir(parents=True, exist_ok=True)
    for part in wanted:
        if part.name in study["parts"]:
            say(f"{part.name}: there already")
            continue
        study["parts"][part.name] = _learn_part(order, data, part, seen)
        kept.write(order.out, study)
        say(_line(part, study["parts"][part.name]))
    return study


def parts(order: MetricOrder, data: Dataset) -> Iterator[Part]:
    """A part for each fold, then for each class one that leaves it out of a fold's training side."""
    dealt = folds(data, order.folds, order.seed)
    for number, (train_rows, held) in enumerate(dealt, 1):
        yield Part(f"fold-{number}", train_rows, held)
    for number, (train_rows, held) in enumerate(dealt[: order.leave_out_folds], 1):
        for name in _left_out(order, data.classes):
            others = train_rows[data.targets[train_rows] != data.classes.index(name)]
            yield Part(f"without-{name}-{number}", others, held, name)


def _left_out(order: MetricOrder, classes: tuple[str, ...]) -> tuple[str, ...]:
    if order.leave_out in (("all",), ("none",)):
        return classes if order.leave_out == ("all",) else ()
    strange = sorted(set(order.leave_out) - set(classes))
    if strange:
        raise DataError(f"--leave-out: no class is named {', '.join(strange)}: there are {', '.join(classes)}")
    return order.leave_out


def _begun(order: MetricOrder, told: dict[str, Any]) -> dict[str, Any]:
    """The study so far, if the folder holds this very one; DataError if it holds anything else."""
    place = order.out / kept.STUDY
    if not order.out.exists() or (order.out.is_dir() and not any(order.out.iterdir())):
        return {"format": kept.FORMAT, **told, "parts": {}}
    if not place.is_file() and {path.suffix for path in order.out.iterdir()} <= {".pt"}:
        return {"format": kept.FORMAT, **told, "parts": {}}  # killed in its first part
    study = kept.read(order.out)
    differs = [name for name, value in told.items() if study.get(name) != json.loads(json.dumps(value))]
    if differs:
        raise DataError(f"{order.out} holds another study ({', '.join(differs)} differ): choose another --out")
    return study


def _learn_part(order: MetricOrder, data: Dataset, part: Part, seen: NDArray[np.float32] | None) -> dict[str, Any]:
    """Trains one part, writes its weights and embeddings, and says what it did. `seen`: embeddings that no part
    changes, where nothing is trained."""
    chosen, start = order.recipe, time.perf_counter()
    known = brightness.levels(data.take(part.train))
    ready = brightness.evened(data, chosen.homogenise, known)
    told: dict[str, Any] = {"without": part.without, "level": known.level, "brightness": _bars(data, ready, part)}
    weights: dict[str, torch.Tensor] = {}
    if seen is None:
        made, seen, weights = _train_part(order, ready, part)
        told |= made
    if chosen.whiten:
        fitted = whitening(unit(seen[part.train]), data.targets[part.train], chosen.whiten)
        seen = fitted(unit(seen))
        weights |= {f"whitening.{name}": torch.from_numpy(value) for name, value in fitted._asdict().items()}
    if weights:
        save_file(
            {name: tensor.contiguous() for name, tensor in weights.items()}, order.out / f"{part.name}.safetensors"
        )
    kept.write_embeddings(order.out / f"{part.name}.npz", seen, data.targets, data.groups, _sides(data, part))
    (order.out / f"{part.name}.pt").unlink(missing_ok=True)
    return {"history": [], **told, "seconds": round(time.perf_counter() - start, 1)}


def _train_part(
    order: MetricOrder, ready: Dataset, part: Part
) -> tuple[dict[str, Any], NDArray[np.float32], dict[str, torch.Tensor]]:
    """What it says of itself, the embeddings of all images, and its weights."""
    chosen = order.recipe
    net, began = _new(order)
    train_on, check_on = ready.take(part.train), _without(ready.take(part.held), part.without)
    mean, std = statistics(train_on.images)
    standardise = Standardise(mean, std, chosen.contrast)
    checkpoint = order.out / f"{part.name}.pt"
    course = Course(order.seed, order.log, checkpoint, _identity(order, ready, part), part.name)
    history = train(net, train_on, check_on, chosen, standardise, course)
    told = {"began": began, "mean": mean, "std": std, "history": history}
    return told, embed(net, ready.images, standardise, chosen), net.state_dict()


def _untrained(order: MetricOrder, data: Dataset) -> NDArray[np.float32]:
    """Embeddings by the trunk as it starts: the same for every part, since contrast is each image's own."""
    net, _ = _new(order)
    return embed(net, data.images, Standardise((0.5,), (0.25,), order.recipe.contrast), order.recipe)


def _new(order: MetricOrder) -> tuple[Network, str]:
    """A network with the weights it starts from, and which those are in words."""
    torch.manual_seed(order.seed)
    net = build(order.network, order.channels, order.recipe.width, order.stem)
    return net, _start(net, order)


def _start(net: Network, order: MetricOrder) -> str:
    if order.weights:
        return pretrained.load_imagenet(net, order.network, order.weights, order.stem)
    return trunk.take(net, order.network, order.stem, order.seed)


def _without(data: Dataset, name: str) -> Dataset:
    return data.take(np.flatnonzero(data.targets != data.classes.index(name))) if name else data


def _identity(order: MetricOrder, data: Dataset, part: Part) -> str:
    return hashlib.sha256(json.dumps([order.told(data), part.name]).encode()).hexdigest()


def _bars(data: Dataset, ready: Dataset, part: Part) -> dict[str, dict[str, float | None]]:
    """Mean grey level of each class on the training side, before and after homogenisation."""
    after = replace(ready.take(part.train), light=np.empty(0, dtype=np.float32)).measured()
    sides = (("before", data.take(part.train).measured()), ("after", after))
    found = {name: brightness.class_means(side.light, side.targets, len(data.classes)).tolist() for name, side in sides}
    return {
        name: {label: None if np.isnan(mean) else mean for label, mean in zip(data.classes, means, strict=True)}
        for name, means in found.items()
    }


def _sides(data: Dataset, part: Part) -> NDArray[np.uint8]:
    sides = np.full(len(data.targets), kept.SPARED, dtype=np.uint8)
    sides[part.train], sides[part.held] = kept.TRAINED, kept.HELD
    return sides


def _line(part: Part, done: dict[str, Any]) -> str:
    if not done["history"]:
        return f"{part.name}: {done['seconds']:.0f} s"
    last = done["history"][-1]
    recall = "not measured" if last["recall_at_1"] is None else f"{last['recall_at_1']:.3f}"
    return f"{part.name}: loss {last['loss']:.4f}, recall@1 {recall}, {done['seconds']:.0f} s"
