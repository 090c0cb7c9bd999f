"""A texture for a bundle that was packed without one: the same weights and answers, and one output more.

The images that it was trained on are read or drawn once more, for the whitening, for the ranges of int8 and for its
proof. Nothing is trained, and none of its figures changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save

from ml import bundle, card, precision, probe, splits
from ml.bundle import GRAPH, GRAPH_INT8, WEIGHTS, Spec
from ml.data import Dataset
from ml.engines import CpuEngine, open_graph
from ml.export import PARITY, check_parity, to_graph
from ml.gpu import load_network
from ml.held import Held
from ml.inspector import known_cloth
from ml.learn import gather
from ml.networks import Network
from ml.order import Order
from ml.precision import Choice
from ml.preprocess import Pixels
from ml.probe import Answer
from ml.refusal import DataError
from ml.spec import Faster
from ml.standardise import Standardise
from ml.touch import chosen
from ml.train import answers

COMPARED = 256  # images on which the old graphs and the new ones must say the same


@dataclass(frozen=True)
class RetrofitOrder:
    """Which bundle, and what it was trained on: the fields are the options of `python -m ml retrofit`. `texture`: see
    ml.touch; `auto` gives none to a bundle whose embeddings tell more."""

    bundle: Path
    out: Path
    manifest: Path | None = None
    drawn: int = 0
    merge: tuple[str, ...] = ()
    seed: int = 0
    texture: str = "auto"
    threads: int = 1


def retrofit(order: RetrofitOrder) -> Spec:
    """Writes the new bundle. DataError where the images are others, or where anything but the texture would change."""
    if order.out.exists():
        raise DataError(f"{order.out} already exists")
    torch.set_num_threads(order.threads)
    spec = bundle.verify(order.bundle)
    if spec.texture_size:
        raise DataError(f"{order.bundle.name} gives textures already")
    train_on, check_on = _sides(order, spec)
    net, _ = load_network(order.bundle, spec)
    standardise = Standardise(spec.mean, spec.std, spec.contrast)
    texture, likeness = chosen(net, standardise, train_on, _held(net, standardise, check_on), order.texture)
    if texture is None:
        raise DataError(f"its embeddings tell more than its textures would: {likeness}; --texture yes gives them")
    size = (spec.input.height, spec.input.width, spec.input.channels)
    graph = to_graph(net, spec.mean, spec.std, size, spec.contrast, texture)
    images = check_on.images[:COMPARED]
    check_parity(net, spec.mean, spec.std, graph, images[:64], spec.contrast, texture)
    choice = _proven(order.bundle, spec, graph, train_on, check_on)
    _refuse_change(order.bundle, {GRAPH: graph, **choice.files}, images)
    with open_graph(graph) as engine:
        asked = probe.ask(engine, spec.input)
    metrics = {**spec.metrics, "likeness": likeness}
    made = replace(spec, texture_size=texture.size, probe=asked, engine=choice.engine, metrics=metrics, files={})
    tensors = load_file(order.bundle / WEIGHTS) | texture.tensors()
    return bundle.write(order.out, made, save(tensors), graph, card.text(made), choice.files)


def _sides(order: RetrofitOrder, spec: Spec) -> tuple[Dataset, Dataset]:
    """What it was trained on, and what it was checked on. DataError where these are not the images."""
    shape = spec.input
    source = Order(
        manifest=order.manifest, drawn=order.drawn, merge=order.merge, seed=order.seed, threads=order.threads,
        classes=spec.classes if order.manifest else (), size=shape.width, channels=shape.channels, large=shape.large,
        max_tiles=shape.max_tiles, homogenise=shape.homogenise is not None,
    )  # fmt: skip
    data, _ = gather(source)
    if data.digest != spec.data.get("digest"):
        raise DataError(f"these are not the images that {order.bundle.name} was trained on: {data.about}")
    if spec.training.get("recipe", {}).get("calibrate") == "folds":
        return data, data
    sides = splits.split(data)
    return data.take(sides.train), data.take(sides.val)


def _held(net: Network, standardise: Standardise, check_on: Dataset) -> Held:
    """What the network says of these images; how far they lie from known cloth is not asked."""
    logits, maps, embedding = answers(net, check_on.images, standardise)
    none = np.zeros(len(logits), dtype=np.intp)
    return Held(check_on, none, logits, maps, embedding, none.astype(np.float32), none.astype(bool))


def _proven(folder: Path, spec: Spec, graph: bytes, train_on: Dataset, check_on: Dataset) -> Choice:
    """Its precision, proven again. DataError where the gate does not pass it any more."""
    if spec.engine.precision == "fp32":
        return Choice(Faster(finding=spec.engine.finding), {})
    known = known_cloth(folder / WEIGHTS, spec)
    side = str(next(iter(spec.engine.finding.get("origin", {"validation": 0}))))
    choice = precision.choose(graph, spec.input, train_on, check_on, known, spec.unknown, side=side)
    if choice.engine.precision != spec.engine.precision:
        raise DataError(f"it would be judged in {choice.engine.precision}, no more in {spec.engine.precision}")
    return choice


def _refuse_change(folder: Path, graphs: Mapping[str, bytes], images: Pixels) -> None:
    """DataError where a new graph says something else than the old one of its name: in logits, maps or embedding."""
    for name, graph in graphs.items():
        precision_of = "int8" if name == GRAPH_INT8 else "fp32"
        with open_graph(graph, precision_of) as engine:
            now = engine.run(images)
        apart = _apart(CpuEngine(folder / name, precision=precision_of).run(images), now)
        if not apart <= PARITY:
            raise DataError(f"{name} would differ from the bundle's own by {apart:.3g}: nothing was written")


def _apart(was: Answer, now: Answer) -> float:
    """The greatest difference in all but the texture, relative above 1."""
    pairs = zip(was[:-1], now[:-1], strict=True)
    return max(float(np.max(np.abs(new - old) / np.maximum(1, np.abs(old)))) for old, new in pairs)
