"""The fast way through a JPEG that has no flaw and no peculiarity; whatever has one is left to Pillow."""

from __future__ import annotations

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image

from ml.hostile import MAX_PIXELS

START = b"\xff\xd8\xff"
TAGGED = b"\xff\xe1"  # EXIF or XMP, which may turn the picture


def flawless(data: bytes, channels: int) -> NDArray[np.uint8] | None:
    """The pixels (H, W, channels) of an upright grey or YCbCr JPEG, or None: then Pillow has to look at it.

    Both use libjpeg-turbo with the accurate transform and smooth upsampling, so the pixels are Pillow's; only the way
    there is shorter. At the first warning of the decoder the file is Pillow's, which alone says what is undecodable.
    """
    if not data.startswith(START) or TAGGED in data:
        return None
    try:
        height, width, space, _ = simplejpeg.decode_jpeg_header(data)
        if height * width > MAX_PIXELS or space not in ("Gray", "YCbCr"):
            return None
        pixels: NDArray[np.uint8] = simplejpeg.decode_jpeg(data, "GRAY" if space == "Gray" else "RGB")
    except (ValueError, KeyError):  # KeyError: a subsampling that it has no name for
        return None
    return _with_channels(pixels, channels)


def _with_channels(pixels: NDArray[np.uint8], channels: int) -> NDArray[np.uint8]:
    if pixels.shape[2] == channels:
        return pixels
    if channels == 3:
        return pixels.repeat(3, axis=2)
    return np.asarray(Image.fromarray(pixels).convert("L"))[..., None]
