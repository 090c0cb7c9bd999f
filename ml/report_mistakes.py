"""The worst mistakes of a report: each image, and beside it the same with its heat-map laid over."""

from __future__ import annotations

import base64
import io
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.judged import Judged

MOST = 24
EACH = 3  # images of one source are alike, and so are the mistakes on them
SIDE = 160  # pixels of the longer side
HOT = np.array([255.0, 64.0, 32.0])


@dataclass(frozen=True)
class Seen:
    """An image uint8 (H, W, C) and its heat-map uint8 (h, w), or None where there is none."""

    pixels: NDArray[np.uint8]
    heat: NDArray[np.uint8] | None


Look = Callable[[int], Seen]


def worst(judged: Judged) -> list[int]:
    """At most MOST rows answered wrongly, EACH of a source, those first in which the truth seemed least probable."""
    wrong = [row for row, (true, said) in enumerate(zip(judged.truth, judged.said, strict=True)) if true != said]
    chance = np.nan_to_num(judged.probabilities[np.arange(len(judged.truth)), judged.targets], nan=-1.0)
    seen: Counter[str] = Counter()
    found = []
    for row in sorted(wrong, key=lambda row: (chance[row], row)):
        source = judged.groups[row] if judged.groups else str(row)
        seen[source] += 1
        if seen[source] <= EACH:
            found.append(row)
    return found[:MOST]


def mistakes(judged: Judged, look: Look | None) -> str:
    """A figure for each; without `look` the words alone."""
    found = "".join(_figure(judged, row, look) for row in worst(judged))
    return f'<div class="mistakes">{found}</div>' if found else "<p>None: every answer was right.</p>"


def _figure(judged: Judged, row: int, look: Look | None) -> str:
    chance = judged.probabilities[row, judged.classes.index(judged.truth[row])]
    said = f"said <b>{escape(judged.said[row])}</b>, is <b>{escape(judged.truth[row])}</b>"
    doubt = f"P(truth) {chance:.3f}" if np.isfinite(chance) else "no numbers"
    name = escape(judged.names[row] if judged.names else f"image {row + 1}")
    flagged = "flagged" if judged.flagged[row] else "not flagged"
    source = f", source {escape(judged.groups[row])}" if judged.groups else ""
    words = f"{said}; {doubt}; {flagged}<br><span class='note'>{name}{source}</span>"
    shown = _pictures(look(row), judged.truth[row]) if look else ""
    return f"<figure>{shown}<figcaption>{words}</figcaption></figure>"


def _pictures(seen: Seen, label: str) -> str:
    plain = Image.fromarray(seen.pixels[..., 0] if seen.pixels.shape[2] == 1 else seen.pixels).convert("RGB")
    scale = SIDE / max(plain.size)
    size = (max(1, round(plain.width * scale)), max(1, round(plain.height * scale)))
    plain = plain.resize(size, Image.Resampling.BILINEAR)
    drawn = [(plain, f"image of {label}")]
    if seen.heat is not None:
        drawn.append((_overlaid(plain, seen.heat), "the same with its heat-map"))
    return "".join(f'<img src="{_data(image)}" alt="{escape(name)}" width="{size[0]}">' for image, name in drawn)


def _overlaid(plain: Image.Image, heat: NDArray[np.uint8]) -> Image.Image:
    """Evidence for a defect glows; where there is none the image is as it was."""
    glow = np.asarray(Image.fromarray(heat).resize(plain.size, Image.Resampling.BILINEAR), dtype=float)[..., None] / 255
    mixed = np.asarray(plain, dtype=float) * (1 - 0.6 * glow) + HOT * 0.6 * glow
    return Image.fromarray(np.rint(mixed).astype(np.uint8))


def _data(image: Image.Image) -> str:
    out = io.BytesIO()
    image.save(out, "PNG")
    return f"data:image/png;base64,{base64.b64encode(out.getvalue()).decode()}"
