"""Small pictures for a report, out of the bytes that storage keeps. What cannot be read is told, never left out."""

from io import BytesIO

from PIL import Image as Pillow
from PIL import ImageOps
from reportlab.platypus import Image

from inspections.images import HOSTILE, kind_of

SIDE = 320  # pixels: sharp at a fifth of a page's width


def thumbnail(data: bytes, side: float) -> Image | None:
    """A picture that fits a square of `side` points; None where the bytes are no picture."""
    small = _small(data)
    if small is None:
        return None
    out = BytesIO()
    small.save(out, "JPEG", quality=85)
    scale = side / max(small.size)
    out.seek(0)
    return Image(out, small.width * scale, small.height * scale)


def _small(data: bytes) -> Pillow.Image | None:
    kind = kind_of(data[:16])
    if kind is None:
        return None
    try:
        with Pillow.open(BytesIO(data), formats=(kind[0],)) as image:
            image.draft("L" if image.mode == "L" else "RGB", (2 * SIDE, 2 * SIDE))
            turned = ImageOps.exif_transpose(_eight_bits(image))
            turned.thumbnail((SIDE, SIDE))
            return turned.convert("L" if turned.mode == "L" else "RGB")
    except HOSTILE:
        return None


def _eight_bits(image: Pillow.Image) -> Pillow.Image:
    """16-bit grey is scaled: clipping would make it white."""
    if not image.mode.startswith("I"):
        return image
    return image.convert("I").point(lambda value: value / 256).convert("L")
