"""What cloth or steel is like to the touch: statistics of a trunk's early stages, whitened within classes.

A trunk's last stage knows what it was taught, and a class that nobody taught it falls together with one that it knows.
The first two stages see edges, grain and lines, which are of use for any class. The mean and the deviation of each of
their channels describe a texture (as in Gatys et al. 2015, without the products of channels). A network gives them as
four blocks (see `ml.networks.Network.touch`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

Floats = NDArray[np.float32]
SHRINK = 0.03  # of the whitening in a bundle; docs/metric-learning.md
MOST = 512  # figures of a texture: of a wider network those along which a class is widest
SHORTEST = 1e-6
MEAN, TURN = "texture.mean", "texture.turn"  # tensors beside a bundle's weights


def touched(blocks: Sequence[Tensor]) -> Tensor:
    """(N, B) of blocks (N, C): each scaled to unit length, one beside the other, and the row as well."""
    together: Tensor = torch.cat([_unit(block) for block in blocks], dim=1) / len(blocks) ** 0.5
    return together


def _unit(rows: Tensor) -> Tensor:
    scaled: Tensor = rows / torch.linalg.vector_norm(rows, dim=1, keepdim=True).clamp_min(SHORTEST)
    return scaled


class Whitening(NamedTuple):
    """Rows are moved by the mean (D,) and turned by (D, T), after which a class is as wide one way as another."""

    mean: Floats
    turn: Floats

    def __call__(self, rows: NDArray[np.floating]) -> Floats:
        return np.asarray((rows - self.mean) @ self.turn, dtype=np.float32)


def whitening(
    rows: NDArray[np.floating], targets: NDArray[np.intp], shrink: float, most: int | None = None
) -> Whitening:
    """From training rows (N, D) and their classes (N,): the covariance within classes, its eigenvalues raised by
    `shrink` of their mean, so that what few images tell is not blown up (shrinkage as in Ledoit and Wolf 2004).
    At most `most` axes are kept, those along which classes are widest."""
    wide = np.asarray(rows, dtype=np.float64)
    means = {target: wide[targets == target].mean(axis=0) for target in np.unique(targets).tolist()}
    within = wide - np.stack([means[target] for target in targets.tolist()])
    values, axes = np.linalg.eigh(within.T @ within / len(wide))
    raised = np.maximum(values, 0) + shrink * values.mean() + 1e-12
    turn = (axes / np.sqrt(raised))[:, -min(most or len(values), len(values)) :]
    return Whitening(wide.mean(axis=0).astype(np.float32), turn.astype(np.float32))


class Texture(nn.Module):
    """Blocks to textures (N, T) of unit length, in full precision whatever the network's."""

    mean: Tensor
    turn: Tensor

    def __init__(self, fitted: Whitening) -> None:
        super().__init__()
        self.register_buffer("mean", torch.from_numpy(np.array(fitted.mean, dtype=np.float32)), persistent=False)
        self.register_buffer("turn", torch.from_numpy(np.array(fitted.turn, dtype=np.float32)), persistent=False)

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor]) -> Self:
        """From the tensors of a weights file. KeyError where it has none."""
        return cls(Whitening(tensors[MEAN].numpy(), tensors[TURN].numpy()))

    @property
    def size(self) -> int:
        return self.turn.shape[1]

    def tensors(self) -> dict[str, Tensor]:
        """As a weights file keeps them."""
        return {MEAN: self.mean, TURN: self.turn}

    def forward(self, blocks: Sequence[Tensor]) -> Tensor:
        return _unit((touched(blocks) - self.mean) @ self.turn)
