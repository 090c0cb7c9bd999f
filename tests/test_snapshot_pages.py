"""The pages of snapshots: what they show before and after, row by row, and that they stay cheap."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from inspections import snapshots
from inspections.models import Kind, LeftOut, Person, Snapshot
from tests import cast
from tests.audits import asked
from tests.cast import signed_in
from tests.labelled import a_mill_of_labels, an_answer, labelled

pytestmark = pytest.mark.django_db


@pytest.fixture
def mara() -> Person:
    return cast.mara()


@pytest.fixture
def by_mara(mara: Person) -> Client:
    return signed_in(mara)


def text_of(client: Client, address: str, status: int = 200) -> str:
    response = client.get(address)
    assert response.status_code == status, response.content
    return " ".join(response.content.decode().split())


def frozen(mara: Person) -> Snapshot:
    found = snapshots.freeze(mara, timezone.now())
    assert isinstance(found, Snapshot), found
    return found


# --- the list ---------------------------------------------------------------------------------------------------------


def test_empty_pages_say_what_to_do(by_mara: Client) -> None:
    assert "Starting a training makes one" in text_of(by_mara, "/snapshots/")
    assert "No labelled image is free" in text_of(by_mara, "/snapshots/new/")
    assert "third source" in text_of(by_mara, "/snapshots/golden/")
    assert by_mara.get("/snapshots/S1/").status_code == 404


def test_the_list_shows_images_sources_and_looks(mara: Person, by_mara: Client) -> None:
    a_mill_of_labels(mara, rolls=9)
    frozen(mara)
    snapshots.make_golden(mara, timezone.now(), "the first")
    Snapshot.objects.filter(name="G1").update(looks=3)
    text = text_of(by_mara, "/snapshots/")
    assert "3 looks at it." in text
    assert "2 images left out." in text
    assert "the first" in text


def test_the_list_takes_as_many_queries_for_many_as_for_one(mara: Person, by_mara: Client) -> None:
    a_mill_of_labels(mara, rolls=9)

    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            by_mara.get("/snapshots/")
        return len(found)

    frozen(mara)
    one = queries()
    for _ in range(3):
        labelled(mara, "good", "R0")
        frozen(mara)
    assert queries() == one


# --- made -------------------------------------------------------------------------------------------------------------


def test_the_preview_is_what_is_made(mara: Person, by_mara: Client) -> None:
    a_mill_of_labels(mara, rolls=9)
    seen = by_mara.get("/snapshots/new/").context["preview"].snapshot
    response = by_mara.post("/snapshots/new/", {"note": "autumn"})
    found = Snapshot.objects.get()
    assert response["Location"] == "/snapshots/S1/"
    assert (found.counts, found.sources, found.note) == (seen.counts, seen.sources, "autumn")
    again = by_mara.post("/snapshots/new/", follow=True).content.decode()
    assert "Nothing has changed since S1" in again


def test_a_class_that_nothing_validates_is_named_before(mara: Person, by_mara: Client) -> None:
    a_mill_of_labels(mara)
    labelled(mara, "cut", "alone")
    text = text_of(by_mara, "/snapshots/new/")
    assert "Not measured: Cut." in text


def test_what_is_refused_says_why_and_makes_nothing(mara: Person, by_mara: Client) -> None:
    a_mill_of_labels(mara)
    response = by_mara.post("/snapshots/new/", {"classes": ["hole", "cut"]})
    assert response.status_code == 409
    assert "“good” must be among" in response.content.decode()
    assert not Snapshot.objects.exists()


def test_the_golden_set_is_made_extended_and_made_again(mara: Person, by_mara: Client) -> None:
    a_mill_of_labels(mara, rolls=9)
    assert by_mara.post("/snapshots/golden/", {"do": "make"})["Location"] == "/snapshots/G1/"
    frozen(mara)
    labelled(mara, "cut", "NEW")
    text = text_of(by_mara, "/snapshots/golden/")
    assert "Not in it: Cut." in text
    assert 'value="NEW"' in text
    assert 'value="R0"' not in text
    assert by_mara.post("/snapshots/golden/", {"do": "extend", "sources": ["R0"]}).status_code == 409
    said = by_mara.post("/snapshots/golden/", {"do": "extend", "sources": ["NEW"]}, follow=True).content.decode()
    assert "Given to the golden set: NEW" in said
    by_mara.post("/snapshots/golden/", {"do": "make"})
    assert Snapshot.objects.get(name="G2").counts["golden"]["cut"] == 1


# --- one --------------------------------------------------------------------------------------------------------------


def test_each_reason_opens_the_images_it_left_out(mara: Person, by_mara: Client) -> None:
    said = a_mill_of_labels(mara)
    an_answer(cast.olga(), said[0], None)
    frozen(mara)
    assert "?reason=unsure#rows" in text_of(by_mara, "/snapshots/S1/")
    rows = by_mara.get("/snapshots/S1/?reason=unsure").context["rows"]
    assert [(row.capture_id, row.reason) for row in rows] == [(said[0].pk, LeftOut.UNSURE)]


@pytest.mark.parametrize("query", ["side=train", "class=hole", "source=R1", "side=val&class=good"])
def test_rows_are_narrowed_as_the_address_says(mara: Person, by_mara: Client, query: str) -> None:
    a_mill_of_labels(mara)
    found = frozen(mara)
    columns = {"side": "side", "class": "defect_class__code", "source": "source"}
    wanted = {columns[name]: value for name, value in (part.split("=") for part in query.split("&"))}
    shown = by_mara.get(f"/snapshots/S1/?{query}").context["rows"]
    assert {row.pk for row in shown} == set(found.rows.filter(**wanted).values_list("pk", flat=True))


def test_pages_of_rows_miss_and_repeat_nothing(mara: Person, by_mara: Client, monkeypatch: Any) -> None:
    monkeypatch.setattr("inspections.pages.snapshot.PAGE", 5)
    a_mill_of_labels(mara)
    found = frozen(mara)
    seen: list[int] = []
    address = "/snapshots/S1/"
    while True:
        context = by_mara.get(address).context
        seen += [row.pk for row in context["rows"]]
        if not context["next"]:
            break
        address = f"/snapshots/S1/?{context['next']}"
    assert seen == list(found.rows.order_by("pk").values_list("pk", flat=True))


def test_a_row_shows_the_label_as_it_was_then(mara: Person, by_mara: Client) -> None:
    said = a_mill_of_labels(mara)
    frozen(mara)
    an_answer(mara, said[0], "cut")
    (row,) = [row for row in by_mara.get("/snapshots/S1/").context["rows"] if row.capture_id == said[0].pk]
    assert row.defect_class.code == "good"


def test_what_the_reader_is_asked_blind_is_in_no_list(mara: Person, by_mara: Client) -> None:
    said = a_mill_of_labels(cast.olga())
    frozen(mara)
    asked(said[0], Kind.SECOND, timezone.now(), mara)
    for query in ("", "?source=R0", "?class=good"):
        shown = {row.capture_id for row in by_mara.get(f"/snapshots/S1/{query}").context["rows"]}
        assert shown
        assert said[0].pk not in shown


@pytest.mark.parametrize("query", ["side=x", "class=x", "after=x", "after=0"])
def test_a_damaged_address_is_told(mara: Person, by_mara: Client, query: str) -> None:
    a_mill_of_labels(mara)
    frozen(mara)
    assert "This cannot be shown as asked" in text_of(by_mara, f"/snapshots/S1/?{query}", 400)


def test_operators_see_none_of_it(mara: Person) -> None:
    a_mill_of_labels(mara)
    frozen(mara)
    by_olga = signed_in(cast.olga())
    pages = ("/snapshots/", "/snapshots/new/", "/snapshots/golden/", "/snapshots/S1/", "/quarantine/")
    assert {by_olga.get(page).status_code for page in pages} == {403}
    assert by_olga.post("/snapshots/golden/", {"do": "extend", "sources": ["R0"]}).status_code == 403
