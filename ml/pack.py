"""A trained network to a bundle: calibrate on the validation side, set the limits, export, prove, write, test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save

from ml import bundle, precision, probe
from ml.bundle import Input, Spec, Unknown
from ml.calibrate import fit_temperature
from ml.data import Dataset
from ml.engines import open_graph
from ml.export import check_parity, to_graph
from ml.fit import Trained
from ml.held import Held, calibration
from ml.judged import GOOD
from ml.novelty import Known
from ml.order import Order
from ml.progress import CHOSEN, EXPORTED, PACKED
from ml.quality import quality_limits
from ml.touch import chosen


@dataclass(frozen=True)
class Packed:
    """A bundle not yet written."""

    spec: Spec
    weights: bytes
    graph: bytes
    more: Mapping[str, bytes]

    def write(self, folder: Path, metrics: dict[str, Any] | None = None, card: str = "") -> Spec:
        """Writes it, with further metrics in its spec."""
        spec = replace(self.spec, metrics={**self.spec.metrics, **(metrics or {})})
        return bundle.write(folder, spec, self.weights, self.graph, card, self.more)


@dataclass(frozen=True)
class Made:
    """What a training leaves to be packed: a network and its training side, answers that calibrate it, the cloth that
    it knows, the figures there are so far, and where the data came from."""

    run: Trained
    train_on: Dataset
    held: Held
    known: Known
    unknown: Unknown
    metrics: dict[str, Any]
    data: dict[str, Any]


def pack(order: Order, made: Made) -> Packed:
    """Calibrates and exports: temperature, threshold and heat come from the answers `held`."""
    run, train_on, held, known, unknown = made.run, made.train_on, made.held, made.known, made.unknown
    order.progress.stage("exporting", EXPORTED)
    temperature = fit_temperature(held.logits, held.data.targets)
    shape = (run.input.height, run.input.width, run.input.channels)
    texture, likeness = chosen(run.net, run.standardise, train_on, held, order.texture)
    graph = to_graph(run.net, run.mean, run.std, shape, run.contrast, texture)
    parity = check_parity(run.net, run.mean, run.std, graph, held.data.images[:64], run.contrast, texture)
    order.progress.stage("choosing precision", CHOSEN)
    side = "training" if order.recipe.calibrate == "folds" else "validation"  # folds leave no image unseen
    choice = precision.choose(graph, run.input, train_on, held.data, known, unknown, order.precision, side)
    order.progress.stage("packing", PACKED)
    spec = Spec(
        name=order.name or (order.out.name if order.out else run.network), network=run.network, stem=run.stem,
        classes=train_on.classes, input=run.input, mean=run.mean, std=run.std, contrast=run.contrast,
        flips=run.net.flips, embedding_size=run.net.embedding_size,
        texture_size=texture.size if texture else 0, temperature=temperature,
        threshold=order.flag.threshold(held.logits, held.data, temperature), shares=run.shares, unknown=unknown,
        quality=quality_limits(train_on), heat_scale=_heat_scale(held.maps, held.data), probe=_probe(graph, run.input),
        engine=choice.engine,
        metrics={
            "calibration": calibration(held.logits, held.data.targets, temperature), "parity": parity,
            "likeness": likeness,
        },
        data=made.data, training=run.training, created_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )  # fmt: skip
    tensors = {key: value.contiguous() for key, value in run.net.state_dict().items()}
    kept = {name: torch.from_numpy(tensor) for name, tensor in known.tensors().items()}
    kept |= texture.tensors() if texture else {}
    return Packed(spec, save(tensors | kept), graph, choice.files)


def _heat_scale(maps: NDArray[np.float32], data: Dataset) -> float:
    """The evidence that good cloth reaches in one image of a hundred: heat is drawn against it at least."""
    if GOOD not in data.classes:
        return 1.0
    good = data.classes.index(GOOD)
    mine = maps[data.targets == good]
    if not len(mine):
        return 1.0
    evidence = (np.delete(mine, good, axis=1) - mine[:, [good]]).max(axis=(1, 2, 3))
    return float(max(np.quantile(evidence, 0.99), 1e-3))


def _probe(graph: bytes, shape: Input) -> bundle.Probe:
    with open_graph(graph) as engine:
        return probe.ask(engine, shape)
