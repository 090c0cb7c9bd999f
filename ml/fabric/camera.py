"""What the camera adds: uneven light, a little blur, sensor noise."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from ml.fabric.style import Style

Plane = NDArray[np.float32]


def fibre_texture(rng: Generator, side: int, strength: float) -> Plane:
    """Fine fibre noise (side, side), mean 0: grain plus softer clouds, made once for a roll."""
    grain = rng.standard_normal((side, side)).astype(np.float32)
    soft = (grain + np.roll(grain, 1, 0) + np.roll(grain, 1, 1) + np.roll(grain, (1, 1), (0, 1))) / 2
    clouds = Image.fromarray((rng.random((side // 16, side // 16)) * 255).astype(np.uint8)).resize(
        (side, side), Image.Resampling.BICUBIC
    )
    cloudy = (np.asarray(clouds, dtype=np.float32) - 127.5) / 127.5
    return np.asarray(strength * soft + 0.5 * strength * cloudy, dtype=np.float32)


def _light(rng: Generator, style: Style, size: int) -> Plane:
    """A plane and a vignette, mean about 1."""
    line = np.linspace(-1, 1, size, dtype=np.float32)
    turn = rng.normal(0, 0.15)
    tilt = np.arctan2(style.light[1], style.light[0]) + turn
    across, down = np.cos(tilt) * line * style.gradient, np.sin(tilt) * line * style.gradient
    vignette = -0.25 * style.gradient * line**2
    return np.asarray((1 + across + vignette)[None, :] + (down + vignette)[:, None], dtype=np.float32)


def sensor_noise(rng: Generator, side: int, strength: float) -> NDArray[np.int16]:
    """Noise of a sensor (side, side, 1) in grey levels, made once for a roll and read at random places."""
    return np.asarray(np.rint(strength * rng.standard_normal((side, side, 1))), dtype=np.int16)


def expose(rng: Generator, rgb: Plane, style: Style, noise: NDArray[np.int16]) -> NDArray[np.uint8]:
    """Reflectance (S, S, 3) -> uint8 image. `noise`: at least (S, S, 1), cropped at random."""
    size = rgb.shape[0]
    flicker = 1024 * style.exposure * (1 + rng.normal(0, 0.02))
    lit = rgb * (_light(rng, style, size) * np.float32(flicker))[..., None]
    np.clip(lit, 0, 1024, out=lit)
    # A camera's tone curve, as a table: a power over the whole frame would cost a third of the time.
    table = (255 * np.linspace(0, 1, 1025) ** style.gamma).astype(np.uint8)
    image = Image.fromarray(table[lit.astype(np.int16)]).filter(ImageFilter.BoxBlur(style.blur * size / 256))
    y, x = rng.integers(0, noise.shape[0] - size + 1, 2)
    grainy = np.asarray(image) + noise[y : y + size, x : x + size]
    return np.asarray(np.clip(grainy, 0, 255, out=grainy), dtype=np.uint8)
