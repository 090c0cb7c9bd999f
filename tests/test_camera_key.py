"""`manage.py camera_key`: it prints the key and nothing else, and keeps only a hash."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from inspections.models import Camera, CameraKey
from tests import cast
from tests.posting import post_raw

pytestmark = pytest.mark.django_db


def key_of(*words: str) -> str:
    out = StringIO()
    call_command("camera_key", *words, stdout=out, stderr=StringIO())
    return out.getvalue()


def status_with(key: str, seed: int = 0) -> int:
    client = Client(headers={"Authorization": f"Api-Key {key}"})
    return int(post_raw(client, cast.a_png(seed)).status_code)


def test_a_key_is_made_with_its_line_and_camera_and_printed_alone() -> None:
    printed = key_of("loom-7", "left")
    assert printed.strip().count("\n") == 0
    assert Camera.objects.get().line.slug == "loom-7"
    assert status_with(printed.strip()) == 201


def test_only_a_hash_is_kept() -> None:
    key = key_of("loom-7", "left").strip()
    assert key not in str(CameraKey.objects.values())


def test_a_second_key_is_made_only_by_a_rotation_and_both_work_for_the_overlap() -> None:
    first = key_of("loom-7", "left").strip()
    with pytest.raises(CommandError, match="--rotate"):
        key_of("loom-7", "left")
    second = key_of("loom-7", "left", "--rotate").strip()
    assert first != second
    assert (status_with(first, 1), status_with(second, 2)) == (201, 201)


def test_a_rotation_without_overlap_ends_the_old_key() -> None:
    first = key_of("loom-7", "left").strip()
    key_of("loom-7", "left", "--rotate", "--overlap", "0")
    assert status_with(first) == 403


def test_a_revocation_ends_every_key() -> None:
    first = key_of("loom-7", "left").strip()
    second = key_of("loom-7", "left", "--rotate").strip()
    assert key_of("loom-7", "left", "--revoke") == ""
    assert (status_with(first), status_with(second)) == (403, 403)


@pytest.mark.parametrize("words", [("loom 7", "left"), ("loom-7", "le/ft"), ("l" * 51, "left")])
def test_a_name_that_is_no_slug_is_refused(words: tuple[str, str]) -> None:
    with pytest.raises(CommandError):
        key_of(*words)


def test_a_camera_that_does_not_exist_cannot_be_revoked() -> None:
    with pytest.raises(CommandError, match="no camera"):
        key_of("loom-7", "left", "--revoke")


def test_a_second_rotation_lengthens_no_key() -> None:
    first = key_of("loom-7", "left").strip()
    key_of("loom-7", "left", "--rotate", "--overlap", "1")
    ends = CameraKey.objects.get(digest=CameraKey.digest_of(first)).expires_at
    key_of("loom-7", "left", "--rotate")
    assert CameraKey.objects.get(digest=CameraKey.digest_of(first)).expires_at == ends
