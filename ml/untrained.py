"""A bundle of an untrained network: it judges at the speed of a trained one, which is all that a bench asks of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save

from ml import bundle, probe
from ml.bundle import Faster, Input, Quality, Spec, Unknown
from ml.engines import open_graph
from ml.export import to_graph
from ml.networks import build
from ml.precision import TOLERANCE
from ml.quantise import to_int8
from ml.standardise import Standardise
from ml.texture import MOST, SHRINK, Texture, whitening
from ml.touch import textures

CLASSES = ("good", "color", "cut", "hole", "thread", "metal_contamination")


def write_untrained(
    folder: Path, network: str, size: int, channels: int = 3, precision: str = "fp32", flips: bool = False
) -> Path:
    """Writes a bundle of `network` with random weights for (size, size, channels) images and returns its folder.

    No gate is asked about `precision`: random weights would fail it, and their speed is what is wanted.
    """
    torch.manual_seed(0)
    net = build(network, channels, len(CLASSES), "standard").eval()
    net.flips = flips
    mean, std = (0.5,) * channels, (0.25,) * channels
    shape = Input(size, size, channels)
    noise = np.random.default_rng(0).integers(0, 256, (32, size, size, channels), dtype=np.uint8)
    seen = textures(net, noise, Standardise(mean, std))
    texture = Texture(whitening(seen, np.zeros(len(seen), dtype=np.intp), SHRINK, MOST))
    graph = to_graph(net, mean, std, (size, size, channels), texture=texture)
    more = {bundle.GRAPH_INT8: to_int8(graph, noise)} if precision == "int8" else {}
    with open_graph(graph, "fp32") as engine:
        asked = probe.ask(engine, shape)
    with open_graph(more.get(bundle.GRAPH_INT8, graph), precision) as engine:
        faster = Faster(precision, None if precision == "fp32" else probe.ask(engine, shape, tolerance=TOLERANCE))
    spec = Spec(
        name=f"{network}-untrained", network=network, stem="standard", classes=CLASSES, input=shape,
        mean=mean, std=std, embedding_size=net.embedding_size, temperature=1.0, threshold=0.5,
        shares=dict.fromkeys(CLASSES, 1 / len(CLASSES)), unknown=Unknown(limit=9.0, largest=9.0),
        quality=Quality(dark=0, bright=255, blurred=0), heat_scale=1.0, probe=asked, engine=faster,
        flips=flips, texture_size=texture.size,
    )  # fmt: skip
    # As many references as a trained bundle keeps, so that the search among them costs the same.
    reference = np.random.default_rng(0).normal(size=(2400, net.embedding_size)).astype(np.float16)
    tensors = {name: value.contiguous() for name, value in net.state_dict().items()}
    tensors |= {bundle.REFERENCE: torch.from_numpy(reference), **texture.tensors()}
    bundle.write(folder, spec, save(tensors), graph, more=more)
    return folder
