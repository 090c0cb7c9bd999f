"""The names of the networks, without building one: `resnet56v1` is v1 of depth 56. Imports no torch.

`siamese` is ResNet18's trunk with an embedding head of 128 figures, `siamese64` one of 64, `siamese_unit` one whose
embeddings are scaled to length 1.
"""

from __future__ import annotations

import re
from typing import NamedTuple

STEMS = ("standard", "middle", "small")  # 7x7 stride 2 with max-pool; 3x3 stride 2; 3x3 stride 1
IMAGENET = ("resnet18", "resnet34", "resnet50")  # torchvision's; the others have one stem of their own
STEP = {"v1": 6, "v2": 9}  # layers that one more block a stage adds; two more are the stem and the classifier
DEEPEST = 1202  # the deepest that He et al. trained; a deeper one is a slip of the pen

WIDTH = 128  # of a siamese's embedding, where its name gives none

_SIZED = re.compile(r"resnet([1-9]\d{0,4})(v[12])")
_METRIC = re.compile(r"siamese(_unit)?([1-9]\d{0,3})?")


def names() -> tuple[str, ...]:
    """What may stand where a network is asked for, as people read it."""
    sized = [f"resnetNv{version[1]} for any N = {step}n+2" for version, step in STEP.items()]
    return ("textile_resnet", *IMAGENET, *sized, "siamese")


def sized(network: str) -> tuple[str, int] | None:
    """`resnet56v1` to its version and blocks a stage, (`v1`, 9). None where the name or its depth cannot be."""
    found = _SIZED.fullmatch(network)
    if not found:
        return None
    depth, version = int(found[1]), found[2]
    blocks, rest = divmod(depth - 2, STEP[version])
    return (version, blocks) if rest == 0 and blocks > 0 and depth <= DEEPEST else None


class Metric(NamedTuple):
    """What the name of a metric tells: how many figures its embedding has, and whether it has length 1."""

    width: int
    unit: bool


def metric(network: str) -> Metric | None:
    """`siamese_unit64` to (64, True). None where the name is no metric's."""
    found = _METRIC.fullmatch(network)
    return Metric(int(found[2] or WIDTH), bool(found[1])) if found else None


def siamese(width: int, unit: bool) -> str:
    """The name of a metric."""
    return f"siamese{'_unit' if unit else ''}{'' if width == WIDTH else width}"


def is_network(network: str) -> bool:
    return network in ("textile_resnet", *IMAGENET) or bool(sized(network) or metric(network))


def stems(network: str) -> tuple[str, ...]:
    """The stems that a network can have."""
    return STEMS if network in IMAGENET or metric(network) else STEMS[:1]


def objection(network: str, stem: str = "standard") -> str | None:
    """Why there is no such network, in words; None if there is."""
    if not is_network(network):
        return f"there is no network {network!r}: {_nearest(network) or 'use ' + ', '.join(names())}"
    if stem not in stems(network):
        return f"there is no network {network!r} with stem {stem!r}: use {', '.join(stems(network))}"
    return None


def untaught(network: str) -> str | None:
    """Why no new network of this name learns classes, in words; None if one does. Going on from a bundle's it may."""
    if metric(network):
        return f"a new {network} learns what is alike, and then classes by prototypes: python -m ml metric pack"
    return None


def _nearest(network: str) -> str | None:
    """The legal depths on both sides of one that is not."""
    found = _SIZED.fullmatch(network)
    if not found:
        return None
    depth, version = int(found[1]), found[2]
    step = STEP[version]
    deepest = (DEEPEST - 2) // step
    below = min(max((depth - 2) // step, 1), deepest)
    nearest = dict.fromkeys(f"resnet{step * blocks + 2}{version}" for blocks in (below, min(below + 1, deepest)))
    return f"the depth of {version} is {step}n+2 and at most {DEEPEST}; nearest: {', '.join(nearest)}"
