"""The queue's page and feed on the server's side: what is told, what is withheld, what bad input gets."""

import json
import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from inspections.models import Capture, DefectClass, How, Kind, Label, Person, ReviewItem
from inspections.pages import keys
from inspections.pages.queue_words import words
from tests import cast
from tests.cast import a_camera, a_line, a_png, signed_in
from tests.judged import judged, many_judged

pytestmark = pytest.mark.django_db
FEED = {"HTTP_ACCEPT": "application/json"}


@pytest.fixture
def olga(db: None) -> Person:
    return cast.olga()


@pytest.fixture
def client(olga: Person) -> Client:
    return signed_in(olga)


def feed(client: Client, query: str = "") -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/queue/items/?{query}", **FEED).json()
    return found


def asked(capture: Capture, kind: Kind, **fields: Any) -> ReviewItem:
    """A blind question about this capture, of that kind."""
    ReviewItem.objects.filter(capture=capture).delete()
    moment = timezone.now()
    values = {"line": capture.line, "counted_at": capture.counted_at, "created_at": moment, "rank": 0.5, "blind": True}
    return ReviewItem.objects.create(capture=capture, kind=kind, **{**values, **fields})


# --- the feed ---------------------------------------------------------------------------------------------------------


def test_the_feed_tells_what_the_page_needs(client: Client) -> None:
    capture = judged(a_camera(mm_per_px=0.2), "cut", 0.9)
    found = feed(client)
    (item,) = found["items"]
    assert (found["person"], found["left"], found["done"], found["set_aside"]) == ("olga", 1, 0, 0)
    assert item["capture"] == str(capture.pk)
    assert item["label_suggested"] == "cut"
    assert item["view_url"] == f"/captures/{capture.pk}/view/"
    assert item["heat_url"] == f"/captures/{capture.pk}/heatmap/"
    assert (item["width"], item["height"], item["mm_per_px"], item["expected"]) == (64, 64, 0.2, None)
    assert item["lease_until"] > timezone.now().isoformat()


def test_what_the_page_has_already_is_not_rendered_again(client: Client) -> None:
    for seed in range(3):
        judged(a_camera(), data=a_png(seed))
    first = feed(client, "limit=2")
    have = ",".join(item["item"] for item in first["items"])
    again = feed(client, f"limit=3&have={have}")
    assert {one["item"] for one in again["known"]} == set(have.split(","))
    assert len(again["items"]) == 1


def test_the_questions_do_not_grow_with_the_backlog(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    camera, now = a_camera(), timezone.now()
    for seed in range(4):
        judged(camera, data=a_png(seed))
    rest = many_judged(camera, 500, now - timedelta(hours=1), "hole", 0.5)
    ReviewItem.objects.bulk_create(
        ReviewItem(capture=one, line=one.line, rank=0.5, counted_at=one.counted_at, created_at=now) for one in rest
    )
    with django_assert_max_num_queries(60):
        assert len(feed(client)["items"]) == 4


def test_without_a_session_the_feed_says_so_to_a_script_and_leads_a_person_to_the_login() -> None:
    assert Client().get("/queue/items/", **FEED).status_code == 401
    assert Client().get("/queue/items/").url == "/login/?next=/queue/items/"  # type: ignore[attr-defined]


def test_an_image_of_another_line_is_not_there(client: Client) -> None:
    other = judged(a_camera("loom-2"))
    assert client.get(f"/queue/items/?capture={other.pk}", **FEED).status_code == 404
    assert client.get("/queue/items/?capture=damaged", **FEED).status_code == 404
    assert client.post("/queue/decide/", {"capture": other.pk, "label": "good"}).status_code == 404
    assert client.post("/queue/decide/", {"capture": uuid4(), "skip": "1"}).status_code == 404
    assert Label.objects.count() == 0


def test_one_image_says_who_holds_it_and_what_stands(client: Client) -> None:
    capture = judged(a_camera())
    oskar = cast.a_person("oskar", "operator", a_line())
    (mine,) = feed(signed_in(oskar))["items"]
    (shown,) = feed(client, f"capture={capture.pk}&hold")["items"]
    assert (shown["held_by"], shown["lease_until"]) == ("oskar", None)
    signed_in(oskar).post("/queue/decide/", {"capture": mine["capture"], "label": "cut"})
    (shown,) = feed(client, f"capture={capture.pk}")["items"]
    assert (shown["said"]["label"], shown["said"]["person"]) == ("cut", "oskar")
    assert shown["expected"] == shown["said"]["id"]


def test_only_who_was_shown_an_image_learns_that_it_is_asked(client: Client, olga: Person) -> None:
    flagged, audited = judged(a_camera(), data=a_png(1)), judged(a_camera(), "good", 0.01, data=a_png(2))
    hidden = asked(audited, Kind.AUDIT)
    oskar = cast.a_person("oskar", "operator", a_line())
    until = timezone.now() + timedelta(minutes=2)
    for one in (flagged, audited):
        (shown,) = feed(client, f"capture={one.pk}")["items"]
        assert (shown["item"], shown["held_by"]) == (None, None)
    ReviewItem.objects.update(holder=oskar, lease_until=until)
    (shown,) = feed(client, f"capture={audited.pk}&hold")["items"]
    assert (shown["item"], shown["held_by"], shown["lease_until"]) == (None, None, None)
    ReviewItem.objects.update(holder=None, lease_until=None)
    (shown,) = feed(client, f"capture={audited.pk}&hold")["items"]
    assert (shown["item"], shown["lease_until"]) == (None, None)
    (shown,) = feed(client, f"capture={flagged.pk}&hold")["items"]
    assert shown["item"] == str(ReviewItem.objects.get(capture=flagged).pk)
    ReviewItem.objects.filter(pk=hidden.pk).update(holder=olga)
    (shown,) = feed(client, f"capture={audited.pk}&hold")["items"]
    assert shown["item"] == str(hidden.pk)
    assert shown["lease_until"]


@pytest.mark.parametrize("field", ["note", "label", "line", "token", "undo", "skip"])
def test_a_character_that_no_database_keeps_is_refused(client: Client, field: str) -> None:
    capture = judged(a_camera())
    sent = {"capture": capture.pk, "label": "good", field: "a\0b"}
    response = client.post("/queue/decide/", sent)
    assert response.status_code == 400
    assert b"characters in it that nobody can type" in response.content
    assert Label.objects.count() == 0
    assert not ReviewItem.objects.exclude(closed_at=None).exists()


# --- blind ------------------------------------------------------------------------------------------------------------


def shape(client: Client, capture: Capture) -> tuple[list[str], str]:
    """The names in the feed and its markup, without what is this image's own: ids, and times."""
    (item,) = [one for one in feed(client)["items"] if one["capture"] == str(capture.pk)]
    html = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d{4}-\d\d-\d\d|\d\d:\d\d:\d\d\S*", "*", item["html"])
    told = {name: item[name] for name in ("heat_url", "expected", "label_suggested", "said", "held_by", "blind")}
    return [*item, json.dumps(told)], html


def test_blind_questions_of_every_kind_look_alike(client: Client, olga: Person) -> None:
    shapes = []
    for number, kind in enumerate(kind for kind in Kind if kind is not Kind.TEACH):
        camera = a_camera(slug=f"camera-{number}")
        label, score = ("good", 0.01) if kind is Kind.AUDIT else ("hole", 0.9)
        capture = judged(camera, label, score, data=a_png(1), warnings=("dark",) if number else ())
        asked(capture, kind, truth=DefectClass.objects.get(code="cut") if kind is Kind.CONTROL else None)
        names, html = shape(client, capture)
        shapes.append((names, html.replace(f"camera-{number}", "camera")))
    assert all(one == shapes[0] for one in shapes)
    assert "Hole" not in shapes[0][1]
    assert "dark" not in shapes[0][1].lower()


def test_neighbours_and_the_good_reference_do_not_give_away_what_is_blind(client: Client) -> None:
    camera = a_camera()
    passed = judged(camera, "good", 0.01, data=a_png(1))
    flagged = judged(camera, "hole", 0.9, data=a_png(2))
    asked(passed, Kind.AUDIT)
    by_capture = {one["capture"]: one["html"] for one in feed(client)["items"]}
    assert "No good image of this line yet" in by_capture[str(flagged.pk)]
    assert "Passed" not in by_capture[str(flagged.pk)]
    assert "Hole" not in by_capture[str(passed.pk)]


def test_after_the_answer_the_model_is_told(client: Client) -> None:
    capture = judged(a_camera())
    asked(capture, Kind.FLAGGED)
    feed(client)
    assert client.get(f"/captures/{capture.pk}/heatmap/").status_code == 404
    client.post("/queue/decide/", {"capture": capture.pk, "label": "good"})
    assert Label.objects.get().how == How.BLIND
    (shown,) = feed(client, f"capture={capture.pk}")["items"]
    assert "Judged by" in shown["html"]


# --- the page ---------------------------------------------------------------------------------------------------------


def test_a_damaged_address_is_said_and_leads_back(client: Client) -> None:
    judged(a_camera())
    for query in ("line=nope", "order=x", "class=x", "line=loom-2"):
        response = client.get(f"/queue/?{query}")
        assert response.status_code == 400, query
        assert b"This cannot be shown as asked" in response.content
        assert client.get(f"/queue/items/?{query}", **FEED).status_code == 400
    assert not ReviewItem.objects.exclude(holder=None).exists()


def test_who_has_no_line_is_told_so(db: None) -> None:
    nobody = cast.a_person("nele", "operator")
    assert b"No line is yours yet" in signed_in(nobody).get("/queue/").content
    assert b"No lines yet" in signed_in(cast.mara()).get("/queue/").content


def test_filters_narrow_and_stay(client: Client) -> None:
    judged(a_camera(), "cut", 0.9, data=a_png(1))
    hole = judged(a_camera(), "hole", 0.5, data=a_png(2))
    html = client.get("/queue/?class=hole&order=new").content.decode()
    assert f'name="capture" value="{hole.pk}"' in html
    assert '<input type="hidden" name="class" value="hole">' in html
    sent = {"capture": hole.pk, "label": "good", "class": "hole", "order": "new"}
    assert client.post("/queue/decide/", sent).url == "/queue/?class=hole&order=new&last"  # type: ignore[attr-defined]


def test_a_form_that_is_sent_twice_is_one_decision(client: Client) -> None:
    capture = judged(a_camera())
    sent = {"capture": capture.pk, "label": "good", "token": uuid4()}
    client.post("/queue/decide/", sent)
    client.post("/queue/decide/", sent)
    assert Label.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "words_"),
    [
        ({"label": "hole", "retired": True}, "This class was retired"),
        ({"label": "nonsense"}, "There is no such class"),
        ({"label": "good", "expected": "01900000-0000-7000-8000-000000000000"}, "undone meanwhile"),
    ],
)
def test_a_decision_that_cannot_be_kept_says_why(client: Client, change: dict[str, Any], words_: str) -> None:
    capture = judged(a_camera())
    if change.pop("retired", False):
        DefectClass.objects.filter(code="hole").update(active=False)
    response = client.post("/queue/decide/", {"capture": capture.pk, **change}, follow=True)
    assert words_ in response.content.decode()
    assert Label.objects.count() == 0


def test_what_a_colleague_decided_meanwhile_is_said(client: Client) -> None:
    capture = judged(a_camera())
    by_mara = signed_in(cast.mara())
    by_mara.post("/queue/decide/", {"capture": capture.pk, "label": "cut"})
    response = client.post("/queue/decide/", {"capture": capture.pk, "label": "good"}, follow=True)
    assert "mara said Cut meanwhile" in response.content.decode()
    undo = {"undo": Label.objects.get().pk}
    assert "a manager can undo it" in client.post("/queue/decide/", undo, follow=True).content.decode()
    assert "nothing to undo" in client.post("/queue/decide/", {"undo": "x"}, follow=True).content.decode()


def test_a_class_name_with_markup_is_text(client: Client) -> None:
    DefectClass.objects.filter(code="hole").update(name="<script>x</script>")
    judged(a_camera())
    html = client.get("/queue/").content.decode()
    assert "<script>x" not in html
    assert "&lt;script&gt;x" in html


def test_more_classes_than_digits_still_have_buttons(client: Client) -> None:
    for number in range(8):
        DefectClass.objects.create(code=f"extra-{number}", name=f"Extra {number}")
    judged(a_camera())
    html = client.get("/queue/").content.decode()
    assert html.count("q-class") >= 14
    assert 'data-label="extra-7"' in html
    assert set(keys.class_words()) == {f"class_{number}" for number in range(1, 10)}


def test_a_vanished_file_is_no_error(client: Client) -> None:
    capture = judged(a_camera())
    default_storage.delete(capture.path)
    assert b"There is no picture to show" in client.get("/queue/").content
    (item,) = feed(client)["items"]
    assert (item["view_url"], item["heat_url"]) == (None, None)


def test_every_word_of_the_script_is_used_and_every_used_word_is_there(settings: Any) -> None:
    folder = settings.BASE_DIR / "inspections" / "static" / "inspections"
    script = "".join(path.read_text() for path in folder.glob("queue*.js"))
    used = set(re.findall(r"\bwords\.(\w+)", script)) - {"replace"}
    assert used <= set(words())
    loose = {name for name in words() if not re.search(rf"\b{re.escape(name)}\b", script)}
    assert loose <= set(keys.NAMED) | {"Escape", "Ctrl+z"}


# --- keys -------------------------------------------------------------------------------------------------------------


def kept(client: Client, **sent: Any) -> Any:
    return client.post("/keys/", json.dumps(sent), content_type="application/json")


def test_keys_are_kept_and_read_back(client: Client, olga: Person) -> None:
    response = kept(client, keys={"good": "X", "undo": "Backspace", "skip": "s"}, keys_off=True)
    assert response.json()["keys"]["good"] == ["x"]
    assert response.json()["keys"]["undo"] == ["Backspace", "Ctrl+z"]
    olga.refresh_from_db()
    assert olga.preferences == {"keys": {"good": "x", "undo": "Backspace"}, "keys_off": True}


def test_two_keys_can_be_exchanged_in_one_step(client: Client) -> None:
    found = kept(client, keys={"good": "s", "skip": "g"}).json()
    assert (found["keys"]["good"], found["keys"]["skip"]) == (["s"], ["g"])


def test_a_key_that_somebody_chose_stays_theirs_when_a_newer_action_comes_with_it(olga: Person) -> None:
    olga.preferences = {"keys": {"good": "l"}}
    found = keys.settings_of(olga)["keys"]
    assert (found["good"], found["alike"]) == (["l"], [])


@pytest.mark.parametrize(
    "sent",
    [
        {"good": "s"},  # skip's
        {"good": "Enter"},  # the other one of agree
        {"good": "Ctrl+z"},
        {"good": "gg"},
        {"good": "Tab"},
        {"good": "\n"},
        {"good": "x" * 1000},
        {"good": 7},
        {"good": None},
        {"close": "x"},
        {"nonsense": "x"},
        {"good": "x", "skip": "x"},
    ],
)
def test_a_key_that_makes_no_sense_changes_nothing(client: Client, olga: Person, sent: dict[str, Any]) -> None:
    response = kept(client, keys=sent)
    assert response.status_code == 400
    assert response.json()["errors"]
    olga.refresh_from_db()
    assert olga.preferences == {}


@pytest.mark.parametrize("body", ["[]", '"x"', '{"keys": []}', "{" * 2000, '{"keys": {"a": {"b": 1}}}'])
def test_a_body_that_is_no_keys_is_refused(client: Client, body: str) -> None:
    assert client.post("/keys/", body, content_type="application/json").status_code == 400


def test_the_form_does_the_same_without_a_script(client: Client, olga: Person) -> None:
    assert client.post("/keys/", {"key-good": "x"}).url == "/keys/?kept=1"  # type: ignore[attr-defined]
    assert b'value="x"' in client.get("/keys/").content
    response = client.post("/keys/", {"key-good": "s", "keys_off": "1"})
    assert response.status_code == 400
    assert "already does: Skip" in response.content.decode()
    client.post("/keys/", {"key-good": "s", "usual": "1"})
    olga.refresh_from_db()
    assert olga.preferences == {"keys": {}, "keys_off": False}


def test_damaged_preferences_are_ignored(client: Client, olga: Person) -> None:
    for damaged in ({"keys": 7}, {"keys": {"good": ["x"], "nonsense": "y", "skip": "qq"}}, {"keys_off": "yes"}):
        Person.objects.filter(pk=olga.pk).update(preferences=damaged)
        assert client.get("/keys/").status_code == 200
        assert keys.settings_of(Person.objects.get(pk=olga.pk))["keys"]["good"] == ["g"]
