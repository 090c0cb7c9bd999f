"""A study: one metric for each fold by source, and one for each class that is left out, in one folder.

A part is written when it is done; the same command goes on with the first that is not, after the epoch it had reached.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

from ml.data import Dataset
from ml.learn import gather
from ml.metric import brightness, kept
from ml.metric.fit import Start, fit
from ml.metric.order import MetricOrder, Part, parts
from ml.metric.train import Course, embed, refuse_few
from ml.prototypes import unit
from ml.standardise import Standardise
from ml.texture import whitening

Floats = NDArray[np.float32]
Tensors = dict[str, torch.Tensor]


def learn(order: MetricOrder, say: Callable[[str], None] = lambda text: None) -> dict[str, Any]:
    """Trains every part that is not there yet and returns what study.json holds. DataError on data, weights or a recipe
    that cannot be used, and on a folder that holds another study."""
    chosen = order.recipe  # a senseless one is refused before anything is read
    torch.set_num_threads(order.threads)
    data, _ = gather(order.data, given=False)
    brightness.refuse_unnamed(data, chosen.homogenise)
    wanted = list(parts(order, data))
    study = kept.begun(order.out, order.told(data))
    for part in wanted:
        refuse_few(data.take(part.train))
    seen = _untrained(order, data) if chosen.learns == "none" else None
    order.out.mkdir(parents=True, exist_ok=True)
    for part in wanted:
        if part.name in study["parts"]:
            say(f"{part.name}: there already")
            continue
        study["parts"][part.name] = _learn_part(order, data, part, seen)
        kept.write(order.out, study)
        say(_line(part, study["parts"][part.name]))
    return study


def _learn_part(order: MetricOrder, data: Dataset, part: Part, seen: Floats | None) -> dict[str, Any]:
    """Trains one part, writes its weights and embeddings, and says what it did. `seen`: embeddings that no part
    changes, where nothing is trained."""
    began = time.perf_counter()
    known = brightness.levels(data.take(part.train))
    ready = brightness.evened(data, order.recipe.homogenise, known)
    told: dict[str, Any] = {"history": [], "without": part.without, "level": known.level}
    told["brightness"] = _bars(data.take(part.train), ready.take(part.train))
    weights: Tensors = {}
    if seen is None:
        made, seen, weights = _trained(order, ready, part)
        told |= made
    if order.recipe.whiten:
        seen, more = _whitened(seen, data.targets, part, order.recipe.whiten)
        weights |= more
    if weights:
        save_file({name: one.contiguous() for name, one in weights.items()}, order.out / f"{part.name}.safetensors")
    kept.write_embeddings(order.out / f"{part.name}.npz", seen, data.targets, data.groups, part.sides(len(seen)))
    (order.out / f"{part.name}.pt").unlink(missing_ok=True)
    return {**told, "seconds": round(time.perf_counter() - began, 1)}


def _trained(order: MetricOrder, ready: Dataset, part: Part) -> tuple[dict[str, Any], Floats, Tensors]:
    """What it says of itself, the embeddings of all images, and its weights."""
    identity = hashlib.sha256(json.dumps([order.told(ready), part.name]).encode()).hexdigest()
    course = Course(order.seed, order.log, order.out / f"{part.name}.pt", identity, part.name)
    check_on = _without(ready.take(part.held), part.without)
    made = fit(_start(order), order.recipe, ready.take(part.train), check_on, course)
    told = {"began": made.began, "mean": made.mean, "std": made.std, "history": made.history}
    return told, embed(made.net, ready.images, made.standardise, order.recipe), made.net.state_dict()


def _untrained(order: MetricOrder, data: Dataset) -> Floats:
    """Embeddings by the trunk as it starts: the same for every part, since contrast is each image's own."""
    net, _ = _start(order).new(order.channels, order.recipe.width, order.seed)
    return embed(net, data.images, Standardise((0.5,), (0.25,), order.recipe.contrast), order.recipe)


def _whitened(seen: Floats, targets: NDArray[np.intp], part: Part, shrink: float) -> tuple[Floats, Tensors]:
    fitted = whitening(unit(seen[part.train]), targets[part.train], shrink)
    tensors = {f"whitening.{name}": torch.from_numpy(value) for name, value in fitted._asdict().items()}
    return fitted(unit(seen)), tensors


def _start(order: MetricOrder) -> Start:
    return Start(order.network, order.stem, order.weights)


def _without(data: Dataset, name: str) -> Dataset:
    return data.take(np.flatnonzero(data.targets != data.classes.index(name))) if name else data


def _bars(before: Dataset, after: Dataset) -> dict[str, dict[str, float | None]]:
    """Mean grey level of each class on the training side, before and after homogenisation."""
    shown = {"before": before.measured(), "after": replace(after, light=np.empty(0, dtype=np.float32)).measured()}
    return {name: _means(side) for name, side in shown.items()}


def _means(side: Dataset) -> dict[str, float | None]:
    """None of a class without images, which JSON has no other word for."""
    means = brightness.class_means(side.light, side.targets, len(side.classes)).tolist()
    return {label: None if np.isnan(mean) else mean for label, mean in zip(side.classes, means, strict=True)}


def _line(part: Part, done: dict[str, Any]) -> str:
    if not done["history"]:
        return f"{part.name}: {done['seconds']:.0f} s"
    last = done["history"][-1]
    recall = "not measured" if last["recall_at_1"] is None else f"{last['recall_at_1']:.3f}"
    return f"{part.name}: loss {last['loss']:.4f}, recall@1 {recall}, {done['seconds']:.0f} s"
