"""Arrays of grey levels, as people store them, to uint8."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.refusal import DataError

BLOCK = 4096  # images converted at once: an HDF5 file may be larger than the memory


def eight_bits(place: str, images: Any) -> NDArray[np.uint8]:
    """uint8 (N, H, W, C) of (N, H, W) or (N, H, W, 1 or 3), uint8 or float; floats up to 1 are fractions of white.

    `images` is a NumPy or HDF5 array, read a block at a time. DataError on any other shape, type or range.
    """
    shape = tuple(images.shape)
    if len(shape) not in (3, 4) or (len(shape) == 4 and shape[3] not in (1, 3)) or 0 in shape:
        raise DataError(f"{place}: images are {shape}, not (N, height, width) or (N, height, width, 1 or 3)")
    if images.dtype != np.uint8 and images.dtype.kind != "f":
        raise DataError(f"{place}: images are {images.dtype}, not uint8 or float")
    white = 1.0 if images.dtype == np.uint8 else _white(place, images)
    out = np.empty((*shape[:3], shape[3] if len(shape) == 4 else 1), dtype=np.uint8)
    for start in range(0, len(out), BLOCK):
        block = np.asarray(images[start : start + BLOCK])
        whole = block if block.dtype == np.uint8 else np.rint(block * white).astype(np.uint8)
        out[start : start + BLOCK] = whole.reshape(len(block), *out.shape[1:])
    return out


def _white(place: str, images: Any) -> float:
    """What to multiply by: 255 where no value of the whole array exceeds 1, else 1."""
    lows, highs = [], []
    for start in range(0, len(images), BLOCK):
        block = np.asarray(images[start : start + BLOCK])
        lows.append(block.min())
        highs.append(block.max())
    low, high = float(np.min(lows)), float(np.max(highs))  # NaN where any is
    if not (low >= 0 and high <= 255):
        raise DataError(f"{place}: images hold values from {low} to {high}, not 0..1 or 0..255")
    return 255.0 if high <= 1 else 1.0
