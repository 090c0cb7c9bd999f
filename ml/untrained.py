"""A bundle of an untrained network: it judges at the speed of a trained one, which is all that a bench asks of it."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from safetensors.torch import save

from ml import bundle, probe
from ml.bundle import Input, Quality, Spec, Unknown
from ml.engines import CpuEngine
from ml.export import to_graph
from ml.networks import build, default_stem

CLASSES = ("good", "color", "cut", "hole", "thread", "metal_contamination")


def write_untrained(folder: Path, network: str, size: int, channels: int = 3) -> Path:
    """Writes a bundle of `network` with random weights for (size, size, channels) images and returns its folder."""
    torch.manual_seed(0)
    net = build(network, channels, len(CLASSES), default_stem(network, size)).eval()
    mean, std = (0.5,) * channels, (0.25,) * channels
    graph = to_graph(net, mean, std, (size, size, channels))
    shape = Input(size, size, channels)
    with TemporaryDirectory() as scratch:
        path = Path(scratch) / bundle.GRAPH
        path.write_bytes(graph)
        asked = probe.ask(CpuEngine(path), shape)
    spec = Spec(
        name=f"{network}-untrained", network=network, stem=default_stem(network, size), classes=CLASSES, input=shape,
        mean=mean, std=std, embedding_size=net.embedding_size, temperature=1.0, threshold=0.5,
        shares=dict.fromkeys(CLASSES, 1 / len(CLASSES)), unknown=Unknown(limit=9.0, largest=9.0),
        quality=Quality(dark=0, bright=255, blurred=0), heat_scale=1.0, probe=asked,
    )  # fmt: skip
    # As many references as a trained bundle keeps, so that the search among them costs the same.
    reference = np.random.default_rng(0).normal(size=(2400, net.embedding_size)).astype(np.float16)
    tensors = {name: value.contiguous() for name, value in net.state_dict().items()}
    bundle.write(folder, spec, save(tensors | {bundle.REFERENCE: torch.from_numpy(reference)}), graph)
    return folder
