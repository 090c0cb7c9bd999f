"""How much each augmentation may change an image. Known by name; ml.augment does it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Strength:
    """mirrored, upside_down: by even chance. Light is a factor between 1 - x and 1 + x; grey and blur are chances.

    area, ratio: the part that stays in view, as a share of the whole, and its width to its height. degrees: turned at
    most so far either way. scale: magnification. shift, jolt: two even draws that are added, in shares of the side.
    saturation and grey: only with three channels; grey is what a grey camera sees.
    """

    mirrored: bool = True
    upside_down: bool = True
    area: tuple[float, float] = (1.0, 1.0)
    ratio: tuple[float, float] = (1.0, 1.0)
    degrees: float = 0.0
    scale: tuple[float, float] = (1.0, 1.0)
    shift: float = 0.0
    jolt: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    grey: float = 0.0
    blur: float = 0.0


STRENGTHS: dict[str, Strength | None] = {
    "none": None,
    "cloth": Strength(
        area=(0.85, 1.0), ratio=(0.92, 1.09), brightness=0.25, contrast=0.2, saturation=0.3, grey=0.3, blur=0.15
    ),
    # The tutorial's on ResNet v1 and v2: shifts of 10 %, mirrored left to right.
    "cifar": Strength(upside_down=False, shift=0.1),
    # A reflected margin of an eighth; turned, moved and magnified a little; then cut back at a place of its own.
    "strong": Strength(
        degrees=4, scale=(0.9, 1.12), shift=0.125, jolt=0.075,
        brightness=0.3, contrast=0.3, saturation=0.3, grey=0.3,
    ),
}  # fmt: skip
