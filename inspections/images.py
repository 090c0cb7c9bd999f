"""Is this an image that we take? Decided by its bytes: name and media type are ignored.

Only the allowed decoder is ever reached, the header is believed before anything is decoded, and only a full decode
tells a whole image from a truncated one.
"""

import threading
import warnings
from contextlib import nullcontext
from dataclasses import dataclass
from io import BytesIO

from PIL import ExifTags, Image

from ml.hostile import DAMAGE, objection

MIN_SIDE = 16
MAX_SIDE_RATIO = 64
LARGE_PIXELS = 4_000_000

HOSTILE: tuple[type[Exception], ...] = (*DAMAGE, Image.DecompressionBombError)

_one_large_at_a_time = threading.Lock()

Image.MAX_IMAGE_PIXELS = None  # our own limit is stricter and gives an answer instead of a warning
warnings.filterwarnings("ignore", module=r"PIL\..*")


@dataclass(frozen=True)
class Checked:
    """An image we take: its kind, its size in pixels as shown (EXIF rotation applied), and what to warn of."""

    suffix: str
    width: int
    height: int
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Refused:
    """An image we do not take: HTTP status, the end of the problem type, and the reason in words."""

    status: int
    kind: str
    detail: str


def kind_of(head: bytes) -> tuple[str, str] | None:
    """Pillow's format and our suffix by the first bytes, or None."""
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG", "jpg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG", "png"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP", "webp"
    if head[:4] in {b"II*\0", b"MM\0*"}:
        return "TIFF", "tiff"
    if head.startswith(b"BM"):
        return "BMP", "bmp"
    return None


def check(data: bytes, max_pixels: int) -> Checked | Refused:
    """Judge the bytes of an upload; a full decode is part of it."""
    kind = kind_of(data[:16])
    if kind is None:
        return Refused(415, "unsupported-image", "Not a JPEG, PNG, WebP, TIFF or BMP image.")
    pillow_format, suffix = kind
    if reason := objection(data):
        return Refused(422, "image-undecodable", f"The file is {reason}.")
    try:
        image = Image.open(BytesIO(data), formats=(pillow_format,))
    except HOSTILE as error:
        return _undecodable(error)
    with image:
        return _refused_by_header(image, max_pixels) or _decode(image, suffix)


def _undecodable(error: BaseException) -> Refused:
    return Refused(422, "image-undecodable", f"The image cannot be decoded whole ({type(error).__name__}).")


def _refused_by_header(image: Image.Image, max_pixels: int) -> Refused | None:
    width, height = image.size
    if width * height > max_pixels:
        detail = f"{width}×{height} is more than {max_pixels / 1e6:g} megapixels."
        return Refused(422, "too-many-pixels", detail)
    if min(width, height) < MIN_SIDE:
        return Refused(422, "image-too-small", f"{width}×{height}: a side is under {MIN_SIDE} pixels.")
    if max(width, height) > MAX_SIDE_RATIO * min(width, height):
        detail = f"{width}×{height}: one side is more than {MAX_SIDE_RATIO} times the other."
        return Refused(422, "image-too-narrow", detail)
    return None


def _decode(image: Image.Image, suffix: str) -> Checked | Refused:
    width, height = image.size
    large = width * height > LARGE_PIXELS
    try:
        with _one_large_at_a_time if large else nullcontext():
            image.load()
            turned = _is_turned(image)
            more = _has_more_frames(image)
    except HOSTILE as error:
        return _undecodable(error)
    size = (height, width) if turned else (width, height)
    return Checked(suffix, *size, warnings=("first-frame",) if more else ())


def _is_turned(image: Image.Image) -> bool:
    """True if EXIF says that the picture lies on its side."""
    try:
        return image.getexif().get(ExifTags.Base.Orientation) in {5, 6, 7, 8}
    except HOSTILE:  # a broken EXIF block makes no broken picture
        return False


def _has_more_frames(image: Image.Image) -> bool:
    """True if a second frame follows. Counting them all would let a chain of a million pages hold the thread."""
    try:
        image.seek(1)
    except HOSTILE:
        return False
    return True
