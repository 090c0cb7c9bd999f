"""Cameras post images: what the contract answers, and what stands in the row afterwards."""

import hashlib
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from inspections.models import Camera, Capture, Roll, Status
from tests import cast
from tests.posting import CAPTURES, post_form, post_raw

pytestmark = pytest.mark.django_db


def problem_of(response: Any) -> str:
    assert response["Content-Type"] == "application/problem+json", response.content[:300]
    body = response.json()
    assert {"type", "title", "status", "detail", "instance", "request_id"} <= body.keys()
    assert body["status"] == response.status_code
    return str(body["type"]).rsplit("/", 1)[1]


def test_an_image_posted_as_a_form_is_stored_and_named_in_the_answer(posting: Client) -> None:
    data = cast.a_png()
    response = post_form(posting, data, capture_id="a-1", roll="R-77", position_m="12.5", sequence="4")
    body = response.json()
    assert response.status_code == 201
    assert response["Location"] == body["url"] == f"http://testserver{CAPTURES}{body['id']}/"
    assert body["sha256"] == hashlib.sha256(data).hexdigest()
    assert (body["line"], body["camera"], body["roll"]) == ("loom-1", "left", "R-77")
    assert (body["status"], body["verdict"], body["failure"], body["warnings"]) == ("pending", None, None, [])
    assert body["position_m"] == 12.5
    assert body["received_at"].endswith("Z")
    capture = Capture.objects.get(pk=body["id"])
    with default_storage.open(capture.path) as file:
        assert file.read() == data
    assert (capture.status, capture.sequence, capture.width, capture.height) == (Status.PENDING, 4, 64, 64)


def test_an_image_posted_raw_takes_its_fields_from_the_query(posting: Client) -> None:
    response = post_raw(posting, cast.a_png(), capture_id="a-1", roll="R-77", offset_mm="40", mm_per_px="0.1")
    assert response.status_code == 201
    capture = Capture.objects.get(pk=response.json()["id"])
    assert (capture.offset_mm, capture.mm_per_px, capture.roll and capture.roll.code) == (40.0, 0.1, "R-77")


@pytest.mark.parametrize("media", ["application/octet-stream", "text/plain", "application/json", "image/jpeg"])
def test_the_media_type_is_ignored_and_the_content_decides(posting: Client, media: str) -> None:
    assert post_raw(posting, cast.a_png(), media=media).status_code == 201


def test_the_same_capture_id_with_the_same_bytes_is_replayed(posting: Client) -> None:
    first = post_form(posting, cast.a_png(1), capture_id="a-1")
    again = post_raw(posting, cast.a_png(1), capture_id="a-1")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again["Idempotent-Replayed"] == "true"
    assert again.json() == first.json()
    assert Capture.objects.count() == 1
    assert len(default_storage.listdir(f"captures/{timezone.now():%Y/%m/%d}")[1]) == 1


def test_the_same_capture_id_with_other_bytes_is_a_conflict_that_shows_both_hashes(posting: Client) -> None:
    post_form(posting, cast.a_png(1), capture_id="a-1")
    response = post_form(posting, cast.a_png(2), capture_id="a-1")
    assert (response.status_code, problem_of(response)) == (409, "capture-id-conflict")
    assert response.json()["stored_sha256"] == hashlib.sha256(cast.a_png(1)).hexdigest()
    assert response.json()["sent_sha256"] == hashlib.sha256(cast.a_png(2)).hexdigest()


def test_two_cameras_may_use_one_capture_id(posting: Client) -> None:
    other = cast.with_key(cast.a_camera("loom-2", "left"))
    assert post_form(posting, cast.a_png(), capture_id="a-1").status_code == 201
    assert post_form(other, cast.a_png(), capture_id="a-1").status_code == 201


def test_without_a_capture_id_each_post_is_a_capture(posting: Client) -> None:
    assert [post_form(posting, cast.a_png()).status_code for _ in range(2)] == [201, 201]
    assert Capture.objects.count() == 2


def test_unknown_fields_are_ignored(posting: Client) -> None:
    response = post_form(posting, cast.a_png(), verdict="good", status="judged", line="loom-9", received_at="x")
    assert response.status_code == 201
    assert (response.json()["line"], response.json()["status"]) == ("loom-1", "pending")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("position_m", "-1"),
        ("position_m", "nan"),
        ("position_m", "1e999"),
        ("position_m", "twelve"),
        ("offset_mm", "-0.5"),
        ("mm_per_px", "0"),
        ("mm_per_px", "-2"),
        ("sequence", "-1"),
        ("sequence", "1.5"),
        ("sequence", "9" * 30),
        ("captured_at", "yesterday"),
        ("captured_at", "2026-11-22T10:00:00"),
        ("captured_at", "2026-13-01T00:00:00Z"),
        ("captured_at", "0001-01-01T00:00:00+23:59"),
        ("sent_at", "10:00"),
        ("roll", "R\x07 7"),
        ("roll", "R\x00"),
        ("roll", "R‮7"),
        ("roll", "R" * 65),
        ("roll", ""),
        ("capture_id", ""),
        ("capture_id", "a b"),
        ("capture_id", "x" * 65),
        ("capture_id", "a\n"),
    ],
)
def test_an_impossible_value_is_refused_and_the_field_is_named(posting: Client, field: str, value: str) -> None:
    for post in (post_form, post_raw):
        response = post(posting, cast.a_png(), **{field: value})
        assert (response.status_code, problem_of(response)) == (400, "bad-request")
        assert {error["field"] for error in response.json()["errors"]} == {field}
    assert not Capture.objects.exists()
    assert not default_storage.exists("captures")


def test_a_late_image_keeps_its_time_and_is_counted_by_it(posting: Client) -> None:
    taken = timezone.now() - timedelta(hours=9)
    response = post_form(posting, cast.a_png(), captured_at=taken.isoformat())
    capture = Capture.objects.get(pk=response.json()["id"])
    assert capture.counted_at == capture.captured_at == taken
    assert response.json()["warnings"] == []


def clock(**shift: float) -> str:
    return (timezone.now() + timedelta(**shift)).isoformat()


@pytest.mark.parametrize(
    "fields",
    [
        {"captured_at": clock(days=2)},
        {"captured_at": "1970-01-01T00:00:00Z"},
        {"sent_at": clock(hours=2)},
        {"sent_at": clock(hours=-2), "captured_at": clock(hours=-2)},
    ],
)
def test_a_wrong_clock_is_accepted_marked_and_counted_by_ours(posting: Client, fields: dict[str, str]) -> None:
    response = post_form(posting, cast.a_png(), **fields)
    assert (response.status_code, response.json()["warnings"]) == (201, ["clock"])
    capture = Capture.objects.get(pk=response.json()["id"])
    assert capture.counted_at == capture.received_at


def test_a_clock_three_minutes_off_is_right_enough(posting: Client) -> None:
    response = post_form(posting, cast.a_png(), captured_at=clock(minutes=3), sent_at=clock(minutes=-3))
    assert response.json()["warnings"] == []


def test_a_roll_is_made_once_and_shared_by_its_captures(posting: Client) -> None:
    for seed in range(3):
        post_form(posting, cast.a_png(seed), roll="R-77")
    assert Roll.objects.get().captures.count() == 3


def test_nothing_is_taken_without_a_key(db: None) -> None:
    response = post_form(Client(), cast.a_png())
    assert (response.status_code, problem_of(response)) == (401, "not-authenticated")
    assert response["WWW-Authenticate"].startswith("Api-Key")


def test_nothing_is_taken_with_an_unknown_key(db: None) -> None:
    response = post_form(Client(headers={"Authorization": "Api-Key slv_nobody"}), cast.a_png())
    assert response.status_code == 401


def test_a_revoked_key_is_refused_at_once(camera: Camera, posting: Client) -> None:
    assert post_form(posting, cast.a_png()).status_code == 201
    camera.keys.update(revoked_at=timezone.now())
    assert post_form(posting, cast.a_png()).status_code == 403


def test_a_disabled_camera_is_refused(camera: Camera, posting: Client) -> None:
    Camera.objects.update(enabled=False)
    assert post_form(posting, cast.a_png()).status_code == 403


def test_a_rotated_key_works_for_the_overlap_and_no_longer(camera: Camera, posting: Client) -> None:
    camera.keys.update(expires_at=timezone.now() + timedelta(minutes=1))
    assert post_form(posting, cast.a_png()).status_code == 201
    camera.keys.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert post_form(posting, cast.a_png()).status_code == 403


def test_a_person_cannot_post_as_a_camera(db: None) -> None:
    assert post_form(cast.signed_in(cast.mara()), cast.a_png()).status_code == 403


def test_a_camera_reads_its_own_captures_and_no_other(posting: Client) -> None:
    mine = post_form(posting, cast.a_png()).json()
    other = cast.with_key(cast.a_camera("loom-2", "left"))
    assert posting.get(mine["url"]).json() == mine
    assert other.get(mine["url"]).status_code == 404
    assert [row["id"] for row in posting.get(CAPTURES).json()["results"]] == [mine["id"]]
    assert other.get(CAPTURES).json()["results"] == []


def test_an_operator_reads_the_captures_of_their_lines(posting: Client) -> None:
    mine = post_form(posting, cast.a_png()).json()
    assert cast.signed_in(cast.olga()).get(mine["url"]).status_code == 200
    assert cast.signed_in(cast.otto()).get(mine["url"]).status_code == 404
    assert cast.signed_in(cast.mara()).get(mine["url"]).status_code == 200


def test_the_list_pages_by_cursor_newest_first(posting: Client) -> None:
    ids = [post_form(posting, cast.a_png(seed)).json()["id"] for seed in range(5)]
    seen: list[str] = []
    address = f"{CAPTURES}?page_size=2"
    while address:
        page = posting.get(address).json()
        seen += [row["id"] for row in page["results"]]
        address = page["next"]
    assert seen == ids[::-1]


def test_the_list_filters(posting: Client) -> None:
    post_form(posting, cast.a_png(1), roll="A", captured_at="2026-11-01T10:00:00Z")
    post_form(posting, cast.a_png(2), roll="B", captured_at="2026-11-02T10:00:00Z")

    def rolls(query: str) -> list[str]:
        return [row["roll"] for row in posting.get(f"{CAPTURES}?{query}").json()["results"]]

    assert rolls("roll=A") == ["A"]
    assert rolls("since=2026-11-02T00:00:00Z") == ["B"]
    assert rolls("since=2026-11-02T22:35:00%2B22:35") == ["B"]
    assert rolls("until=2026-11-02T00:00:00Z") == ["A"]
    assert rolls("line=loom-1&camera=left&status=pending") == ["B", "A"]
    assert rolls("line=loom-2") == rolls("status=judged") == rolls("flagged=true") == rolls("label=hole") == []


def test_cameras_of_one_name_are_listed_of_all_lines_and_of_one(db: None) -> None:
    mara = cast.signed_in(cast.mara())
    for line in ("loom-1", "loom-2"):
        post_form(cast.with_key(cast.a_camera(line)), cast.a_png(), roll=line)
        post_form(cast.with_key(cast.a_camera(line, "right")), cast.a_png(), roll=f"{line}, right")

    def rolls(query: str) -> list[str]:
        return [row["roll"] for row in mara.get(f"{CAPTURES}?{query}").json()["results"]]

    assert rolls("camera=left") == ["loom-2", "loom-1"]
    assert rolls("camera=left&line=loom-1") == ["loom-1"]
    assert rolls("camera=none") == []


@pytest.mark.parametrize(
    "query", ["status=lost", "since=noon", "since=0001-01-01T00:00:00%2B23:59", "flagged=perhaps&status=x"]
)
def test_a_wrong_filter_is_refused(posting: Client, query: str) -> None:
    response = posting.get(f"{CAPTURES}?{query}")
    assert response.status_code in {400, 404}
    problem_of(response)


def test_waiting_is_honoured_up_to_the_time_given(posting: Client) -> None:
    response = post_form(posting, cast.a_png(), headers={"Prefer": "wait=0"})
    assert (response.status_code, response["Preference-Applied"]) == (201, "wait=0")


def test_waiting_is_declined_when_every_place_is_taken(posting: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    monkeypatch.setattr("inspections.api.waiting._places", threading.BoundedSemaphore(1))
    from inspections.api import waiting

    with waiting._places:
        response = post_form(posting, cast.a_png(), headers={"Prefer": "wait=5"})
    assert response.status_code == 201
    assert "Preference-Applied" not in response


def test_a_camera_that_runs_wild_is_told_to_wait(
    posting: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CAMERA_RATE = 2
    in_one_second = SimpleNamespace(monotonic=lambda: 1000.0)
    monkeypatch.setattr("inspections.api.rate_limit.time", in_one_second)
    answers = [post_form(posting, cast.a_png(seed)) for seed in range(6)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert int(refused[0]["Retry-After"]) >= 1
    assert refused[0]["RateLimit-Policy"] == '"camera";q=2;w=1'


def test_the_request_id_is_echoed_or_made(posting: Client) -> None:
    assert posting.get(CAPTURES, headers={"X-Request-ID": "cam-77"})["X-Request-ID"] == "cam-77"
    assert len(posting.get(CAPTURES, headers={"X-Request-ID": "bad id\n"})["X-Request-ID"]) == 36


def test_a_camera_is_seen_when_it_posts(camera: Camera, posting: Client) -> None:
    before = datetime.now(UTC)
    post_form(posting, cast.a_png())
    camera.refresh_from_db()
    assert camera.seen_at and camera.seen_at >= before


@pytest.mark.parametrize("position", ["abc", "\x00", "'"])
def test_a_forged_cursor_is_refused(posting: Client, position: str) -> None:
    from base64 import b64encode
    from urllib.parse import quote, urlencode

    cursor = b64encode(urlencode({"p": position}).encode()).decode()
    response = posting.get(f"{CAPTURES}?cursor={quote(cursor)}")
    assert (response.status_code, problem_of(response)) == (400, "bad-request")


@pytest.mark.parametrize("time", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"])
def test_a_time_that_some_time_zone_cannot_show_is_refused(posting: Client, time: str) -> None:
    assert post_form(posting, cast.a_png(), captured_at=time).status_code == 400


def test_what_is_stored_is_told_as_stored_though_the_database_goes_away(
    posting: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any) -> None:
        raise OperationalError("the database is away")

    monkeypatch.setattr("inspections.models.Camera.saw", away)
    monkeypatch.setattr("inspections.api.captures.wait_for_verdict", away)
    response = post_form(posting, cast.a_png(), headers={"Prefer": "wait=5"})
    assert (response.status_code, response.json()["status"]) == (201, "pending")
    assert Capture.objects.count() == 1
