"""The grid in a real browser: by keyboard alone, by touch alone, with a colleague in between, and without a network."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.files.storage import default_storage
from django.utils import timezone
from playwright.sync_api import Page, expect

from inspections.models import Capture, How, Label, Person, ReviewItem
from inspections.review.answers import decide
from tests import cast
from tests.browser.conftest import Open
from tests.browser.waiting import until
from tests.cast import a_camera, a_line, a_png, signed_in
from tests.judged import judged

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True, serialized_rollback=True)]
GRID = "/queue/grid/"
DESKTOP = {"width": 1280, "height": 800}
TABLET = {"width": 768, "height": 1024}
COUNT = 40


@pytest.fixture
def captures(transactional_db: None) -> list[Capture]:
    """Worst first, as the grid shows them; more than fit on a screen."""
    return [judged(a_camera(), "hole", 0.99 - number / 100, data=a_png(number)) for number in range(COUNT)]


@pytest.fixture
def olga(transactional_db: None) -> Person:
    return cast.olga()


@pytest.fixture
def oscar(transactional_db: None) -> Person:
    """Another operator of Olga's line."""
    return cast.a_person("oscar", cast.Role.OPERATOR, a_line("loom-1"))


def ready(page: Page) -> Page:
    """Once all that is on the screen counts as seen."""
    expect(page.locator("#grid-all-n")).to_have_text(re.compile(r"^[1-9]"))
    page.wait_for_load_state("networkidle")
    until(page, lambda: page.locator("#grid-all-n").inner_text() == str(on_screen(page)))
    return page


def on_screen(page: Page) -> int:
    """Tiles that can be picked and of which most can be seen: what lies under the bar cannot."""
    return int(
        page.evaluate(
            """() => {
              const edge = document.getElementById("grid-bar").getBoundingClientRect().top;
              const seen = (b) => (Math.min(b.bottom, edge) - Math.max(b.top, 0)) / b.height >= 0.6;
              return [...document.querySelectorAll(".tile[data-held='']:not(.is-missing, .is-taken)")]
                .filter((tile) => seen(tile.getBoundingClientRect())).length;
            }"""
        )
    )


def tile(page: Page, capture: Capture) -> Any:
    return page.locator(f"#t-{capture.pk} .tile-in")


def picked(page: Page) -> int:
    return page.locator(".tile.is-picked").count()


def said(page: Page, text: str) -> None:
    expect(page.locator("#grid-say")).to_have_text(text)


def labelled(*captures: Capture) -> set[str]:
    rows = Capture.objects.filter(pk__in=[one.pk for one in captures]).select_related("label__defect_class")
    return {row.label.answer if row.label else "" for row in rows}


def test_a_click_and_a_shift_click_pick_a_run_and_one_key_labels_it(
    opened: Open, captures: list[Capture], olga: Person, complaints: list[str]
) -> None:
    page = ready(opened(GRID, signed_in(olga), viewport=DESKTOP))
    tile(page, captures[1]).click()
    tile(page, captures[4]).click(modifiers=["Shift"])
    said(page, "Picked: 4")
    tile(page, captures[2]).click()
    said(page, "Picked: 3")
    page.keyboard.press("4")
    said(page, "Thread: 3")
    expect(page.locator(f"#t-{captures[1].pk}")).to_have_count(0)
    assert labelled(captures[1], captures[3], captures[4]) == {"thread"}
    assert labelled(captures[0], captures[2]) == {""}
    assert set(Label.objects.values_list("how", flat=True)) == {How.BULK}
    assert complaints == []


def test_by_keyboard_alone(opened: Open, captures: list[Capture], olga: Person) -> None:
    page = ready(opened(GRID, signed_in(olga), viewport=DESKTOP))
    page.keyboard.press("ArrowRight")
    expect(page.locator(f"#t-{captures[0].pk} .tile-box")).to_be_focused()
    page.keyboard.press("Space")
    page.keyboard.press("Shift+ArrowDown")  # a row
    across = page.evaluate(
        "[...document.querySelectorAll('.tile')].filter((t, _i, all) => t.offsetTop === all[0].offsetTop).length"
    )
    said(page, f"Picked: {across + 1}")
    page.keyboard.press("g")
    said(page, f"Good: {across + 1}")
    assert labelled(*captures[: across + 1]) == {"good"}
    expect(page.locator(f"#t-{captures[across + 1].pk} .tile-box")).to_be_focused()  # where one was
    page.keyboard.press("Space")
    said(page, "Picked: 1")
    page.keyboard.press("Escape")
    said(page, "None picked")


def test_a_run_by_keys_goes_on_beyond_the_screen(opened: Open, captures: list[Capture], olga: Person) -> None:
    page = ready(opened(GRID, signed_in(olga), viewport=DESKTOP))
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    for number in range(1, 20):
        page.keyboard.press("Shift+ArrowRight")
        said(page, f"Picked: {number + 1}")


def test_by_touch_alone_from_here_to_there(opened: Open, captures: list[Capture], olga: Person) -> None:
    page = ready(opened(GRID, signed_in(olga), viewport=TABLET, has_touch=True))
    page.locator("#grid-range").tap()
    said(page, "Touch the first image of the run.")
    tile(page, captures[1]).tap()
    said(page, "Now touch the last one.")
    page.evaluate(f"document.querySelector('#t-{captures[4].pk}').scrollIntoView({{block: 'center'}})")
    tile(ready(page), captures[4]).tap()
    said(page, "Picked: 4")
    expect(page.locator("#grid-range")).to_have_attribute("aria-pressed", "false")
    page.get_by_role("button", name="Cut").tap()
    said(page, "Cut: 4")
    page.locator("#grid-undo").tap()
    said(page, "Taken back: 4")
    assert labelled(*captures[:6]) == {""}


def test_all_on_the_screen_is_what_is_really_on_the_screen(opened: Open, captures: list[Capture], olga: Person) -> None:
    page = ready(opened(GRID, signed_in(olga), viewport=DESKTOP))
    page.locator("#grid-all").click()
    visible = on_screen(page)
    assert 0 < visible < COUNT
    said(page, f"Picked all on the screen: {visible}")
    page.keyboard.press("3")
    said(page, f"Hole: {visible}")
    assert Label.objects.count() == visible
    page.keyboard.press("Control+a")
    expect(page.locator("#grid-say")).to_have_text(re.compile("Picked all on the screen"))


def test_what_was_never_on_the_screen_cannot_be_picked(opened: Open, captures: list[Capture], olga: Person) -> None:
    page = ready(opened(GRID, signed_in(olga), viewport=DESKTOP))
    tile(page, captures[0]).click()
    page.evaluate(
        f"document.querySelector('#t-{captures[-1].pk} .tile-in')"
        ".dispatchEvent(new MouseEvent('click', {bubbles: true, cancelable: true}))"
    )
    said(page, "This image was not on the screen yet.")
    assert picked(page) == 1


def test_the_whole_bulk_is_taken_back_with_one_key(opened: Open, captures: list[Capture], olga: Person) -> None:
    page = ready(opened(GRID, signed_in(olga), viewport=DESKTOP))
    for capture in captures[:3]:
        tile(page, capture).click()
    page.keyboard.press("2")
    said(page, "Cut: 3")
    page.keyboard.press("Control+z")
    said(page, "Taken back: 3")
    assert labelled(*captures[:3]) == {""}
    assert Label.objects.filter(how=How.UNDO).count() == 3
    places = page.locator(".tile").evaluate_all("tiles => tiles.slice(0, 4).map(t => t.id)")
    assert places == [f"t-{capture.pk}" for capture in captures[:4]]  # where they were
    assert picked(page) == 3  # ready for another key
    page.keyboard.press("g")
    said(page, "Good: 3")
    assert labelled(*captures[:3]) == {"good"}


def test_a_bulk_is_taken_back_also_after_the_next_page_was_opened(
    opened: Open, captures: list[Capture], olga: Person
) -> None:
    page = ready(opened(GRID, signed_in(olga), viewport=DESKTOP))
    tile(page, captures[0]).click()
    page.keyboard.press("2")
    said(page, "Cut: 1")
    page.reload()
    ready(page)
    page.keyboard.press("u")
    expect(page.locator(f"#t-{captures[0].pk}")).to_be_visible()
    assert labelled(captures[0]) == {""}


def test_where_somebody_was_faster_nothing_is_labelled_and_one_key_asks_again(
    opened: Open, captures: list[Capture], olga: Person, oscar: Person
) -> None:
    page = ready(opened(GRID, signed_in(olga), viewport=DESKTOP))
    for capture in captures[:4]:
        tile(page, capture).click()
    decide(oscar, captures[1], "thread", timezone.now())
    ends = timezone.now() + timedelta(minutes=2)
    ReviewItem.objects.filter(capture=captures[2]).update(holder=oscar, lease_until=ends)
    page.keyboard.press("2")
    trouble = page.locator("#grid-trouble")
    expect(trouble).to_have_text(re.compile("Nothing was labelled: 2 of them are not free any more"))
    expect(page.locator(f"#t-{captures[1].pk}")).to_contain_text("oscar labelled it")
    expect(page.locator(f"#t-{captures[2].pk}")).to_contain_text("oscar decides this now.")
    assert labelled(captures[0], captures[3]) == {""}
    assert picked(page) == 2
    page.keyboard.press("2")
    said(page, "Cut: 2")
    expect(trouble).to_be_hidden()
    assert labelled(captures[0], captures[3]) == {"cut"}
    assert labelled(captures[1], captures[2]) == {"thread", ""}


def test_without_a_network_the_bulk_is_kept_and_sent_once_when_it_is_back(
    opened: Open, captures: list[Capture], olga: Person
) -> None:
    page = ready(opened(GRID, signed_in(olga), viewport=DESKTOP))
    tile(page, captures[0]).click()
    tile(page, captures[1]).click()
    page.context.set_offline(True)
    page.keyboard.press("2")
    expect(page.locator("#grid-trouble")).to_contain_text("Not sent, Cut: 2. There is no connection; nothing is lost.")
    assert picked(page) == 2
    page.locator("#grid-retry").click()
    expect(page.locator("#grid-trouble")).to_contain_text("Not sent")
    page.context.set_offline(False)
    said(page, "Cut: 2")
    expect(page.locator("#grid-trouble")).to_be_hidden()
    assert Label.objects.count() == 2


def test_two_bulks_without_a_network_are_both_kept_through_a_new_page_and_sent_in_order(
    opened: Open, captures: list[Capture], olga: Person
) -> None:
    page = ready(opened(GRID, signed_in(olga), viewport=DESKTOP))
    trouble = page.locator("#grid-trouble")
    page.context.set_offline(True)
    tile(page, captures[0]).click()
    page.keyboard.press("2")
    expect(trouble).to_contain_text("Not sent, Cut: 1.")
    page.keyboard.press("3")  # it waits already
    expect(trouble).to_contain_text("Some of these wait to be sent already. Let them go first.")
    tile(page, captures[0]).click()
    tile(page, captures[1]).click()
    page.keyboard.press("3")
    expect(trouble).to_contain_text("Not sent, Cut, Hole: 2.")
    context = page.context
    page.close()
    context.set_offline(False)
    other = context.new_page()
    other.goto(GRID)
    expect(other.locator("#grid-trouble")).to_contain_text("Not sent yet, Cut, Hole: 2.")
    other.locator("#grid-retry").click()
    said(other, "Hole: 1")
    expect(other.locator("#grid-trouble")).to_be_hidden()
    assert [(one.answer, one.capture_id) for one in Label.objects.order_by("id").select_related("defect_class")] == [
        ("cut", captures[0].pk), ("hole", captures[1].pk),
    ]  # fmt: skip


def test_nothing_is_labelled_or_taken_back_under_another_name(
    opened: Open, captures: list[Capture], olga: Person, oscar: Person
) -> None:
    page = ready(opened(GRID, signed_in(olga), viewport=DESKTOP))
    tile(page, captures[0]).click()
    page.keyboard.press("2")
    said(page, "Cut: 1")
    session = signed_in(oscar).cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": session, "url": page.url.removesuffix(GRID)}])
    page.keyboard.press("u")
    expect(page.locator("#grid-trouble")).to_contain_text("Somebody else is signed in here now. Still to take back: 1.")
    tile(page, captures[1]).click()
    page.keyboard.press("2")
    expect(page.locator("#grid-trouble")).to_contain_text("it waits for you")
    page.reload()
    ready(page)
    expect(page.locator("#grid-trouble")).to_be_hidden()  # it is not this person's
    assert [str(one.person) for one in Label.objects.all()] == [str(olga)]


def test_a_browser_that_keeps_nothing_labels_and_takes_back(
    opened: Open, captures: list[Capture], olga: Person
) -> None:
    page = opened(GRID, signed_in(olga), viewport=DESKTOP)
    page.add_init_script("Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); };")
    page.reload()
    ready(page)
    tile(page, captures[0]).click()
    page.keyboard.press("2")
    said(page, "Cut: 1")
    expect(page.locator("#grid-trouble")).to_be_hidden()
    page.keyboard.press("u")
    said(page, "Taken back: 1")
    page.context.set_offline(True)
    page.keyboard.press("3")
    expect(page.locator("#grid-trouble")).to_contain_text("Not sent, Hole: 1.")
    page.context.set_offline(False)
    said(page, "Hole: 1")


def test_a_server_that_never_answers_does_not_hold_the_page(
    opened: Open, captures: list[Capture], olga: Person
) -> None:
    page = opened(GRID, signed_in(olga), viewport=DESKTOP)
    page.add_init_script(
        "{ const wait = AbortSignal.timeout.bind(AbortSignal);"
        "  AbortSignal.timeout = () => wait(window.patience ?? 300); }"
    )
    page.reload()
    ready(page)
    page.route("**/api/v1/labels/", lambda _route: None)
    tile(page, captures[0]).click()
    page.keyboard.press("2")
    expect(page.locator("#grid-trouble")).to_contain_text("Not sent, Cut: 1.")
    page.unroute("**/api/v1/labels/")
    page.evaluate("window.patience = 60000")
    page.locator("#grid-retry").click()
    said(page, "Cut: 1")


def test_keys_of_other_scripts_count_by_their_place_and_a_held_key_once(
    opened: Open, captures: list[Capture], olga: Person
) -> None:
    page = ready(opened(GRID, signed_in(olga), viewport=DESKTOP))
    press = """event => document.body.dispatchEvent(
        new KeyboardEvent("keydown", {bubbles: true, cancelable: true, ...event}))"""
    tile(page, captures[0]).click()
    page.evaluate(press, {"key": "п", "code": "KeyG", "isComposing": True})
    page.evaluate(press, {"key": "п", "code": "KeyG", "repeat": True})
    said(page, "Picked: 1")
    page.evaluate(press, {"key": "п", "code": "KeyG"})  # Cyrillic
    said(page, "Good: 1")
    tile(page, captures[1]).click()
    page.evaluate(press, {"key": "é", "code": "Digit2"})  # AZERTY
    said(page, "Cut: 1")
    page.evaluate(press, {"key": "я", "code": "KeyZ", "ctrlKey": True})
    said(page, "Taken back: 1")


def test_a_session_that_ended_asks_to_sign_in_and_shows_no_lock(
    opened: Open, captures: list[Capture], olga: Person
) -> None:
    page = ready(opened(GRID, signed_in(olga), viewport=DESKTOP))
    tile(page, captures[0]).click()
    page.keyboard.press("2")
    said(page, "Cut: 1")
    Session.objects.all().delete()
    page.keyboard.press("u")
    expect(page.locator("#grid-trouble")).to_contain_text("The session has ended; sign in and try again.")
    expect(page.locator("#grid-sign-in")).to_be_visible()
    expect(page.locator("#lock")).to_be_hidden()
    expect(page.locator("#grid-undo")).to_be_enabled()


def test_after_the_session_the_bulk_waits_until_one_has_signed_in_again(
    opened: Open, captures: list[Capture], olga: Person
) -> None:
    page = ready(opened(GRID, signed_in(olga), viewport=DESKTOP))
    tile(page, captures[0]).click()
    Session.objects.all().delete()
    page.keyboard.press("2")
    expect(page.locator("#grid-trouble")).to_contain_text("The session has ended")
    page.locator("#grid-sign-in").click()
    page.get_by_label("User name").fill("olga")
    page.get_by_label("Password").fill(cast.PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("#grid-trouble")).to_contain_text("Not sent yet, Cut: 1.")
    page.locator("#grid-retry").click()
    said(page, "Cut: 1")
    assert labelled(captures[0]) == {"cut"}


def test_what_is_held_or_has_no_picture_cannot_be_picked(
    opened: Open, captures: list[Capture], olga: Person, oscar: Person
) -> None:
    ends = timezone.now() + timedelta(minutes=5)
    ReviewItem.objects.filter(capture=captures[0]).update(holder=oscar, lease_until=ends)
    default_storage.delete(captures[1].path)
    page = ready(opened(GRID, signed_in(olga), viewport=DESKTOP))
    tile(page, captures[0]).click(force=True)  # its box says that it is disabled
    said(page, "oscar decides this now.")
    tile(page, captures[1]).click()
    said(page, "Without a picture it cannot be labelled here.")
    assert picked(page) == 0
    page.locator("#grid-all").click()
    assert page.locator(f"#t-{captures[0].pk}.is-picked, #t-{captures[1].pk}.is-picked").count() == 0


def test_one_image_large_and_the_way_to_its_page(opened: Open, captures: list[Capture], olga: Person) -> None:
    page = ready(opened(GRID, signed_in(olga), viewport=DESKTOP))
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator("#grid-look")).to_be_visible()
    page.keyboard.press("2")  # nothing is picked behind a dialog
    page.keyboard.press("Escape")
    expect(page.locator("#grid-look")).to_be_hidden()
    page.locator(f"#t-{captures[1].pk} .tile-look").click()
    page.locator("#grid-look-page").click()
    expect(page).to_have_url(re.compile(str(captures[1].pk)))


def test_keys_can_be_changed_and_switched_off(opened: Open, captures: list[Capture], olga: Person) -> None:
    olga.preferences = {"keys": {"good": "x"}, "keys_off": False}
    olga.save()
    client = signed_in(olga)
    page = ready(opened(GRID, client, viewport=DESKTOP))
    tile(page, captures[0]).click()
    page.keyboard.press("g")
    said(page, "Picked: 1")
    page.keyboard.press("x")
    said(page, "Good: 1")
    olga.preferences = {"keys": {}, "keys_off": True}
    olga.save()
    page.reload()
    ready(page)
    tile(page, captures[1]).click()
    page.keyboard.press("g")
    said(page, "Picked: 1")
    assert Label.objects.count() == 1


def test_when_all_are_decided_the_page_says_so(opened: Open, captures: list[Capture], olga: Person) -> None:
    for capture in captures[2:]:
        decide(olga, capture, "hole", timezone.now())
    page = ready(opened(GRID, signed_in(olga), viewport=DESKTOP))
    page.locator("#grid-all").click()
    page.keyboard.press("3")
    expect(page.get_by_text("All of these are decided")).to_be_visible()
    page.locator("#grid-on").click()
    expect(page.get_by_text("Everything is decided")).to_be_visible()


def test_the_size_changes_at_once_and_stays(opened: Open, captures: list[Capture], olga: Person) -> None:
    page = ready(opened(GRID, signed_in(olga), viewport=DESKTOP))
    tile(page, captures[0]).click()
    page.get_by_role("link", name="Small").click()
    expect(page.locator("#grid")).to_have_class("grid grid-s")
    assert picked(page) == 1
    page.goto(GRID)
    expect(page.locator("#grid")).to_have_class("grid grid-s")
