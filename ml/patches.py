"""What of a labelled image is trained on: the whole of it, or tiles whose label is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ml.picture import Picture, prepare
from ml.rows import Row
from ml.spec import Input

EVERY = 1_000_000  # tiles: more than any image has


def patches(pixels: NDArray[np.uint8], row: Row, shape: Input) -> Picture:
    """The views of one image (H, W, C) that bear its label, made as the judge will make them.

    Of an image that the judge would cut into tiles: all of them when it is good; of a defect whose box is told, the
    tile that holds the middle of the box; else the whole image, resized, because no tile's label is known.
    """
    if row.label == "good" or shape.large == "resize":
        return prepare(pixels, shape)
    if row.box is None:
        return prepare(pixels, replace(shape, large="resize"))
    picture = prepare(pixels, replace(shape, max_tiles=EVERY))
    if picture.grid is None:
        return picture
    x, y, width, height = row.box
    holding = _holding(picture.grid.boxes, x + width / 2, y + height / 2)
    return replace(picture, views=picture.views[[holding]], grid=None)


def _holding(boxes: list[tuple[int, int, int, int]], x: float, y: float) -> int:
    """The tile whose middle is nearest to a point: where tiles overlap, the one that shows most around it."""
    middles = [(left + width / 2, top + height / 2) for left, top, width, height in boxes]
    return int(np.argmin([(x - across) ** 2 + (y - down) ** 2 for across, down in middles]))
