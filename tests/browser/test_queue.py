"""The operator's page, driven as a person drives it: every key, undo, a lost network, a lost session, two people."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from inspections.models import AuditEvent, Capture, DefectClass, How, Label, Person, ReviewItem, SetAside
from inspections.pages.keys import ACTIONS
from inspections.review.answers import decide
from tests import cast
from tests.browser.conftest import Open
from tests.browser.hands import press_twice
from tests.browser.waiting import until
from tests.cast import PASSWORD, a_camera, a_person, a_png, signed_in
from tests.judged import judged

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True, serialized_rollback=True)]
DOUBLE_MS = 200  # as in queue-start.js
OUTBOX = "window.selvedgeQueue.desk.outbox.entries.length"


@pytest.fixture
def olga(transactional_db: None) -> Person:
    return cast.olga()


def waiting(count: int, label: str = "hole", **fields: Any) -> list[Capture]:
    """That many flagged captures, the worst first; 200 pixels wide, 0.1 mm each."""
    camera = a_camera(mm_per_px=0.1)
    shown = {"width": 200, "height": 200, **fields}
    return [judged(camera, label, 0.9 - n / 100, data=a_png(n, (200, 200)), **shown) for n in range(count)]


def at(opened: Open, person: Person, path: str = "/queue/", **options: Any) -> Page:
    """The page, when its first image is painted."""
    page = opened(path, signed_in(person), **{"viewport": {"width": 1280, "height": 800}, **options})
    until(page, "Boolean(window.selvedgeQueue?.desk?.paintedAt)")
    return page


def sent(page: Page) -> None:
    until(page, f"{OUTBOX} === 0")


PAINTED = "!selvedgeQueue.desk.seen || selvedgeQueue.desk.isGone || Boolean(selvedgeQueue.desk.paintedAt)"


def press(page: Page, *keys: str) -> None:
    """Each key when there is something to see, as a person does it."""
    for key in keys:
        until(page, PAINTED)
        page.keyboard.press(key)


def asked(page: Page) -> str:
    """The capture that is seen."""
    return str(page.evaluate("window.selvedgeQueue.desk.seen?.capture"))


def answers() -> list[str]:
    return [label.answer for label in Label.objects.select_related("defect_class").order_by("id")]


def counter(page: Page, name: str) -> Locator:
    return page.locator(f"#q-{name}")


def look(page: Page) -> dict[str, float]:
    """What of the image is seen: 1 is all of it."""
    page.wait_for_timeout(350)  # the zoom glides
    found = page.evaluate("({...selvedgeQueue.desk.viewer.view, rotation: selvedgeQueue.desk.viewer.rotation})")
    return {name: round(value, 3) for name, value in found.items()}


# --- keys: each line of the sheet has its test ------------------------------------------------------------------------


def says(answer: str) -> Callable[[Page, str], None]:
    def check(page: Page, key: str) -> None:
        first = asked(page)
        page.keyboard.press(key)
        sent(page)
        label = Label.objects.get()
        assert (label.answer, str(label.capture_id), label.how) == (answer, first, How.SINGLE)
        assert label.took_ms is not None
        assert asked(page) != first

    return check


def skips(page: Page, key: str) -> None:
    first = asked(page)
    page.keyboard.press(key)
    sent(page)
    assert str(SetAside.objects.get(unsure=False).item.capture_id) == first
    assert asked(page) != first


def undoes(page: Page, key: str) -> None:
    first = asked(page)
    page.keyboard.press("g")
    sent(page)
    page.keyboard.press(key)
    sent(page)
    assert answers() == ["good", "undo"]
    assert asked(page) == first


def goes_back(page: Page, key: str) -> None:
    first = asked(page)
    page.keyboard.press("g")
    page.keyboard.press(key)
    expect(page.get_by_text("Looking back: 1 of 1. You said Good.")).to_be_visible()
    assert asked(page) == first


def goes_on(page: Page, key: str) -> None:
    page.keyboard.press("g")
    second = asked(page)
    page.keyboard.press("ArrowLeft")
    page.keyboard.press(key)
    expect(page.locator("#q-looking")).to_be_hidden()
    assert asked(page) == second


def zooms(page: Page, key: str) -> None:
    page.keyboard.press(key)
    until(page, lambda: look(page)["zoom"] > 2)
    page.keyboard.press(key)
    until(page, lambda: look(page)["zoom"] == 1)


def rotates(page: Page, key: str) -> None:
    page.keyboard.press(key)
    until(page, lambda: look(page)["rotation"] == 90)


def heats(page: Page, key: str) -> None:
    page.keyboard.press(key)
    expect(page.locator(".q-heat-layer")).to_be_visible()
    page.keyboard.press(key)
    expect(page.locator(".q-heat-layer")).to_have_count(0)


def opens(name: str) -> Callable[[Page, str], None]:
    def check(page: Page, key: str) -> None:
        dialog = page.locator(f"#q-{name}")
        page.keyboard.press(key)
        expect(dialog).to_be_visible()
        page.keyboard.press(key)
        expect(dialog).to_be_hidden()

    return check


def notes(page: Page, key: str) -> None:
    page.keyboard.press(key)
    expect(page.locator("#q-note")).to_be_focused()


def closes(page: Page, key: str) -> None:
    page.keyboard.press("d")
    page.keyboard.press(key)
    expect(page.locator("#q-meanings")).to_be_hidden()


def shows_look_alikes(page: Page, key: str) -> None:
    page.keyboard.press(key)
    expect(page.locator("#q-alike")).to_be_visible()  # what is in it: test_queue_alike.py
    page.keyboard.press(key)
    expect(page.locator("#q-alike")).to_be_hidden()


DOES: dict[str, Callable[[Page, str], None]] = {
    "agree": says("hole"),
    "good": says("good"),
    "class_1": says("color"),
    "class_2": says("cut"),
    "class_3": says("hole"),
    "class_4": says("thread"),
    "class_5": says("metal_contamination"),
    "class_6": says("snag"),
    "class_7": says("slub"),
    "class_8": says("stain"),
    "class_9": says("crease"),
    "skip": skips,
    "unsure": says("unsure"),
    "undo": undoes,
    "back": goes_back,
    "next": goes_on,
    "zoom": zooms,
    "heat": heats,
    "alike": shows_look_alikes,
    "rotate": rotates,
    "definition": opens("meanings"),
    "history": opens("details"),
    "note": notes,
    "sheet": opens("sheet"),
    "close": closes,
}
KEYS = [(action.name, key) for action in ACTIONS for key in (*action.keys, *action.fixed)]


def test_every_action_of_the_sheet_has_a_test_of_its_keys() -> None:
    assert set(DOES) == {action.name for action in ACTIONS}


def test_every_key_does_what_the_sheet_says(opened: Open, olga: Person, complaints: list[str]) -> None:
    for code in ("snag", "slub", "stain", "crease"):
        DefectClass.objects.create(code=code, name=code.title())
    waiting(4)
    page = at(opened, olga)
    for action, key in KEYS:
        forget_everything()
        page.goto("/queue/")
        until(page, "Boolean(window.selvedgeQueue?.desk?.paintedAt)")
        DOES[action](page, key.replace("Ctrl+", "Control+"))
        sent(page)
        page.evaluate("window.selvedgeQueue.desk.trail.rows = []")
    assert complaints == []


def forget_everything() -> None:
    SetAside.objects.all().delete()
    Label.objects.filter(how=How.UNDO).delete()
    Capture.objects.update(label=None)
    Label.objects.all().delete()
    ReviewItem.objects.update(closed_at=None, holder=None, lease_until=None)


def test_keys_are_silent_in_fields_and_when_held_down(opened: Open, olga: Person) -> None:
    waiting(3)
    page = at(opened, olga)
    page.keyboard.press("n")
    page.keyboard.type("gs2 h")
    assert page.locator("#q-note").input_value() == "gs2 h"
    page.keyboard.press("Enter")
    assert answers() == []
    page.keyboard.down("g")
    page.keyboard.down("g")  # auto-repeat
    page.keyboard.up("g")
    sent(page)
    assert [(label.answer, label.note) for label in Label.objects.all()] == [("good", "gs2 h")]
    page.locator("#q-line").focus()
    page.keyboard.press("g")
    page.wait_for_timeout(200)
    assert answers() == ["good"]


def test_keys_work_where_another_script_is_written(opened: Open, olga: Person) -> None:
    waiting(3)
    page = at(opened, olga)
    typed = """([key, code, more]) => document.body.dispatchEvent(
        new KeyboardEvent("keydown", { key, code, bubbles: true, ...more }))"""
    page.evaluate(typed, ["п", "KeyG", {}])  # a Russian keyboard's G
    until(page, PAINTED)
    page.evaluate(typed, ["é", "Digit2", {}])  # a French one's 2
    sent(page)
    assert answers() == ["good", "cut"]
    page.evaluate(typed, ["я", "KeyZ", {"ctrlKey": True}])
    sent(page)
    assert answers() == ["good", "cut", "undo"]
    page.evaluate(typed, ["g", "KeyG", {"altKey": True}])
    page.wait_for_timeout(100)
    assert answers() == ["good", "cut", "undo"]


def test_keys_are_changed_and_switched_off_for_this_person(opened: Open, olga: Person) -> None:
    waiting(4)
    page = at(opened, olga)
    page.keyboard.press("?")
    page.get_by_label("Good: no defect").press("x")
    expect(page.locator("#q-keys-said")).to_have_text("Kept.")
    page.get_by_label("Heat-map", exact=True).and_(page.locator("input[name]")).press("x")
    expect(page.get_by_text("“x” already does: Good: no defect")).to_be_visible()
    page.keyboard.press("Escape")
    olga.refresh_from_db()
    assert olga.preferences["keys"] == {"good": "x"}
    assert AuditEvent.objects.filter(action="keys", person=olga).exists()
    page.reload()
    until(page, "Boolean(window.selvedgeQueue?.desk?.paintedAt)")
    page.keyboard.press("g")
    page.keyboard.press("x")
    sent(page)
    assert answers() == ["good"]
    page.locator("#q-sheet-open").click()
    page.get_by_label("Switch the keys off").check()
    expect(page.locator("kbd[data-key=good]").first).to_be_hidden()
    page.keyboard.press("Escape")
    page.keyboard.press("x")
    page.wait_for_timeout(200)
    assert answers() == ["good"]
    until(page, PAINTED)
    page.locator("[data-label=good]").click()
    sent(page)
    assert answers() == ["good", "good"]


# --- deciding and undoing ---------------------------------------------------------------------------------------------


def test_undo_goes_back_any_number_of_steps_also_after_a_reload(opened: Open, olga: Person) -> None:
    captures = [str(one.pk) for one in waiting(5)]
    page = at(opened, olga)
    expect(counter(page, "left")).to_have_text("5")
    press(page, "g", "2", "f", "s")
    until(page, f"window.selvedgeQueue.desk.seen?.capture === '{captures[4]}'")
    expect(counter(page, "left")).to_have_text("1")
    expect(counter(page, "done")).to_have_text("3")
    page.keyboard.press("u")
    assert asked(page) == captures[3]
    sent(page)
    page.reload()
    until(page, "Boolean(window.selvedgeQueue?.desk?.paintedAt)")
    for place in (2, 1, 0):
        page.keyboard.press("Control+z")
        until(page, f"window.selvedgeQueue.desk.seen?.capture === '{captures[place]}'")
        sent(page)
    expect(counter(page, "done")).to_have_text("0")
    assert Capture.objects.filter(label=None).count() == 5
    press(page, "g", "g")
    sent(page)
    assert sorted(answers()) == sorted(["good", "cut", "unsure", "undo", "undo", "undo", "good", "good"])


def test_a_decision_is_changed_while_looking_back(opened: Open, olga: Person) -> None:
    first, _second = waiting(2)
    page = at(opened, olga)
    page.keyboard.press("g")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("[data-label=good][data-said]")).to_be_visible()
    press(page, "2")
    expect(page.locator("#q-looking")).to_be_hidden()
    sent(page)
    first.refresh_from_db()
    assert first.label is not None
    assert first.label.answer == "cut"


def test_a_double_tap_decides_one_image(opened: Open, olga: Person) -> None:
    """The next one stands there 80 ms later, and nobody has looked at it."""
    waiting(3)
    page = at(opened, olga)
    until(page, PAINTED)
    gap = press_twice(page.locator("[data-label=good]"))
    decided = 1 if gap < DOUBLE_MS else 2
    assert page.evaluate("selvedgeQueue.desk.trail.length") == decided
    page.wait_for_timeout(DOUBLE_MS)
    page.locator("[data-label=good]").click()
    until(page, f"selvedgeQueue.desk.trail.length === {decided + 1}")


def test_it_goes_by_touch_alone(opened: Open, olga: Person) -> None:
    waiting(6)
    page = at(opened, olga, viewport={"width": 768, "height": 1024}, has_touch=True)
    for place, button in enumerate(("Agree: Hole", "Good", "Cut", "To a colleague", "Skip")):
        until(page, PAINTED)
        page.get_by_role("button", name=button, exact=True).tap()
        until(page, f"selvedgeQueue.desk.trail.length === {place + 1}")  # the click follows the finger
    page.get_by_role("button", name="Back").tap()
    page.get_by_role("button", name="To the queue").tap()
    page.get_by_role("button", name=re.compile("^Undo")).last.tap()
    until(page, "selvedgeQueue.desk.trail.length === 4")
    sent(page)
    assert answers() == ["hole", "good", "cut", "unsure"]
    for button in ("Zoom", "Rotate", "Heat-map", "Light", "Classes"):
        page.get_by_role("button", name=button, exact=True).first.tap()
    page.locator("#q-meanings").get_by_role("button", name="Close").tap()
    small = page.evaluate(
        """[...document.querySelectorAll('.q button, .q select, .q-frame-link, .q-bar a')]
           .map(one => [one.textContent.trim(), one.getBoundingClientRect()])
           .filter(([, box]) => box.height && (box.height < 47 || box.width < 47)).map(([text]) => text)"""
    )
    assert small == []
    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")


def test_after_a_click_the_space_bar_agrees_and_presses_nothing_again(opened: Open, olga: Person) -> None:
    waiting(3)
    page = at(opened, olga)
    page.get_by_role("button", name="Cut", exact=True).click()
    press(page, "Space")
    sent(page)
    assert answers() == ["cut", "hole"]


# --- seeing well ------------------------------------------------------------------------------------------------------


def test_zoom_and_rotation_stay_from_image_to_image(opened: Open, olga: Person) -> None:
    camera = a_camera(mm_per_px=0.1)
    judged(camera, "hole", 0.9, data=a_png(1, (200, 200)), width=200, height=200)
    judged(camera, "hole", 0.8, data=a_png(2, (300, 120)), width=300, height=120)
    page = at(opened, olga)
    page.keyboard.press("z")
    page.keyboard.press("r")
    page.mouse.move(400, 400)
    page.mouse.wheel(0, -300)
    page.mouse.down()
    page.mouse.move(480, 430, steps=4)
    page.mouse.up()
    until(page, lambda: look(page)["zoom"] > 3)
    before = look(page)
    assert before["x"] != 0.5
    scale = page.locator("#q-scale").inner_text()
    assert re.fullmatch(r"[125]0* (mm|µm|cm)", scale)
    page.keyboard.press("g")
    after = look(page)
    assert after == pytest.approx(before, abs=0.02)


def test_light_and_contrast_change_the_image_and_not_the_heat_map(opened: Open, olga: Person) -> None:
    waiting(2)
    page = at(opened, olga)
    page.keyboard.press("h")
    page.get_by_role("button", name="Light", exact=True).click()
    page.locator("#q-contrast").press("ArrowRight")
    page.locator("#q-opacity").press("ArrowLeft")
    assert page.locator("#q-osd canvas").first.evaluate("e => e.style.filter") == "brightness(100%) contrast(105%)"
    assert page.locator(".q-heat-layer").evaluate("e => e.style.opacity") == "0.65"
    page.keyboard.press("g")
    expect(page.locator(".q-heat-layer")).to_be_visible()
    page.get_by_role("button", name="Reset").click()
    assert page.locator("#q-osd canvas").first.evaluate("e => e.style.filter") == ""


def test_good_cloth_neighbours_and_history_stand_beside_it(opened: Open, olga: Person) -> None:
    good = judged(a_camera(), "good", 0.01, data=a_png(9))
    first, second = waiting(2)
    decide(cast.mara(), second, "unsure", timezone.now())
    page = at(opened, olga)
    expect(page.locator(".q-reference a")).to_have_attribute("href", good.get_absolute_url())
    expect(page.locator(".q-film li")).to_have_count(3)
    page.locator(f".q-film a[href='{second.get_absolute_url()}']").click()
    expect(page.locator("#q-peek-image")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#q-inline")).to_contain_text("Judged by 2026.11.1: Hole")
    page.keyboard.press("g")
    expect(page.locator("#q-inline")).to_contain_text("mara")
    assert asked(page) == str(second.pk) != str(first.pk)


def test_a_blind_image_shows_nothing_of_the_answer(opened: Open, olga: Person) -> None:
    first, second = waiting(2)
    ReviewItem.objects.filter(capture=first).update(blind=True)
    page = at(opened, olga)
    expect(page.get_by_text("Judge by your own eyes").first).to_be_visible()
    expect(page.locator("[data-do=agree]")).to_be_disabled()
    text = page.locator("#q-work").inner_text()
    assert "Anomaly" not in text
    assert "Judged" not in text
    assert page.locator(".q-film .state").count() == 0
    page.keyboard.press("Space")
    page.keyboard.press("h")
    expect(page.locator(".q-heat-layer")).to_have_count(0)
    assert answers() == []
    press(page, "3")
    sent(page)
    assert Label.objects.get().how == How.BLIND
    assert asked(page) == str(second.pk)
    expect(page.locator("#q-answer")).to_contain_text("The model says")
    page.keyboard.press("ArrowLeft")  # the model's answer comes after one's own
    expect(page.locator("#q-answer")).to_contain_text("olga said Hole.")
    expect(page.locator("#q-inline")).to_contain_text("blind: before seeing what the model said")
    page.keyboard.press("u")
    sent(page)
    assert asked(page) == str(first.pk)
    expect(page.get_by_text("Judge by your own eyes").first).to_be_visible()
    press(page, "3")
    sent(page)
    assert [label.how for label in Label.objects.order_by("id")] == [How.BLIND, How.UNDO, How.SINGLE]


def test_an_image_that_vanished_is_skipped_or_passed_on_and_nothing_else(opened: Open, olga: Person) -> None:
    first, second, _third = waiting(3)
    default_storage.delete(first.path)
    page = opened("/queue/", signed_in(olga))
    expect(page.get_by_text("There is no picture to show.")).to_be_visible()
    expect(page.get_by_role("button", name="Good", exact=True)).to_be_disabled()
    page.keyboard.press("g")
    page.keyboard.press("Space")
    assert asked(page) == str(first.pk)
    default_storage.delete(second.path)  # after the server looked
    page.keyboard.press("f")
    sent(page)
    assert answers() == ["unsure"]


def test_a_class_name_with_markup_is_text(opened: Open, olga: Person, complaints: list[str]) -> None:
    name = "<img src=x onerror=alert(1)>"
    DefectClass.objects.create(code="odd", name=name, definition="</script><b>bold</b>")
    DefectClass.objects.filter(code="hole").update(name=name + "2")
    waiting(2)
    page = at(opened, olga)
    expect(page.locator("#q-answer strong")).to_have_text(name + "2")
    page.keyboard.press("6")
    expect(page.locator("#q-undo-word")).to_have_text(name)
    page.keyboard.press("d")
    expect(page.locator("#meaning-odd p")).to_have_text("</script><b>bold</b>")
    sent(page)
    assert answers() == ["odd"]
    assert complaints == []


# --- never lose a decision --------------------------------------------------------------------------------------------


def test_a_lost_network_loses_nothing(opened: Open, olga: Person) -> None:
    captures = [str(one.pk) for one in waiting(4)]
    page = at(opened, olga)
    until(page, "window.selvedgeQueue.desk.ahead.every(i => selvedgeQueue.desk.viewer.pictures.get(i.capture)?.image)")
    page.context.set_offline(True)
    press(page, "g", "2", "3")
    page.keyboard.press("u")  # never left, so nothing is to be taken back
    expect(page.get_by_text("Decisions kept in this browser until it returns: 2.")).to_be_visible()
    expect(page.locator("#q-sent")).to_contain_text("2 to send")
    assert asked(page) == captures[2]
    assert answers() == []
    page.context.set_offline(False)
    page.evaluate("dispatchEvent(new Event('online'))")
    sent(page)
    assert answers() == ["good", "cut"]
    expect(page.locator("#q-banners .notice")).to_have_count(0)


def test_a_session_that_ended_keeps_the_decisions_until_the_same_person_is_back(opened: Open, olga: Person) -> None:
    waiting(4)
    page = at(opened, olga, "/queue/?order=old")
    Session.objects.all().delete()
    press(page, "g", "2")
    expect(page.get_by_text("Decisions kept: 2. Sign in to send them.")).to_be_visible()
    page.get_by_role("link", name="Sign in").click()
    cast.mara()
    sign_in(page, "mara")
    expect(page).to_have_url(re.compile(r"/queue/\?order=old$"))
    expect(page.get_by_text("Decisions of olga kept in this browser: 2.")).to_be_visible()
    page.wait_for_timeout(500)
    assert answers() == []
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile("/login/$"))
    page.goto("/login/?next=/queue/")
    sign_in(page, "olga")
    sent(page)
    assert [(label.answer, label.person) for label in Label.objects.order_by("id")] == [("good", olga), ("cut", olga)]


def sign_in(page: Page, name: str) -> None:
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Password").press("Enter")
    page.wait_for_url(re.compile(r"\d/queue/"))
    until(page, "Boolean(window.selvedgeQueue?.desk)")


def test_an_answer_that_never_arrived_is_sent_again_and_counts_once(opened: Open, olga: Person) -> None:
    waiting(2)
    page = at(opened, olga)
    torn = []

    def tear(route: Any) -> None:
        if torn:
            return route.continue_()
        torn.append(route.fetch())  # the server hears it, the page does not hear the server
        return route.abort()

    page.route("**/labels/", tear)
    page.keyboard.press("g")
    until(page, f"{OUTBOX} === 0")
    assert torn[0].status == 201
    assert answers() == ["good"]


def test_an_undo_after_a_lost_answer_is_sent_also_after_a_reload(opened: Open, olga: Person) -> None:
    first, _second = waiting(2)
    page = at(opened, olga)
    heard = []

    def tear(route: Any) -> None:
        if not heard:
            heard.append(route.fetch())  # the server hears it, the page does not hear the server
        return route.abort()

    page.route("**/api/v1/**", tear)
    page.keyboard.press("g")
    until(page, "selvedgeQueue.desk.outbox.state === 'offline'")
    page.keyboard.press("u")
    until(page, f"{OUTBOX} === 2")
    page.reload()
    until(page, "Boolean(window.selvedgeQueue?.desk)")
    assert asked(page) != str(first.pk)  # what is being said of it is not known here yet
    until(page, f"{OUTBOX} === 2")
    page.unroute_all()
    page.evaluate("selvedgeQueue.desk.outbox.now()")
    sent(page)
    assert answers() == ["good", "undo"]
    page.evaluate(
        """(() => { const { desk, token } = selvedgeQueue; const { capture } = desk.current;
           desk.outbox.put({ kind: 'undo', token: token(), of: token(), capture, label: 'good' }); })()"""
    )
    expect(page.get_by_text("It is not known what became of your Good")).to_be_visible()


def test_what_was_skipped_is_answered_while_looking_back_and_a_note_stays_with_its_image(
    opened: Open, olga: Person
) -> None:
    first, *_rest = waiting(3)
    page = at(opened, olga)
    page.keyboard.press("n")
    page.keyboard.type("a thread, perhaps")
    page.keyboard.press("Enter")
    page.keyboard.press("s")
    assert page.locator("#q-note").input_value() == ""
    sent(page)
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_text("You said Skipped")).to_be_visible()
    assert page.locator("#q-note").input_value() == "a thread, perhaps"
    press(page, "2")
    sent(page)
    label = Label.objects.get()
    assert (label.capture, label.answer, label.note) == (first, "cut", "a thread, perhaps")
    expect(counter(page, "done")).to_have_text("1")
    expect(page.locator("#q-undo-word")).to_have_text("Cut")


def test_late_answers_put_nothing_else_under_the_hand(opened: Open, olga: Person) -> None:
    first, second, third, *_rest = waiting(5)
    page = at(opened, olga)
    press(page, "g", "g")
    sent(page)
    page.reload()  # now looking back needs the server
    until(page, "Boolean(window.selvedgeQueue?.desk?.paintedAt)")
    assert asked(page) == str(third.pk)
    held: list[Any] = []
    page.route("**/queue/items/*capture=*", lambda route: held.append(route))
    page.keyboard.press("ArrowLeft")
    press(page, "g")
    now = asked(page)
    until(page, f"'{second.pk}' !== selvedgeQueue.desk.seen.capture")
    until(page, lambda: held)
    for route in held:
        route.continue_()
    page.unroute_all(behavior="wait")
    page.wait_for_timeout(300)
    assert asked(page) == now != str(first.pk)
    sent(page)
    until(page, "!selvedgeQueue.desk.feed.busy")
    mara = cast.mara()
    with transaction.atomic():  # or the page, which asks now and then, may hold it again
        ReviewItem.objects.filter(capture=now).update(holder=None, lease_until=None)
        decide(mara, Capture.objects.get(pk=now), "cut", timezone.now())
    page.evaluate("selvedgeQueue.desk.feed.soon(0)")
    expect(page.get_by_text("This image was decided meanwhile.")).to_be_visible()
    page.keyboard.press("g")
    assert asked(page) == now
    page.keyboard.press("ArrowRight")
    assert asked(page) != now


def test_one_decision_that_breaks_the_server_holds_up_no_other(opened: Open, olga: Person) -> None:
    first, second, third = waiting(3)
    page = at(opened, olga)
    page.evaluate("""localStorage.setItem('selvedge-outbox:olga', JSON.stringify([7, null, {}, {kind: 'undo'}]))""")
    html = {"status": 403, "content_type": "text/html", "body": "<h1>Welcome to the guests' network</h1>"}
    page.route(f"**/{first.pk}/labels/", lambda route: route.fulfill(**html))
    page.keyboard.press("g")
    expect(
        page.locator("#q-banners").get_by_text("No connection to Selvedge.")
    ).to_be_visible()  # not an answer of Selvedge
    # In the place of the other at once: between two routes it would be sent, and taken.
    page.route(f"**/{first.pk}/labels/", lambda route: route.fulfill(status=500, body="{}"))
    given_up = page.get_by_text("Selvedge failed over your Good, again and again.")

    def sent_and_given_up() -> bool:
        page.evaluate("selvedgeQueue.desk.outbox.now()")  # one that finds the one before still under way sends nothing
        return given_up.is_visible()

    until(page, sent_and_given_up)
    press(page, "2", "3")
    until(page, f"{OUTBOX} === 1")
    assert answers() == ["cut", "hole"]
    assert {label.capture for label in Label.objects.all()} == {second, third}
    page.get_by_role("button", name="Let it be").click()
    expect(page.locator(".q-card")).to_have_count(0)
    assert page.evaluate(OUTBOX) == 0


def test_an_empty_queue_and_one_out_of_reach_are_two_things(opened: Open, olga: Person) -> None:
    (only,) = waiting(1)
    page = at(opened, olga)
    page.route("**/queue/items/**", lambda route: route.abort())
    page.keyboard.press("g")
    sent(page)
    expect(page.get_by_role("heading", name="The next images are not here yet")).to_be_visible()
    expect(page.get_by_role("heading", name="Nothing waits for you")).to_be_hidden()
    page.unroute_all()
    page.evaluate("selvedgeQueue.desk.feed.soon(0)")
    expect(page.get_by_role("heading", name="Nothing waits for you")).to_be_visible()
    Label.objects.update(person=cast.mara())  # a colleague's now
    page.get_by_role("button", name="Back").click()
    expect(page.get_by_text("Looking back: 1 of 1.")).to_be_visible()
    page.get_by_role("button", name="To the queue").click()
    page.get_by_role("button", name="Undo Good").click()
    sent(page)
    expect(page.get_by_text("it is the label of")).to_be_visible()
    until(page, f"!selvedgeQueue.desk.seen || selvedgeQueue.desk.seen.capture === '{only.pk}'")


def test_nobody_judges_before_the_picture_is_there_and_one_that_failed_once_is_tried_again(
    opened: Open, olga: Person
) -> None:
    _first, second, _third = waiting(3)
    routes: list[Any] = []
    page = opened("/login/", signed_in(olga), viewport={"width": 1280, "height": 800})
    page.route(f"**/captures/{second.pk}/view/", lambda route: routes.append(route))
    page.goto("/queue/", wait_until="commit")
    until(page, "Boolean(window.selvedgeQueue?.desk?.paintedAt)")
    page.keyboard.press("g")
    assert asked(page) == str(second.pk)
    page.keyboard.press("g")
    expect(page.locator("#q-say")).to_have_text("Wait for the image.")
    assert asked(page) == str(second.pk)
    until(page, lambda: routes)
    page.route(f"**/captures/{second.pk}/view/", lambda route: route.abort())  # whenever it is asked for again
    for route in routes:
        route.abort()
    expect(page.get_by_text("There is no picture to show.")).to_be_visible()
    page.unroute_all()
    page.evaluate("selvedgeQueue.desk.feed.soon(0)")
    until(page, "Boolean(selvedgeQueue.desk.paintedAt)")
    expect(page.get_by_text("There is no picture to show.")).to_be_hidden()
    press(page, "g")
    sent(page)
    assert answers() == ["good", "good"]


def test_a_browser_that_keeps_nothing_says_so_and_still_sends(opened: Open, olga: Person) -> None:
    waiting(2)
    page = at(opened, olga)
    page.evaluate("void (Storage.prototype.setItem = () => { throw new DOMException('full') })")
    page.keyboard.press("g")
    expect(page.get_by_text("This browser keeps nothing")).to_be_visible()
    sent(page)
    assert answers() == ["good"]


def test_an_overloaded_server_is_asked_again(opened: Open, olga: Person) -> None:
    waiting(2)
    page = at(opened, olga)
    read: list[str] = []

    def busy(route: Any) -> None:
        if read:
            return route.continue_()
        return route.fulfill(status=503, headers={"Retry-After": "1"}, body="<h1>busy</h1>")

    page.route("**/labels/", busy)
    page.keyboard.press("g")
    expect(page.get_by_text("Selvedge is busy. Decisions kept: 1.")).to_be_visible()
    read.append("busy")
    sent(page)
    assert answers() == ["good"]


def test_a_decision_that_comes_too_late_says_so_and_can_be_made_again(opened: Open, olga: Person) -> None:
    first, second, *_rest = waiting(4)
    page = at(opened, olga)
    mara = cast.mara()
    page.route("**/queue/items/**", lambda route: route.abort())  # it hears of nothing before the key is pressed
    until(page, "!selvedgeQueue.desk.feed.busy")
    ReviewItem.objects.update(holder=None, lease_until=None)
    decide(mara, first, "cut", timezone.now())
    page.keyboard.press("g")
    expect(page.get_by_text("mara said Cut before your Good arrived.")).to_be_visible()
    page.unroute("**/queue/items/**")
    page.reload()  # a card stays until somebody has read it
    until(page, "Boolean(window.selvedgeQueue?.desk?.paintedAt)")
    page.get_by_role("button", name="Decide again").click()
    until(page, f"window.selvedgeQueue.desk.seen?.capture === '{first.pk}'")
    expect(page.locator("#q-answer")).to_contain_text("mara said Cut.")
    press(page, "g")
    sent(page)
    first.refresh_from_db()
    assert first.label is not None
    assert (first.label.answer, first.label.person) == ("good", olga)
    assert page.locator(".q-card").count() == 0
    DefectClass.objects.filter(code="thread").update(active=False)
    assert asked(page) == str(second.pk)
    press(page, "4")
    expect(page.get_by_text("Your Thread was not kept: this class was retired meanwhile.")).to_be_visible()
    page.get_by_role("button", name="Leave it as it is").click()
    expect(page.locator(".q-card")).to_have_count(0)


# --- several people ---------------------------------------------------------------------------------------------------


def test_a_note_is_written_by_touch_on_a_tablet_held_upright(opened: Open, olga: Person) -> None:
    waiting(2)
    page = at(opened, olga, viewport={"width": 768, "height": 1024})
    expect(page.locator("#q-note")).to_be_hidden()
    page.get_by_role("button", name="Note").click()
    page.locator("#q-note").fill("beside the seam")
    page.get_by_role("button", name="Good", exact=True).click()
    sent(page)
    assert [label.note for label in Label.objects.all()] == ["beside the seam"]


def test_two_people_never_have_the_same_image_and_leaving_gives_it_back(opened: Open, olga: Person) -> None:
    waiting(8)
    oskar = a_person("oskar", olga.role, *olga.lines.all())
    hers, his = at(opened, olga), at(opened, oskar)
    in_hand = "window.selvedgeQueue.desk.inHand.map(item => item.capture)"
    until(hers, "window.selvedgeQueue.desk.inHand.length === 4")
    until(his, "window.selvedgeQueue.desk.inHand.length === 4")
    assert not set(hers.evaluate(in_hand)) & set(his.evaluate(in_hand))
    expect(hers.locator("#q-lease")).to_contain_text("Yours until")
    for _turn in range(4):
        press(hers, "g")
        press(his, "2")
    sent(hers)
    sent(his)
    assert Label.objects.values("capture").distinct().count() == 8
    his.goto("/")  # or chance says whose page asks first for the two
    waiting(2)
    until(hers, "window.selvedgeQueue.desk.inHand.length === 2")
    his.goto("/queue/")
    until(his, "document.querySelector('#q-work').hidden === true")
    hers.goto("/")
    until(his, "document.querySelector('#q-work').hidden === false")


def test_what_is_in_hand_is_given_back_by_who_leaves_and_not_by_who_reloads(opened: Open, olga: Person) -> None:
    waiting(3)
    page = at(opened, olga)
    asked_for: list[str] = []
    page.context.on("request", lambda request: asked_for.append(request.url) if request.method == "DELETE" else None)
    page.reload()
    until(page, "Boolean(window.selvedgeQueue?.desk?.paintedAt)")
    assert asked_for == []
    page.locator("#q-order").select_option("new")
    page.wait_for_url("**/queue/?order=new")
    until(page, "Boolean(window.selvedgeQueue?.desk?.paintedAt)")
    assert len(asked_for) == 1
    assert asked_for[0].count("item=") == 3
    assert asked_for[0].endswith("person=olga")
    # Where giving back took long, the new page did not wait for it, and holds them once it has asked again.
    until(page, lambda: ReviewItem.objects.held_by(olga, timezone.now()).count() == 3)
    page.evaluate("selvedgeQueue.desk.feed.tabs.seen.set('another', performance.now() + 60000)")
    page.goto("/")
    page.wait_for_timeout(300)
    assert len(asked_for) == 1


def test_who_decides_it_now_is_said_when_the_lease_was_lost(opened: Open, olga: Person) -> None:
    first, *_rest = waiting(3)
    page = at(opened, olga)
    until(page, "!window.selvedgeQueue.desk.feed.busy")
    oskar = a_person("oskar", olga.role, *olga.lines.all())
    until_then = timezone.now() + timezone.timedelta(minutes=2)
    ReviewItem.objects.filter(capture=first).update(holder=oskar, lease_until=until_then)
    page.evaluate("window.selvedgeQueue.desk.feed.soon(0)")
    expect(page.get_by_text("oskar decides this image now.")).to_be_visible()
    page.keyboard.press("g")
    page.keyboard.press("ArrowRight")
    assert asked(page) != str(first.pk)
    assert answers() == []


def test_an_empty_queue_says_so_and_shows_what_arrives(opened: Open, olga: Person, complaints: list[str]) -> None:
    a_camera()
    page = opened("/queue/", signed_in(olga))
    expect(page.get_by_role("heading", name="Nothing waits for you")).to_be_visible()
    (new,) = waiting(1)
    until(page, f"window.selvedgeQueue.desk.seen?.capture === '{new.pk}'")
    page.keyboard.press("s")
    expect(page.get_by_role("button", name="Look again at what you skipped")).to_be_visible()
    sent(page)
    page.get_by_role("button", name="Look again at what you skipped").click()
    until(page, f"window.selvedgeQueue?.desk?.seen?.capture === '{new.pk}'")
    assert complaints == []


# --- without a script -------------------------------------------------------------------------------------------------


def test_without_javascript_forms_decide_and_undo(opened: Open, olga: Person) -> None:
    first, second = waiting(2)
    page = opened("/queue/?order=worst", signed_in(olga), java_script_enabled=False)
    expect(page.get_by_alt_text("The image to decide")).to_be_visible()
    asked_for = page.locator("#q-decide input[name=capture]").first
    page.get_by_role("button", name="Agree: Hole").click()
    expect(page).to_have_url("/queue/?order=worst&last")
    assert Label.objects.get().capture == first
    page.get_by_role("button", name="Undo Hole").click()
    expect(asked_for).to_have_value(str(first.pk))
    assert answers() == ["hole", "undo"]
    page.get_by_role("button", name="Skip").click()
    expect(asked_for).to_have_value(str(second.pk))
    page.get_by_role("button", name="Good", exact=True).click()
    until(page, lambda: answers() == ["hole", "undo", "good"])
    second.refresh_from_db()
    assert second.label is not None
    assert second.label.answer == "good"


def test_an_image_that_could_not_come_is_not_called_lost(opened: Open, olga: Person) -> None:
    _first, second = waiting(2)
    page = at(opened, olga)
    page.context.set_offline(True)
    page.keyboard.press("g")
    until(page, f"window.selvedgeQueue.desk.seen.capture === '{second.pk}'")
    page.evaluate("window.selvedgeQueue.desk.viewer.failed(window.selvedgeQueue.desk.viewer.seen)")
    expect(page.get_by_text("This image is not here yet.")).to_be_visible()
    page.keyboard.press("1")
    expect(page.locator("#q-hint")).to_have_text("Wait for the image.")
    page.context.set_offline(False)
    expect(page.locator("#q-gone")).to_be_hidden()
    assert asked(page) == str(second.pk)


def test_why_a_key_does_nothing_on_a_blind_image_is_shown(opened: Open, olga: Person) -> None:
    (first,) = waiting(1)
    ReviewItem.objects.filter(capture=first).update(blind=True)
    page = at(opened, olga)
    page.keyboard.press("Space")
    expect(page.locator("#q-hint")).to_have_text("Nothing to agree with yet: say what you see.")
    page.keyboard.press("h")
    expect(page.locator("#q-hint")).to_have_text("The heat-map comes after your answer.")
