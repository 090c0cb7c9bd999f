"""The fast way through a JPEG gives Pillow's pixels, or steps aside."""

from __future__ import annotations

import random

import numpy as np
import pytest
from PIL import Image

from ml import decode as decoding
from ml.decode import UndecodableImage, decode
from ml.fabric import Roll
from ml.hostile import objection
from ml.jpeg import flawless
from tests.ml.pictures import encode, ramp

WAYS = {
    "as cameras write": {"quality": 88},
    "fine": {"quality": 97, "subsampling": 0},
    "halved one way": {"quality": 90, "subsampling": 1},
    "progressive": {"quality": 80, "progressive": True},
    "with restarts": {"restart_marker_blocks": 2},
    "optimised": {"quality": 60, "optimize": True},
}


def by_pillow(data: bytes, channels: int) -> np.ndarray | None:
    try:
        return decoding._by_pillow(data, channels)
    except UndecodableImage:
        return None


@pytest.mark.parametrize("side", [8, 61, 224])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_the_pixels_are_those_of_pillow(side: int, way: str, mode: str) -> None:
    cloth = Image.fromarray(Roll(3).frame(0, "hole").image).convert(mode).resize((side, side + 5))
    data = encode(cloth, "JPEG", **WAYS[way])
    for channels in (1, 3):
        found = flawless(data, channels)
        assert found is not None and found.flags.c_contiguous and found.shape == (side + 5, side, channels)
        assert np.array_equal(found, by_pillow(data, channels))


def peculiar(kind: str) -> bytes:
    picture = Image.fromarray(ramp())
    if kind == "turned by EXIF":
        exif = Image.Exif()
        exif[0x0112] = 6
        return encode(picture, "JPEG", exif=exif)
    if kind == "CMYK":
        return encode(picture.convert("CMYK"), "JPEG")
    if kind == "stored as RGB":
        return encode(picture, "JPEG", keep_rgb=True)
    whole = encode(picture, "JPEG")
    if kind == "no JPEG":
        return encode(picture, "PNG")
    return whole[: len(whole) // 2] if kind == "cut short" else whole + b"<html>"


@pytest.mark.parametrize("kind", ["turned by EXIF", "CMYK", "stored as RGB", "cut short", "no JPEG"])
def test_what_is_peculiar_or_damaged_is_left_to_pillow(kind: str) -> None:
    assert flawless(peculiar(kind), 3) is None


def test_a_turned_jpeg_comes_out_upright() -> None:
    assert decode(peculiar("turned by EXIF"), 3).shape == (40, 24, 3)


def test_a_header_that_claims_too_much_is_not_decoded() -> None:
    data = bytearray(encode(ramp(), "JPEG"))
    frame = data.find(b"\xff\xc0")
    data[frame + 5 : frame + 9] = b"\xff\xff\xff\xff"
    assert flawless(bytes(data), 3) is None
    with pytest.raises(UndecodableImage, match="megapixels"):
        decode(bytes(data), 3)


def test_two_thousand_mutated_jpegs_mean_the_same_to_both() -> None:
    """Damage that the fast decoder lets pass must give what Pillow makes of it."""
    rng = random.Random(11)
    seeds = [encode(ramp(), "JPEG", **options) for options in WAYS.values()]
    told = 0
    for _ in range(2000):
        data = bytearray(rng.choice(seeds))
        for _ in range(rng.randint(1, 6)):
            data[rng.randrange(len(data))] = rng.choice((0, 1, 2, 255, 0xC0, 0xC2, 0xD9, 0xDA, rng.randrange(256)))
        found = None if objection(bytes(data)) else flawless(bytes(data), 3)
        if found is not None:
            told += 1
            assert np.array_equal(found, by_pillow(bytes(data), 3))
    assert told > 100
