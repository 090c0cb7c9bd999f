"""Augmentations for cloth, label-safe: uint8 (N, C, H, W) to the same, with a draw of its own for every image.

Classes in `fixed` are never mirrored (their label says which way they run), quarter turns are only for classes in
`turns` (a turn swaps warp and weft), and what comes into view is the cloth's own reflection: a black border would be a
defect. Draws come from torch's generator, so `torch.manual_seed` repeats them.

transforms v2 draws once a call: one draw for a whole batch, or a call for each image, which took two to five times as
long (`strong`, 64 x 64 grey, one thread: 0.30 ms an image against 0.06 to 0.12). So the batch moves in one sampling,
with a matrix for each image, and light is a few factors; v2 does the rest.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample
from torchvision.transforms.v2 import functional as v2

from ml.refusal import DataError
from ml.strength import STRENGTHS, Strength

Range = tuple[float, float]


class Augment:
    """`name` is one of STRENGTHS, `side` is (H, W). Called with images and targets (N,) into `classes`, on the CPU.

    DataError where `turns` or `fixed` names a class that is not there, or both name it, or turns have no square input.
    """

    def __init__(
        self,
        name: str,
        classes: Sequence[str],
        channels: int,
        side: tuple[int, int],
        turns: Collection[str] = (),
        fixed: Collection[str] = (),
    ) -> None:
        if strange := sorted({*turns, *fixed} - set(classes)):
            raise DataError(f"no class is named {', '.join(strange)}: there are {', '.join(classes)}")
        if both := sorted(set(turns) & set(fixed)):
            raise DataError(f"a fixed class cannot be turned as well: {', '.join(both)}")
        if turns and side[0] != side[1]:
            raise DataError(f"quarter turns need a square input, not {side[1]} x {side[0]} pixels")
        self.strength, self.colour = STRENGTHS[name], channels == 3
        self.may_turn = torch.tensor([label in turns for label in classes])
        self.may_mirror = torch.tensor([label not in fixed for label in classes])

    def __call__(self, images: Tensor, targets: Tensor) -> Tensor:
        if self.strength is None:
            return images
        places = self._places(self.strength, targets, images.shape[-1] / images.shape[-2])
        grid = affine_grid(places, list(images.shape), align_corners=False)
        moved = grid_sample(images.float(), grid, padding_mode="reflection", align_corners=False)
        changed = _blurred(self._lit(self.strength, moved), self.strength.blur)
        return changed.round_().clamp_(0, 255).to(torch.uint8)

    def _places(self, how: Strength, targets: Tensor, aspect: float) -> Tensor:
        """(N, 2, 3): where each point of the result is taken from, in coordinates -1..1; `aspect` is W / H."""
        count = len(targets)
        area, ratio = _even(count, how.area), _even(count, (math.log(how.ratio[0]), math.log(how.ratio[1]))).exp()
        view = torch.stack([(area * ratio).sqrt(), (area / ratio).sqrt()], dim=1).clamp(max=1)  # share of W and of H
        reach = 1 - view + 2 * how.shift
        middle = reach * _even((count, 2), (-1, 1)) + 2 * how.jolt * _even((count, 2), (-1, 1))
        angle = torch.deg2rad(_even(count, (-how.degrees, how.degrees)))
        linear = _rotation(angle, aspect) / _even(count, how.scale)[:, None, None] * view[:, None, :]
        quarters = torch.randint(4, (count,)) * self.may_turn[targets]
        linear = linear @ _rotation(quarters * (math.pi / 2), 1.0) * self._mirrors(how, targets)[:, None, :]
        return torch.cat([linear, middle[:, :, None]], dim=2)

    def _mirrors(self, how: Strength, targets: Tensor) -> Tensor:
        """(N, 2): -1 where an image is mirrored left to right, and upside down."""
        allowed = torch.tensor([how.mirrored, how.upside_down]) & self.may_mirror[targets][:, None]
        return 1 - 2 * (allowed & (torch.rand(len(targets), 2) < 0.5)).float()

    def _lit(self, how: Strength, images: Tensor) -> Tensor:
        """Brightness, contrast about the image's mean and, with three channels, saturation; grey is saturation 0."""
        shape = (len(images), 1, 1, 1)
        images = (images * _even(shape, (1 - how.brightness, 1 + how.brightness))).clamp_(0, 255)
        grey = v2.rgb_to_grayscale(images) if self.colour else images
        mean = grey.mean(dim=(1, 2, 3), keepdim=True)
        if self.colour:
            saturation = _even(shape, (1 - how.saturation, 1 + how.saturation))
            images = grey + (images - grey) * saturation * (torch.rand(shape) >= how.grey)
        return mean + (images - mean) * _even(shape, (1 - how.contrast, 1 + how.contrast))


def _even(shape: int | tuple[int, ...], within: Range) -> Tensor:
    """Even draws between two figures."""
    return within[0] + (within[1] - within[0]) * torch.rand(shape)


def _rotation(angle: Tensor, aspect: float) -> Tensor:
    """(N, 2, 2) for angles (N,) in radians, so that pixels of an image `aspect` times as wide as high stay square."""
    cos, sin = torch.cos(angle), torch.sin(angle)
    return torch.stack([torch.stack([cos, -sin / aspect], dim=1), torch.stack([sin * aspect, cos], dim=1)], dim=1)


def _blurred(images: Tensor, chance: float) -> Tensor:
    """Some of the images out of focus, by the same amount: v2 takes one deviation a call."""
    chosen = torch.rand(len(images)) < chance
    if chosen.any():
        images[chosen] = v2.gaussian_blur(images[chosen], [3, 3], [float(_even(1, (0.2, 0.7)))])
    return images


def mix(
    images: Tensor, one_hot: Tensor, alpha_mixup: float, alpha_cutmix: float, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Images (N, C, H, W) and targets (N, K), each mixed with another of the batch; alpha 0 leaves a way out.

    Mixup (Zhang et al. 2018) blends all of both by a share from Beta(alpha, alpha); cutmix (Yun et al. 2019) pastes a
    box of the other over that share of the area. With both, a batch takes either by even chance. Targets sum to one.
    """
    if not alpha_mixup and not alpha_cutmix:
        return images, one_hot
    other = torch.from_numpy(rng.permutation(len(images))).to(images.device)
    paste = not alpha_mixup or (alpha_cutmix > 0 and rng.random() < 0.5)
    share = float(rng.beta(alpha_cutmix, alpha_cutmix) if paste else rng.beta(alpha_mixup, alpha_mixup))
    if paste:
        images, share = _pasted(images, images[other], share, rng)
    else:
        images = share * images + (1 - share) * images[other]
    return images, share * one_hot + (1 - share) * one_hot[other]


def _pasted(images: Tensor, others: Tensor, share: float, rng: np.random.Generator) -> tuple[Tensor, float]:
    """Images with a box of the others in them, and the share of the area that is still their own."""
    height, width = images.shape[-2:]
    tall, wide = height * math.sqrt(1 - share) / 2, width * math.sqrt(1 - share) / 2
    y, x = rng.uniform(0, height), rng.uniform(0, width)
    rows = slice(max(0, round(y - tall)), min(height, round(y + tall)))
    columns = slice(max(0, round(x - wide)), min(width, round(x + wide)))
    pasted = images.clone()
    pasted[..., rows, columns] = others[..., rows, columns]
    return pasted, 1 - (rows.stop - rows.start) * (columns.stop - columns.start) / (height * width)
