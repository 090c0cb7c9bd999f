"""What the skips do to the gradient, measured: `python -m ml.gradients` prints the figures of ml/README.md."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ml.drawn import draw
from ml.networks import Network
from ml.resnet_cifar import v1_trunk

SIDE, IMAGES, CLASSES = 32, 20, 6


class Norms(NamedTuple):
    """Gradient norms of the loss with respect to the weights of the first and of the last convolution."""

    first: float
    last: float


def cloth() -> tuple[Tensor, Tensor]:
    """A batch of drawn cloth of mean 0 and deviation 1, (N, 3, SIDE, SIDE), and its targets (N,)."""
    data = draw(IMAGES, 1, (SIDE, SIDE), 3)
    images = torch.from_numpy(data.images).permute(0, 3, 1, 2).double()
    return (images - images.mean()) / images.std(), torch.from_numpy(data.targets)


def norms(batch: tuple[Tensor, Tensor], depth: int, *, skips: bool, batch_norm: bool, seeds: Sequence[int]) -> Norms:
    """Geometric means over the seeds, in new v1 nets of this depth (6n+2), in double precision: some underflow single.

    Without batch norm the weights are as torch draws them by itself, whose signals fade from layer to layer; with it
    they are ours, He-normal.
    """
    found = [_once(_net(depth, skips, batch_norm, seed), *batch) for seed in seeds]
    first, last = torch.tensor(found, dtype=torch.float64).log().mean(dim=0).exp().tolist()
    return Norms(first, last)


def _net(depth: int, skips: bool, batch_norm: bool, seed: int) -> Network:
    torch.manual_seed(seed)
    net = Network(*v1_trunk(3, (depth - 2) // 6, skips), CLASSES)
    return (net if batch_norm else _without_batch_norm(net)).double()


def _without_batch_norm(net: Network) -> Network:
    for module in list(net.modules()):
        for name, part in list(module.named_children()):
            if isinstance(part, nn.BatchNorm2d):
                setattr(module, name, nn.Identity())
            elif isinstance(part, nn.Conv2d):
                part.reset_parameters()
    return net


def _once(net: Network, images: Tensor, targets: Tensor) -> Norms:
    nn.functional.cross_entropy(net(images), targets).backward()  # type: ignore[no-untyped-call]
    slopes = [part.weight.grad for part in net.modules() if isinstance(part, nn.Conv2d)]
    assert slopes[0] is not None and slopes[-1] is not None  # the backward pass has just filled them
    return Norms(float(slopes[0].norm()), float(slopes[-1].norm()))


def main(depths: Sequence[int] = (8, 20, 56), seeds: Sequence[int] = range(3)) -> None:
    """A row for each depth, with and without batch norm and skips: about a minute on one core."""
    batch = cloth()
    sys.stdout.write("depth  batch norm  skips  first layer  last layer\n")
    for depth in depths:
        for batch_norm in (True, False):
            for skips in (True, False):
                first, last = norms(batch, depth, skips=skips, batch_norm=batch_norm, seeds=seeds)
                sys.stdout.write(f"{depth:5}  {batch_norm!s:10}  {skips!s:5}  {first:11.3g}  {last:10.3g}\n")


if __name__ == "__main__":
    main()
