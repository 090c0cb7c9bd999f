"""The heartbeat: a camera that has nothing to send is not silent, and says what waits in it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from inspections.models import Camera, Capture
from inspections.pages.cameras import camera_words
from tests import cast
from tests.cast import a_png, signed_in

pytestmark = pytest.mark.django_db
WHERE = "/api/v1/cameras/heartbeat/"
NOW = datetime(2026, 11, 22, 14, 3, 22, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def beat(client: Client, **said: Any) -> Any:
    return client.post(WHERE, json.dumps(said), content_type="application/json")


def test_a_heartbeat_is_kept_as_it_was_said(camera: Camera, posting: Client) -> None:
    answer = beat(posting, sent_at="2026-11-22T14:03:20Z", spooled=12, dropped=3, version="selvedge-camera/1")
    assert (answer.status_code, answer.content) == (204, b"")
    camera.refresh_from_db()
    assert (camera.spooled, camera.dropped, camera.client) == (12, 3, "selvedge-camera/1")
    assert (camera.heartbeat_at, camera.seen_at, camera.clock_off_s) == (NOW, NOW, -2.0)


def test_a_camera_that_beats_is_not_silent(camera: Camera, posting: Client) -> None:
    Camera.objects.update(seen_at=NOW - timedelta(minutes=5))
    camera.refresh_from_db()
    assert camera.is_silent(NOW)
    beat(posting)
    camera.refresh_from_db()
    assert not camera.is_silent(NOW + timedelta(seconds=60))
    assert camera.is_silent(NOW + timedelta(seconds=61))


def test_what_a_heartbeat_leaves_out_is_not_known_any_more(camera: Camera, posting: Client) -> None:
    beat(posting, sent_at="2026-11-22T14:03:20Z", spooled=12, dropped=3, version="1")
    assert beat(posting).status_code == 204
    camera.refresh_from_db()
    assert (camera.spooled, camera.dropped, camera.client, camera.clock_off_s) == (None, None, "", None)


@pytest.mark.parametrize(("off", "wrong"), [(300, False), (301, True), (-301, True), (0, False)])
def test_a_clock_more_than_five_minutes_off_is_wrong(camera: Camera, posting: Client, off: int, wrong: bool) -> None:
    beat(posting, sent_at=(NOW + timedelta(seconds=off)).isoformat())
    camera.refresh_from_db()
    assert camera.clock_off_s == off
    assert camera.has_wrong_clock == wrong


@pytest.mark.parametrize(
    ("beaten", "sent", "wrong"),
    [
        ("12:03:22", "", True),
        ("12:03:22", "&sent_at=2026-11-22T14:03:20Z", False),  # put right since
        ("14:03:20", "", False),
        ("14:03:20", "&sent_at=2026-11-22T12:03:22Z", True),
        ("", "", False),
    ],
)
def test_an_image_that_does_not_say_when_it_was_sent_has_the_clock_of_the_latest_heartbeat(
    camera: Camera, posting: Client, beaten: str, sent: str, wrong: bool
) -> None:
    beat(posting, sent_at="2026-11-22T10:00:00Z")
    beat(posting, **({"sent_at": f"2026-11-22T{beaten}Z"} if beaten else {}))
    taken = f"/api/v1/captures/?captured_at=2026-11-22T12:03:20Z{sent}"
    answer = posting.post(taken, a_png(3), content_type="image/png")
    assert (answer.status_code, answer.json()["warnings"]) == (201, ["clock"] if wrong else [])
    found = Capture.objects.get()
    assert found.counted_at == (NOW if wrong else found.captured_at)
    assert found.captured_at == NOW - timedelta(hours=2, seconds=2)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sent_at", "yesterday"),
        ("sent_at", "2026-11-22T14:03:20"),
        ("spooled", -1),
        ("spooled", 2**31),
        ("dropped", "many"),
        ("version", "x" * 61),
        ("version", "a\u0000b"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_kept(camera: Camera, posting: Client, field: str, value: Any) -> None:
    answer = beat(posting, **{"spooled": 1, field: value})
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert {error["field"] for error in answer.json()["errors"]} == {field}
    camera.refresh_from_db()
    assert camera.heartbeat_at is None


@pytest.mark.parametrize(
    ("body", "media", "status"),
    [
        ("[]", "application/json", 400),
        ("{", "application/json", 400),
        ("{}", "text/plain", 415),
    ],
)
def test_what_is_no_heartbeat_is_a_problem(posting: Client, body: str, media: str, status: int) -> None:
    answer = posting.post(WHERE, body, content_type=media)
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"


def test_only_cameras_beat(camera: Camera) -> None:
    assert beat(Client()).status_code == 401
    assert beat(signed_in(cast.ada())).status_code == 403


def test_a_camera_beats_for_itself_alone(camera: Camera, posting: Client) -> None:
    other = cast.a_camera("loom-2")
    beat(posting, spooled=5)
    other.refresh_from_db()
    assert other.heartbeat_at is None


def test_a_camera_that_runs_wild_is_told_to_wait(posting: Client, settings: Any) -> None:
    settings.CAMERA_RATE = 0
    answer = beat(posting)
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) >= 1


# --- in words -----------------------------------------------------------------------------------------------------


def words_of(camera: Camera, **said: Any) -> Any:
    Camera.objects.update(**{"heartbeat_at": NOW, "seen_at": NOW, **said})
    camera.refresh_from_db()
    return camera_words(camera, NOW)


def test_a_camera_that_does_well_is_told_plainly(camera: Camera) -> None:
    found = words_of(camera, spooled=0, dropped=0, clock_off_s=2.0, client="c/1")
    assert (found.wrong, found.spooled, found.client) == ((), "nothing waits", "c/1")


def test_lost_pictures_and_a_wrong_clock_are_wrong(camera: Camera) -> None:
    found = words_of(camera, spooled=1, dropped=3, clock_off_s=-7200.0)
    assert found.wrong == ("3 pictures lost in the camera", "its clock is 2 h 0 min slow")
    assert found.spooled == "1 picture waits"


def test_what_a_silent_camera_said_is_told_with_its_age(camera: Camera) -> None:
    before = NOW - timedelta(minutes=10)
    assert words_of(camera, spooled=12, heartbeat_at=before, seen_at=before).spooled == "12 pictures wait, 10 min ago"
    assert words_of(camera, spooled=0, heartbeat_at=before, seen_at=before).spooled == ""


def test_of_a_camera_that_never_beat_nothing_is_told(camera: Camera) -> None:
    found = words_of(camera, heartbeat_at=None)
    assert (found.wrong, found.spooled, found.client, found.heartbeat_at) == ((), "", "", None)


def test_the_page_of_the_line_tells_it(camera: Camera) -> None:
    words_of(camera, spooled=12, dropped=3, client="<b>mine</b>")
    text = signed_in(cast.olga()).get("/lines/loom-1/").content.decode()
    assert "12 pictures wait" in text
    assert "3 pictures lost in the camera" in text
    assert "&lt;b&gt;mine" in text
