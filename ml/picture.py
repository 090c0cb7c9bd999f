"""One image made ready for the network, the one way for training and judging: decoded, measured, evened, cut."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.answers import Undecodable
from ml.bundle import Input
from ml.decode import UndecodableImage, decode
from ml.preprocess import brightness, focus, homogenise, resize
from ml.tiles import Grid, lay_grid


@dataclass(frozen=True)
class Picture:
    """views uint8 (n, H, W, C) at input size; `grid` where they are tiles; brightness and focus before any change."""

    views: NDArray[np.uint8]
    grid: Grid | None
    brightness: float
    focus: float


def open_picture(data: bytes, shape: Input) -> Picture | Undecodable:
    """Decodes one image and makes it ready."""
    try:
        pixels = decode(data, shape.channels)
    except UndecodableImage as problem:
        return Undecodable(str(problem))
    return prepare(pixels, shape)


def prepare(pixels: NDArray[np.uint8], shape: Input) -> Picture:
    """(H, W, C) of any size, resized or cut; measured first, and only then evened if the bundle asks for it."""
    views, grid = _views(pixels, shape)
    light, sharpness = brightness(views), float(np.median([focus(view) for view in views]))
    if shape.homogenise is not None:
        views = homogenise(views, light, shape.homogenise)
    return Picture(views, grid, light, sharpness)


def _views(pixels: NDArray[np.uint8], shape: Input) -> tuple[NDArray[np.uint8], Grid | None]:
    """Tiles are cut at the image's own resolution; one smaller than a tile is resized up to it."""
    height, width = pixels.shape[:2]
    if shape.large == "resize" or width < shape.width or height < shape.height:
        return resize(pixels, shape.width, shape.height)[None], None
    grid = lay_grid((width, height), (shape.width, shape.height), shape.max_tiles)
    return np.stack([pixels[y : y + h, x : x + w] for x, y, w, h in grid.boxes]), grid
