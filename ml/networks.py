"""The networks. Each is a trunk that ends in a feature map, global average pooling, and one linear layer."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torchvision.models import resnet18, resnet34, resnet50

from ml.network_names import IMAGENET, objection, sized
from ml.resnet_cifar import v1_trunk, v2_trunk
from ml.standardise import Standardise

MIRRORINGS: tuple[tuple[int, ...], ...] = ((), (2,), (3,), (2, 3))  # axes of (N, C, H, W)


class Network(nn.Module):
    """A trunk and a linear classifier. `forward` gives logits; `explain` also what a judge wants to see.

    With `flips`, `explain` takes the mean over the image's mirrorings; `forward`, which trains, never does.
    """

    def __init__(self, trunk: nn.Module, width: int, classes: int) -> None:
        super().__init__()
        self.trunk = trunk
        self.classifier = nn.Linear(width, classes)
        self.flips = False

    @property
    def embedding_size(self) -> int:
        return self.classifier.in_features

    def forward(self, images: Tensor) -> Tensor:  # (N, C, H, W) -> (N, K)
        logits: Tensor = self.classifier(self.trunk(images).mean(dim=(2, 3)))
        return logits

    def explain(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits (N, K), class activation maps (N, K, h, w) and embedding (N, D) in one pass.

        The map of a class is a 1x1 convolution of the last feature map with that class's weights (Zhou et al. 2016);
        its mean plus the bias is the logit, so the maps cost next to nothing.
        """
        if self.flips:
            return self._mirrored(images)
        return self._once(images)

    def _mirrored(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The mean over the image and its three mirrorings, maps turned back: one pass over four times the batch."""
        views = torch.cat([images.flip(sides) if sides else images for sides in MIRRORINGS])
        logits, maps, embedding = (part.unflatten(0, (len(MIRRORINGS), -1)) for part in self._once(views))  # type: ignore[no-untyped-call]
        upright = [maps[place].flip(sides) if sides else maps[place] for place, sides in enumerate(MIRRORINGS)]
        return logits.mean(dim=0), torch.stack(upright).mean(dim=0), embedding.mean(dim=0)

    def _once(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        features = self.trunk(images)  # (N, D, h, w)
        embedding = features.mean(dim=(2, 3))
        maps = nn.functional.conv2d(features, self.classifier.weight[:, :, None, None])
        return self.classifier(embedding), maps, embedding


def _conv(inside: int, outside: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inside, outside, 3, stride, 1, bias=False), nn.BatchNorm2d(outside), nn.ReLU(inplace=True)
    )


class TextileBlock(nn.Module):
    """Halve the map, then refine it; the refinement is added to its own input, so it need only learn what to change."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self.down, self.refine = _conv(inside, outside, 2), _conv(outside, outside, 1)

    def forward(self, images: Tensor) -> Tensor:
        smaller: Tensor = self.down(images)
        refined: Tensor = self.refine(smaller)
        return smaller + refined


def textile_resnet(channels: int, classes: int) -> Network:
    """Three residual blocks, as in the PerceptiLabs textile model; 2 328 902 parameters at 1 channel, 6 classes."""
    trunk = nn.Sequential(TextileBlock(channels, 64), TextileBlock(64, 128), TextileBlock(128, 256), _conv(256, 512, 1))
    return Network(trunk, 512, classes)


def _imagenet(network: str, channels: int, classes: int, stem: str) -> Network:
    """torchvision's ResNet with one of three stems; the two of 3x3 have no max-pool, for inputs of few pixels."""
    net = {"resnet18": resnet18, "resnet34": resnet34, "resnet50": resnet50}[network](weights=None)
    size, stride = {"standard": (7, 2), "middle": (3, 2), "small": (3, 1)}[stem]
    first = nn.Conv2d(channels, 64, size, stride, size // 2, bias=False)
    nn.init.kaiming_normal_(first.weight, mode="fan_out", nonlinearity="relu")
    pool = [net.maxpool] if stem == "standard" else []
    trunk = nn.Sequential(first, net.bn1, net.relu, *pool, net.layer1, net.layer2, net.layer3, net.layer4)
    return Network(trunk, net.fc.in_features, classes)


def build(network: str, channels: int, classes: int, stem: str = "standard") -> Network:
    """A new network by name. ValueError on a name, depth or stem that there is not, naming what there is."""
    if reason := objection(network, stem):
        raise ValueError(reason)
    if network in IMAGENET:
        return _imagenet(network, channels, classes, stem)
    if found := sized(network):
        version, blocks = found
        return Network(*(v1_trunk if version == "v1" else v2_trunk)(channels, blocks), classes)
    return textile_resnet(channels, classes)


def parameters(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


class Normalised(nn.Module):
    """The network as it is exported: uint8 (N, H, W, C) in, normalised inside, everything a judge wants out."""

    def __init__(self, net: Network, mean: Sequence[float], std: Sequence[float], contrast: str = "set") -> None:
        super().__init__()
        self.net, self.standardise = net, Standardise(mean, std, contrast)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        inputs = self.standardise(images.permute(0, 3, 1, 2))
        return self.net.explain(inputs.to(self.net.classifier.weight.dtype))
