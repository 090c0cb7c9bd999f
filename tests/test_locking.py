"""A shared terminal: it locks when nobody touches it, reads on, and whoever goes on acts under the right name."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.test import Client

from inspections.models import AuditEvent, Capture, ReviewItem
from tests import cast
from tests.cast import PASSWORD, a_camera, a_line, a_png, signed_in
from tests.judged import judged

pytestmark = pytest.mark.django_db
START = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
SCRIPT = {"Accept": "application/json"}
POLL = {**PAGE, "HX-Request": "true"}
CLOSED = ["/queue/", "/queue/grid/", "/upload/", "/keys/", "/audit/"]

Clock = time_machine.Traveller


@pytest.fixture
def clock() -> Iterator[Clock]:
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


@pytest.fixture
def olga(clock: Clock) -> Client:
    cast.otto()
    return signed_in(cast.olga())


def after(clock: Clock, seconds: float) -> None:
    clock.shift(timedelta(seconds=seconds))


def is_locked(client: Client) -> bool:
    return bool(client.get("/unlock/touch/").json()["locked"])


def unlock(client: Client, password: str = PASSWORD, headers: Any = None, **fields: str) -> Any:
    return client.post("/unlock/", {"password": password, **fields}, headers=headers)


# --- when it locks ----------------------------------------------------------------------------------------------


def test_ten_minutes_without_a_hand_lock_it_and_not_a_second_less(olga: Client, clock: Clock) -> None:
    after(clock, 599)
    assert not is_locked(olga)
    after(clock, 1)
    assert is_locked(olga)


@pytest.mark.parametrize(
    ("knock", "counts"),
    [
        (lambda c, _: c.get("/", headers=PAGE), True),
        (lambda c, _: c.get("/flagged/?order=worst", headers=PAGE), True),
        (lambda c, _: c.post("/unlock/touch/"), True),
        (lambda c, x: c.post(f"/api/v1/captures/{x.pk}/labels/", {"label": "hole"}, "application/json"), True),
        (lambda c, x: c.post(f"/captures/{x.pk}/label/", {"answer": "no such"}, headers=PAGE), True),
        (lambda c, x: c.post(f"/api/v1/captures/{x.pk}/labels/", {"label": "no such"}, "application/json"), False),
        (lambda c, x: c.post("/api/v1/labels/", {"label": "hole"}, "application/json", headers=PAGE), False),
        (lambda c, x: c.post(f"/api/v1/captures/{uuid4()}/skip/"), False),
        (lambda c, x: c.post("/upload/", {"line": "loom-1"}, headers=SCRIPT), False),
        (lambda c, x: c.post("/upload/", {"line": "loom-1"}, headers=PAGE), True),
        (lambda c, _: c.get("/", headers=POLL), False),
        (lambda c, x: c.get(f"/captures/{x.pk}/view/", headers={"Accept": "image/avif,image/*"}), False),
        (lambda c, x: c.get(f"/captures/{x.pk}/heatmap/", headers={"Accept": "image/avif,image/*"}), False),
        (lambda c, _: c.get("/api/v1/queue/"), False),
        (lambda c, _: c.post("/api/v1/queue/renew/"), False),
        (lambda c, _: c.get("/api/v1/captures/"), False),
        (lambda c, _: c.get("/unlock/touch/"), False),
        (lambda c, _: c.get("/unlock/", headers=PAGE), False),
        (lambda c, _: unlock(c, "wrong"), False),
    ],
)
def test_a_hand_keeps_it_awake_and_a_script_does_not(olga: Client, clock: Clock, knock: Any, counts: bool) -> None:
    capture = judged(a_camera())
    after(clock, 540)
    response = knock(olga, capture)
    assert response.status_code < 500
    assert response.getvalue() is not None  # read to its end
    after(clock, 120)
    assert is_locked(olga) is not counts


def test_the_session_is_written_at_most_every_fifteen_seconds(
    olga: Client, clock: Clock, django_assert_num_queries: Any
) -> None:
    after(clock, 14)
    with django_assert_num_queries(2):  # the session and the person, read
        olga.post("/unlock/touch/")
    after(clock, 1)
    before = olga.session["active_at"]
    olga.post("/unlock/touch/")
    assert olga.session["active_at"] == before + 15


def test_with_zero_it_never_locks_and_never_writes(olga: Client, clock: Clock, settings: Any) -> None:
    settings.IDLE_LOCK_S = 0
    after(clock, 6 * 3600)
    assert olga.get("/upload/", headers=PAGE).status_code == 200
    assert olga.get("/unlock/touch/").json() == {"locks_in": None, "locked": False, "person": "olga"}
    assert olga.session["active_at"] == START.timestamp()


def test_a_session_of_before_the_lock_starts_to_count_at_its_first_page(olga: Client, clock: Clock) -> None:
    session = olga.session
    del session["active_at"]
    session.save()
    olga.get("/", headers=POLL)
    assert olga.session["active_at"] == START.timestamp()


# --- what is locked ---------------------------------------------------------------------------------------------


@pytest.fixture
def locked(olga: Client, clock: Clock) -> Client:
    judged(a_camera())
    after(clock, 601)
    return olga


@pytest.mark.parametrize("address", ["/", "/lines/loom-1/", "/flagged/", "/api/v1/captures/"])
def test_a_wall_display_reads_on_and_stays_locked(locked: Client, address: str) -> None:
    assert locked.get(address, headers=PAGE).status_code == 200
    assert locked.get(address, headers=POLL).status_code == 200
    assert is_locked(locked)


@pytest.mark.parametrize("address", ["/upload/?line=loom-1"])
def test_a_page_that_is_there_to_act_waits_for_the_password_and_comes_back(locked: Client, address: str) -> None:
    response = locked.get(address, headers=PAGE)
    assert response.headers["Location"] == "/unlock/?next=%2Fupload%2F%3Fline%3Dloom-1"
    door = locked.get(response.headers["Location"], headers=PAGE)
    assert "Your place is kept" in door.content.decode()
    back = unlock(locked, next="/upload/?line=loom-1")
    assert back.headers["Location"] == address
    assert locked.get(address, headers=PAGE).status_code == 200


@pytest.mark.parametrize("address", CLOSED)
def test_every_page_that_acts_is_closed(locked: Client, address: str) -> None:
    response = locked.get(address, headers=PAGE)
    assert response.status_code in {302, 404}  # 404: no such page in this installation
    assert response.status_code == 404 or response.headers["Location"].startswith("/unlock/")


def test_a_poll_of_a_closed_page_moves_the_whole_page(locked: Client) -> None:
    headers = {**POLL, "HX-Current-URL": "http://testserver/upload/?line=loom-1"}
    response = locked.get("/upload/", headers=headers)
    assert response.headers["HX-Redirect"] == "/unlock/?next=%2Fupload%2F%3Fline%3Dloom-1"


def test_a_post_of_a_page_comes_back_to_where_the_hand_was(locked: Client) -> None:
    response = locked.post("/upload/", {}, headers={**PAGE, "Referer": "http://testserver/upload/?line=loom-1"})
    assert response.headers["Location"] == "/unlock/?next=%2Fupload%2F%3Fline%3Dloom-1"


def test_a_script_is_told_by_a_problem(locked: Client) -> None:
    response = locked.post("/upload/", {}, headers=SCRIPT)
    assert response.status_code == 401
    assert response.json()["type"].endswith("/locked")


def test_the_api_refuses_what_acts_with_its_own_kind(locked: Client) -> None:
    capture = Capture.objects.get()
    for response in (
        locked.post(f"/api/v1/captures/{capture.pk}/labels/", {"label": "hole"}, "application/json"),
        locked.get("/api/v1/queue/"),
        locked.post("/api/v1/queue/renew/"),
    ):
        assert (response.status_code, response.json()["type"].rpartition("/")[2]) == (401, "locked")
    assert capture.labels.count() == 0
    assert unlock(locked).status_code == 302
    label = locked.post(f"/api/v1/captures/{capture.pk}/labels/", {"label": "hole"}, "application/json")
    assert label.status_code == 201


def test_a_camera_never_locks(clock: Clock) -> None:
    posting = cast.with_key(a_camera())
    after(clock, 3600)
    assert posting.post("/api/v1/captures/", a_png(), content_type="image/png").status_code == 201


def test_a_touch_comes_too_late(locked: Client) -> None:
    assert locked.post("/unlock/touch/").status_code == 401
    assert is_locked(locked)


def test_the_ways_out_stay_open(locked: Client) -> None:
    assert locked.get("/login/", headers=PAGE).headers["Location"] == "/"
    assert locked.post("/logout/").headers["Location"] == "/login/"
    assert locked.get("/unlock/").headers["Location"] == "/login/?next=/"


# --- the password -----------------------------------------------------------------------------------------------


def events() -> list[tuple[str, str, str]]:
    rows = AuditEvent.objects.order_by("id").select_related("person")
    return [(row.person.username if row.person else "", row.action, row.subject) for row in rows]


def test_a_right_password_gives_a_new_key_to_the_same_session(locked: Client) -> None:
    session = locked.session
    session["kept"] = "this"
    session.save()
    before = locked.cookies["sessionid"].value
    assert unlock(locked).headers["Location"] == "/"
    assert locked.cookies["sessionid"].value != before
    assert locked.session["kept"] == "this"
    assert not is_locked(locked)
    assert events() == [("olga", "unlock", "person olga")]
    assert AuditEvent.objects.get().detail == {"was_locked": True}


@pytest.mark.parametrize("asks", [{"HX-Request": "true"}, {"Accept": "*/*"}, {"Accept": "application/json"}])
def test_a_poll_with_the_key_of_before_takes_the_new_one_from_nobody(locked: Client, asks: dict[str, str]) -> None:
    """It was under way while the password was given: the browser has a new key by the time it is answered. A page that
    is opened still ends what is over."""
    before = locked.cookies["sessionid"].value
    unlock(locked)
    late = Client()
    late.cookies["sessionid"] = before
    assert "sessionid" not in late.get("/", headers=asks).cookies
    assert late.get("/", headers={"Accept": "text/html,*/*;q=0.8"}).cookies["sessionid"].value == ""


def test_a_wrong_password_is_told_and_written_down(locked: Client) -> None:
    response = unlock(locked, "wrong", next="/upload/")
    assert "not the right password" in response.content.decode()
    assert 'name="next" value="/upload/"' in response.content.decode()
    assert is_locked(locked)
    assert events() == [("olga", "unlock-failed", "person olga")]
    problem = unlock(locked, "wrong", SCRIPT)
    assert (problem.status_code, problem.json()["type"].rpartition("/")[2]) == (400, "wrong-password")


def test_what_is_no_name_is_never_written_down(locked: Client) -> None:
    unlock(locked, "x", username="my secret password")
    assert "secret" not in str(list(AuditEvent.objects.values()))


def test_five_wrong_passwords_are_enough_even_for_the_right_one(locked: Client, settings: Any) -> None:
    for _ in range(settings.AXES_FAILURE_LIMIT):
        response = unlock(locked, "wrong")
    assert response.status_code == 429
    assert unlock(locked).status_code == 429
    assert is_locked(locked)


def test_a_right_password_clears_the_count(locked: Client, settings: Any) -> None:
    for _ in range(2):
        for _ in range(settings.AXES_FAILURE_LIMIT - 1):
            assert unlock(locked, "wrong").status_code == 200
        assert unlock(locked).status_code == 302


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example/",
        "http://testserver//evil.example",
        r"http://testserver/\evil.example",
        r"/\evil.example",
        "javascript:alert(1)",
        "/unlock/",
        "",
    ],
)
def test_it_never_leads_elsewhere(olga: Client, elsewhere: str) -> None:
    assert unlock(olga, next=elsewhere).headers["Location"] == "/"


def test_a_script_unlocks_in_place(locked: Client) -> None:
    response = unlock(locked, headers=SCRIPT)
    assert response.json() == {"locks_in": 600.0, "locked": False, "person": "olga"}


def test_who_is_not_signed_in_cannot_unlock() -> None:
    assert unlock(Client(), next="/upload/").headers["Location"] == "/login/?next=/upload/"
    assert unlock(Client(), headers=SCRIPT).status_code == 401
    assert Client().get("/unlock/touch/").status_code == 401


# --- a change of user -------------------------------------------------------------------------------------------


def test_another_person_takes_over_with_nothing_of_the_first_one_left(olga: Client) -> None:
    session = olga.session
    session["kept"] = "olga's"
    session.save()
    response = unlock(olga, username="otto", next="/flagged/")
    assert response.headers["Location"] == "/flagged/"
    assert "kept" not in olga.session
    assert olga.get("/unlock/touch/").json()["person"] == "otto"
    assert events() == [("olga", "sign-out", "person olga"), ("otto", "change-user", "person otto")]
    assert [row.detail for row in AuditEvent.objects.order_by("id")] == [
        {"how": "change of user", "to": "otto"},
        {"before": "olga"},
    ]


def test_a_locked_terminal_may_be_taken_over(locked: Client) -> None:
    assert unlock(locked, username="otto").status_code == 302
    assert not is_locked(locked)
    assert locked.get("/lines/loom-1/", headers=PAGE).status_code == 404


def test_another_persons_wrong_password_changes_nothing(olga: Client) -> None:
    assert unlock(olga, "wrong", username="otto").status_code == 200
    assert olga.get("/unlock/touch/").json()["person"] == "olga"
    assert events() == [("olga", "unlock-failed", "person otto")]


def test_ones_own_password_opens_nobody_else(olga: Client) -> None:
    ada = cast.ada()
    ada.set_password("another good password")
    ada.save()
    assert unlock(olga, PASSWORD, username="ada").status_code == 200
    assert olga.get("/unlock/touch/").json()["person"] == "olga"


@pytest.mark.parametrize("leave", [lambda c: c.post("/logout/"), lambda c: unlock(c, username="otto")])
def test_what_the_person_held_goes_back_to_the_queue(olga: Client, leave: Any) -> None:
    judged(a_camera())
    assert len(olga.get("/api/v1/queue/").json()["items"]) == 1
    item = ReviewItem.objects.get()
    assert item.is_held(START)
    leave(olga)
    item.refresh_from_db()
    assert not item.is_held(START)


def test_signing_in_and_out_is_written_down(db: None) -> None:
    cast.olga()
    client = Client()
    client.post("/login/", {"username": "olga", "password": PASSWORD})
    client.post("/logout/")
    client.post("/logout/")
    assert events() == [("olga", "sign-in", "person olga"), ("olga", "sign-out", "person olga")]


def test_the_page_asks_for_the_one_who_is_here_and_names_the_way_back(olga: Client) -> None:
    a_line("loom-1")
    text = olga.get("/unlock/?next=/flagged/").content.decode()
    assert 'value="olga"' in text
    assert 'href="/flagged/"' in text
