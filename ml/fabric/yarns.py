"""Faults of a single yarn in the weave: thick (slub) and missing."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from ml.fabric.cloth import Cloth, Plane
from ml.fabric.shades import luma


def _one_yarn(rng: Generator, cloth: Cloth) -> tuple[Plane, Plane, float]:
    """Distance from one yarn's middle, position along it (both in pixels), and its pitch in pixels."""
    warp = rng.random() < 0.5
    along, across = (cloth.v, cloth.u) if warp else (cloth.u, cloth.v)
    pitch, other = cloth.style.pitch if warp else cloth.style.pitch[::-1]
    row, column = (int(part) for part in rng.uniform(0.2, 0.8, 2) * cloth.size)
    middle = np.floor(across[row, column]) + 0.5
    far = np.abs(across - middle) * np.float32(pitch * cloth.scale)
    return far, (along - along[row, column]) * np.float32(other * cloth.scale), pitch * cloth.scale


def thick_yarn(rng: Generator, cloth: Cloth) -> Plane:
    """A slub: the yarn swells to two or three times its width over some length and lies on top."""
    far, along, pitch = _one_yarn(rng, cloth)
    length = float(rng.uniform(55, 150)) * cloth.scale
    swell = np.exp(-((along / np.float32(length * 0.5)) ** 4))
    half = max(pitch * float(rng.uniform(0.75, 1.15)), 7 * cloth.scale) * swell
    inside = np.clip((half - far) / np.float32(1.5 * cloth.scale), 0, 1)
    roundness = np.sqrt(np.clip(1 - (far / np.maximum(half, 0.1)) ** 2, 0, 1))
    fibres = 1 + 0.10 * np.sin(along * np.float32(0.9 / cloth.scale) + far * np.float32(0.8 / cloth.scale))
    mean = cloth.rgb.mean(axis=(0, 1))
    # White cannot be outshone: there a thick yarn is seen because it is duller.
    gain = rng.uniform(1.4, 1.75) if float(luma(mean)) < 0.5 else rng.uniform(0.6, 0.75)
    colour = np.clip(mean * gain, 0.09, 1).astype(np.float32)
    shade = ((0.42 + 0.68 * roundness) * fibres)[..., None].astype(np.float32)
    rim = np.clip(1 - np.abs(far - half) / np.float32(0.4 * pitch), 0, 1) * swell
    cloth.rgb *= (1 - 0.45 * rim)[..., None].astype(np.float32)
    cloth.rgb += inside[..., None].astype(np.float32) * (colour * shade - cloth.rgb)
    return np.asarray(inside, dtype=np.float32)


def missing_yarn(rng: Generator, cloth: Cloth) -> Plane:
    """An end or a pick is absent: its neighbours leave a dark lane that the crossing yarns bridge."""
    far, along, pitch = _one_yarn(rng, cloth)
    lane = np.clip((max(0.62 * pitch, 4.5 * cloth.scale) - far) / np.float32(1.5 * cloth.scale), 0, 1)
    if rng.random() < 0.5:
        lane = lane * np.clip(along / np.float32(6 * cloth.scale), 0, 1)
    bridge = 0.5 + 0.5 * np.cos(along * np.float32(2 * np.pi / pitch))
    left = (rng.uniform(0.12, 0.3) + 0.3 * bridge * (far < 0.5 * pitch)).astype(np.float32)
    if float(luma(cloth.rgb.mean(axis=(0, 1)))) < 0.17:
        left = left + np.float32(rng.uniform(1.6, 2.2))  # behind dark cloth a lit plate shines through
    cloth.rgb *= 1 + lane[..., None].astype(np.float32) * (left[..., None] - 1)
    return np.asarray(lane, dtype=np.float32)
