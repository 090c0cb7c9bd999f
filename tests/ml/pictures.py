"""Pictures to test with, as bytes."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def encode(image: NDArray[np.uint8] | Image.Image, kind: str = "PNG", **options: object) -> bytes:
    picture = image if isinstance(image, Image.Image) else Image.fromarray(np.squeeze(image))
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def plain(level: int = 128, size: tuple[int, int] = (64, 64)) -> bytes:
    """Even grey; size is (width, height)."""
    return encode(np.full((size[1], size[0], 3), level, dtype=np.uint8))


def with_hole(
    level: int = 128, size: tuple[int, int] = (64, 64), at: tuple[int, int] = (16, 16), side: int = 16
) -> bytes:
    """Even grey with a black square at (x, y)."""
    image = np.full((size[1], size[0], 3), level, dtype=np.uint8)
    image[at[1] : at[1] + side, at[0] : at[0] + side] = 0
    return encode(image)


def ramp(width: int = 40, height: int = 24) -> NDArray[np.uint8]:
    """A colour picture without symmetry, (height, width, 3)."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack(
        [x * 255 // (width - 1), y * 255 // (height - 1), (x + 2 * y) * 255 // (width + 2 * height)], 2
    ).astype(np.uint8)
