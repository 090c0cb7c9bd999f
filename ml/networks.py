"""The networks. Each is a trunk that ends in a feature map, global average pooling, and one linear layer."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torchvision.models import resnet18, resnet34, resnet50

from ml.network_names import IMAGENET, metric, objection, sized
from ml.resnet_cifar import v1_trunk, v2_trunk
from ml.standardise import Standardise
from ml.texture import Texture

MIRRORINGS: tuple[tuple[int, ...], ...] = ((), (2,), (3,), (2, 3))  # axes of (N, C, H, W)
SHORTEST = 1e-6  # length of an embedding that is still scaled to 1


class Network(nn.Module):
    """A trunk and a linear classifier. `forward` gives logits; `explain` also what a judge wants to see.

    With `flips`, `explain` takes the mean over the image's mirrorings; `forward`, which trains, never does.
    """

    def __init__(self, trunk: nn.Sequential, width: int, stages: tuple[int, int], classes: int) -> None:
        """`stages`: the parts of the trunk with which its first and its second stage end."""
        super().__init__()
        self.trunk, self.stages = trunk, stages
        self.classifier = nn.Linear(width, classes)
        self.flips = False

    @property
    def embedding_size(self) -> int:
        return self.classifier.in_features

    def forward(self, images: Tensor) -> Tensor:  # (N, C, H, W) -> (N, K)
        logits: Tensor = self.classifier(self.features(images).mean(dim=(2, 3)))
        return logits

    def features(self, images: Tensor) -> Tensor:  # (N, C, H, W) -> (N, D, h, w)
        """The last map, whose mean is the embedding."""
        return self.passed(images)[0]

    def passed(self, images: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """The last map, and those with which the first two stages end."""
        first, second = self._early(images)
        return _through(list(self.trunk)[self.stages[1] + 1 :], second), (first, second)

    def _early(self, images: Tensor) -> tuple[Tensor, Tensor]:
        one, two = self.stages
        parts = list(self.trunk)
        first = _through(parts[: one + 1], images)
        return first, _through(parts[one + 1 : two + 1], first)

    def explain(self, images: Tensor, touch: bool = False) -> tuple[Tensor, ...]:
        """Logits (N, K), class activation maps (N, K, h, w) and embedding (N, D) in one pass; with `touch` also the
        blocks (N, C) of a texture, as `touch` gives them.

        The map of a class is a 1x1 convolution of the last feature map with that class's weights (Zhou et al. 2016);
        its mean plus the bias is the logit, so the maps cost next to nothing.
        """
        if self.flips:
            return self._mirrored(images, touch)
        return self._once(images, touch)

    def touch(self, images: Tensor) -> tuple[Tensor, ...]:
        """Means and deviations (N, C) of the maps of the first two stages, of mirrorings their mean; nothing above
        these stages is computed."""
        if not self.flips:
            return _statistics(self._early(images))
        return tuple(_parted(block).mean(dim=0) for block in _statistics(self._early(_views(images))))

    def _mirrored(self, images: Tensor, touch: bool) -> tuple[Tensor, ...]:
        """The mean over the image and its three mirrorings, maps turned back: one pass over four times the batch."""
        logits, maps, *others = (_parted(part) for part in self._once(_views(images), touch))
        upright = [maps[place].flip(sides) if sides else maps[place] for place, sides in enumerate(MIRRORINGS)]
        return logits.mean(dim=0), torch.stack(upright).mean(dim=0), *(part.mean(dim=0) for part in others)

    def _once(self, images: Tensor, touch: bool) -> tuple[Tensor, ...]:
        features, early = self.passed(images)
        embedding = features.mean(dim=(2, 3))
        maps = nn.functional.conv2d(features, self.classifier.weight[:, :, None, None])
        return self.classifier(embedding), maps, embedding, *(_statistics(early) if touch else ())


def _through(parts: Sequence[nn.Module], images: Tensor) -> Tensor:
    for part in parts:
        images = part(images)
    return images


def _views(images: Tensor) -> Tensor:
    """The image and its three mirrorings, (4 N, C, H, W)."""
    return torch.cat([images.flip(sides) if sides else images for sides in MIRRORINGS])


def _parted(found: Tensor) -> Tensor:
    """(4 N, ...) to (4, N, ...)."""
    parted: Tensor = found.unflatten(0, (len(MIRRORINGS), -1))  # type: ignore[no-untyped-call]
    return parted


def _statistics(early: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Mean and deviation (N, C) of each of these maps, in full precision."""
    found: list[Tensor] = []
    for maps in early:
        variance, mean = torch.var_mean(maps.float(), dim=(2, 3), correction=0)
        found += [mean, variance.sqrt()]
    return tuple(found)


class Siamese(Network):
    """A trunk, an embedding head at each place of its map, and a linear classifier on the head's mean.

    The head is affine, so that the mean of its answers is its answer to the pooled map, which is what metric learning
    compares. With `unit` the embedding (of mirrorings their mean) is scaled to length 1, and the maps with it by the
    same positive factor an image: a map's mean plus the bias is its logit either way.
    """

    def __init__(self, below: Network, width: int, classes: int, unit: bool) -> None:
        super().__init__(below.trunk, width, below.stages, classes)
        self.head = nn.Conv2d(below.embedding_size, width, 1)
        self.unit = unit

    def forward(self, images: Tensor) -> Tensor:
        embedding = self.features(images).mean(dim=(2, 3))
        logits: Tensor = self.classifier(nn.functional.normalize(embedding) if self.unit else embedding)
        return logits

    def passed(self, images: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        last, early = super().passed(images)
        return self.head(last), early

    def explain(self, images: Tensor, touch: bool = False) -> tuple[Tensor, ...]:
        logits, maps, embedding, *blocks = super().explain(images, touch)
        if not self.unit:
            return logits, maps, embedding, *blocks
        length = torch.linalg.vector_norm(embedding, dim=1, keepdim=True).clamp_min(SHORTEST)
        scaled = embedding / length
        return self.classifier(scaled), maps / length[:, :, None, None], scaled, *blocks


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
    return Network(trunk, 512, (0, 1), classes)


def _imagenet(network: str, channels: int, classes: int, stem: str) -> Network:
    """torchvision's ResNet with one of three stems; the two of 3x3 have no max-pool, for inputs of few pixels."""
    net = {"resnet18": resnet18, "resnet34": resnet34, "resnet50": resnet50}[network](weights=None)
    size, stride = {"standard": (7, 2), "middle": (3, 2), "small": (3, 1)}[stem]
    first = nn.Conv2d(channels, 64, size, stride, size // 2, bias=False)
    nn.init.kaiming_normal_(first.weight, mode="fan_out", nonlinearity="relu")
    pool = [net.maxpool] if stem == "standard" else []
    trunk = nn.Sequential(first, net.bn1, net.relu, *pool, net.layer1, net.layer2, net.layer3, net.layer4)
    layers = len(trunk) - 4
    return Network(trunk, net.fc.in_features, (layers, layers + 1), classes)


def build(network: str, channels: int, classes: int, stem: str = "standard") -> Network:
    """A new network by name. ValueError on a name, depth or stem that there is not, naming what there is."""
    if reason := objection(network, stem):
        raise ValueError(reason)
    if network in IMAGENET:
        return _imagenet(network, channels, classes, stem)
    if told := metric(network):
        below = _imagenet("resnet18", channels, 1, stem)
        return Siamese(below, told.width, classes, told.unit)
    if found := sized(network):
        version, blocks = found
        return Network(*(v1_trunk if version == "v1" else v2_trunk)(channels, blocks), classes)
    return textile_resnet(channels, classes)


def parameters(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


class Normalised(nn.Module):
    """The network as it is exported: uint8 (N, H, W, C) in, normalised inside, everything a judge wants out: what
    `explain` gives and, where there is a `texture`, that as well."""

    def __init__(
        self,
        net: Network,
        mean: Sequence[float],
        std: Sequence[float],
        contrast: str = "set",
        texture: Texture | None = None,
    ) -> None:
        super().__init__()
        self.net, self.standardise, self.texture = net, Standardise(mean, std, contrast), texture

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        inputs = self.standardise(images.permute(0, 3, 1, 2)).to(self.net.classifier.weight.dtype)
        if self.texture is None:
            return self.net.explain(inputs)
        logits, maps, embedding, *blocks = self.net.explain(inputs, touch=True)
        return logits, maps, embedding, self.texture(blocks)
