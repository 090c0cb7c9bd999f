"""What moves: polling, keys, the theme, and what the page says when the server is gone."""

import re

import pytest
from django.contrib.sessions.models import Session
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Route, expect

from tests import cast
from tests.browser.conftest import Open
from tests.browser.test_plots import drawn
from tests.browser.waiting import until
from tests.cast import a_camera, a_png, signed_in
from tests.judged import a_capture, a_judgement, a_version, judged
from workers.recording import record

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True, serialized_rollback=True)]


@pytest.fixture
def mara(transactional_db: None) -> Client:
    a_version()
    return signed_in(cast.mara())


def test_signing_in_and_out_by_hand(opened: Open, transactional_db: None) -> None:
    cast.olga()
    page = opened("/flagged/")
    page.get_by_label("User name").fill("olga")
    page.get_by_label("Password").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("correct username and password")
    page.get_by_label("Password").fill(cast.PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"\d/flagged/$"))  # the login's address ends so too
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile("/login/$"))


def test_a_new_flagged_capture_appears_without_a_reload(opened: Open, mara: Client, complaints: list[str]) -> None:
    first = judged(a_camera())
    page = opened("/flagged/", mara)
    page.evaluate("window.sameDocument = true")
    page.locator(f"#c-{first.pk}").focus()
    second = judged(a_camera(), "cut", data=a_png(1))
    expect(page.locator(f"#c-{second.pk}")).to_be_visible()
    assert page.evaluate("window.sameDocument")
    assert page.evaluate("document.activeElement.id") == f"c-{first.pk}"
    assert complaints == []


def test_the_list_does_not_change_under_the_pointer(opened: Open, mara: Client, complaints: list[str]) -> None:
    """It says how many wait, and shows them once the pointer is gone; meanwhile a press opens what is looked at."""
    first = judged(a_camera())
    page = opened("/flagged/", mara)
    page.locator(f"#c-{first.pk}").hover()
    second = judged(a_camera(), "cut", data=a_png(1))
    expect(page.locator("#fresh")).to_have_text("1 new: shown once the pointer leaves the pictures")
    assert page.locator(".thumb").evaluate_all("all => all.map((one) => one.id)") == [f"c-{first.pk}"]
    page.mouse.move(1, 1)
    expect(page.locator(f"#c-{second.pk}")).to_be_visible()
    expect(page.locator("#fresh")).to_be_hidden()
    assert complaints == []


def test_a_poll_that_finds_nothing_new_is_a_304(opened: Open, mara: Client) -> None:
    judged(a_camera())
    page = opened("/", mara)
    nothing_new = 304  # not the first poll's where five minutes begin meanwhile
    with page.expect_response(lambda answer: "hx-request" in answer.request.headers and answer.status == nothing_new):
        pass


def test_what_the_reader_opened_stays_open(opened: Open, mara: Client) -> None:
    judged(a_camera())
    page = opened("/lines/loom-1/", mara)
    drawn(page, "rate")  # which closes the table
    page.locator("#plot-table-open-rate").click()
    second = judged(a_camera(), "cut")
    expect(page.locator(f"#f-{second.pk}")).to_be_visible()
    assert page.locator("#plot-table-rate").get_attribute("open") is not None


def test_a_poll_before_the_letters_are_there_draws_nothing(opened: Open, mara: Client) -> None:
    judged(a_camera())
    page = opened("/static/inspections/favicon.svg", mara)
    held: list[Route] = []
    page.context.route("**/*.woff2", lambda route: held.append(route))
    page.goto("/lines/loom-1/", wait_until="domcontentloaded")
    until(page, lambda: held)
    second = judged(a_camera(), "cut")
    expect(page.locator(f"#f-{second.pk}")).to_be_visible()
    assert page.locator("#plot-rate .plot-draw").get_attribute("data-drawn") is None
    page.context.route("**/*.woff2", lambda route: route.continue_())
    for route in held:
        route.continue_()
    assert drawn(page, "rate") > 0


def test_a_waiting_capture_turns_into_a_judged_one(opened: Open, mara: Client, complaints: list[str]) -> None:
    capture = a_capture(a_camera())
    page = opened(capture.get_absolute_url(), mara)
    expect(page.get_by_text("Waiting", exact=True)).to_be_visible()
    record(a_version(), [capture], [a_judgement("hole", 0.9)], timezone.now())
    expect(page.get_by_text("Hole", exact=True).first).to_be_visible()
    page.keyboard.press("h")
    expect(page.locator("#heat-layer")).to_be_visible()
    assert complaints == []


def test_the_heat_map_is_switched_by_keyboard_and_stays_on(opened: Open, mara: Client) -> None:
    first, second = judged(a_camera()), judged(a_camera(), data=a_png(1))
    page = opened(first.get_absolute_url(), mara)
    layer = page.locator("#heat-layer")
    expect(layer).to_be_hidden()
    page.locator("#heat").focus()
    page.keyboard.press("Space")
    expect(layer).to_be_visible()
    page.locator("#heat-opacity").focus()
    page.keyboard.press("ArrowLeft")
    assert layer.evaluate("e => e.style.opacity") == "0.7"
    assert page.url.endswith(f"{first.pk}/")
    page.keyboard.press("h")
    expect(layer).to_be_hidden()
    page.keyboard.press("H")
    page.locator("h2").first.click()
    page.keyboard.press("ArrowRight")
    expect(page).to_have_url(re.compile(str(second.pk)))
    expect(page.locator("#heat-layer")).to_be_visible()
    assert page.locator("#heat-layer").evaluate("e => e.style.opacity") == "0.7"


def test_keys_are_silent_while_typing(opened: Open, mara: Client) -> None:
    capture = judged(a_camera())
    page = opened(capture.get_absolute_url(), mara)
    page.evaluate("document.querySelector('main').append(document.createElement('textarea'))")
    page.locator("textarea").last.press("h")
    expect(page.locator("#heat-layer")).to_be_hidden()


def test_choosing_a_filter_applies_it(opened: Open, mara: Client) -> None:
    judged(a_camera(), "hole")
    cut = judged(a_camera(), "cut")
    page = opened("/flagged/", mara)
    page.get_by_label("Class").select_option("cut")
    expect(page).to_have_url(re.compile(r"\?class=cut&show=flagged&order=new&when=any$"))
    expect(page.locator(".thumb")).to_have_count(1)
    expect(page.locator(f"#c-{cut.pk}")).to_be_visible()
    page.wait_for_load_state()  # only then choosing is applying
    page.get_by_label("Worst first").check()
    expect(page).to_have_url(re.compile(r"\?class=cut&show=flagged&order=worst&when=any$"))


def test_the_theme_is_kept(opened: Open, mara: Client) -> None:
    page = opened("/", mara, color_scheme="light")
    page.get_by_role("button", name="Light or dark").click()
    page.reload()
    assert page.evaluate("document.documentElement.dataset.bsTheme") == "dark"


def test_a_picture_that_is_gone_has_a_designed_place(opened: Open, mara: Client) -> None:
    capture = judged(a_camera())
    default_storage.delete(capture.path)
    page = opened("/flagged/", mara)
    expect(page.get_by_text("No picture to show")).to_be_visible()
    page.goto(capture.get_absolute_url())
    expect(page.get_by_text("The file of this capture is gone.")).to_be_visible()


def test_when_the_session_ends_the_whole_page_goes_to_the_login(opened: Open, mara: Client) -> None:
    judged(a_camera())
    page = opened("/flagged/?order=worst", mara)
    Session.objects.all().delete()
    page.evaluate("window.htmx.trigger('#live', 'refresh')")
    expect(page).to_have_url(re.compile(r"/login/\?next=%2Fflagged%2F%3Forder%3Dworst"))
    expect(page.locator("#live")).to_have_count(0)


def test_a_lost_connection_is_told_and_goes_by_itself(opened: Open, mara: Client) -> None:
    page = opened("/", mara)
    page.context.set_offline(True)
    page.evaluate("window.htmx.trigger('#live', 'refresh')")
    expect(page.get_by_text("No connection to Selvedge.")).to_be_visible()
    page.context.set_offline(False)
    expect(page.get_by_text("No connection to Selvedge.")).to_be_hidden()
