"""A heat-map as a picture to lay over the image: an inferno-like ramp, dark to light for every kind of eye."""

import zlib
from io import BytesIO

from PIL import Image

from inspections.models import VerdictEvidence

LONG_SIDE = 512
MOST_OPAQUE = 215
# matplotlib's inferno at even steps (its author gave it to the public domain): brightness rises all the way, so that
# it reads without hue.
STOPS = (
    (0, 0, 4),
    (31, 12, 72),
    (85, 15, 109),
    (136, 34, 106),
    (186, 54, 85),
    (227, 89, 51),
    (249, 140, 10),
    (249, 201, 50),
    (252, 255, 164),
)


def _between(level: int) -> tuple[int, int, int]:
    place, part = divmod(level * (len(STOPS) - 1), 255)
    low, high = STOPS[place], STOPS[min(place + 1, len(STOPS) - 1)]
    red, green, blue = (round(a + (b - a) * part / 255) for a, b in zip(low, high, strict=True))
    return red, green, blue


RAMP = [_between(level) for level in range(256)]
# Cold cloth stays visible: nothing is laid over it, and the cover grows with the heat.
ALPHA = [min(MOST_OPAQUE, round(level * 1.6)) for level in range(256)]


def png(evidence: VerdictEvidence) -> bytes:
    """RGBA, enlarged smoothly: a network sees in squares, cloth has none."""
    size = (evidence.heatmap_cols, evidence.heatmap_rows)
    heat = Image.frombytes("L", size, zlib.decompress(evidence.heatmap))
    scale = max(1, LONG_SIDE // max(size))
    heat = heat.resize((size[0] * scale, size[1] * scale), Image.Resampling.BICUBIC)
    bands = [heat.point([colour[band] for colour in RAMP]) for band in range(3)]
    out = BytesIO()
    Image.merge("RGBA", (*bands, heat.point(ALPHA))).save(out, "PNG", optimize=False, compress_level=4)
    return out.getvalue()
