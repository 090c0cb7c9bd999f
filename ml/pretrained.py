"""Weights to start from: ImageNet's, from a file or torchvision's cache, or the trunk of a bundle. Never downloads."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torchvision.models import get_model_weights

from ml import bundle
from ml.network_names import IMAGENET, objection
from ml.networks import Network, Siamese, build
from ml.refusal import DataError

UNREADABLE = (OSError, EOFError, LookupError, ValueError, RuntimeError, UnpicklingError, SafetensorError)


def load_imagenet(net: Network, network: str, file: Path | None, stem: str) -> str:
    """Puts torchvision's ImageNet weights into the trunk and says in words what came from where.

    For one channel the first filters are summed over colour. They fit the standard stem alone: another keeps its own
    new one, batch norm included. The classifier stays new. DataError where there is no such file or it does not fit.
    """
    if network not in IMAGENET:
        raise DataError(f"there are no ImageNet weights for {network}: only for {', '.join(IMAGENET)}")
    path = file or cached(network)
    given = _ours(_read(path), net)
    wanted = net.trunk.state_dict()
    if stem != "standard":
        given = {name: tensor for name, tensor in given.items() if name.split(".")[0] not in ("0", "1")}
        given |= {name: tensor for name, tensor in wanted.items() if name.split(".")[0] in ("0", "1")}
    put(given, net, f"{path.name} does not hold the weights of {network}")
    return f"ImageNet weights of {path.name}" + (f", with a new {stem} stem" if stem != "standard" else "")


def cached(network: str) -> Path:
    """torchvision's file in its cache, the latest version first. DataError if none is there, naming what was sought."""
    choices = get_model_weights(network)
    latest_first = sorted(choices, key=lambda weights: weights is not choices.DEFAULT)
    names: list[str] = [weights.url.rsplit("/", 1)[1] for weights in latest_first]
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    for path in (folder / name for name in names):
        if path.is_file():
            return path
    raise DataError(
        f"there is no {' or '.join(names)} in {folder}, and nothing is downloaded: --weights FILE names one"
    )


def load_trunk(net: Network, folder: Path) -> None:
    """Puts the trunk of a bundle into a network of the same name and stem, whatever its classes and channels; from one
    metric to another also the head.

    BundleError if the folder is no whole bundle; DataError if its network is another.
    """
    spec = bundle.verify(folder)
    if reason := objection(spec.network, spec.stem):
        raise DataError(f"{folder.name}: {reason}")
    with torch.device("meta"):
        other = build(spec.network, spec.input.channels, len(spec.classes), spec.stem)
    problem = f"{folder.name} is a {spec.network} with stem {spec.stem}: its trunk does not fit the network to train"
    if _plan(other) != _plan(net):
        raise DataError(problem)
    tensors = load_file(folder / bundle.WEIGHTS)
    given = {name.removeprefix("trunk."): tensor for name, tensor in tensors.items() if name.startswith("trunk.")}
    put(given, net, problem)
    if isinstance(net, Siamese) and isinstance(other, Siamese):
        net.head.load_state_dict({name: tensors[f"head.{name}"] for name in ("weight", "bias")})


def over_channels(filters: Tensor, channels: int) -> Tensor:
    """First filters (O, C, k, k) for another number of channels, so that a grey image gives what it gave before."""
    if filters.shape[1] == channels:
        return filters
    return filters.sum(dim=1, keepdim=True).expand(-1, channels, -1, -1) / channels


def _read(path: Path) -> Mapping[str, Tensor]:
    """A state dict from a safetensors file, or from a .pth with nothing but tensors in it."""
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except UNREADABLE as problem:
        reason = str(problem).splitlines()[0] if str(problem) else type(problem).__name__
        raise DataError(f"{path.name} cannot be read as weights: {reason}") from problem
    if not isinstance(state, Mapping) or not all(isinstance(tensor, Tensor) for tensor in state.values()):
        raise DataError(f"{path.name} is not a plain state dict of tensors")
    return state


def _ours(state: Mapping[str, Tensor], net: Network) -> dict[str, Tensor]:
    """torchvision's names to those of our trunk, whose last four parts are its layers; the classifier is left out."""
    before = len(list(net.trunk.children())) - 4
    parts = {"conv1": "0", "bn1": "1"} | {f"layer{number + 1}": str(before + number) for number in range(4)}
    kept = {name: tensor for name, tensor in state.items() if not name.startswith("fc.")}
    heads = {name: name.split(".")[0] for name in kept}
    return {parts.get(head, head) + name.removeprefix(head): kept[name] for name, head in heads.items()}


def put(given: dict[str, Tensor], net: Network, problem: str) -> None:
    """Every tensor of the trunk from `given`. Files of old do not count batches; all else must be there and fit."""
    wanted = net.trunk.state_dict()
    first = next(name for name, tensor in wanted.items() if tensor.dim() == 4)
    if first in given and given[first].dim() == 4:
        given[first] = over_channels(given[first], wanted[first].shape[1])
    for name in wanted:
        if name.endswith("num_batches_tracked"):
            given.setdefault(name, wanted[name])
    wrong = sorted(wanted.keys() ^ given.keys())
    wrong += [name for name in sorted(wanted.keys() & given.keys()) if wanted[name].shape != given[name].shape]
    if wrong:
        raise DataError(f"{problem}: {wrong[0]} is missing, left over or of another shape")
    if not all(bool(tensor.isfinite().all()) for tensor in given.values()):
        raise DataError(f"{problem}: not every figure is finite")
    net.trunk.load_state_dict(given)


def _plan(net: Network) -> list[tuple[object, ...]]:
    """What tells trunks apart: each convolution's place, size, stride and width."""
    convolutions = [(name, part) for name, part in net.trunk.named_modules() if isinstance(part, nn.Conv2d)]
    return [(name, part.kernel_size, part.stride, part.out_channels) for name, part in convolutions]
