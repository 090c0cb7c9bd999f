"""A bundle's own engine held against its plain one in fp32 on given images, and how near these are to what it knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ml.agreement import AGREE
from ml.bundle import Spec
from ml.engines import CpuEngine
from ml.inspector import Inspector
from ml.novelty import Floats, distances, unit
from ml.picture import Picture, open_picture
from ml.probe import Engine
from ml.spec import GRAPH, PRECISIONS

# Kept embeddings are rounded to half precision: an image that is itself among them lies at most 0.0011 away from its
# row, and images of sources that trained nothing lay 0.037 away at least, most beyond 0.1 (see docs/retraining.md).
SAME = 0.005
PLAIN = PRECISIONS[0]


@dataclass
class Witness:
    """Sees images a few at a time; one process, one witness."""

    spec: Spec
    plain: Engine
    used: Engine
    kept: Floats  # unit embeddings (M, D) of the cloth that it knows
    nearest: list[float] = field(default_factory=list)  # an image: the median over its views
    views: int = 0
    apart: int = 0  # views whose top class differs between the two engines

    @classmethod
    def of(cls, inspector: Inspector) -> Self:
        """Beside an inspector that is open: its engine against the plain graph in fp32."""
        kept = unit(inspector.known.embeddings)  # half precision shortened these rows a little
        plain = inspector.engine
        if plain.precision != PLAIN:
            plain = CpuEngine(inspector.folder / GRAPH)
        return cls(inspector.spec, plain, inspector.engine, kept)

    def see(self, images: Sequence[bytes]) -> None:
        """Images that cannot be read are passed over."""
        pictures = [open_picture(data, self.spec.input) for data in images]
        views = [picture.views for picture in pictures if isinstance(picture, Picture)]
        if not views:
            return
        stacked = np.concatenate(views)
        said = self.plain.run(stacked)
        self.views += len(stacked)
        if self.used.precision != self.plain.precision:
            self.apart += int((self.used.run(stacked).logits.argmax(axis=1) != said.logits.argmax(axis=1)).sum())
        self._near(said.embedding, [len(part) for part in views])

    def _near(self, embedding: NDArray[np.float32], sizes: Sequence[int]) -> None:
        far = distances(embedding, self.kept, 1)
        parts = np.split(far, np.cumsum(sizes)[:-1])
        self.nearest += [float(np.median(part)) for part in parts]

    @property
    def tells_apart(self) -> bool:
        """Whether its embeddings differ at all: where every reference is one and the same, nearness means nothing."""
        return len(self.kept) > 1 and bool(distances(self.kept[1:], self.kept[:1], 1).max() > SAME)

    @property
    def copies(self) -> int:
        """Images that are themselves among the kept ones."""
        return sum(far <= SAME for far in self.nearest)

    @property
    def may_differ(self) -> int:
        """Views whose top class may differ between the engines: the share that ml.agreement allows, one at least."""
        return max(1, int((1 - AGREE) * self.views))
