"""Pixels to what a trunk takes: one formula for training, for the exported graph and for the GPU."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

FLAT = 2.0  # grey levels: the least contrast that an image is divided by, so that blank ones do not become noise


class Standardise(nn.Module):
    """uint8 or float (N, C, H, W) in 0..255 to float of mean about 0 and deviation about 1.

    contrast `set`: by the training set's `mean` and `std` a channel (0..1). `image`: each channel by its own mean, and
    all channels by the one deviation of the image, so that a faint fault on dull cloth weighs as much as on crisp.
    """

    shift: Tensor
    scale: Tensor

    def __init__(self, mean: Sequence[float], std: Sequence[float], contrast: str = "set") -> None:
        super().__init__()
        self.contrast = contrast
        self.register_buffer("shift", 255 * torch.tensor(mean).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("scale", 1 / (255 * torch.tensor(std).view(1, -1, 1, 1)), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        pixels = images.to(torch.float32)
        if self.contrast == "set":
            return (pixels - self.shift) * self.scale
        centred = pixels - pixels.mean(dim=(2, 3), keepdim=True)
        variance = (centred * centred).mean(dim=(1, 2, 3), keepdim=True)
        return centred * torch.rsqrt(variance + FLAT * FLAT)
