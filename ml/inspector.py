"""The inspector: loads a bundle and judges images, a batch at a time. Anything in doubt is `unknown` and flagged."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Self

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from ml import bundle, probe
from ml.answers import Item, Judgement, Undecodable
from ml.bundle import BundleError, Spec
from ml.engines import open_engine
from ml.novelty import Known
from ml.picture import Picture, open_picture
from ml.probe import Engine
from ml.spec import LOOKS, REFERENCE
from ml.tiles import Tiles
from ml.verdict import Reading, conclude

__all__ = ["Inspector", "Item", "Judgement", "Tiles", "Undecodable"]

CHUNK = 32  # images decoded together
KEPT = (REFERENCE, LOOKS)  # tensors beside the weights that tell known cloth
HALF_TOLERANCE = 0.05  # half precision on a GPU answers to two or three digits


class Inspector:
    """`Inspector.load(folder).judge(items)`. Made for one process each; threads that share it take turns."""

    def __init__(self, folder: Path, spec: Spec, engine: Engine, known: Known) -> None:
        self.folder, self.spec, self.engine, self.known = folder, spec, engine, known
        self.device, self.precision = engine.device, engine.precision
        self._turn = Lock()  # an engine answers in memory of its own, which the next run writes over

    @classmethod
    def load(cls, folder: Path, device: str = "auto", threads: int = 1) -> Self:
        """Checks every hash, opens the engine, asks the probe. BundleError if anything is not as the spec says.

        `device`: `auto` takes a GPU where there is one, else the CPU; `cuda` raises RuntimeError where there is none.
        """
        spec = bundle.verify(folder)
        known = known_cloth(folder / bundle.WEIGHTS, spec)
        engine = open_engine(folder, spec, device, threads)
        probe.check(engine, spec, None if engine.device == "cpu" else HALF_TOLERANCE)
        return cls(folder, spec, engine, known)

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
        with self._turn:
            found = self.engine.run(views)
        unknown = self.spec.unknown
        far, look = self.known.distances(found.embedding, unknown), self.known.look_distances(views, unknown)
        return Reading(found.logits, found.maps, found.embedding, found.texture, far, look)


def _part(reading: Reading, rows: slice) -> Reading:
    return Reading(
        reading.logits[rows], reading.maps[rows], reading.embedding[rows], reading.texture[rows],
        reading.distance[rows], reading.look[rows],
    )  # fmt: skip


def known_cloth(weights: Path, spec: Spec) -> Known:
    """The known cloth that travels with the weights. BundleError if it cannot be read."""
    try:
        with safe_open(weights, framework="numpy") as tensors:
            kept = {name: tensors.get_tensor(name) for name in KEPT if name in tensors.keys()}  # noqa: SIM118
        return Known.from_tensors(kept, spec.embedding_size, spec.unknown)
    except (SafetensorError, OSError, KeyError, ValueError) as problem:
        raise BundleError(f"{weights.name} cannot be read: {problem}") from problem
