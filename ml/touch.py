"""Textures of many images by a network (see ml.texture), and the whitening that a bundle's graph gives them."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from ml.data import Dataset
from ml.networks import Network
from ml.standardise import Standardise
from ml.texture import MOST, SHRINK, Floats, Texture, touched, whitening

BATCH = 64
FITTED = 4000  # training images that the whitening of a bundle is fitted to


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
