"""A trained network to a bundle: calibrate on the validation side, set the limits, export, prove, write, test."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save

from ml import bundle, novelty, probe
from ml.bundle import Input, Quality, Spec, Unknown
from ml.calibrate import fit_temperature, softmax, threshold_by_budget, threshold_by_cost
from ml.data import Dataset
from ml.engines import CpuEngine
from ml.export import check_parity, to_graph
from ml.metrics import brier, ece
from ml.networks import Network
from ml.preprocess import brightness, focus
from ml.train import Normaliser, answers

REFERENCES = 2400  # embeddings kept to know known cloth by: 2.5 MB at 512 figures each
NEIGHBOURS = 1


@dataclass(frozen=True)
class Flag:
    """When to flag: at a fixed threshold, else at the cost threshold, raised until overkill on validation fits."""

    fixed: float | None = None
    cost: float = 20.0  # what an escape costs, in overkills
    overkill: float | None = None

    def threshold(self, logits: NDArray[np.float32], data: Dataset, temperature: float) -> float:
        if self.fixed is not None:
            return self.fixed
        by_cost = threshold_by_cost(1.0, self.cost)
        good = data.classes.index("good")
        scores = 1 - softmax(logits, temperature)[data.targets == good, good]
        if self.overkill is None or not len(scores):
            return by_cost
        return max(by_cost, threshold_by_budget(scores, self.overkill))


@dataclass(frozen=True)
class Trained:
    """Everything that packing needs to know of a training run."""

    net: Network
    network: str
    stem: str
    input: Input
    mean: tuple[float, ...]
    std: tuple[float, ...]
    shares: dict[str, float]
    training: dict[str, Any]


@dataclass(frozen=True)
class Packed:
    """A bundle not yet written."""

    spec: Spec
    weights: bytes
    graph: bytes

    def write(self, folder: Path, metrics: dict[str, Any] | None = None, card: str = "") -> Spec:
        """Writes it, with further metrics in its spec."""
        spec = replace(self.spec, metrics={**self.spec.metrics, **(metrics or {})})
        return bundle.write(folder, spec, self.weights, self.graph, card)


def pack(name: str, run: Trained, train_on: Dataset, check_on: Dataset, flag: Flag, data: dict[str, Any]) -> Packed:
    """Calibrates and exports. `train_on` gives the reference embeddings, `check_on` threshold and limits."""
    normalise = Normaliser(run.mean, run.std, next(run.net.parameters()).device)
    logits, maps, embedding = answers(run.net, check_on.images, normalise)
    reference = _reference(run.net, train_on, normalise)
    temperature = fit_temperature(logits, check_on.targets)
    graph = to_graph(run.net, run.mean, run.std, (run.input.height, run.input.width, run.input.channels))
    parity = check_parity(run.net, run.mean, run.std, graph, check_on.images[:64])
    spec = Spec(
        name=name, network=run.network, stem=run.stem, classes=train_on.classes, input=run.input,
        mean=run.mean, std=run.std, embedding_size=run.net.embedding_size, temperature=temperature,
        threshold=flag.threshold(logits, check_on, temperature), shares=run.shares,
        unknown=_unknown(embedding, reference), quality=quality_limits(train_on.images),
        heat_scale=_heat_scale(maps, check_on), probe=_probe(graph, run.input),
        metrics={"calibration": _calibration(logits, check_on, temperature), "parity": parity},
        data=data, training=run.training, created_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )  # fmt: skip
    tensors = {key: value.contiguous() for key, value in run.net.state_dict().items()}
    kept = torch.from_numpy(reference.astype(np.float16))
    return Packed(spec, save(tensors | {bundle.REFERENCE: kept}), graph)


def _reference(net: Network, data: Dataset, normalise: Normaliser) -> NDArray[np.float32]:
    """A sample of training embeddings, taken from at most four times as many images as are kept."""
    rows = np.random.default_rng(0).permutation(len(data.targets))[: 4 * REFERENCES]
    embedding = answers(net, data.images[rows], normalise)[2]
    return novelty.pick(embedding, data.targets[rows], REFERENCES, seed=0)


def _unknown(embedding: NDArray[np.float32], reference: NDArray[np.float32]) -> Unknown:
    rounded = reference.astype(np.float16).astype(np.float32)  # as it will be read back
    far = novelty.distances(embedding, rounded, NEIGHBOURS)
    return Unknown(
        limit=float(np.quantile(far, 0.995)), largest=float(far.max()), neighbours=NEIGHBOURS, quantile=0.995
    )


def quality_limits(images: NDArray[np.uint8]) -> Quality:
    """Well outside anything the training images (N, H, W, C) show: half of their darkest and dullest, near white."""
    sample = images[:: max(1, len(images) // 4000)]
    light = np.array([brightness(image) for image in sample])
    sharp = np.array([focus(image) for image in sample])
    bright = 255 - 0.5 * (255 - float(np.quantile(light, 0.9995)))
    return Quality(float(0.5 * np.quantile(light, 0.0005)), bright, float(0.5 * np.quantile(sharp, 0.0005)))


def _heat_scale(maps: NDArray[np.float32], data: Dataset) -> float:
    """The evidence that good cloth reaches in one image of a hundred: heat is drawn against it at least."""
    good = data.classes.index("good")
    mine = maps[data.targets == good]
    if not len(mine):
        return 1.0
    evidence = (np.delete(mine, good, axis=1) - mine[:, [good]]).max(axis=(1, 2, 3))
    return float(max(np.quantile(evidence, 0.99), 1e-3))


def _probe(graph: bytes, shape: Input) -> bundle.Probe:
    with TemporaryDirectory() as folder:
        path = Path(folder) / bundle.GRAPH
        path.write_bytes(graph)
        return probe.ask(CpuEngine(path), shape)


def _calibration(logits: NDArray[np.float32], data: Dataset, temperature: float) -> dict[str, float]:
    """ECE and Brier on the validation side, before and after the temperature."""
    found: dict[str, float] = {}
    for name, value in (("before", 1.0), ("after", temperature)):
        chances = softmax(logits, value)
        found[f"ece_{name}"] = ece(chances.max(axis=1), chances.argmax(axis=1) == data.targets)
        found[f"brier_{name}"] = brier(chances, data.targets)
    return found
