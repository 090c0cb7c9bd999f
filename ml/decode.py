"""Bytes to pixels, the one way for training, judging and browsers. ml/README.md has the table of rules."""

from __future__ import annotations

import io
import warnings

import numpy as np
from numpy.typing import NDArray
from PIL import (  # naming the plugins registers them, and no other decoder is loaded
    BmpImagePlugin,
    Image,
    ImageOps,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from ml.hostile import DAMAGE, MAX_PIXELS, objection
from ml.jpeg import flawless

FORMATS = (
    JpegImagePlugin.JpegImageFile.format,  # opens MPO, a JPEG of several pictures, as well
    PngImagePlugin.PngImageFile.format,
    WebPImagePlugin.WebPImageFile.format,
    TiffImagePlugin.TiffImageFile.format,
    BmpImagePlugin.BmpImageFile.format,
)

DAMAGED: tuple[type[Exception], ...] = (*DAMAGE, Image.DecompressionBombError)


class UndecodableImage(Exception):
    """These bytes are no image we take; the message is the reason in words."""


def decode(data: bytes, channels: int) -> NDArray[np.uint8]:
    """First frame as uint8 (H, W, channels), channels 1 or 3, upright. Raises UndecodableImage."""
    reason = objection(data)
    if reason:
        raise UndecodableImage(reason)
    pixels = flawless(data, channels)
    return _by_pillow(data, channels) if pixels is None else pixels


def _by_pillow(data: bytes, channels: int) -> NDArray[np.uint8]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of broken metadata, which changes no pixel
        return _pixels(_upright(data), channels)


def rendition(data: bytes, side: int) -> bytes:
    """A JPEG for browsers, longest side at most `side` pixels, decoded as `decode` does. Raises UndecodableImage."""
    image = Image.fromarray(decode(data, 3))
    image.thumbnail((side, side), Image.Resampling.BILINEAR)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=85)
    return out.getvalue()


def _upright(data: bytes) -> Image.Image:
    """Opens with the allowed decoders only, decodes whole, and applies the EXIF orientation once."""
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
        _measure(image)
        image.load()
        return ImageOps.exif_transpose(image)
    except Image.DecompressionBombError as problem:
        raise UndecodableImage(f"has far more than {MAX_PIXELS // 1_000_000} megapixels") from problem
    except DAMAGED as problem:
        raise UndecodableImage(f"cannot be decoded: {problem}") from problem


def _measure(image: Image.Image) -> None:
    """Before decoding: the size that the header claims."""
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise UndecodableImage(f"{width} x {height} is more than {MAX_PIXELS // 1_000_000} megapixels")
    if width < 1 or height < 1:
        raise UndecodableImage("has no pixels")
    if len(getattr(image, "tile", ())) > 100_000:
        raise UndecodableImage("is cut into too many pieces")


def _pixels(image: Image.Image, channels: int) -> NDArray[np.uint8]:
    mode = "L" if channels == 1 else "RGB"
    try:
        pixels = np.asarray(_eight_bits(image).convert(mode))
    except DAMAGED as problem:
        raise UndecodableImage(f"cannot be decoded: {problem}") from problem
    return np.ascontiguousarray(pixels.reshape(*pixels.shape[:2], channels))


def _eight_bits(image: Image.Image) -> Image.Image:
    """Deep grey scaled, anything see-through laid on white; other modes as they are."""
    if image.mode == "F" or image.mode.startswith("I"):
        return _scaled(image)
    if "A" in image.getbands() or "a" in image.getbands() or "transparency" in image.info:
        clear = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear)
    return image


def _scaled(image: Image.Image) -> Image.Image:
    """16-bit grey (also in 32-bit and float containers): 0..65535 becomes 0..255, rounded, by the range of the type.

    Never by the image's own minimum and maximum: a dark picture must stay dark.
    """
    deep = np.asarray(image).astype(np.float32)
    if not np.isfinite(deep).all():
        raise UndecodableImage("holds values that are not numbers")
    return Image.fromarray(np.rint(np.clip(deep, 0, 65535) / 257).astype(np.uint8))
