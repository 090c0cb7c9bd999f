"""The probe: a picture anyone can compute, so that a bundle can be asked a question with a known answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from ml.bundle import BundleError, Input, Probe, Spec

RECIPE = "waves-1"
FIRST = 8  # values of an embedding and of a texture that are compared
ANSWERS = ("logits", "maps", "embedding", "texture")  # a graph's outputs; one of before textures has no last


class Answer(NamedTuple):
    """What a network says of n images: logits (n, K), class maps (n, K, h, w), embeddings (n, D) and textures (n, T),
    float32; T is 0 where it gives none."""

    logits: NDArray[np.float32]
    maps: NDArray[np.float32]
    embedding: NDArray[np.float32]
    texture: NDArray[np.float32]

    @classmethod
    def of(cls, parts: Sequence[NDArray[np.float32]]) -> Self:
        """From three parts or four."""
        logits, maps, embedding, *rest = parts
        return cls(logits, maps, embedding, rest[0] if rest else np.empty((len(logits), 0), dtype=np.float32))

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """One after the other; at least one."""
        return cls(*(np.concatenate(values) for values in zip(*parts, strict=True)))


class Engine(Protocol):
    """Runs a network on uint8 images (N, H, W, C)."""

    device: str
    precision: str  # fp32, bf16 or int8 on a CPU, fp16 on a GPU

    def run(self, images: NDArray[np.uint8]) -> Answer: ...


def images(shape: Input, seed: int, count: int) -> NDArray[np.uint8]:
    """`count` pictures (count, H, W, C) of triangle waves, in integer arithmetic so that they are equal everywhere."""
    y = np.arange(shape.height, dtype=np.int64)[:, None, None]
    x = np.arange(shape.width, dtype=np.int64)[None, :, None]
    c = np.arange(shape.channels, dtype=np.int64)[None, None, :]
    pictures = []
    for index in range(count):
        step = 37 + 11 * ((seed + index) % 7)
        wave = (y * step + x * (29 + 4 * index) + c * 13 + seed * 17) % 256
        pictures.append(np.where(wave < 128, 2 * wave, 510 - 2 * wave))
    return np.stack(pictures).clip(0, 255).astype(np.uint8)


def ask(engine: Engine, shape: Input, seed: int = 1, count: int = 3, tolerance: float = 2e-3) -> Probe:
    """Writes down what `engine` answers."""
    found = engine.run(images(shape, seed, count))
    embedding = _rows(found.embedding[:, :FIRST])
    texture = _rows(_first_of(found.texture)) if found.texture.shape[1] else ()
    return Probe(RECIPE, seed, count, _rows(found.logits), embedding, tolerance, texture)


def check(engine: Engine, spec: Spec, tolerance: float | None = None) -> None:
    """BundleError unless the engine answers what the spec says, within its tolerance (relative above 1)."""
    probe = expected_of(engine, spec)
    if probe.recipe != RECIPE:
        raise BundleError(f"the probe {probe.recipe!r} is not known to this version")
    found = engine.run(images(spec.input, probe.seed, probe.count))
    if found.texture.shape[1] != spec.texture_size:
        raise BundleError(f"a texture has {found.texture.shape[1]} figures, not {spec.texture_size}")
    allowed = probe.tolerance if tolerance is None else tolerance
    for what, answer, expected in (
        ("logits", found.logits, probe.logits),
        ("embedding", found.embedding[:, :FIRST], probe.embedding),
        ("texture", _first_of(found.texture), probe.texture),
    ):
        wanted = np.array(expected, dtype=np.float64).reshape(probe.count, -1)
        if answer.shape != wanted.shape:
            raise BundleError(f"the probe's {what} have the shape {answer.shape}, not {wanted.shape}")
        apart = float(np.max(np.abs(answer - wanted) / np.maximum(1, np.abs(wanted)), initial=0))
        if not apart <= allowed:  # NaN fails too
            raise BundleError(
                f"the probe's {what} are off by {apart:.3g}, more than {allowed:.3g}: not the model it says it is"
            )


def expected_of(engine: Engine, spec: Spec) -> Probe:
    """The answers that the bundle gives for the engine's precision; those of fp32 where it has no others."""
    own = spec.engine.probe
    return own if own and engine.precision == spec.engine.precision else spec.probe


def _first_of(texture: NDArray[np.float32]) -> NDArray[np.float32]:
    """The first figures of textures (N, T) of length 1, each as large as it would be were all alike 1."""
    return np.asarray(texture[:, :FIRST] * texture.shape[1] ** 0.5, dtype=np.float32)


def _rows(values: NDArray[np.float32]) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(round(float(value), 6) for value in row) for row in values)
