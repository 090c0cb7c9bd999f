"""The bundle that a new head is put on: its trunk stays, and what it says of an image's features is known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

from ml import bundle, probe
from ml.bundle import GRAPH, GRAPH_INT8, BundleError, Spec
from ml.engines import CpuEngine
from ml.logistic import Layer
from ml.looks import SIZE
from ml.refusal import DataError
from ml.spec import LOOKS

CLASSIFIER = ("classifier.weight", "classifier.bias")
LINEAR = 1e-3  # largest difference, relative above 1, between what the graph says and what its last layer should


@dataclass(frozen=True)
class Base:
    """A verified bundle: its folder and digest, spec, every tensor of its weights, and what its classes are called."""

    folder: Path
    digest: str
    spec: Spec
    tensors: dict[str, NDArray[np.generic]]
    classes: tuple[str, ...]

    @classmethod
    def load(cls, folder: Path, threads: int = 1, classes: tuple[str, ...] = ()) -> Self:
        """`classes`: what the data calls its classes, in the order of its answers; its own names where none is given.

        BundleError if it is no whole bundle; DataError if its answers are not a linear layer on its embedding.
        """
        spec = bundle.verify(folder)
        if classes and len(classes) != len(spec.classes):
            raise DataError(f"{folder.name} knows {len(spec.classes)} classes; {len(classes)} names are given for them")
        try:
            tensors = load_file(folder / bundle.WEIGHTS)
        except (SafetensorError, OSError) as problem:
            raise BundleError(f"{bundle.WEIGHTS} cannot be read: {problem}") from problem
        base = cls(folder, bundle.digest(folder), spec, tensors, classes or spec.classes)
        base._prove(CpuEngine(folder / GRAPH, threads))
        return base

    @property
    def layer(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """weight (K, D) and bias (K,) as they are in the file."""
        weight, bias = (np.asarray(self.tensors[name], dtype=np.float32) for name in CLASSIFIER)
        return weight, bias

    @property
    def looks(self) -> NDArray[np.float32]:
        return np.asarray(self.tensors.get(LOOKS, np.empty((0, SIZE))), dtype=np.float32)

    def graphs(self) -> dict[str, bytes]:
        """Its graphs by the names of their files."""
        return {name: (self.folder / name).read_bytes() for name in (GRAPH, GRAPH_INT8) if name in self.spec.files}

    def prior(self, classes: tuple[str, ...]) -> Layer:
        """Its layer for these classes: a class that it never knew begins as the mean of those it does."""
        weight, bias = self.layer
        known = {name: index for index, name in enumerate(self.classes)}
        rows = [np.append(weight[known[n]], bias[known[n]]) if n in known else None for n in classes]
        mean = np.append(weight.mean(axis=0), bias.mean())
        table = np.array([mean if row is None else row for row in rows], dtype=np.float64)
        return Layer(table[:, :-1], table[:, -1])

    def _prove(self, engine: CpuEngine) -> None:
        name, size = self.folder.name, (len(self.spec.classes), self.spec.embedding_size)
        if not set(CLASSIFIER) <= set(self.tensors) or self.layer[0].shape != size or self.layer[1].shape != size[:1]:
            raise DataError(f"{name} does not hold the last layer that its spec tells of: train from its trunk instead")
        said = engine.run(probe.images(self.spec.input, self.spec.probe.seed, self.spec.probe.count))
        wanted = Layer(*(part.astype(np.float64) for part in self.layer)).logits(said.embedding)
        apart = float(np.max(np.abs(said.logits - wanted) / np.maximum(1, np.abs(wanted))))
        if not apart <= LINEAR:
            raise DataError(
                f"what {name} says of an image is no linear layer on its embedding (they differ by {apart:.3g}): "
                "no head can be fitted to kept embeddings"
            )
