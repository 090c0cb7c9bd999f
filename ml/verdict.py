"""From what the network answered to what we say: calibrated, cautious, and in one place.

Where no class is `good`, nothing can be passed: every image has an anomaly score of 1 and is flagged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.answers import UNKNOWN, Item, Judgement
from ml.bundle import Spec
from ml.calibrate import in_order, shift_prior, softmax
from ml.novelty import foreign
from ml.picture import Picture
from ml.tiles import Tiles, stitch


@dataclass(frozen=True)
class Reading:
    """The network on n views: logits (n, K), class maps (n, K, h, w), embeddings (n, D), textures (n, T), T perhaps 0;
    and how far from known cloth their embeddings lie, `distance` (n,), and their looks, `look` (n,)."""

    logits: NDArray[np.float32]
    maps: NDArray[np.float32]
    embedding: NDArray[np.float32]
    texture: NDArray[np.float32]
    distance: NDArray[np.float32]
    look: NDArray[np.float32]


def conclude(spec: Spec, item: Item, picture: Picture, reading: Reading) -> Judgement:
    """One judgement of one picture; of several tiles the worst decides. ValueError if item.shares do not fit."""
    limit = spec.unknown.limit if len(reading.logits) == 1 else spec.unknown.largest
    probabilities = _probabilities(spec, item, reading)
    worst = _worst(spec, probabilities, reading.distance > limit)
    chosen = probabilities[worst]
    strange = bool(reading.distance[worst] > limit) or foreign(reading.look, spec.unknown)
    warnings = _warnings(spec, picture, chosen, strange)
    threshold = spec.threshold if item.threshold is None else item.threshold
    counted = bool(np.isfinite(chosen).all())
    score = float(_anomaly(spec, chosen)) if counted else None
    label = UNKNOWN if _in_doubt(warnings) else spec.classes[int(chosen.argmax())]
    return Judgement(
        label=label,
        confidence=float(chosen.max()) if counted else None,
        anomaly_score=score,
        # Asked this way round, a threshold that is not a number flags.
        flagged=label == UNKNOWN or score is None or "good" not in spec.classes or not score < threshold,
        probabilities=dict(zip(spec.classes, chosen.tolist(), strict=True)) if counted else None,
        threshold=threshold,
        embedding=reading.embedding[worst].astype(np.float16),
        texture=reading.texture[worst].astype(np.float16) if reading.texture.shape[1] else None,
        heatmap=_heatmap(spec, picture, chosen, reading.maps),
        warnings=warnings,
        brightness=picture.brightness,
        focus=picture.focus,
        tiles=_tiles(picture, worst),
    )


def _probabilities(spec: Spec, item: Item, reading: Reading) -> NDArray[np.float64]:
    """(n, K), NaN in every row where the network said anything that is not a number."""
    sound = (
        np.isfinite(reading.logits).all(axis=1)
        & np.isfinite(reading.distance)
        & np.isfinite(reading.embedding).all(axis=1)
        & np.isfinite(reading.texture).all(axis=1)
    )
    logits = np.where(sound[:, None], reading.logits, 0)
    found = softmax(logits, spec.temperature)
    if item.shares is not None:
        old, new = in_order(spec.shares, spec.classes), in_order(item.shares, spec.classes)
        found = shift_prior(found, old, new)
    return np.where(sound[:, None], found, np.nan)


def _anomaly(spec: Spec, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 - P(good) of (..., K); 1 where no class is good."""
    if "good" not in spec.classes:
        return np.ones(probabilities.shape[:-1])
    return np.asarray(1 - probabilities[..., spec.classes.index("good")])


def _worst(spec: Spec, probabilities: NDArray[np.float64], strange: NDArray[np.bool_]) -> int:
    """The view that decides: one without numbers before a strange one, before the highest anomaly score.

    Where no class is good all score alike, and the view that is surest of its defect decides.
    """
    score = _anomaly(spec, probabilities) if "good" in spec.classes else probabilities.max(axis=1)
    return int(np.argmax(np.where(np.isnan(score), 3.0, score + strange)))


def _warnings(spec: Spec, picture: Picture, chosen: NDArray[np.float64], strange: bool) -> tuple[str, ...]:
    limits = spec.quality
    found = {
        "not-a-number": not np.isfinite(chosen).all(),
        "dark": picture.brightness < limits.dark,
        "bright": picture.brightness > limits.bright,
        "blurred": picture.focus < limits.blurred,
        "unfamiliar": strange,
        "tiles-left-out": picture.grid is not None and picture.grid.left_out > 0,
    }
    return tuple(name for name, holds in found.items() if holds)


def _in_doubt(warnings: tuple[str, ...]) -> bool:
    return bool(set(warnings) - {"tiles-left-out"})


def _heatmap(spec: Spec, picture: Picture, chosen: NDArray[np.float64], maps: NDArray[np.float32]) -> NDArray[np.uint8]:
    drawn = heat(spec.classes, chosen, maps, spec.heat_scale)
    return stitch(drawn, picture.grid) if picture.grid else drawn[0]


def heat(
    classes: Sequence[str], chances: NDArray[np.float64], maps: NDArray[np.float32], scale: float
) -> NDArray[np.uint8]:
    """Evidence (n, h, w) for the most probable defect against good, 0..255, of chances (K,) and maps (n, K, h, w).

    Below `scale` good cloth's own noise stays dark. Where no class is good, against the mean of the other classes.
    """
    shown = np.nan_to_num(chances, nan=0.0)
    good = classes.index("good") if "good" in classes else None
    if good is not None:
        shown[good] = -1
    defect = int(shown.argmax())
    against = np.delete(maps, defect, axis=1).mean(axis=1) if good is None else maps[:, good]
    evidence = np.nan_to_num(maps[:, defect] - against, nan=0.0, posinf=0.0, neginf=0.0)
    glow = np.clip(evidence / max(float(evidence.max()), scale), 0, 1)
    return np.asarray(np.rint(glow * 255), dtype=np.uint8)


def _tiles(picture: Picture, worst: int) -> Tiles | None:
    grid = picture.grid
    if grid is None:
        return None
    return Tiles(len(grid.ys), len(grid.xs), len(grid.boxes), grid.left_out, grid.boxes[worst])
