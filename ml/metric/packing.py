"""`python -m ml metric pack`: one metric learnt on the training side, its prototypes as a classifier, as a bundle.

The head's answer to the mean of a map is the mean of its answers (see ml.networks.Siamese), and the nearest prototype
is a linear layer on that (see ml.metric.nearest): so a metric judges as any other network does, and needs no code of
its own to be served.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ml import learn, splits
from ml.data import DataError, Dataset
from ml.fit import Trained, told
from ml.metric import brightness, nearest
from ml.metric.fit import Start, fit
from ml.metric.recipes import MetricRecipe, recipe
from ml.metric.train import Course, embed, refuse_few
from ml.network_names import siamese
from ml.networks import Network, Siamese, build
from ml.order import Order
from ml.progress import LEARNT
from ml.spec import Spec
from ml.train import Outcome

TRUNK = "resnet18"
Say = Callable[[str], None]


@dataclass(frozen=True)
class PackOrder:
    """`bundle`: data, place and what else every bundle is asked for; its network and recipe are the metric's.
    weights: a file of ImageNet weights; without it the trunk is the one learnt on drawn cloth."""

    bundle: Order
    preset: str = "siamese"
    knobs: dict[str, Any] = field(default_factory=dict)
    weights: Path | None = None


def pack(order: PackOrder, say: Say = lambda text: None) -> Spec:
    """Trains on the training side, calibrates on the validation side, measures on the test side and writes. DataError
    on data, weights or a recipe that cannot be used."""
    bundle = replace(order.bundle, network=TRUNK)
    learn.refuse_out(bundle.out)
    chosen = servable(order.preset, order.knobs, say)
    torch.set_num_threads(bundle.threads)
    data, _ = learn.gather(bundle)
    split = splits.split(data)
    learn.refuse_thin(bundle, data, split.train)
    refuse_few(data.take(split.train))
    known = brightness.levels(data.take(split.train))
    ready = brightness.evened(data, chosen.homogenise, known)
    train_on, check_on = ready.take(split.train), ready.take(split.val)
    bundle.progress.stage("training", LEARNT)
    run = _fitted(order, chosen, train_on, check_on, known.level)
    return learn.finish(bundle, learn.made_on_sides(bundle, data, split, run, train_on, check_on), data)


def servable(preset: str, knobs: dict[str, Any], say: Say = lambda text: None) -> MetricRecipe:
    """The recipe as it can be served. DataError where what is compared is no head's answer."""
    chosen = recipe(preset, knobs)
    if chosen.kept != "head" or chosen.whiten:
        what = "whitened" if chosen.kept == "head" else chosen.kept
        raise DataError(
            f"{preset} compares {what} embeddings, and a bundle's are its head's: pack siamese, proxy or the like"
        )
    if chosen.homogenise in ("class", "camera"):
        say(f"brightness by {chosen.homogenise} cannot be served, as no judge knows it: by image instead")
        return replace(chosen, homogenise="image")
    return chosen


def _fitted(order: PackOrder, chosen: MetricRecipe, train_on: Dataset, check_on: Dataset, level: float) -> Trained:
    """The metric learnt, and made a network that says classes."""
    bundle, began = order.bundle, time.perf_counter()
    identity = bundle.identity(told(train_on, check_on), json.dumps([asdict(chosen), str(order.weights)]))
    checkpoint = bundle.work / "metric.pt" if bundle.work else None
    course = Course(bundle.seed, bundle.log, checkpoint, identity, order.preset)
    made = fit(Start(TRUNK, bundle.stem, order.weights), chosen, train_on, check_on, course)
    judge = judging(made.net, embed(made.net, train_on.images, made.standardise, chosen), train_on, chosen, bundle.stem)
    shape = replace(bundle.shape, homogenise=level if chosen.homogenise == "image" else None)
    record = {
        "preset": order.preset, "recipe": asdict(chosen), "seed": bundle.seed, "began": made.began,
        "best_epoch": chosen.epochs, "best_macro_f1": None, "seconds": round(time.perf_counter() - began, 1),
    }  # fmt: skip
    # Prototypes know no shares: every class stands for as much.
    shares = dict.fromkeys(train_on.classes, 1 / len(train_on.classes))
    return Trained(
        judge, siamese(chosen.width, chosen.unit), bundle.stem, shape, made.mean, made.std, chosen.contrast, shares,
        record, Outcome(chosen.epochs, None, ()),
    )  # fmt: skip


def judging(
    net: Network, embeddings: NDArray[np.float32], train_on: Dataset, chosen: MetricRecipe, stem: str
) -> Siamese:
    """The trunk and head of `net`, and the nearest prototype of the training side's embeddings (N, D).

    Plain Euclidean distances have no origin: the head's is moved to the mean of the prototypes, so that directions from
    it, which look-alikes go by, and maps tell classes apart instead of what all images share.
    """
    points = nearest.centres(embeddings, train_on.targets, len(train_on.classes), chosen.unit)
    origin = np.zeros(points.shape[1]) if chosen.unit else points.mean(axis=0)
    layer = nearest.layer(points - origin)
    made = build(siamese(chosen.width, chosen.unit), train_on.images.shape[3], len(points), stem)
    assert isinstance(made, Siamese)
    made.trunk.load_state_dict(net.trunk.state_dict())
    made.flips = chosen.views
    with torch.no_grad():
        made.head.weight.copy_(net.classifier.weight[:, :, None, None])
        made.head.bias.copy_(net.classifier.bias - torch.from_numpy(origin))  # type: ignore[union-attr]
        made.classifier.weight.copy_(torch.from_numpy(layer.weight))
        made.classifier.bias.copy_(torch.from_numpy(layer.bias))
    return made.eval()
