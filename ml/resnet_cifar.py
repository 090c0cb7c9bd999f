"""The trunks of the CIFAR-style residual networks, v1 (He et al. 2015) and v2 (He et al. 2016), for any depth.

Both come with their width, 64 for v1 and 256 for v2, and with the places of the parts that end their first two stages
of three; they take (N, channels, H, W) to (N, width, H / 4, W / 4).
"""

from __future__ import annotations

from torch import Tensor, nn

V1_WIDTHS = (16, 32, 64)
V2_WIDTHS = (64, 128, 256)


def _conv(inside: int, outside: int, size: int, stride: int = 1) -> nn.Conv2d:
    """A convolution without bias, He-normal (over what goes out), that keeps the size of the map but for `stride`."""
    made = nn.Conv2d(inside, outside, size, stride, size // 2, bias=False)
    nn.init.kaiming_normal_(made.weight, mode="fan_out", nonlinearity="relu")
    return made


class Shortcut(nn.Module):
    """Option A of He et al. 2015: every second pixel, and zeros for the channels that are new. Nothing to learn."""

    def __init__(self, new: int, stride: int) -> None:
        super().__init__()
        self.new, self.stride = new, stride

    def forward(self, images: Tensor) -> Tensor:
        smaller = images[:, :, :: self.stride, :: self.stride]
        return nn.functional.pad(smaller, (0, 0, 0, 0, 0, self.new)) if self.new else smaller


class BasicBlock(nn.Module):
    """Two 3x3 convolutions around which the skip goes; ReLU after the sum. `skip=False`: the same without it."""

    def __init__(self, inside: int, outside: int, stride: int, skip: bool = True) -> None:
        super().__init__()
        self.change = nn.Sequential(
            _conv(inside, outside, 3, stride), nn.BatchNorm2d(outside), nn.ReLU(inplace=True),
            _conv(outside, outside, 3), nn.BatchNorm2d(outside),
        )  # fmt: skip
        self.shortcut = Shortcut(outside - inside, stride) if skip else None

    def forward(self, images: Tensor) -> Tensor:
        changed: Tensor = self.change(images)
        if self.shortcut is not None:
            changed = changed + self.shortcut(images)
        return nn.functional.relu(changed)


class PreActivationBlock(nn.Module):
    """BN and ReLU before each convolution of a bottleneck (1x1, 3x3, 1x1), so that the skip is a bare sum.

    Where the size changes, the skip is a 1x1 convolution of what the first BN and ReLU left.
    """

    def __init__(self, inside: int, outside: int, stride: int) -> None:
        super().__init__()
        narrow = outside // 4
        self.ready = nn.Sequential(nn.BatchNorm2d(inside), nn.ReLU())  # not in place: the skip needs the input
        self.change = nn.Sequential(
            _conv(inside, narrow, 1, stride), nn.BatchNorm2d(narrow), nn.ReLU(inplace=True),
            _conv(narrow, narrow, 3), nn.BatchNorm2d(narrow), nn.ReLU(inplace=True),
            _conv(narrow, outside, 1),
        )  # fmt: skip
        self.shortcut = _conv(inside, outside, 1, stride) if inside != outside else None

    def forward(self, images: Tensor) -> Tensor:
        ready = self.ready(images)
        changed: Tensor = self.change(ready)
        return changed + (images if self.shortcut is None else self.shortcut(ready))


def v1_trunk(channels: int, blocks: int, skips: bool = True) -> tuple[nn.Sequential, int, tuple[int, int]]:
    """3x3 stem of 16, then three stages of `blocks` basic blocks: depth 6 * blocks + 2 with the classifier."""
    layers: list[nn.Module] = [_conv(channels, 16, 3), nn.BatchNorm2d(16), nn.ReLU(inplace=True)]
    inside = 16
    for outside in V1_WIDTHS:
        for _ in range(blocks):
            layers.append(BasicBlock(inside, outside, 1 if inside == outside else 2, skips))
            inside = outside
    return nn.Sequential(*layers), inside, (2 + blocks, 2 + 2 * blocks)


def v2_trunk(channels: int, blocks: int) -> tuple[nn.Sequential, int, tuple[int, int]]:
    """3x3 stem of 16, three stages of `blocks` bottlenecks, BN and ReLU: depth 9 * blocks + 2 with the classifier."""
    layers: list[nn.Module] = [_conv(channels, 16, 3)]
    inside = 16
    for outside in V2_WIDTHS:
        for block in range(blocks):
            halves = block == 0 and outside != V2_WIDTHS[0]
            layers.append(PreActivationBlock(inside, outside, 2 if halves else 1))
            inside = outside
    trunk = nn.Sequential(*layers, nn.BatchNorm2d(inside), nn.ReLU(inplace=True))
    return trunk, inside, (blocks, 2 * blocks)
