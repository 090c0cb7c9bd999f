"""The networks. Each is a trunk that ends in a feature map, global average pooling, and one linear layer."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torchvision.models import resnet18

STEMS = ("standard", "small")


class Network(nn.Module):
    """A trunk and a linear classifier. `forward` gives logits; `explain` also what a judge wants to see."""

    def __init__(self, trunk: nn.Module, width: int, classes: int) -> None:
        super().__init__()
        self.trunk = trunk
        self.classifier = nn.Linear(width, classes)

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


def textile_resnet(channels: int, classes: int, stem: str = "standard") -> Network:
    """Three residual blocks, as in the PerceptiLabs textile model; 2 328 902 parameters at 1 channel, 6 classes."""
    trunk = nn.Sequential(TextileBlock(channels, 64), TextileBlock(64, 128), TextileBlock(128, 256), _conv(256, 512, 1))
    return Network(trunk, 512, classes)


def resnet_18(channels: int, classes: int, stem: str = "standard") -> Network:
    """torchvision's ResNet-18. Stem `small`: 3x3 stride 1 without max-pool, for inputs of 64 px and less."""
    net = resnet18(weights=None)
    if stem == "small":
        first: list[nn.Module] = [nn.Conv2d(channels, 64, 3, 1, 1, bias=False), net.bn1, net.relu]
    else:
        first = [nn.Conv2d(channels, 64, 7, 2, 3, bias=False), net.bn1, net.relu, net.maxpool]
    nn.init.kaiming_normal_(first[0].weight, mode="fan_out", nonlinearity="relu")  # type: ignore[arg-type]
    trunk = nn.Sequential(*first, net.layer1, net.layer2, net.layer3, net.layer4)
    return Network(trunk, 512, classes)


NETWORKS: dict[str, Callable[[int, int, str], Network]] = {"textile_resnet": textile_resnet, "resnet18": resnet_18}


def default_stem(network: str, side: int) -> str:
    """The stem that fits an input of `side` pixels."""
    return "small" if network == "resnet18" and side <= 64 else "standard"


def build(network: str, channels: int, classes: int, stem: str = "standard") -> Network:
    """A network by name. ValueError on a name or stem that there is not."""
    if network not in NETWORKS or stem not in STEMS:
        raise ValueError(f"there is no network {network!r} with stem {stem!r}: use one of {', '.join(NETWORKS)}")
    return NETWORKS[network](channels, classes, stem)


def parameters(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


class Normalised(nn.Module):
    """The network as it is exported: uint8 (N, H, W, C) in, normalised inside, everything a judge wants out."""

    def __init__(self, net: Network, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        self.net = net
        self.register_buffer("shift", torch.tensor(mean).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("scale", 1 / (255 * torch.tensor(std).view(1, -1, 1, 1)), persistent=False)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        shift, scale = self.get_buffer("shift"), self.get_buffer("scale")
        pixels = images.permute(0, 3, 1, 2).to(scale.dtype)
        return self.net.explain((pixels - 255 * shift) * scale)
