"""The graph answers what the network answers, or is not packed."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from ml.export import PARITY, ParityError, check_parity, to_graph
from ml.networks import Network, build

HALF = (0.5,) * 3
IMAGES = np.random.default_rng(0).integers(0, 256, (11, 32, 32, 3), dtype=np.uint8)


def network(seed: int = 0) -> Network:
    torch.manual_seed(seed)
    return build("textile_resnet", 3, 6).eval()


def test_graph_and_network_agree() -> None:
    assert check_parity(network(), HALF, HALF, to_graph(network(), HALF, HALF, (32, 32, 3)), IMAGES) <= PARITY


def test_the_graph_of_another_network_is_refused() -> None:
    with pytest.raises(ParityError, match="differ by"):
        check_parity(network(1), HALF, HALF, to_graph(network(), HALF, HALF, (32, 32, 3)), IMAGES)


@pytest.mark.parametrize("layer", [0, 3, 6])
def test_a_network_that_holds_a_nan_is_never_packed(layer: int) -> None:
    """The engine would answer with finite figures: its ReLU takes the larger of NaN and 0, and says 0."""
    net = network()
    with torch.no_grad():
        [part for part in net.modules() if isinstance(part, torch.nn.Conv2d)][layer].weight[0, 0, 0, 0] = float("nan")
    with pytest.raises(ParityError, match="nan"):
        check_parity(net, HALF, HALF, to_graph(net, HALF, HALF, (32, 32, 3)), IMAGES)
