"""Whatever the bytes: an answer, in time, and no exception but ours."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ml.decode import UndecodableImage, decode
from ml.inspector import Inspector, Item, Judgement, Undecodable
from tests.ml.pictures import encode, ramp, with_hole

SEEDS = [
    encode(ramp(), "JPEG"),
    encode(ramp(), "JPEG", progressive=True),
    encode(ramp(), "PNG"),
    encode(ramp(), "WEBP"),
    encode(ramp(), "TIFF"),
    encode(ramp(), "TIFF", compression="tiff_lzw"),
    encode(ramp(), "TIFF", compression="jpeg"),
    encode(ramp()[..., 0], "TIFF", compression="tiff_deflate"),
    encode(ramp()[..., 0], "BMP"),
    encode((ramp()[..., 0].astype(np.uint16) * 200), "PNG"),
]

changes = st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), min_size=1, max_size=12)


@st.composite
def mutations(draw: st.DrawFn) -> bytes:
    data = bytearray(draw(st.sampled_from(SEEDS)))
    for place, value in draw(changes):
        data[place % len(data)] = value
    start, length = draw(st.integers(0, len(data))), draw(st.integers(0, 60))
    tail = draw(st.sampled_from([bytes(data), bytes(data[:start]), bytes(data[:start] + data[start + length :])]))
    return tail + draw(st.sampled_from([b"", b"<html>", b"\xff\xd9" * 3]))


def look(data: bytes) -> None:
    start = time.process_time()
    try:
        pixels = decode(data, 3)
        assert pixels.dtype == np.uint8 and pixels.ndim == 3
    except UndecodableImage as problem:
        assert str(problem)
    assert time.process_time() - start < 5


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(mutations())
def test_a_mutated_image_is_decoded_or_undecodable(data: bytes) -> None:
    look(data)


@pytest.mark.soak
@settings(max_examples=10_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(mutations())
def test_ten_thousand_mutated_images_are_decoded_or_undecodable(data: bytes) -> None:
    look(data)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(mutations(), min_size=1, max_size=5))
def test_the_next_good_image_is_judged(inspector: Inspector, spoilt: list[bytes]) -> None:
    answers = inspector.judge([*(Item(data) for data in spoilt), Item(with_hole())])
    assert all(isinstance(answer, Judgement | Undecodable) for answer in answers)
    last = answers[-1]
    assert isinstance(last, Judgement) and last.label == "hole"
