"""Files that must get a clear answer: each made here, byte for byte."""

import struct
import zlib
from collections.abc import Callable
from io import BytesIO

from PIL import Image

from tests.cast import a_png, encoded, weave

Maker = Callable[[], bytes]


def png_claiming(width: int, height: int) -> bytes:
    """A PNG whose header claims a size, with hardly any data behind it."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def jpeg(size: tuple[int, int] = (96, 96)) -> bytes:
    return encoded(weave(1, size), "JPEG", quality=90)


def cut(data: bytes, percent: float) -> bytes:
    return data[: int(len(data) * percent / 100)]


def corrupt_tables() -> bytes:
    """A JPEG whose Huffman tables lie."""
    data = bytearray(jpeg())
    at = data.index(b"\xff\xc4") + 5
    data[at : at + 16] = b"\xff" * 16
    return bytes(data)


def animated(kind: str) -> bytes:
    frames = [weave(seed) for seed in range(3)]
    return encoded(frames[0], kind, save_all=True, append_images=frames[1:])


def sixteen_bit() -> bytes:
    image = Image.new("I;16", (64, 64))
    image.putdata([(i * 977) % 65536 for i in range(64 * 64)])
    return encoded(image)


def with_alpha(mode: str) -> bytes:
    image = weave().convert(mode)
    image.putalpha(200)
    return encoded(image)


def palette() -> bytes:
    return encoded(weave().convert("P"))


def turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(weave(1, (96, 48)), "JPEG", exif=exif)


def with_profile() -> bytes:
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return encoded(weave().convert("RGB"), "JPEG", icc_profile=profile)


def gif() -> bytes:
    out = BytesIO()
    weave().save(out, "GIF")
    return out.getvalue()


SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><script>alert(1)</script></svg>'

# name -> (maker, status, end of the problem type)
REFUSED: dict[str, tuple[Maker, int, str]] = {
    "nothing": (lambda: b"", 400, "image-missing"),
    "svg": (lambda: SVG, 415, "unsupported-image"),
    "html": (lambda: b"<!doctype html><title>x</title>", 415, "unsupported-image"),
    "pdf": (lambda: b"%PDF-1.7\n%abc", 415, "unsupported-image"),
    "zip": (lambda: b"PK\x03\x04" + bytes(60), 415, "unsupported-image"),
    "gif": (gif, 415, "unsupported-image"),
    "text": (lambda: b"hello", 415, "unsupported-image"),
    "51 megapixels": (lambda: png_claiming(8000, 6400), 422, "too-many-pixels"),
    "bomb": (lambda: png_claiming(14000, 14000), 422, "too-many-pixels"),
    "png cut at 10 %": (lambda: cut(a_png(), 10), 422, "image-undecodable"),
    "png cut at 50 %": (lambda: cut(a_png(), 50), 422, "image-undecodable"),
    "png cut at 99 %": (lambda: cut(a_png(), 99), 422, "image-undecodable"),
    "jpeg cut at 10 %": (lambda: cut(jpeg(), 10), 422, "image-undecodable"),
    "jpeg cut at 50 %": (lambda: cut(jpeg(), 50), 422, "image-undecodable"),
    "jpeg cut at 99 %": (lambda: cut(jpeg(), 99), 422, "image-undecodable"),
    "corrupt tables": (corrupt_tables, 422, "image-undecodable"),
    "15 pixels high": (lambda: a_png(size=(64, 15)), 422, "image-too-small"),
    "65 times as wide": (lambda: a_png(size=(16 * 65, 16)), 422, "image-too-narrow"),
}

# name -> (maker, warnings in the answer)
TAKEN: dict[str, tuple[Maker, list[str]]] = {
    "1 bit": (lambda: encoded(weave().convert("1")), []),
    "palette": (palette, []),
    "grey and alpha": (lambda: with_alpha("LA"), []),
    "colour and alpha": (lambda: with_alpha("RGBA"), []),
    "cmyk": (lambda: encoded(weave().convert("CMYK"), "JPEG"), []),
    "icc profile": (with_profile, []),
    "16 bit": (sixteen_bit, []),
    "exif rotation": (turned, []),
    "animated png": (lambda: animated("PNG"), ["first-frame"]),
    "animated webp": (lambda: animated("WEBP"), ["first-frame"]),
    "two-page tiff": (lambda: animated("TIFF"), ["first-frame"]),
    "html tail": (lambda: jpeg() + b"<script>alert(1)</script>", []),
    "zip tail": (lambda: jpeg() + b"PK\x03\x04" + bytes(40), []),
    "bmp": (lambda: encoded(weave(), "BMP"), []),
    "webp": (lambda: encoded(weave(), "WEBP"), []),
    "all black": (lambda: encoded(Image.new("L", (64, 64), 0)), []),
    "all white": (lambda: encoded(Image.new("L", (64, 64), 255)), []),
}
