"""The page of the shifts: made, changed and deleted by managers, read by everybody, refused in words."""

from collections.abc import Iterator
from datetime import UTC, datetime, time
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from inspections.models import AuditEvent, Shift
from inspections.shift_keeping import MOST, stamp
from inspections.shifts import hours_of
from tests import cast
from tests.cast import signed_in

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, 14, 20, tzinfo=UTC)  # a Sunday
EARLY = {"name": "Early", "starts": "06:00", "ends": "14:00", "days": [1, 2, 3, 4, 5], "zone": "Asia/Dhaka"}


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def mara() -> Client:
    return signed_in(cast.mara())


def text_of(answer: Any, status: int = 200) -> str:
    assert answer.status_code == status, answer.content
    return " ".join(answer.content.decode().split())


def made(**other: Any) -> Shift:
    values = {"name": "Night", "starts": time(22), "ends": time(6), "days": [1, 2, 3, 4, 5, 6, 7], "zone": "Asia/Dhaka"}
    return Shift.objects.create(**{**values, **other})


def seen(shift: Shift) -> str:
    return stamp(hours_of(shift))


# --- making -------------------------------------------------------------------------------------------------------


def test_a_fresh_mill_has_none_and_three_are_made_in_one_press(mara: Client) -> None:
    assert "No shifts yet" in text_of(mara.get("/shifts/"))
    with timezone.override("Asia/Dhaka"):
        assert mara.post("/shifts/three/").status_code == 302
    rows = [(one.name, one.starts, one.ends, one.zone) for one in Shift.objects.all()]
    assert rows == [
        ("Early", time(6), time(14), "Asia/Dhaka"),
        ("Late", time(14), time(22), "Asia/Dhaka"),
        ("Night", time(22), time(6), "Asia/Dhaka"),
    ]
    assert "Without a shift" not in text_of(mara.get("/shifts/"))


def test_three_are_made_once(mara: Client) -> None:
    for _press in range(2):
        assert mara.post("/shifts/three/").status_code == 302
    assert Shift.objects.count() == 3
    assert AuditEvent.objects.count() == 1
    Shift.objects.filter(name="Late").update(name="Noon")
    assert "has shifts already" in text_of(mara.post("/shifts/three/"), 409)


def test_a_shift_is_made_and_shown(mara: Client) -> None:
    answer = mara.post("/shifts/", EARLY)
    shift = Shift.objects.get()
    assert answer["Location"] == f"/shifts/#shift-{shift.pk}"
    text = text_of(mara.get("/shifts/"))
    assert "06:00 – 14:00" in text
    assert "Mon – Fri · Asia/Dhaka" in text
    assert "8 h" in text
    assert "Ended last: Early, Fri 20 Nov, 00:00 – 08:00" in text  # the mill's own time is UTC


def test_hours_without_a_shift_are_told(mara: Client) -> None:
    made(starts=time(6), ends=time(22), zone="UTC", days=[1, 2, 3, 4, 5, 6])
    text = text_of(mara.get("/shifts/"))
    assert "Without a shift in the next seven days: Sun 14:20 – Mon 06:00, Mon 22:00 – Tue 06:00" in text


def test_which_one_is_on_is_told(mara: Client) -> None:
    made(name="Late", starts=time(14), ends=time(22), zone="UTC")
    assert "On now" in text_of(mara.get("/shifts/"))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": ""}, "This field is required"),
        ({"name": "night"}, "Another shift has this name"),
        ({"starts": "24:00"}, "This is no time of day"),
        ({"starts": "six"}, "This is no time of day"),
        ({"starts": "06:03"}, "on a full five minutes"),
        ({"ends": "06:00"}, "It ends when it begins"),
        ({"days": []}, "Choose the days on which it begins"),
        ({"days": [8]}, "Select a valid choice"),
        ({"zone": "Mars/Olympus"}, "is no time zone"),
        ({"zone": "../../etc/passwd"}, "is no time zone"),
        (
            {"ends": "22:30"},
            "It overlaps with “Night”: Mon 23 Nov 06:00 – 22:30 here, Mon 23 Nov 22:00 – Tue 24 Nov 06:00",
        ),
        ({"starts": "05:00"}, "It overlaps with “Night”"),
        ({"zone": "Asia/Kolkata", "starts": "06:00", "ends": "22:00"}, "It overlaps with “Night”"),
    ],
)
def test_what_cannot_be_is_refused_in_words_and_nothing_is_kept(mara: Client, wrong: Any, words: str) -> None:
    made()
    text = text_of(mara.post("/shifts/", {**EARLY, **wrong}), 400)
    assert words in text
    assert (Shift.objects.count(), AuditEvent.objects.count()) == (1, 0)


def test_what_was_written_stands_in_the_form_again(mara: Client) -> None:
    assert 'value="Mars/Olympus"' in text_of(mara.post("/shifts/", {**EARLY, "zone": "Mars/Olympus"}), 400)


def test_shifts_that_touch_may_be(mara: Client) -> None:
    made()
    assert mara.post("/shifts/", {**EARLY, "ends": "22:00"}).status_code == 302


def test_there_is_an_end_to_how_many(mara: Client) -> None:
    Shift.objects.bulk_create(
        Shift(name=f"{number}", starts=time(15), ends=time(16), days=[1], zone="UTC") for number in range(MOST)
    )
    assert f"at most {MOST} shifts" in text_of(mara.post("/shifts/", EARLY), 400)


# --- changing and deleting ----------------------------------------------------------------------------------------


def test_a_change_is_kept_with_what_it_was(mara: Client) -> None:
    shift = made()
    sent = {**EARLY, "name": "Night", "starts": "21:00", "ends": "05:00", "days": [1, 7], "seen": seen(shift)}
    assert mara.post(f"/shifts/{shift.pk}/", sent).status_code == 302
    shift.refresh_from_db()
    assert (shift.starts, shift.ends, shift.days) == (time(21), time(5), [1, 7])
    detail = AuditEvent.objects.get().detail
    assert (detail["name"], detail["starts"], detail["ends"]) == ("Night", ["22:00", "21:00"], ["06:00", "05:00"])
    assert detail["days"] == [[1, 2, 3, 4, 5, 6, 7], [1, 7]]
    assert "zone" not in detail


def test_a_shift_does_not_stand_in_its_own_way(mara: Client) -> None:
    shift = made()
    sent = {**EARLY, "name": "NIGHT", "starts": "22:00", "ends": "06:30", "seen": seen(shift)}
    assert mara.post(f"/shifts/{shift.pk}/", sent).status_code == 302


def test_a_change_that_overlaps_is_refused_in_its_own_form(mara: Client) -> None:
    shift = made()
    made(name="Late", starts=time(14), ends=time(22))
    sent = {**EARLY, "name": "Night", "starts": "21:00", "ends": "05:00", "seen": seen(shift)}
    answer = mara.post(f"/shifts/{shift.pk}/", sent)
    assert "It overlaps with “Late”" in text_of(answer, 400)
    opened = [row.hours.name for row in answer.context["rows"] if row.is_open]
    assert opened == ["Night"]
    shift.refresh_from_db()
    assert shift.starts == time(22)


@pytest.mark.parametrize("deed", ["", "delete/"])
def test_what_somebody_else_changed_meanwhile_is_not_overwritten(mara: Client, deed: str) -> None:
    shift = made()
    sent = {**EARLY, "seen": seen(shift)}
    Shift.objects.update(ends=time(5))
    assert "changed or deleted this shift meanwhile" in text_of(mara.post(f"/shifts/{shift.pk}/{deed}", sent), 409)
    assert Shift.objects.get().ends == time(5)


@pytest.mark.parametrize("deed", ["", "delete/"])
def test_what_is_gone_is_told(mara: Client, deed: str) -> None:
    assert "meanwhile" in text_of(mara.post(f"/shifts/999/{deed}", EARLY), 409)


def test_a_shift_is_deleted_by_a_second_press(mara: Client) -> None:
    shift = made()
    text = text_of(mara.get("/shifts/"))
    assert "links to it say so" in text
    assert mara.post(f"/shifts/{shift.pk}/delete/", {"seen": seen(shift)}).status_code == 302
    assert not Shift.objects.exists()
    assert "The shift “Night” is deleted." in text_of(mara.get("/shifts/"))
    assert AuditEvent.objects.get().detail["starts"] == "22:00"


def test_whoever_presses_twice_makes_changes_and_deletes_once(mara: Client) -> None:
    for _press in range(2):
        assert mara.post("/shifts/", EARLY).status_code == 302
    shift = Shift.objects.get()
    sent = {**EARLY, "ends": "13:00", "seen": seen(shift)}
    for _press in range(2):
        assert mara.post(f"/shifts/{shift.pk}/", sent).status_code == 302
    shift.refresh_from_db()
    sent = {"seen": seen(shift)}
    for _press in range(2):
        assert mara.post(f"/shifts/{shift.pk}/delete/", sent).status_code == 302
    told = list(AuditEvent.objects.order_by("id").values_list("action", flat=True))
    assert told == ["new-shift", "shift", "delete-shift"]
    other = signed_in(cast.ada())
    assert "meanwhile" in text_of(other.post(f"/shifts/{shift.pk}/delete/", sent), 409)


# --- who ----------------------------------------------------------------------------------------------------------


def test_operators_read_and_change_nothing() -> None:
    olga = signed_in(cast.olga())
    shift = made()
    text = text_of(olga.get("/shifts/"))
    assert "Night" in text
    assert '<form method="post" action="/shifts/' not in text
    for where in ("/shifts/", "/shifts/three/", f"/shifts/{shift.pk}/", f"/shifts/{shift.pk}/delete/"):
        assert olga.post(where, {**EARLY, "seen": seen(shift)}).status_code == 403
    assert list(Shift.objects.values_list("name", flat=True)) == ["Night"]


def test_the_page_costs_the_same_however_many(mara: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            assert mara.get("/shifts/").status_code == 200
        return len(found)

    made()
    few = queries()
    for hour in range(6, 20, 2):
        made(name=str(hour), starts=time(hour), ends=time(hour + 2))
    assert queries() == few
