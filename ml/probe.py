"""The probe: a picture anyone can compute, so that a bundle can be asked a question with a known answer."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ml.bundle import BundleError, Input, Probe, Spec

RECIPE = "waves-1"
FIRST = 8  # embedding values compared

Answer = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]


class Engine(Protocol):
    """Runs a network: uint8 (N, H, W, C) to logits (N, K), class maps (N, K, h, w) and embeddings (N, D), float32."""

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
    logits, _, embedding = engine.run(images(shape, seed, count))
    return Probe(RECIPE, seed, count, _rows(logits), _rows(embedding[:, :FIRST]), tolerance)


def check(engine: Engine, spec: Spec, tolerance: float | None = None) -> None:
    """BundleError unless the engine answers what the spec says, within its tolerance (relative above 1)."""
    probe = expected_of(engine, spec)
    if probe.recipe != RECIPE:
        raise BundleError(f"the probe {probe.recipe!r} is not known to this version")
    logits, _, embedding = engine.run(images(spec.input, probe.seed, probe.count))
    allowed = probe.tolerance if tolerance is None else tolerance
    for what, answer, expected in (
        ("logits", logits, probe.logits),
        ("embedding", embedding[:, :FIRST], probe.embedding),
    ):
        wanted = np.array(expected, dtype=np.float64)
        if answer.shape != wanted.shape:
            raise BundleError(f"the probe's {what} have the shape {answer.shape}, not {wanted.shape}")
        apart = float(np.max(np.abs(answer - wanted) / np.maximum(1, np.abs(wanted))))
        if not apart <= allowed:  # NaN fails too
            raise BundleError(
                f"the probe's {what} are off by {apart:.3g}, more than {allowed:.3g}: not the model it says it is"
            )


def expected_of(engine: Engine, spec: Spec) -> Probe:
    """The answers that the bundle gives for the engine's precision; those of fp32 where it has no others."""
    own = spec.engine.probe
    return own if own and engine.precision == spec.engine.precision else spec.probe


def _rows(values: NDArray[np.float32]) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(round(float(value), 6) for value in row) for row in values)
