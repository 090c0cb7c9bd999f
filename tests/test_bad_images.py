"""Every file gets a clear answer, and after it the next good one is taken."""

import os

import pytest
from django.core.files.storage import default_storage
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inspections.images import Checked, check
from inspections.models import Capture
from tests import cast, corpus
from tests.posting import post_form, post_raw
from tests.test_receiving import problem_of

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", corpus.REFUSED)
@pytest.mark.parametrize("post", [post_form, post_raw])
def test_what_we_do_not_take_is_refused_by_name_and_leaves_nothing(posting: Client, post: object, name: str) -> None:
    make, status, kind = corpus.REFUSED[name]
    response = post(posting, make())  # type: ignore[operator]
    assert (response.status_code, problem_of(response)) == (status, kind)
    assert not Capture.objects.exists()
    assert not default_storage.exists("captures")
    assert post_form(posting, cast.a_png()).status_code == 201


@pytest.mark.parametrize("name", corpus.TAKEN)
def test_what_we_take_is_taken_with_its_warnings(posting: Client, name: str) -> None:
    make, warnings = corpus.TAKEN[name]
    response = post_raw(posting, make())
    assert (response.status_code, response.json()["warnings"]) == (201, warnings)


def test_a_form_without_a_file_says_so(posting: Client) -> None:
    response = posting.post("/api/v1/captures/", {"roll": "R-1"})
    assert (response.status_code, problem_of(response)) == (400, "image-missing")


def test_a_file_above_the_limit_is_refused(posting: Client, settings: object) -> None:
    settings.MAX_IMAGE_BYTES = 4000  # type: ignore[attr-defined]
    for post in (post_form, post_raw):
        slightly = post(posting, os.urandom(5000))
        assert (slightly.status_code, problem_of(slightly)) == (413, "too-large")
        far = post(posting, os.urandom(200_000))
        assert (far.status_code, problem_of(far)) == (413, "too-large")
    assert not Capture.objects.exists()


def test_a_broken_form_is_refused(posting: Client) -> None:
    for body, media in [
        (b"--x\r\nnonsense", "multipart/form-data; boundary=x"),
        (b"whatever", "multipart/form-data"),
        (b"--x\r\n" * 5000, "multipart/form-data; boundary=x"),
        (cast.a_png(), "multipart/form-data; boundary=\xff"),
    ]:
        response = posting.post("/api/v1/captures/", body, content_type=media)
        assert response.status_code == 400, media
        problem_of(response)


def test_a_rotated_image_is_measured_as_it_is_shown(posting: Client) -> None:
    response = post_raw(posting, corpus.turned())
    capture = Capture.objects.get(pk=response.json()["id"])
    assert (capture.width, capture.height) == (48, 96)


SEEDS = [cast.a_png(), corpus.jpeg(), corpus.animated("TIFF"), cast.encoded(cast.weave(), "WEBP"), corpus.turned()]


CHANGES = st.lists(st.tuples(st.integers(0, 10**6), st.binary(min_size=1, max_size=4)), max_size=9)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from(SEEDS), st.lists(st.tuples(st.integers(0, 10**6), st.binary(min_size=1, max_size=4)), max_size=9)
)
def test_no_mutation_of_an_image_is_worse_than_refused(seed: bytes, changes: list[tuple[int, bytes]]) -> None:
    data = bytearray(seed)
    for place, change in changes:
        at = place % len(data)
        data[at : at + len(change)] = change
    result = check(bytes(data), max_pixels=50_000_000)
    assert isinstance(result, Checked) or result.status in {415, 422}
