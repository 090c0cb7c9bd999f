"""Textures of many images by a network (see ml.texture), the whitening that a bundle's graph gives them, and whether it
is to give any."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from ml.data import Dataset
from ml.held import Held
from ml.metric.measures import retrieve, side
from ml.networks import Network
from ml.standardise import Standardise
from ml.texture import MOST, SHRINK, Floats, Texture, touched, whitening

BATCH = 64
FITTED = 4000  # training images that the whitening of a bundle is fitted to
BEHIND = 0.1  # by how much textures may find less among known classes: of these embeddings were taught, textures not
MEASURED = 1500  # images among which the most alike are looked for


@torch.inference_mode()
def textures(net: Network, images: NDArray[np.uint8], standardise: Standardise) -> Floats:
    """(N, B) of images (N, H, W, C), before any whitening; of their mirrorings the mean where the network flips."""
    net.eval()
    found = []
    for start in range(0, len(images), BATCH):
        pixels = torch.from_numpy(images[start : start + BATCH]).permute(0, 3, 1, 2)
        inputs = standardise(pixels).contiguous(memory_format=torch.channels_last)
        found.append(touched(net.touch(inputs)).numpy())
    return np.concatenate(found)


def fitted(net: Network, standardise: Standardise, train_on: Dataset) -> Texture:
    """Whitened within the classes of the training side: of FITTED of its images, at random but always the same."""
    rows = np.sort(np.random.default_rng(0).permutation(len(train_on.targets))[:FITTED])
    seen = textures(net, train_on.images[rows], standardise)
    return Texture(whitening(seen, train_on.targets[rows], SHRINK, MOST))


def told_apart(net: Network, standardise: Standardise, texture: Texture, held: Held) -> dict[str, float]:
    """Of images that trained nothing, the share whose most alike image of another source is of their class (recall@1),
    by embedding and by texture; among at most MEASURED that one network judged."""
    rows = np.sort(np.random.default_rng(1).permutation(len(held.data.targets))[:MEASURED])
    some = held.take(rows)
    blocks = textures(net, some.data.images, standardise)
    seen = (blocks - texture.mean.numpy()) @ texture.turn.numpy()
    kinds = {"embedding": some.embedding, "texture": seen}
    return {name: round(_recall(value, some), 4) for name, value in kinds.items()}


def _recall(rows: Floats, held: Held) -> float:
    found = []
    for fold in np.unique(held.fold):
        mine = held.fold == fold
        one = side(rows, held.data.targets, held.data.groups).take(mine)
        found.append(retrieve(one, one).first)
    together = np.concatenate(found)
    return float(np.nanmean(together)) if np.isfinite(together).any() else 0.0


class Told(NamedTuple):
    """The texture that a bundle is to give, if any, and what was measured."""

    texture: Texture | None
    figures: dict[str, float | str]


def chosen(net: Network, standardise: Standardise, train_on: Dataset, held: Held, wanted: str = "auto") -> Told:
    """The texture where it finds images of one class about as often as the embedding does, which was taught to; always
    where `wanted` is yes, never where it is no."""
    texture = fitted(net, standardise, train_on)
    found = told_apart(net, standardise, texture, held)
    takes = wanted == "yes" or (wanted == "auto" and found["texture"] > found["embedding"] - BEHIND)
    return Told(texture if takes else None, {**found, "compared": "texture" if takes else "embedding"})
