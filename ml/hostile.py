"""Refuses, before any decoder runs, files built to keep one busy: looks only at the file's structure."""

from __future__ import annotations

import struct
import zlib

MAX_PIXELS = 50_000_000  # of one image; what a decoder is given at most
MANY_PARTS = 20_000  # markers, chunks or strips; a 20 MB photograph has a few hundred
MANY_SCANS = 40  # a progressive JPEG has about ten; each one is a pass over the whole picture
LONG_RLE = 1 << 20  # bytes of run-length-coded BMP, which Pillow decodes in Python

# What Pillow's decoders were seen to raise on damaged files, besides its own DecompressionBombError. Anything else is
# a fault of ours and must be heard.
DAMAGE: tuple[type[Exception], ...] = (
    OSError,
    ValueError,
    SyntaxError,
    TypeError,
    KeyError,
    IndexError,
    EOFError,
    OverflowError,
    ZeroDivisionError,
    AttributeError,
    NotImplementedError,
    MemoryError,
    struct.error,
    zlib.error,
)


def objection(data: bytes) -> str | None:
    """Why this file is not worth decoding, in words; None when nothing speaks against trying."""
    if data[:3] == b"\xff\xd8\xff":
        return _jpeg(data)
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return _png(data)
    if data[:2] == b"BM":
        return _bmp(data)
    if data[:4] in (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"):
        return _tiff(data)
    return None


def _jpeg(data: bytes) -> str | None:
    # In coded picture data a stuffed zero follows 0xFF, so these two bytes are a start of scan or lie in metadata.
    if data.count(b"\xff\xda") > MANY_SCANS:
        return "a JPEG of too many scans"
    place = 2
    for _ in range(MANY_PARTS):
        place = data.find(b"\xff", place)
        if place < 0 or place + 4 > len(data) or data[place + 1] == 0xDA:
            return None
        bare = data[place + 1] in (0x00, 0x01, 0xFF) or 0xD0 <= data[place + 1] <= 0xD8
        place += 1 if data[place + 1] == 0xFF else 2 if bare else 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    return "a JPEG of too many segments"


def _png(data: bytes) -> str | None:
    place = 8
    for _ in range(MANY_PARTS):
        if place + 8 > len(data):
            return None
        place += 12 + int.from_bytes(data[place : place + 4], "big")
    return "a PNG of too many chunks"


def _bmp(data: bytes) -> str | None:
    coded = len(data) > 34 and int.from_bytes(data[30:34], "little") in (1, 2)
    return "a large run-length-coded BMP" if coded and len(data) > LONG_RLE else None


def _tiff(data: bytes) -> str | None:
    """Counts the strips or tiles of the first picture."""
    order = "<" if data[:2] == b"II" else ">"
    if data[2:4] in (b"+\x00", b"\x00+"):
        return "a BigTIFF, which no image of 20 MB needs"
    if len(data) < 8:
        return None
    start = struct.unpack_from(order + "I", data, 4)[0]
    if start + 2 > len(data):
        return None
    entries = struct.unpack_from(order + "H", data, start)[0]
    for place in range(start + 2, min(start + 2 + 12 * entries, len(data) - 11), 12):
        tag, _, count = struct.unpack_from(order + "HHI", data, place)
        if tag in (273, 279, 324, 325) and count > MANY_PARTS:
            return "a TIFF of too many strips"
    return None
