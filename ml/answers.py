"""What goes into the inspector and what comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.tiles import Tiles

UNKNOWN = "unknown"


@dataclass(frozen=True)
class Item:
    """One image as received. `shares`: expected class shares where it was taken; `threshold`: that place's own."""

    data: bytes
    shares: Mapping[str, float] | None = None
    threshold: float | None = None


@dataclass(frozen=True)
class Judgement:
    """What the model says of one image.

    `label` is a class or `unknown`. anomaly_score = 1 - P(good), or 1 from a model that knows no good. `flagged` when
    that reaches the threshold, and always from such a model and when unknown. confidence is P(most probable class). The
    three are None when the network did not answer in numbers.
    embedding: float16 (D,). texture: float16 (T,), of length 1; None from a bundle that gives none. heatmap: uint8
    (h, w) over the whole image, evidence for the defect class shown (the label, or the most probable defect where the
    label is none). warnings: any of dark, bright, blurred, unfamiliar, not-a-number, tiles-left-out. brightness: mean
    grey 0..255. focus: variance of the Laplacian at input size.
    """

    label: str
    confidence: float | None
    anomaly_score: float | None
    flagged: bool
    probabilities: dict[str, float] | None
    threshold: float
    embedding: NDArray[np.float16]
    heatmap: NDArray[np.uint8]
    warnings: tuple[str, ...]
    brightness: float
    focus: float
    tiles: Tiles | None
    texture: NDArray[np.float16] | None = None

    @property
    def compared(self) -> NDArray[np.float16]:
        """What tells how alike two images are: the texture, or the embedding where there is none."""
        return self.embedding if self.texture is None else self.texture


@dataclass(frozen=True)
class Undecodable:
    """The image could not be read; why, in words."""

    reason: str
