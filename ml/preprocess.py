"""Pixels to the network's input, the one way for training and judging. Normalising happens inside the graph."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]


def resize(pixels: Pixels, width: int, height: int) -> Pixels:
    """uint8 (H, W, C) to (height, width, C): bilinear, antialiased (Pillow widens the filter when it shrinks)."""
    if pixels.shape[:2] == (height, width):
        return pixels
    flat = pixels[..., 0] if pixels.shape[2] == 1 else pixels
    small = Image.fromarray(flat).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(small).reshape(height, width, pixels.shape[2])


def homogenise(pixels: Pixels, light: float, level: float) -> Pixels:
    """uint8 (..., C) of mean grey level `light`, moved as a whole by whole grey levels to `level`, clipped to 0..255.

    One shift for all tiles of an image, so that what is darker than its surroundings stays so.
    """
    return np.clip(pixels.astype(np.int16) + round(level - light), 0, 255).astype(np.uint8)


def grey(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """uint8 (..., C) to float32 (...), 0..255: the mean of the channels."""
    planes = pixels.astype(np.float32)
    if planes.shape[-1] == 1:
        return planes[..., 0]
    # Plane by plane: numpy's own mean over so short an axis takes seven times as long.
    return (planes[..., 0] + planes[..., 1] + planes[..., 2]) / np.float32(3)


def brightness(pixels: Pixels) -> float:
    """Mean grey level of (H, W, C), 0..255."""
    return float(grey(pixels).mean())


def focus(pixels: Pixels) -> float:
    """Variance of the 4-neighbour Laplacian of the grey image (H, W, C), at least 3 x 3, in grey levels squared."""
    plane = grey(pixels)
    inner = plane[1:-1, 1:-1]
    laplacian = plane[:-2, 1:-1] + plane[2:, 1:-1] + plane[1:-1, :-2] + plane[1:-1, 2:] - 4 * inner
    return float(laplacian.var()) if laplacian.size else 0.0
