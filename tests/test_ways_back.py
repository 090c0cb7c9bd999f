"""Where a form leads that was not taken: to the page it was sent from, with a word that nothing was done."""

from typing import Any

import pytest
from django.test import Client
from django.urls import resolve

from inspections.locking import ACTIVE_AT
from inspections.models import AlarmState, Capture
from inspections.pages.ways_back import page_of
from tests import cast
from tests.cast import PASSWORD, signed_in
from tests.floor import an_alarm
from tests.test_access import address, routes, values_of
from tests.test_access import capture as capture

pytestmark = pytest.mark.django_db
ENDED = "You were signed out: nothing was done."
LOCKED = "This terminal was locked: nothing was done."


def sign_in(client: Client, door: str) -> Any:
    return client.post(door, {"username": cast.mara().username, "password": PASSWORD})


def text_of(client: Client, where: str) -> str:
    return client.get(where).content.decode()


def from_page(where: str) -> dict[str, str]:
    return {"Referer": f"http://testserver{where}"}


# --- a session that has ended -----------------------------------------------------------------------------------


def test_the_door_says_that_nothing_was_done_and_so_does_the_page_behind_it_once() -> None:
    alarm, client = an_alarm(), Client()
    sent = client.post(f"/alarms/{alarm.pk}/resolve/", headers=from_page("/alarms/?state=raised"))
    assert sent.headers["Location"] == "/login/?next=/alarms/%3Fstate%3Draised"
    assert ENDED in text_of(client, sent.headers["Location"])
    assert sign_in(client, sent.headers["Location"]).headers["Location"] == "/alarms/?state=raised"
    assert ENDED in text_of(client, "/alarms/?state=raised")
    assert ENDED not in text_of(client, "/alarms/")
    alarm.refresh_from_db()
    assert alarm.state == AlarmState.RAISED


def test_no_address_that_is_only_sent_to_is_come_back_to() -> None:
    refused = "/alarms/3/resolve/"  # where the page of a refusal stands
    sent = Client().post("/alarms/3/note/", headers=from_page(refused))
    assert sent.headers["Location"] == "/login/?next=/alarms/3/"


@pytest.mark.parametrize("referer", ["https://evil.example/alarms/", "//evil.example/", "", "http://testserver/login/"])
def test_a_page_that_is_not_ours_leads_to_the_first_one(referer: str) -> None:
    sent = Client().post("/alarms/rules/new/", headers={"Referer": referer})
    assert sent.headers["Location"] == "/login/?next=/"


def test_pictures_that_were_not_sent_are_told_of_too() -> None:
    client = Client()
    sent = client.post("/upload/", {"line": "loom-1"}, headers={"Accept": "text/html"})
    assert ENDED in text_of(client, sent.headers["Location"])


def test_reading_without_a_session_says_nothing_of_the_kind() -> None:
    client = Client()
    assert ENDED not in text_of(client, client.get("/alarms/").headers["Location"])


# --- a locked terminal ------------------------------------------------------------------------------------------


def test_a_locked_terminal_says_that_nothing_was_done_and_leads_back() -> None:
    alarm, client = an_alarm(), signed_in(cast.mara())
    session = client.session
    session[ACTIVE_AT] = 0
    session.save()
    sent = client.post(f"/alarms/{alarm.pk}/acknowledge/", headers=from_page(f"/alarms/{alarm.pk}/acknowledge/"))
    assert sent.headers["Location"] == f"/unlock/?next=%2Falarms%2F{alarm.pk}%2F"
    assert LOCKED in text_of(client, sent.headers["Location"])
    back = client.post("/unlock/", {"password": PASSWORD, "next": f"/alarms/{alarm.pk}/"})
    assert LOCKED in text_of(client, back.headers["Location"])
    alarm.refresh_from_db()
    assert alarm.state == AlarmState.RAISED


# --- addresses that are only sent to ----------------------------------------------------------------------------


def test_each_of_them_leads_to_a_page_that_is_there(capture: Capture) -> None:
    client, lost = signed_in(cast.ada()), []
    values = values_of(capture)
    wheres = [address(route, values) for route in routes() if not route.startswith("/api/")]
    deeds = [where for where in wheres if getattr(resolve(where).func, "only_sent_to", False)]
    assert len(deeds) > 20
    for where in deeds:
        led = client.get(where).headers["Location"]
        if not where.startswith(led) or client.get(led).status_code != 200:
            lost.append(f"{where} -> {led}")
    assert not lost


@pytest.mark.parametrize(
    ("where", "page"),
    [
        ("/alarms/3/resolve/", "/alarms/3/"),
        ("/alarms/rules/5/switch/?a=b", "/alarms/rules/5/"),
        ("/lines/loom-1/chart/baseline/", "/lines/loom-1/chart/"),
        ("/shifts/2/delete/", "/shifts/"),
        ("/classes/hole/", "/classes/"),
        ("/teach/0199d0a0-0000-7000-8000-000000000000/label/", "/teach/"),
        ("/flagged/?order=worst", "/flagged/?order=worst"),
        ("/no/such/page/", "/"),
    ],
)
def test_the_page_of_an_address_is_the_nearest_above_it(where: str, page: str) -> None:
    assert page_of(where) == page


@pytest.mark.parametrize(("method", "where"), [("GET", "/logout/"), ("POST", "/flagged/"), ("PUT", "/alarms/3/note/")])
def test_what_cannot_be_done_there_is_said_by_a_page_of_ours(method: str, where: str) -> None:
    answer = signed_in(cast.mara()).generic(method, where)
    assert answer.status_code == 405
    assert "This address cannot be used this way. Nothing was done." in answer.content.decode()
    assert "POST" in answer.headers["Allow"] or where == "/flagged/"
