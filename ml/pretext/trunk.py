"""The trunk learnt on planted faults: trained once, kept beside the code, and taken as the start of other trainings."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from ml.networks import Network, build
from ml.presets import Recipe
from ml.pretext.patches import KINDS, planted
from ml.pretext.shapes import SIDE
from ml.pretrained import put
from ml.refusal import DataError
from ml.standardise import Standardise
from ml.train import Course, Outcome, train

KEPT = Path(__file__).parent / "trunks"
PATCHES = 60_000  # when a network without a kept trunk asks for one
RECIPE = Recipe(
    rate=2e-3, weight_decay=0.02, epochs=1, batch=64, smoothing=0.05, balance=0.0, augment="none", clip=5.0,
    keep="last", contrast="image", amp=True,
)  # fmt: skip


def place(network: str, stem: str) -> Path:
    return KEPT / f"{network}-{stem}.safetensors"


def learn(
    network: str, stem: str, patches: int, seed: int = 0, threads: int = 1, log: Path | None = None
) -> tuple[Network, Outcome]:
    """A network of one channel that tells the kinds of planted fault apart; each patch is seen once."""
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    net = build(network, 1, len(KINDS), stem)
    course = Course(seed=seed, title="drawn trunk", log=log)
    fresh, check = planted(patches, seed), planted(max(len(KINDS) * 10, patches // 50), seed + 1)
    return net, train(net, fresh, check, RECIPE, Standardise((0.5,), (0.25,), RECIPE.contrast), course)


def keep(net: Network, path: Path) -> None:
    """Writes the trunk: filters in half precision, as it is only a start; statistics in full."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {name: _light(tensor) for name, tensor in net.trunk.state_dict().items()}
    part = path.with_name(path.name + ".part")
    save_file(tensors, part, {"about": "trunk learnt on drawn cloth with planted faults"})
    part.replace(path)


def take(net: Network, network: str, stem: str, seed: int = 0) -> str:
    """Puts the trunk into `net`, whatever its channels; learns one first where none is kept. Says what it did."""
    path = place(network, stem)
    problem = f"{path.name} holds no trunk of {network}"
    if not path.is_file():
        put(_learnt(network, stem, seed).trunk.state_dict(), net, problem)
        return f"trunk learnt on {PATCHES} drawn patches of {SIDE} px just now"
    try:
        kept = load_file(path)
    except (SafetensorError, OSError) as reason:
        raise DataError(f"{problem}: {reason}") from reason
    put({name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in kept.items()}, net, problem)
    return f"trunk {path.name}, learnt on drawn patches"


@cache
def _learnt(network: str, stem: str, seed: int) -> Network:
    """Once a process: every fold begins from the same."""
    return learn(network, stem, PATCHES, seed, torch.get_num_threads())[0]


def _light(tensor: Tensor) -> Tensor:
    return (tensor.half() if tensor.dim() > 1 else tensor).contiguous()
