"""Images and heat-maps: behind the permission check, harmless, cheap to ask for again."""

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from PIL import Image

from inspections.models import Capture
from tests import cast
from tests.cast import a_camera, a_png, encoded, signed_in, weave
from tests.judged import a_capture, judged

pytestmark = pytest.mark.django_db


@pytest.fixture
def olga() -> Client:
    return signed_in(cast.olga())


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


def of(capture: Capture, part: str) -> str:
    return f"/captures/{capture.pk}/{part}/"


@pytest.mark.parametrize("part", ["image", "view", "heatmap"])
def test_every_picture_is_sandboxed_unsniffed_and_private(olga: Client, part: str) -> None:
    response = olga.get(of(judged(a_camera()), part))
    assert response.status_code == 200
    assert response.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "private, no-cache"
    assert response.headers["Content-Type"] == "image/png"
    body(response)


@pytest.mark.parametrize("part", ["image", "view", "heatmap"])
def test_who_has_it_already_gets_304_and_still_needs_the_right(olga: Client, part: str) -> None:
    capture = judged(a_camera())
    first = olga.get(of(capture, part))
    body(first)
    headers = {"If-None-Match": first.headers["ETag"]}
    assert olga.get(of(capture, part), headers=headers).status_code == 304
    assert signed_in(cast.otto()).get(of(capture, part), headers=headers).status_code == 404
    assert Client().get(of(capture, part), headers=headers).status_code == 302


def test_the_original_comes_byte_for_byte(olga: Client) -> None:
    data = a_png(7) + b"<html><script>alert(1)</script>"
    response = olga.get(of(a_capture(a_camera(), data=data), "image"))
    assert body(response) == data
    assert 'inline; filename="' in response.headers["Content-Disposition"]


def test_a_browser_is_shown_the_display_copy_where_there_is_one(olga: Client) -> None:
    capture = a_capture(a_camera(), data=encoded(weave(), "TIFF"), suffix="tiff")
    assert olga.get(of(capture, "view")).status_code == 404
    copy = encoded(weave(), "JPEG")
    default_storage.save(capture.rendition_path, ContentFile(copy))
    response = olga.get(of(capture, "view"))
    assert response.headers["Content-Type"] == "image/jpeg"
    assert body(response) == copy
    original = olga.get(of(capture, "image"))
    assert original.headers["Content-Type"] == "image/tiff"
    body(original)
    assert original.headers["ETag"] != response.headers["ETag"]


def test_a_missing_file_is_a_404(olga: Client) -> None:
    capture = a_capture(a_camera())
    default_storage.delete(capture.path)
    for part in ("image", "view"):
        assert olga.get(of(capture, part)).status_code == 404


def test_without_a_verdict_there_is_no_heat_map(olga: Client) -> None:
    assert olga.get(of(a_capture(a_camera()), "heatmap")).status_code == 404


def test_the_heat_map_is_clear_where_cold_and_brightest_where_hot(olga: Client) -> None:
    heat = np.zeros((6, 9), dtype=np.uint8)
    heat[:, 6:] = 255
    response = olga.get(of(judged(a_camera(), heatmap=heat), "heatmap"))
    picture = Image.open(BytesIO(response.content))
    assert picture.mode == "RGBA"
    assert picture.width / picture.height == 9 / 6
    cold = picture.getpixel((5, 5))
    hot = picture.getpixel((picture.width - 5, 5))
    assert isinstance(cold, tuple)
    assert isinstance(hot, tuple)
    assert cold[3] == 0
    assert hot[3] > 200
    assert sum(hot[:3]) > 600


def test_the_ramp_only_ever_gets_brighter() -> None:
    from inspections.pages.heat import ALPHA, RAMP

    brightness = [0.2126 * red + 0.7152 * green + 0.0722 * blue for red, green, blue in RAMP]
    assert brightness == sorted(brightness)
    assert sorted(ALPHA) == ALPHA
