"""Cuts and holes: the cloth is missing, its yarn ends fray into the gap, and what lies behind is seen."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ml.fabric.cloth import Cloth, Plane
from ml.fabric.shades import luma, place
from ml.fabric.strokes import Points, blob, curl, edge, lines, offsets, soften
from ml.fabric.style import YARNS


def _background(rng: Generator, cloth: Cloth, light_share: float) -> NDArray[np.float32]:
    """What is seen through the gap: a dark machine or a lit plate, always in contrast to the cloth."""
    grey = float(luma(cloth.rgb.mean(axis=(0, 1))))
    light = grey < 0.2 or (grey < 0.45 and rng.random() < light_share)
    level = rng.uniform(0.42, 0.75) if light else rng.uniform(0.005, min(0.07, 0.2 * grey))
    return np.asarray(level * np.clip(rng.normal(1, 0.03, 3), 0.9, 1.1), dtype=np.float32)


def _open(cloth: Cloth, gap: Plane, behind: NDArray[np.float32], light: tuple[float, float]) -> None:
    """Replaces the cloth inside the gap; the cloth's rim throws a shadow on what lies behind."""
    shadow = np.roll(1 - gap, (round(3 * light[1] * cloth.scale), round(3 * light[0] * cloth.scale)), (0, 1))
    depth = (1 - np.float32(0.45) * soften(shadow, 2.5 * cloth.scale))[..., None] * behind
    cloth.rgb += gap[..., None] * (depth - cloth.rgb)


def _ragged(rng: Generator, cloth: Cloth, far: Plane, depth: float) -> Plane:
    """Moves the edge yarn by yarn: each broke at its own length."""
    break_at = np.abs(rng.standard_normal(2 * YARNS)).astype(np.float32) * np.float32(depth)
    return np.asarray(far + break_at[cloth.yarn], dtype=np.float32)


def _lift(cloth: Cloth, far: Plane, reach: float, gain: float) -> None:
    """The rim curls up and catches light, and just outside it lies in shade."""
    rim = np.exp(-(((far - 0.5 * reach) / (0.5 * reach)) ** 2)) * (far > 0)
    trough = np.exp(-(((far - 1.8 * reach) / (0.8 * reach)) ** 2))
    cloth.rgb *= (1 + gain * rim - 0.22 * trough)[..., None].astype(np.float32)


def _ends(
    rng: Generator, cloth: Cloth, roots: Points, headings: NDArray[np.float64], length: float, width: float
) -> Plane:
    """Broken yarn ends that reach from the rim into the gap."""
    ends = []
    for root, heading in zip(roots, headings, strict=True):
        reach = length * float(rng.uniform(0.3, 1.3))
        ends.append(curl(rng, root, float(heading + rng.normal(0, 0.35)), reach, 1.0, 6))
    mask = lines(cloth.size, ends, width)
    tone = cloth.style.weft if rng.random() < 0.5 else cloth.style.warp
    colour = np.clip(tone.mean(axis=0) * rng.uniform(0.75, 1.25), 0.02, 0.95).astype(np.float32)
    cloth.rgb += mask[..., None] * (colour - cloth.rgb)
    return mask


def cut(rng: Generator, cloth: Cloth) -> Plane:
    """A blade's slit: long, thin, tapering at both ends, gaping, with frayed lips."""
    size, scale = cloth.size, cloth.scale
    centre, angle = place(rng, cloth, 0.25), float(rng.uniform(0, np.pi))
    length = float(rng.uniform(75, 175)) * scale
    gape = float(rng.uniform(3.8, 8.5)) * scale
    along, across = offsets(size, centre, angle)
    reach = along / np.float32(length / 2)
    across = across - np.float32(rng.normal(0, 0.05) * length) * reach * reach
    half = np.float32(gape) * np.sqrt(np.maximum(1 - reach * reach, 0)) ** np.float32(0.8)
    far = np.where(np.abs(reach) < 1, np.abs(across) - half, np.hypot(across, (np.abs(reach) - 1) * length / 2))
    _lift(cloth, far.astype(np.float32), 4 * scale, float(rng.uniform(0.05, 0.26)))
    gap = edge(_ragged(rng, cloth, far.astype(np.float32), 1.0 * scale), 1.3 * scale)
    _open(cloth, gap, _background(rng, cloth, 0.25), cloth.style.light)
    roots, headings = _lips(rng, centre, angle, length, gape)
    _ends(rng, cloth, roots, headings, 1.1 * gape, 0.7 * scale)
    return np.asarray(np.maximum(gap, far < 1.5 * scale), dtype=np.float32)


def _lips(
    rng: Generator, centre: tuple[float, float], angle: float, length: float, gape: float
) -> tuple[Points, NDArray[np.float64]]:
    count = int(rng.integers(8, 26))
    place_along = rng.uniform(-0.45, 0.45, count)
    side = rng.choice([-1.0, 1.0], count)
    lip = gape * np.sqrt(1 - (2 * place_along) ** 2) * side
    direction, normal = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    roots = np.array(centre) + place_along[:, None] * length * direction + lip[:, None] * normal
    return roots, np.where(side > 0, angle - np.pi / 2, angle + np.pi / 2)


def hole(rng: Generator, cloth: Cloth) -> Plane:
    """Cloth torn or worn away: an uneven opening with broken yarn ends all round."""
    size, scale = cloth.size, cloth.scale
    centre = place(rng, cloth, 0.2)
    radius = float(np.exp(rng.uniform(np.log(14), np.log(46)))) * scale
    radii = (radius, radius * float(rng.uniform(0.6, 1.0)))
    far = blob(rng, size, centre, radii, 0.11)
    _lift(cloth, far, 4.5 * scale, float(rng.uniform(0.05, 0.28)))
    gap = edge(_ragged(rng, cloth, far, 0.16 * radius), 1.6 * scale)
    _open(cloth, gap, _background(rng, cloth, 0.35), cloth.style.light)
    roots, headings = _rim(rng, centre, min(radii) / scale, float(cloth.style.angle), scale)
    _ends(rng, cloth, roots, headings, 0.6 * radius, 0.9 * scale)
    return np.asarray(np.maximum(gap, far < 0), dtype=np.float32)


def _rim(
    rng: Generator, centre: tuple[float, float], radius: float, lean: float, scale: float
) -> tuple[Points, NDArray[np.float64]]:
    """Ends stand along warp and weft, so four directions, and start on the rim that faces them."""
    count = int(rng.uniform(0.35, 0.75) * radius) + 2
    heading = rng.integers(0, 4, count) * (np.pi / 2) + lean
    spread = rng.uniform(-0.9, 0.9, count)
    back = -np.sqrt(1 - spread**2) * radius * scale
    direction = np.stack([np.cos(heading), np.sin(heading)], axis=1)
    normal = np.stack([-np.sin(heading), np.cos(heading)], axis=1)
    roots = np.array(centre) + back[:, None] * direction + spread[:, None] * radius * scale * normal
    return np.asarray(roots), np.asarray(heading)
