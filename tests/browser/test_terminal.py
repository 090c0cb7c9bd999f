"""A shared terminal in a real browser: it warns, locks in place, and changes hands; and pictures are uploaded."""

import re
from pathlib import Path
from time import time
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Locator, Page, Route, expect

from inspections.models import AuditEvent, Capture, Label
from tests import cast
from tests.browser.conftest import Open
from tests.browser.test_queue import PAINTED
from tests.browser.waiting import until
from tests.cast import PASSWORD, a_camera, a_line, a_png, signed_in
from tests.judged import judged

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True, serialized_rollback=True)]


@pytest.fixture
def olga(transactional_db: None) -> Client:
    a_line("loom-1")
    cast.otto()
    return signed_in(cast.olga())


def pictures(folder: Path, *contents: bytes) -> list[str]:
    found = []
    for number, data in enumerate(contents):
        path = folder / f"picture-{number}.png"
        path.write_bytes(data)
        found.append(str(path))
    return found


def actions() -> list[tuple[str, str]]:
    rows = AuditEvent.objects.order_by("id").select_related("person")
    return [(row.person.username if row.person else "", row.action) for row in rows]


def unexpected(complaints: list[str]) -> list[str]:
    """Without the browser's own note of answers that are meant."""
    return [text for text in complaints if not re.search("status of 4(00|01|15|22)|ERR_INTERNET_DISCONNECTED", text)]


# --- the lock ---------------------------------------------------------------------------------------------------

LOCKS_S = 120  # of which the last 30 warn


def left_alone(client: Client, seconds: float) -> None:
    """As far as the server knows, no hand was on it for so long."""
    session = client.session
    session["active_at"] = time() - seconds
    session.save()


def later(page: Page, seconds: float) -> None:
    """By the page's own clock, which is fast forwarded: what waits that long happens now."""
    page.clock.fast_forward(1000 * seconds)


def locked(page: Page, client: Client) -> Locator:
    """The lock over a page whose time has come while it was looked at."""
    left_alone(client, LOCKS_S + 1)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # as somebody comes back to it
    lock = page.get_by_role("dialog", name="Locked")
    expect(lock).to_be_visible()
    return lock


@pytest.fixture(autouse=True)
def locks(settings: Any) -> None:
    settings.IDLE_LOCK_S = LOCKS_S


def test_it_warns_locks_in_place_and_goes_on_where_one_was(opened: Open, olga: Client, complaints: list[str]) -> None:
    page = opened("/upload/?line=loom-1", olga)
    page.clock.install()
    page.reload()
    page.evaluate("window.sameDocument = true")
    page.get_by_text("Roll, position and scale").click()
    page.get_by_label("Roll", exact=True).fill("R-42")
    page.evaluate("window.heard = 0; document.addEventListener('keydown', () => window.heard++)")
    warning = page.get_by_text("This terminal is about to lock.")
    page.evaluate("document.getElementById('lock-soon').hidden = false")
    later(page, LOCKS_S / 4)  # the hand of a moment ago is told
    expect(warning).to_be_hidden()  # the answer to it is heard
    left_alone(olga, LOCKS_S - 20)
    later(page, LOCKS_S - 20)
    expect(warning).to_be_visible()
    left_alone(olga, LOCKS_S + 1)
    later(page, 30)
    lock = page.get_by_role("dialog", name="Locked")
    expect(lock).to_be_visible()
    expect(lock.get_by_label("Password of olga")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    expect(lock.get_by_role("alert")).to_contain_text("not the right password")
    assert page.evaluate("window.heard") == 0
    lock.get_by_label("Password of olga").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(lock).to_be_hidden()
    assert page.evaluate("window.sameDocument")
    expect(page.get_by_label("Roll", exact=True)).to_have_value("R-42")
    assert actions() == [("olga", "unlock-failed"), ("olga", "unlock")]
    assert unexpected(complaints) == []


def test_a_hand_ends_the_warning(opened: Open, olga: Client) -> None:
    page = opened("/upload/", olga)
    page.clock.install()
    page.reload()
    warning = page.get_by_text("This terminal is about to lock.")
    for place in (200, 300):
        left_alone(olga, LOCKS_S - 20)
        later(page, LOCKS_S - 20)
        expect(warning).to_be_visible()
        page.mouse.move(place, place)
        expect(warning).to_be_hidden()
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_a_wall_display_shows_no_lock(opened: Open, olga: Client) -> None:
    page = opened("/", olga)
    left_alone(olga, LOCKS_S + 1)
    with page.expect_response(lambda answer: answer.request.headers.get("hx-request") == "true") as caught:
        pass
    assert caught.value.status in {200, 304}
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.goto("/upload/?line=loom-1")
    expect(page).to_have_url(re.compile(r"/unlock/\?next=%2Fupload%2F%3Fline%3Dloom-1"))
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/upload/\?line=loom-1$"))


def test_the_queue_keeps_its_place_and_no_key_answers_while_it_is_locked(opened: Open, olga: Client) -> None:
    judged(a_camera(), "hole", data=a_png(1))
    judged(a_camera(), "cut", data=a_png(2))
    page = opened("/queue/", olga)
    first = page.locator("input[name=capture]").first.get_attribute("value")
    lock = locked(page, olga)
    lock.get_by_role("button", name="Go on").focus()
    page.keyboard.press("g")
    page.keyboard.press("1")
    lock.get_by_label("Password of olga").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(lock).to_be_hidden()
    assert not Label.objects.exists()
    until(page, PAINTED)
    with page.expect_response(lambda answer: answer.url.endswith("/labels/")):
        page.keyboard.press("2")
    label = Label.objects.select_related("person", "defect_class").get()
    assert (label.person.username, label.answer, str(label.capture_id)) == ("olga", "cut", first)


FULL = "Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); };"
CLOSED = """for (const name of ["localStorage", "sessionStorage"])
  Object.defineProperty(window, name, { get() { throw new DOMException("closed", "SecurityError"); } });"""


@pytest.mark.parametrize("storage", [FULL, CLOSED], ids=["full", "closed"])
def test_a_browser_that_keeps_nothing_locks_and_opens_as_any_other(
    opened: Open, olga: Client, complaints: list[str], storage: str
) -> None:
    page = opened("/flagged/", olga)
    page.add_init_script(storage)
    page.goto("/upload/")
    lock = locked(page, olga)
    lock.get_by_label("Password of olga").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(lock).to_be_hidden()
    page.locator("#theme").click()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    assert unexpected(complaints) == []


def test_hands_on_a_locked_wall_display_ask_the_server_nothing(opened: Open, olga: Client) -> None:
    left_alone(olga, LOCKS_S + 1)
    page = opened("/lines/loom-1/", olga)
    touched: list[str] = []
    page.on("request", lambda request: touched.append(request.url) if "/unlock/touch/" in request.url else None)
    for place in range(30):
        page.mouse.move(100 + 5 * place, 200)
    page.wait_for_timeout(1500)
    assert touched == []


# --- a change of user -------------------------------------------------------------------------------------------


def test_another_person_takes_over_by_name_and_password(opened: Open, olga: Client, complaints: list[str]) -> None:
    page = opened("/flagged/", olga)
    page.get_by_role("link", name="Change user").click()
    page.get_by_label("User name").fill("otto")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/flagged/$"))
    expect(page.locator(".who-name")).to_contain_text("otto")
    page.get_by_role("link", name="Change user").click()
    page.get_by_role("button", name="olga", exact=True).click()
    expect(page.get_by_label("User name")).to_have_value("olga")
    page.get_by_role("button", name="Forget otto on this terminal").click()
    expect(page.get_by_role("button", name="otto")).to_have_count(0)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator(".who-name")).to_contain_text("olga")
    assert actions() == [
        ("olga", "sign-out"), ("otto", "change-user"), ("otto", "sign-out"), ("olga", "change-user"),
    ]  # fmt: skip
    assert complaints == []


def test_a_page_left_open_in_another_tab_takes_the_new_name(opened: Open, olga: Client) -> None:
    first = opened("/flagged/", olga)
    # A poll that is answered while the session is over would lead this tab to the login.
    polled = "hx-request"
    first.route("**/*", lambda route: route.abort() if polled in route.request.headers else route.continue_())
    first.wait_for_load_state("networkidle")
    second = first.context.new_page()
    second.goto("/unlock/?next=/")
    second.get_by_label("User name").fill("otto")
    second.get_by_label("Password").fill(PASSWORD)
    second.keyboard.press("Enter")
    expect(second.locator(".who-name")).to_contain_text("otto")
    expect(first.locator(".who-name")).to_contain_text("otto")


# --- upload -----------------------------------------------------------------------------------------------------


def rows(page: Page) -> list[str]:
    return [row.inner_text() for row in page.locator(".file").all()]


def test_three_files_one_of_them_bad(opened: Open, olga: Client, tmp_path: Path, complaints: list[str]) -> None:
    page = opened("/upload/", olga)
    page.get_by_label("Pictures").set_input_files(pictures(tmp_path, a_png(1), b"no picture", a_png(2)))
    expect(page.get_by_text("2 of 3 done")).to_be_visible()
    found = rows(page)
    assert [("Taken" in row, "Not a picture" in row) for row in found] == [(True, False), (False, True), (True, False)]
    assert Capture.objects.count() == 2
    page.get_by_label("Pictures").set_input_files(pictures(tmp_path, a_png(1)))
    expect(page.get_by_text("This picture is here already")).to_be_visible()
    assert Capture.objects.count() == 2
    page.get_by_role("button", name="Remove picture-1.png").click()
    expect(page.locator(".file")).to_have_count(3)
    assert unexpected(complaints) == []


def test_pictures_go_out_under_the_name_of_who_chose_them(opened: Open, olga: Client, tmp_path: Path) -> None:
    page = opened("/upload/", olga)
    address = page.url.partition("/upload/")[0]
    other = signed_in(cast.mara()).cookies["sessionid"].value
    own = olga.cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": other, "url": address}])
    page.get_by_label("Pictures").set_input_files(pictures(tmp_path, a_png(1)))
    expect(page.locator(".file")).to_contain_text("Somebody else is signed in here now.")
    assert not Capture.objects.exists()
    page.context.add_cookies([{"name": "sessionid", "value": own, "url": address}])
    page.get_by_role("button", name="Retry picture-0.png").click()
    expect(page.get_by_text("1 of 1 done")).to_be_visible()


def test_the_progress_of_a_file_is_shown(opened: Open, olga: Client, tmp_path: Path) -> None:
    held: list[Route] = []
    page = opened("/upload/", olga)
    page.route("**/upload/", lambda route: held.append(route))
    page.get_by_label("Pictures").set_input_files(pictures(tmp_path, a_png(1), a_png(2)))
    bar = page.get_by_role("progressbar", name="Progress of picture-0.png")
    expect(bar).to_be_visible()
    expect(page.locator(".file").nth(1)).to_contain_text("Waits")
    until(page, lambda: held)
    held[0].continue_()
    expect(page.get_by_text("1 of 2 done")).to_be_visible()
    until(page, lambda: len(held) > 1)
    held[1].continue_()
    expect(page.get_by_text("2 of 2 done")).to_be_visible()
    expect(bar).to_be_hidden()


def test_a_lost_network_loses_no_file(opened: Open, olga: Client, tmp_path: Path, complaints: list[str]) -> None:
    page = opened("/upload/", olga)
    page.context.set_offline(True)
    page.get_by_label("Pictures").set_input_files(pictures(tmp_path, a_png(1), a_png(2)))
    expect(page.get_by_text("The pictures wait here and go on by themselves")).to_be_visible()
    page.context.set_offline(False)
    expect(page.get_by_text("2 of 2 done")).to_be_visible()
    expect(page.locator("#sent-held")).to_be_hidden()
    assert Capture.objects.count() == 2
    assert unexpected(complaints) == []


def test_a_storage_that_is_full_is_tried_again(opened: Open, olga: Client, tmp_path: Path) -> None:
    page = opened("/upload/", olga)
    answers = iter([507])

    def answer(route: Route) -> None:
        if (status := next(answers, None)) is None:
            return route.continue_()
        body = '{"detail": "The storage is full."}'
        return route.fulfill(
            status=status, body=body, content_type="application/problem+json", headers={"Retry-After": "60"}
        )

    page.route("**/upload/", answer)
    page.get_by_label("Pictures").set_input_files(pictures(tmp_path, a_png(1)))
    expect(page.get_by_text("The storage is full.")).to_be_visible()
    page.get_by_role("button", name="Try now").click()
    expect(page.get_by_text("1 of 1 done")).to_be_visible()


def test_pictures_chosen_before_a_line_wait_for_it(opened: Open, transactional_db: None, tmp_path: Path) -> None:
    a_line("loom-1")
    a_line("loom-2")
    page = opened("/upload/", signed_in(cast.mara()))
    page.get_by_label("Pictures").set_input_files(pictures(tmp_path, a_png(1)))
    expect(page.locator(".file")).to_have_count(0)
    page.get_by_label("Line", exact=True).select_option("loom-2")
    expect(page.get_by_text("1 of 1 done")).to_be_visible()
    assert Capture.objects.get().line.slug == "loom-2"


def test_a_lock_in_the_middle_keeps_the_files(opened: Open, olga: Client, tmp_path: Path, settings: object) -> None:
    page = opened("/upload/", olga)
    session = olga.session
    session["active_at"] = 1.0
    session.save()
    page.get_by_label("Pictures").set_input_files(pictures(tmp_path, a_png(1)))
    lock = page.get_by_role("dialog", name="Locked")
    expect(lock).to_be_visible()
    lock.get_by_label("Password of olga").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 of 1 done")).to_be_visible()
    assert actions() == [("olga", "unlock"), ("olga", "upload")]
