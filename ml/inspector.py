"""The inspector: loads a bundle and judges images, a batch at a time. Anything in doubt is `unknown` and flagged."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from ml import bundle, probe
from ml.answers import Item, Judgement, Undecodable
from ml.bundle import BundleError, Spec
from ml.engines import open_engine
from ml.novelty import distances
from ml.picture import Picture, open_picture
from ml.probe import Engine
from ml.tiles import Tiles
from ml.verdict import Reading, conclude

__all__ = ["Inspector", "Item", "Judgement", "Tiles", "Undecodable"]

CHUNK = 32  # images decoded together
HALF_TOLERANCE = 0.05  # half precision on a GPU answers to two or three digits


class Inspector:
    """`Inspector.load(folder).judge(items)`. One process, one inspector: it is not made to be shared by threads."""

    def __init__(self, spec: Spec, engine: Engine, reference: NDArray[np.float32]) -> None:
        self.spec, self.device, self.precision = spec, engine.device, engine.precision
        self._engine, self._reference = engine, reference

    @classmethod
    def load(cls, folder: Path, device: str = "auto", threads: int = 1) -> Self:
        """Checks every hash, opens the engine, asks the probe. BundleError if anything is not as the spec says.

        `device`: `auto` takes a GPU where there is one, else the CPU; `cuda` raises RuntimeError where there is none.
        """
        spec = bundle.verify(folder)
        reference = _reference(folder / bundle.WEIGHTS, spec)
        engine = open_engine(folder, spec, device, threads)
        probe.check(engine, spec, None if engine.device == "cpu" else HALF_TOLERANCE)
        return cls(spec, engine, reference)

    def judge(self, items: Sequence[Item]) -> list[Judgement | Undecodable]:
        """One answer for each item, in order; an image that cannot be read does not disturb the others.

        ValueError if an item's shares do not name exactly the bundle's classes.
        """
        answers: list[Judgement | Undecodable] = []
        for start in range(0, len(items), CHUNK):
            answers += self._judge_some(items[start : start + CHUNK])
        return answers

    def _judge_some(self, items: Sequence[Item]) -> list[Judgement | Undecodable]:
        pictures = [open_picture(item.data, self.spec.input) for item in items]
        views = [picture.views for picture in pictures if isinstance(picture, Picture)]
        reading = self._read(np.concatenate(views)) if views else None
        answers: list[Judgement | Undecodable] = []
        used = 0
        for item, picture in zip(items, pictures, strict=True):
            if reading is None or isinstance(picture, Undecodable):
                answers.append(picture if isinstance(picture, Undecodable) else Undecodable("nothing was read"))
                continue
            mine = slice(used, used + len(picture.views))
            used = mine.stop
            answers.append(conclude(self.spec, item, picture, _part(reading, mine)))
        return answers

    def _read(self, views: NDArray[np.uint8]) -> Reading:
        """Runs the network over (n, H, W, C)."""
        logits, maps, embedding = self._engine.run(views)
        return Reading(logits, maps, embedding, distances(embedding, self._reference, self.spec.unknown.neighbours))


def _part(reading: Reading, rows: slice) -> Reading:
    return Reading(reading.logits[rows], reading.maps[rows], reading.embedding[rows], reading.distance[rows])


def _reference(weights: Path, spec: Spec) -> NDArray[np.float32]:
    """The embeddings of known cloth that travel with the weights, (M, D)."""
    try:
        with safe_open(weights, framework="numpy") as tensors:
            reference = tensors.get_tensor(bundle.REFERENCE).astype(np.float32)
    except (SafetensorError, OSError) as problem:
        raise BundleError(f"{weights.name} cannot be read: {problem}") from problem
    if reference.ndim != 2 or reference.shape[1] != spec.embedding_size or not np.isfinite(reference).all():
        raise BundleError(f"{weights.name} holds no usable reference embeddings")
    return np.asarray(reference)
