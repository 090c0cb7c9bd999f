from __future__ import annotations

import hashlib
import io
import struct
import time
import zlib

import numpy as np
import pytest
from PIL import Image

from ml.decode import UndecodableImage, decode, rendition
from tests.ml.pictures import encode, plain, ramp

RAMP = ramp()
GREY16 = (np.arange(24 * 40, dtype=np.uint32).reshape(24, 40) * 68).astype(np.uint16)


def colour() -> Image.Image:
    return Image.fromarray(RAMP)


def see_through(mode: str) -> Image.Image:
    image = colour().convert(mode)
    image.putalpha(Image.fromarray(RAMP[..., 0]))
    return image


KINDS = {
    "rgb": lambda: encode(colour()),
    "grey": lambda: encode(colour().convert("L")),
    "one bit": lambda: encode(colour().convert("1")),
    "palette": lambda: encode(colour().convert("P", palette=Image.Palette.WEB)),
    "grey with alpha": lambda: encode(see_through("L")),
    "alpha": lambda: encode(see_through("RGB")),
    "cmyk": lambda: encode(colour().convert("CMYK"), "TIFF"),
    "16-bit grey png": lambda: encode(Image.fromarray(GREY16)),
    "16-bit grey tiff": lambda: encode(Image.fromarray(GREY16), "TIFF"),
    "float tiff": lambda: encode(Image.fromarray(GREY16.astype(np.float32)), "TIFF"),
    "webp": lambda: encode(colour(), "WEBP", lossless=True),
    "bmp": lambda: encode(colour(), "BMP"),
}

GOLDEN = {
    ("rgb", 1): "d8ca9cc4adc4",
    ("rgb", 3): "ee748ece2440",
    ("grey", 1): "d8ca9cc4adc4",
    ("grey", 3): "0918b2bcc44f",
    ("one bit", 1): "83046ef6f0bc",
    ("one bit", 3): "abb074b3237d",
    ("palette", 1): "0ce48e4da15d",
    ("palette", 3): "24e2829db2a3",
    ("grey with alpha", 1): "f22075af2708",
    ("grey with alpha", 3): "308abdb92668",
    ("alpha", 1): "384bd9242eea",
    ("alpha", 3): "dbd2a6b022e2",
    ("cmyk", 1): "d8ca9cc4adc4",
    ("cmyk", 3): "ee748ece2440",
    ("16-bit grey png", 1): "8b338a88c3e2",
    ("16-bit grey png", 3): "349ca0ffc96a",
    ("16-bit grey tiff", 1): "8b338a88c3e2",
    ("16-bit grey tiff", 3): "349ca0ffc96a",
    ("float tiff", 1): "8b338a88c3e2",
    ("float tiff", 3): "349ca0ffc96a",
    ("webp", 1): "d8ca9cc4adc4",
    ("webp", 3): "ee748ece2440",
    ("bmp", 1): "d8ca9cc4adc4",
    ("bmp", 3): "ee748ece2440",
}


def fingerprint(kind: str, channels: int) -> str:
    pixels = decode(KINDS[kind](), channels)
    assert pixels.shape == (24, 40, channels)
    assert pixels.dtype == np.uint8
    return hashlib.sha256(pixels.tobytes()).hexdigest()[:12]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_every_mode_has_one_way_to_pixels(kind: str, channels: int) -> None:
    assert fingerprint(kind, channels) == GOLDEN[kind, channels]


def test_sixteen_bits_are_scaled_by_their_range_and_not_clipped() -> None:
    deep = np.array([[0, 1000, 40000, 65535]] * 4, dtype=np.uint16)
    assert decode(encode(Image.fromarray(deep)), 1)[0, :, 0].tolist() == [0, 4, 156, 255]


def test_a_dark_sixteen_bit_picture_stays_dark() -> None:
    deep = np.full((8, 8), 500, dtype=np.uint16)
    deep[0, 0] = 900
    assert decode(encode(Image.fromarray(deep)), 3).max() == 4


def test_see_through_parts_lie_on_white() -> None:
    clear = Image.new("RGBA", (4, 4), (10, 20, 30, 0))
    assert decode(encode(clear), 3).min() == 255


def turned(kind: str, orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if kind == "WEBP" else {}
    return encode(colour(), kind, exif=exif, **options)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied_once(kind: str, orientation: int) -> None:
    right = {1: 0, 2: 0, 3: 2, 4: 2, 5: 3, 6: 3, 7: 1, 8: 1}[orientation]
    upright = RAMP[:, ::-1] if orientation in (2, 4) else RAMP
    if orientation in (5, 7):
        upright = RAMP[:, ::-1]
    expected = np.rot90(upright, right)
    if orientation in (5, 7):
        expected = np.rot90(RAMP, -1)[:, ::-1] if orientation == 5 else np.rot90(RAMP, 1)[:, ::-1]
    assert np.array_equal(decode(turned(kind, orientation), 3), expected)


def test_the_first_frame_of_many_is_taken() -> None:
    first, second = Image.new("RGB", (20, 20), "red"), Image.new("RGB", (20, 20), "blue")
    data = encode(first, "TIFF", save_all=True, append_images=[second])
    assert decode(data, 3)[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "BMP"])
def test_a_truncated_image_is_undecodable(kind: str, share: float) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    data = encode(noise, kind)
    with pytest.raises(UndecodableImage):
        decode(data[: int(len(data) * share)], 3)


@pytest.mark.parametrize("data", [b"", b"hello", b"<svg/>", b"%PDF-1.7", b"PK\x03\x04", b"GIF89a" + bytes(40)])
def test_what_is_no_image_is_undecodable(data: bytes) -> None:
    with pytest.raises(UndecodableImage):
        decode(data, 3)


def test_a_gif_reaches_no_decoder() -> None:
    with pytest.raises(UndecodableImage):
        decode(encode(colour(), "GIF"), 3)


def bomb(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def test_too_many_pixels_are_refused_before_decoding() -> None:
    start = time.process_time()
    with pytest.raises(UndecodableImage, match="megapixels"):
        decode(bomb(14000, 14000), 3)
    assert time.process_time() - start < 0.5


def slow_files() -> dict[str, bytes]:
    progressive = encode(RAMP, "JPEG", progressive=True)
    scan = progressive[progressive.rindex(b"\xff\xda") : -2]
    chunk = b"\x00\x00\x00\x00tEXt\x00\x00\x00\x00"
    png = plain()
    rle = bytearray(encode(Image.new("P", (2000, 2000)), "BMP"))
    rle[30:34] = (1).to_bytes(4, "little")
    strips = 3_000_000
    tiff = b"II*\x00\x08\x00\x00\x00" + struct.pack("<H", 1) + struct.pack("<HHII", 273, 4, strips, 26)
    return {
        "many scans": progressive[:-2] + scan * 50_000 + b"\xff\xd9",
        "many segments": b"\xff\xd8" + b"\xff\xe0\x00\x02" * 4_000_000 + b"\xff\xd9",
        "many chunks": png[:33] + chunk * 1_600_000 + png[33:],
        "run lengths in Python": bytes(rle),
        "many strips": tiff + bytes(4 * strips),
    }


@pytest.mark.parametrize("name", ["many scans", "many segments", "many chunks", "run lengths in Python", "many strips"])
def test_a_file_built_to_keep_us_busy_is_refused_quickly(name: str) -> None:
    data = slow_files()[name]
    assert len(data) <= 22_000_000
    start = time.process_time()
    with pytest.raises(UndecodableImage):
        decode(data, 3)
    assert time.process_time() - start < 2


def test_a_rendition_is_a_jpeg_of_at_most_that_side() -> None:
    small = Image.open(io.BytesIO(rendition(encode(Image.fromarray(ramp(400, 200))), 100)))
    assert (small.format, small.size) == ("JPEG", (100, 50))
