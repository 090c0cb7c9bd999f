"""The averaged network: an exponential moving average of the weights, which is judged and kept."""

from __future__ import annotations

import copy

import torch
from torch import nn

from ml.networks import Network


class Average:
    """`decay` near 1 remembers long; it starts short, so that the first weights are soon forgotten."""

    def __init__(self, net: Network, decay: float) -> None:
        self.net: Network = copy.deepcopy(net).requires_grad_(False).eval()
        self.decay, self.steps = decay, 0

    @torch.no_grad()
    def follow(self, net: nn.Module) -> None:
        self.steps += 1
        keep = min(self.decay, (1 + self.steps) / (10 + self.steps))
        for mine, new in zip(self.net.state_dict().values(), net.state_dict().values(), strict=True):
            if mine.dtype.is_floating_point:
                mine.lerp_(new.to(mine.dtype), 1 - keep)
            else:
                mine.copy_(new)
