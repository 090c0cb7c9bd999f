"""Near-duplicates: a 64-bit perceptual hash of each image, the pairs that hash alike, and the groups they join.

The hash is the usual pHash (a cosine transform's signs against their median; Zauner 2010).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SIDE = 32  # the picture that is hashed, in pixels
THUMB, CORRELATED = 16, 0.8  # the picture by which a pair is confirmed, and how alike it must be
KEPT = 8  # lowest frequencies kept in each direction
DISTANCE = 6  # bits of 64 by which near-duplicates may differ
BLOCK = 128  # rows of the table of distances held at once, images transformed at once


def hashes(images: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """pHash of each of (N, H, W, C), as uint64 (N,).

    The grey picture is averaged down to 32 x 32, cosine-transformed, and its 8 x 8 lowest frequencies say bit by bit
    whether they lie above their median; the mean grey level (the first of them) is left out of the median and is 0.
    """
    down, across = (_transform(side) for side in images.shape[1:3])
    found = np.empty(len(images), dtype=np.uint64)
    weights = np.uint64(1) << np.arange(64, dtype=np.uint64)
    for start in range(0, len(images), BLOCK):
        grey = images[start : start + BLOCK].mean(axis=3, dtype=np.float32)
        waves = np.round(down @ grey @ across.T, 3).reshape(len(grey), KEPT * KEPT)  # so that even grey is all zeros
        bits = waves > np.median(waves[:, 1:], axis=1, keepdims=True)
        bits[:, 0] = False
        found[start : start + BLOCK] = (bits * weights).sum(axis=1, dtype=np.uint64)
    return found


def _average(side: int, places: int) -> NDArray[np.float32]:
    """(places, side): each place is the mean of its share of the pixels."""
    edges = np.linspace(0, side, places + 1)
    pixel = np.arange(side)[None]
    share = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
    return np.asarray(np.clip(share, 0, None) * places / side, dtype=np.float32)


def _transform(side: int) -> NDArray[np.float32]:
    """(8, side): averaging to 32 places, then the lowest rows of the orthonormal cosine transform (DCT-II)."""
    wave = np.arange(KEPT)[:, None] * np.pi * (2 * np.arange(SIDE)[None] + 1) / (2 * SIDE)
    cosine = np.cos(wave) * np.sqrt(2 / SIDE)
    cosine[0] /= np.sqrt(2)
    return np.asarray(cosine @ _average(side, SIDE), dtype=np.float32)


def near_duplicates(found: NDArray[np.uint64], distance: int = DISTANCE) -> NDArray[np.intp]:
    """(P, 2): pairs of hashes that differ in at most `distance` bits, enough of them to connect all that do.

    Of images with the very same hash only the first is paired with others: a thousand black frames are a thousand
    pairs and not half a million.
    """
    unique, first, where = np.unique(found, return_index=True, return_inverse=True)
    same = np.stack([first[where], np.arange(len(found))], axis=1)
    pairs = [same[same[:, 0] != same[:, 1]]]
    for start in range(0, len(unique), BLOCK):
        near = np.bitwise_count(unique[start : start + BLOCK, None] ^ unique[None, start:]) <= distance
        i, j = np.nonzero(near)
        pairs.append(np.stack([first[i[j > i] + start], first[j[j > i] + start]], axis=1))
    return np.sort(np.concatenate(pairs), axis=1)


def confirmed(images: NDArray[np.uint8], pairs: NDArray[np.intp]) -> NDArray[np.intp]:
    """Those of the pairs (P, 2) whose pictures (N, H, W, C), averaged to 16 x 16, also correlate by 0.8 or more."""
    down, across = (_average(side, THUMB) for side in images.shape[1:3])
    kept = [np.empty((0, 2), dtype=np.intp)]
    for start in range(0, len(pairs), BLOCK):
        some = pairs[start : start + BLOCK]
        small = down @ images[some].mean(axis=4, dtype=np.float32) @ across.T
        flat = small.reshape(len(some), 2, -1)
        flat -= flat.mean(axis=2, keepdims=True)
        flat /= np.maximum(np.linalg.norm(flat, axis=2, keepdims=True), 1e-6)
        # Even grey has no picture to compare: it correlates with nothing, and its hash must do.
        kept.append(some[((flat[:, 0] * flat[:, 1]).sum(axis=1) >= CORRELATED) | (flat == 0).all(axis=(1, 2))])
    return np.concatenate(kept)


def join(groups: Sequence[str], pairs: NDArray[np.intp]) -> tuple[str, ...]:
    """Each image's group, after the groups of both images of every pair became one, named by its first in order."""
    parent = {group: group for group in groups}

    def root(group: str) -> str:
        while parent[group] != group:
            parent[group] = parent[parent[group]]
            group = parent[group]
        return group

    for i, j in pairs.tolist():
        first, second = sorted((root(groups[i]), root(groups[j])))
        parent[second] = first
    return tuple(root(group) for group in groups)
