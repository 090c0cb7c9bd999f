"""The train command: data to bundle, with nothing left half-written when it is refused."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from ml import card, splits
from ml.bundle import Input, Spec
from ml.data import DataError, Dataset, check_rows, class_names, load, parse_merge, read_rows
from ml.drawn import draw
from ml.evaluate import evaluate
from ml.inspector import Inspector
from ml.networks import build, default_stem
from ml.pack import Flag, Packed, Trained, pack
from ml.presets import PRESETS, Recipe
from ml.train import Normaliser, statistics, train


@dataclass(frozen=True)
class Order:
    """What to learn from and how; the fields are the options of `python -m ml train`."""

    out: Path
    manifest: Path | None = None
    drawn: int = 0
    network: str = "textile_resnet"
    preset: str = "cloth"
    classes: tuple[str, ...] = ()
    merge: tuple[str, ...] = ()
    size: int = 64
    channels: int = 3
    large: str = "resize"
    max_tiles: int = 64
    epochs: int = 0
    batch: int = 0
    seed: int = 0
    threads: int = 1
    amp: bool = False
    name: str = ""
    licence: str = "not stated"
    flag: Flag = Flag()
    log: Path | None = None


def learn(order: Order) -> Spec:
    """Trains, calibrates, evaluates on the test side and writes the bundle. DataError on data that cannot be used."""
    if order.out.exists():
        raise DataError(f"{order.out} already exists")
    torch.set_num_threads(order.threads)
    data = gather(order)
    split = splits.split(data)
    recipe = _recipe(order)
    train_on, check_on = data.take(split.train), data.take(split.val)
    run = _train(order, recipe, train_on, check_on)
    packed = pack(order.name or order.out.name, run, train_on, check_on, order.flag, _provenance(order, data, split))
    metrics = held_out(packed, data.take(split.test)) if len(split.test) else {}
    final = replace(packed.spec, metrics={**packed.spec.metrics, **metrics})
    return packed.write(order.out, metrics, card.text(final))


def gather(order: Order) -> Dataset:
    """The labelled images of an order, at input size."""
    if order.manifest is None:
        return draw(order.drawn, order.seed, (order.size, order.size), order.channels, order.threads)
    rows = read_rows(order.manifest, parse_merge(order.merge))
    classes = class_names(rows, order.classes)
    check_rows(rows)
    splits.guard(rows)
    about = f"{len(rows)} images of {order.manifest.parent.name}, split by {'roll' if rows[0].roll else 'source'}"
    shape = Input(order.size, order.size, order.channels, order.large, order.max_tiles)
    return load(rows, classes, shape, about)


def held_out(packed: Packed, test: Dataset) -> dict[str, Any]:
    """Figures on the test side, through the very inspector that will serve."""
    with TemporaryDirectory() as folder:
        packed.write(Path(folder) / "draft")
        inspector = Inspector.load(Path(folder) / "draft", device="cpu")
        pairs = ((png(image), test.classes[target]) for image, target in zip(test.images, test.targets, strict=True))
        return {"held_out": evaluate(inspector, pairs)}


def png(image: NDArray[np.uint8]) -> bytes:
    """Lossless bytes of (H, W, C)."""
    out = io.BytesIO()
    Image.fromarray(image[..., 0] if image.shape[2] == 1 else image).save(out, "PNG")
    return out.getvalue()


def _recipe(order: Order) -> Recipe:
    recipe = PRESETS[order.preset]
    return replace(recipe, epochs=order.epochs or recipe.epochs, batch=order.batch or recipe.batch)


def _train(order: Order, recipe: Recipe, train_on: Dataset, check_on: Dataset) -> Trained:
    stem = default_stem(order.network, order.size)
    torch.manual_seed(order.seed)
    net = build(order.network, order.channels, len(train_on.classes), stem)
    mean, std = statistics(train_on.images)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    normalise = Normaliser(mean, std, device)
    outcome = train(net, train_on, check_on, recipe, normalise, seed=order.seed, amp=order.amp, log=order.log)
    record = {
        "preset": order.preset, "recipe": asdict(recipe), "seed": order.seed, "best_epoch": outcome.best_epoch,
        "best_macro_f1": outcome.best_macro_f1, "seconds": round(sum(epoch["seconds"] for epoch in outcome.epochs), 1),
    }  # fmt: skip
    shape = Input(order.size, order.size, order.channels, order.large, order.max_tiles)
    return Trained(net, order.network, stem, shape, mean, std, _shares(recipe, train_on), record)


def _shares(recipe: Recipe, data: Dataset) -> dict[str, float]:
    """Class shares as the network saw them."""
    counts = data.counts()
    if recipe.balance:
        return dict.fromkeys(counts, 1 / len(counts))
    return {name: max(count, 1) / len(data.targets) for name, count in counts.items()}


def _provenance(order: Order, data: Dataset, split: splits.Split) -> dict[str, Any]:
    sides: Sequence[tuple[str, NDArray[np.intp]]] = (("train", split.train), ("val", split.val), ("test", split.test))
    return {
        "about": data.about,
        "digest": data.digest,
        "licence": order.licence,
        "split": "given" if any(data.splits) else "by hash of the source or roll, 70/20/10",
        "counts": {side: data.take(rows).counts() for side, rows in sides},
    }
