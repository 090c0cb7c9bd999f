"""Masks (SIDE, SIDE) in 0..1 that faults are made of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

Plane = NDArray[np.float32]

SIDE = 64
MIDDLE = (8.0, 56.0)  # where a fault's centre may lie: some of it is always in view
Y, X = np.mgrid[:SIDE, :SIDE].astype(np.float32)


def bell(distance: Plane, width: float) -> Plane:
    """1 at distance 0, falling as a Gaussian of deviation `width` pixels."""
    return np.asarray(np.exp(-0.5 * (distance / width) ** 2), dtype=np.float32)


def step(distance: Plane, softness: float) -> Plane:
    """1 where distance is well below 0, 0 where it is well above, `softness` pixels between."""
    return np.asarray(1 / (1 + np.exp(np.clip(distance / softness, -40, 40))), dtype=np.float32)


def rough(rng: np.random.Generator, scale: float) -> Plane:
    """Noise of deviation about 1 whose grains are `scale` pixels wide."""
    noise = rng.standard_normal((SIDE, SIDE)).astype(np.float32)
    return np.asarray(gaussian_filter(noise, scale) * scale * 3.5, dtype=np.float32)


def wave(rng: np.random.Generator, height: float) -> NDArray[np.float64]:
    """A gently bent and leaning course (SIDE,) about 0, in pixels."""
    along = np.linspace(0, 1, SIDE)
    bent = height * np.sin(along * rng.uniform(0.5, 6) + rng.uniform(0, 6))
    return np.asarray(bent + rng.uniform(-0.15, 0.15) * SIDE * (along - 0.5))


def line(rng: np.random.Generator, dashed: bool) -> Plane:
    """A line down the patch: whole or part, sometimes dashed or of uneven strength."""
    centre = rng.uniform(*MIDDLE) + wave(rng, rng.uniform(0, 5))
    mask = bell(X - centre[:, None].astype(np.float32), rng.uniform(0.7, 2.6))
    if rng.random() < 0.6:
        first = rng.uniform(-5, SIDE - 20)
        last = first + rng.uniform(20, SIDE)
        mask = mask * np.clip((Y - first) / 2, 0, 1) * np.clip((last - Y) / 2, 0, 1)
    if dashed:
        mask = mask * (np.sin(Y * 2 * np.pi / rng.uniform(4, 14) + rng.uniform(0, 6)) > rng.uniform(-0.9, 0.3))
    if rng.random() < 0.5:
        mask = mask * np.clip(1 + 0.8 * rough(rng, 2.5), 0, 2)
    return np.asarray(mask, dtype=np.float32)


def blob(rng: np.random.Generator, radius: float) -> Plane:
    """A ragged round or oval patch of about `radius` pixels."""
    y, x = rng.uniform(*MIDDLE, 2)
    long = rng.uniform(0.6, 1.6)
    distance = np.hypot((X - x) * long, (Y - y) / long) + rough(rng, 2.0) * radius * 0.25
    return step(distance - radius, max(0.5, radius * 0.15))


def thread(rng: np.random.Generator) -> Plane:
    """A thin curl."""
    along = np.linspace(0, 1, 300)
    mask = np.zeros((SIDE, SIDE), dtype=np.float32)
    x, y = (
        rng.uniform(10, 54)
        + rng.uniform(4, 18) * np.sin(along * rng.uniform(2, 9) + rng.uniform(0, 6))
        + rng.uniform(-15, 15) * along
        for _ in range(2)
    )
    inside = (x > 0) & (x < SIDE - 1) & (y > 0) & (y < SIDE - 1)
    mask[y[inside].astype(int), x[inside].astype(int)] = 1
    mask = gaussian_filter(mask, rng.uniform(0.5, 1.4))
    return np.asarray(mask / max(float(mask.max()), 1e-3), dtype=np.float32)
