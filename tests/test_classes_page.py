"""`/classes/`: what the classes mean, and who may change it."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from inspections.models import AuditEvent, DefectClass
from inspections.pages.classes import definitions
from inspections.review.answers import decide
from tests import cast
from tests.cast import a_camera, signed_in
from tests.judged import judged

pytestmark = pytest.mark.django_db
MARKUP = "<b onclick=x>Snag</b>"


@pytest.fixture
def mara() -> Client:
    return signed_in(cast.mara())


def a_class(code: str) -> DefectClass:
    return DefectClass.objects.get(code=code)


def seen(client: Client, code: str) -> str:
    """What the page's form says that its reader saw."""
    text = client.get("/classes/").content.decode()
    found = re.search(rf'action="/classes/{code}/".*?name="seen" value="(\w+)"', text, re.DOTALL)
    assert found
    return found[1]


def change(client: Client, code: str, **said: Any) -> Any:
    one = a_class(code)
    values = {"name": one.name, "definition": one.definition, "seen": seen(client, code)}
    switches = {name: "on" for name in ("critical", "active") if getattr(one, name)}
    sent = {**values, **switches, **said}
    return client.post(f"/classes/{code}/", {name: value for name, value in sent.items() if value is not None})


def add(client: Client, **said: Any) -> Any:
    return client.post("/classes/", {"name": "Snag", "code_": "snag", "family": "yarn", "definition": "", **said})


# --- reading ----------------------------------------------------------------------------------------------------


def test_every_starter_class_has_a_definition_and_a_drawn_picture() -> None:
    cards = definitions(cast.olga())
    assert len(cards) == 6
    assert all(
        card.definition and card.picture_url == f"/static/inspections/classes/{card.code}.webp" for card in cards
    )


def test_the_drawn_pictures_are_small() -> None:
    from django.contrib.staticfiles import finders
    from PIL import Image

    for one in DefectClass.objects.all():
        path = finders.find(f"inspections/classes/{one.code}.webp")
        assert path
        with Image.open(path) as picture:
            assert picture.size == (192, 192)
        assert Path(path).stat().st_size < 12 * 1024


def test_an_operator_reads_and_changes_nothing() -> None:
    olga = signed_in(cast.olga())
    text = olga.get("/classes/").content.decode()
    assert "An opening with threads missing" in text
    assert "<form method" not in text.partition("<main")[2].partition("</main>")[0]
    assert olga.post("/classes/hole/", {"name": "x"}).status_code == 403
    assert add(olga).status_code == 403
    assert AuditEvent.objects.filter(action__in=["definition", "new-class"]).count() == 0


def test_a_mills_own_class_shows_what_was_called_so_or_a_designed_place(mara: Client) -> None:
    add(mara)
    assert "No picture yet" in mara.get("/classes/").content.decode()
    capture = judged(a_camera())
    decide(cast.olga(), capture, "snag", timezone.now())
    assert f'<img src="/captures/{capture.pk}/view/"' in mara.get("/classes/").content.decode()


def test_a_chosen_example_is_shown_to_those_who_may_see_it(mara: Client) -> None:
    capture = judged(a_camera("loom-1"))
    mara.post(f"/captures/{capture.pk}/example/", {"class": "hole"})
    assert a_class("hole").example_id == capture.pk
    hole = next(card for card in definitions(cast.olga()) if card.code == "hole")
    assert hole.capture == capture.pk
    hole = next(card for card in definitions(cast.otto()) if card.code == "hole")
    assert hole.picture_url.endswith("hole.webp")
    assert hole.capture is None


def test_the_example_can_be_taken_away(mara: Client) -> None:
    capture = judged(a_camera())
    mara.post(f"/captures/{capture.pk}/example/", {"class": "hole"})
    change(mara, "hole", back="on")
    assert a_class("hole").example_id is None


def test_the_page_asks_few_questions_however_many_classes(mara: Client, django_assert_max_num_queries: Any) -> None:
    for number in range(20):
        DefectClass.objects.create(code=f"own-{number}", name=f"Own {number}")
    with django_assert_max_num_queries(10):
        mara.get("/classes/")


# --- changing ---------------------------------------------------------------------------------------------------


def test_a_manager_changes_a_definition_and_the_log_says_what(mara: Client) -> None:
    response = change(mara, "hole", definition="Any opening.", critical="on")
    assert response.headers["Location"] == "/classes/#class-hole"
    assert (a_class("hole").definition, a_class("hole").critical) == ("Any opening.", True)
    row = AuditEvent.objects.get(action="definition")
    assert (row.person.username if row.person else "", row.subject) == ("mara", "class hole")
    assert row.detail["critical"] == [False, True]
    assert set(row.detail) == {"critical", "definition"}


def test_what_somebody_changed_meanwhile_is_not_overwritten(mara: Client) -> None:
    old = seen(mara, "hole")
    change(signed_in(cast.ada()), "hole", name="Loch")
    response = mara.post("/classes/hole/", {"name": "Hole!", "definition": "Mine.", "active": "on", "seen": old})
    text = response.content.decode()
    assert response.status_code == 409
    assert "ada changed this class meanwhile." in text
    assert "Mine." in text  # what was written is kept
    assert a_class("hole").name == "Loch"


def test_whoever_presses_twice_adds_and_changes_once(mara: Client) -> None:
    for _press in range(2):
        assert add(mara).status_code == 302
    assert add(mara, name="Another").status_code == 400
    before = seen(mara, "snag")
    for _press in range(2):
        assert change(mara, "snag", definition="A thread that was pulled.", seen=before).status_code == 302
    told = AuditEvent.objects.filter(subject="class snag").order_by("id").values_list("action", flat=True)
    assert list(told) == ["new-class", "definition"]


def test_a_retired_class_stands_apart_and_takes_no_label(mara: Client) -> None:
    change(mara, "cut", active=None)
    assert not a_class("cut").active
    text = mara.get("/classes/").content.decode()
    assert text.index('id="class-cut"') > text.index("They take no new labels")
    capture = judged(a_camera())
    assert 'value="cut"' not in mara.get(f"/captures/{capture.pk}/").content.decode().partition("<main")[2]
    response = mara.post(f"/captures/{capture.pk}/label/", {"answer": "cut"})
    assert response.status_code == 400
    assert "This class was retired meanwhile." in response.content.decode()


def test_good_can_be_neither_retired_nor_critical(mara: Client) -> None:
    change(mara, "good", active=None, critical="on", name="Fine")
    good = a_class("good")
    assert (good.name, good.active, good.critical) == ("Fine", True, False)


# --- adding -----------------------------------------------------------------------------------------------------


def test_a_new_class_can_be_chosen_at_once(mara: Client) -> None:
    assert add(mara, critical="on").headers["Location"] == "/classes/#class-snag"
    one = a_class("snag")
    assert (one.name, one.family, one.critical, one.active) == ("Snag", "yarn", True, True)
    assert AuditEvent.objects.get(action="new-class").subject == "class snag"
    capture = judged(a_camera())
    mara.post(f"/captures/{capture.pk}/label/", {"answer": "snag"})
    capture.refresh_from_db()
    assert capture.defect_class == one


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"code_": "unknown"}, "“unknown” is an answer and can be no class."),
        ({"code_": "unsure"}, "“unsure” is an answer and can be no class."),
        ({"code_": "hole"}, "There is a class with this code already."),
        ({"code_": "Snag"}, "Small letters, digits, - and _ only."),
        ({"code_": "a b"}, "Small letters, digits, - and _ only."),
        ({"code_": "x" * 41}, "at most 40 characters"),
        ({"name": ""}, "This field is required."),
        ({"name": "HOLE"}, "Another class has this name."),
        ({"name": "x" * 81}, "at most 80 characters"),
        ({"definition": "x" * 2001}, "at most 2000 characters"),
        ({"family": "sky"}, "Select a valid choice."),
        ({"name": "a\0b"}, "characters in it that nobody can type"),
    ],
)
def test_what_can_be_no_class_is_told_in_words(mara: Client, said: dict[str, str], words: str) -> None:
    response = add(mara, **said)
    assert response.status_code == 400
    assert words in response.content.decode()
    assert DefectClass.objects.count() == 6


def test_a_class_name_with_markup_comes_out_as_text_everywhere(mara: Client) -> None:
    add(mara, name=MARKUP, definition="<script>alert(1)</script>")
    olga = cast.olga()
    capture, waiting = judged(a_camera()), judged(a_camera())
    decide(olga, capture, "snag", timezone.now())
    mara.post(f"/captures/{capture.pk}/known/", {"class": "snag", "was": ""})
    addresses = ["/classes/", "/queue/grid/", "/flagged/", "/lines/loom-1/", "/queue/"]
    for address in [*addresses, capture.get_absolute_url(), waiting.get_absolute_url()]:
        text = mara.get(address).content.decode()
        assert "<b onclick" not in text, address
        assert "<script>alert" not in text, address
        assert "&lt;b onclick=x&gt;Snag" in text, address


@pytest.mark.parametrize("address", ["/classes/", "/classes/hole/"])
@pytest.mark.parametrize("field", ["name", "definition", "code_", "seen", "family"])
def test_characters_that_nobody_can_type_are_refused(mara: Client, address: str, field: str) -> None:
    sent = {"name": "Snag", "code_": "snag", "family": "yarn", "definition": "A loop.", field: "a\x00b"}
    response = mara.post(address, sent)
    assert response.status_code == 400
    assert "characters in it that nobody can type" in response.content.decode()
