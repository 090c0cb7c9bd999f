"""What cloth or steel is like to the touch: statistics of a trunk's early stages, and whitening within classes.

A trunk's last stage knows what it was taught, and a class that nobody taught it falls together with one that it knows.
The first two stages see edges, grain and lines, which are of use for any class. The mean and the deviation of each of
their channels describe a texture (as in Gatys et al. 2015, without the products of channels).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ml.networks import MIRRORINGS, Network
from ml.prototypes import unit
from ml.standardise import Standardise

Floats = NDArray[np.float32]
STAGES = 4  # the last children of a trunk; the first two of them are looked at
BATCH = 64


@torch.inference_mode()
def textures(net: Network, images: NDArray[np.uint8], standardise: Standardise, views: bool) -> Floats:
    """(N, D) of images (N, H, W, C): each stage's means and its deviations, each of these scaled to unit length; the
    mean over the four mirrorings where `views`."""
    net.eval()
    found = []
    for start in range(0, len(images), BATCH):
        pixels = torch.from_numpy(images[start : start + BATCH]).permute(0, 3, 1, 2)
        upright = standardise(pixels).contiguous(memory_format=torch.channels_last)
        turned = [upright.flip(sides) if sides else upright for sides in (MIRRORINGS if views else ((),))]
        seen = [_statistics(net, one) for one in turned]
        blocks = [sum(parts) / len(turned) for parts in zip(*seen, strict=True)]
        found.append(np.concatenate([unit(np.asarray(block)) for block in blocks], axis=1))
    return np.concatenate(found).astype(np.float32)


def _statistics(net: Network, inputs: Tensor) -> list[NDArray[np.float32]]:
    """Mean and deviation (N, C) of the maps of the first two stages."""
    children, found = list(net.trunk.children()), []
    for place, child in enumerate(children[: len(children) - STAGES + 2], STAGES - len(children)):
        inputs = child(inputs)
        if place >= 0:
            found += [inputs.mean(dim=(2, 3)).numpy(), inputs.std(dim=(2, 3)).numpy()]
    return found


class Whitening(NamedTuple):
    """Rows are moved by the mean (D,) and turned by (D, D), after which a class is as wide one way as another."""

    mean: Floats
    turn: Floats

    def __call__(self, rows: NDArray[np.floating]) -> Floats:
        return np.asarray((rows - self.mean) @ self.turn, dtype=np.float32)


def whitening(rows: NDArray[np.floating], targets: NDArray[np.intp], shrink: float) -> Whitening:
    """From training rows (N, D) and their classes (N,): the covariance within classes, its eigenvalues raised by
    `shrink` of their mean, so that what few images tell is not blown up (shrinkage as in Ledoit and Wolf 2004)."""
    wide = np.asarray(rows, dtype=np.float64)
    means = {target: wide[targets == target].mean(axis=0) for target in np.unique(targets).tolist()}
    within = wide - np.stack([means[target] for target in targets.tolist()])
    values, axes = np.linalg.eigh(within.T @ within / len(wide))
    raised = np.maximum(values, 0) + shrink * values.mean() + 1e-12
    return Whitening(wide.mean(axis=0).astype(np.float32), (axes / np.sqrt(raised)).astype(np.float32))
