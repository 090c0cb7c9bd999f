"""A form in a real Chromium: sent once, never lost without a word, and never ending on the browser's own error page."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Locator, Page, Route, expect
from pytest_django.live_server_helper import LiveServer

from inspections.models import Alarm, AlarmRule, AlarmState, Channel
from tests import cast
from tests.browser.conftest import Open
from tests.browser.hands import press_twice
from tests.browser.waiting import until
from tests.cast import PASSWORD, signed_in
from tests.floor import an_alarm

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True, serialized_rollback=True)]


def posts(page: Page) -> list[str]:
    """The addresses that are sent to from now on."""
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    return sent


def a_new_rule(opened: Open, client: Client) -> Page:
    page = opened("/alarms/rules/new/", client)
    page.locator("#rule-name").fill("Too many holes")
    return page


def held_back(page: Page) -> list[Route]:
    """The question whether Selvedge is there, which waits for the test."""
    held: list[Route] = []
    page.route("**/unlock/touch/", lambda route: held.append(route))
    return held


def ended(client: Client) -> None:
    """On the server, as by time: a cookie that is taken from the browser could be set again by an answer on its way."""
    client.session.delete()


def sign_in(page: Page, name: str = "mara") -> None:
    page.locator("#id_username").fill(name)
    page.locator("#id_password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def words(page: Page, text: str) -> Locator:
    """What is read: all the sentences stand there, and one is shown."""
    return page.locator("#unsent").get_by_text(text).filter(visible=True)


# --- once -------------------------------------------------------------------------------------------------------


def test_two_presses_of_save_send_one_form_and_make_one_rule(opened: Open) -> None:
    page = a_new_rule(opened, signed_in(cast.mara()))
    sent, held = posts(page), held_back(page)
    press_twice(page.locator("#save"))
    until(page, lambda: held)
    held[0].continue_()
    expect(page.locator(".notice").first).to_contain_text("is kept")
    assert [address for address in sent if "/alarms/rules/new/" in address] == sent
    assert len(sent) == AlarmRule.objects.count() == 1


def test_two_presses_make_one_channel_whose_secret_is_shown(opened: Open) -> None:
    page = opened("/alarms/channels/", signed_in(cast.ada()))
    page.locator("#channel-name").fill("Hall 2")
    page.locator("input[name=kind][value=webhook]").check()
    page.locator("#channel-target").fill("https://example.com/hook")
    held = held_back(page)
    press_twice(page.locator("#save"))
    until(page, lambda: held)
    held[0].continue_()
    expect(page.locator("#secret")).to_be_visible()
    assert page.locator("#secret").inner_text() == Channel.objects.get().secret


def test_a_form_looks_busy_while_it_is_sent_and_no_longer(opened: Open) -> None:
    page = a_new_rule(opened, signed_in(cast.mara()))
    held = held_back(page)
    page.locator("#save").click()
    expect(page.locator("#save")).to_have_attribute("aria-busy", "true")
    expect(page.locator("#rule")).to_have_attribute("aria-busy", "true")
    until(page, lambda: held)
    held[0].abort()
    expect(page.locator("#save")).not_to_have_attribute("aria-busy", "true")


def test_the_button_that_was_pressed_is_sent_along_and_enter_is_a_press(opened: Open) -> None:
    page = a_new_rule(opened, signed_in(cast.mara()))
    page.locator("#try").click()
    expect(page.locator("#replay")).not_to_contain_text("Press “Try it”")
    assert not AlarmRule.objects.exists()
    page.locator("#save").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".notice").first).to_contain_text("is kept")


# --- no answer --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["the button", "the notice"])
def test_without_a_connection_what_was_written_stays_and_goes_when_there_is_one(opened: Open, by: str) -> None:
    page = a_new_rule(opened, signed_in(cast.mara()))
    page.context.set_offline(True)
    page.locator("#save").click()
    expect(words(page, "No connection to Selvedge: nothing was sent. What you wrote stands here.")).to_be_visible()
    expect(page.locator("#rule-name")).to_have_value("Too many holes")
    assert not AlarmRule.objects.exists()
    page.context.set_offline(False)
    expect(words(page, "Selvedge answers again.")).to_be_visible()
    (page.locator("#save") if by == "the button" else page.get_by_role("button", name="Try again")).click()
    expect(page.locator(".notice").first).to_contain_text("is kept")
    assert AlarmRule.objects.get().name == "Too many holes"


def a_gateway_s_error(page: Page) -> None:
    page.route("**/unlock/touch/", lambda route: route.fulfill(status=502, body="Bad Gateway"))


def no_answer_at_all(page: Page) -> None:
    page.route("**/unlock/touch/", lambda route: route.abort("connectionrefused"))


@pytest.mark.parametrize("meets", [a_gateway_s_error, no_answer_at_all])
def test_a_server_that_is_started_anew_takes_no_page_away(opened: Open, meets: Callable[[Page], None]) -> None:
    alarm = an_alarm()
    page = opened("/alarms/", signed_in(cast.mara()))
    meets(page)
    page.locator(f"#seen-{alarm.pk}").click()
    expect(words(page, "nothing was sent")).to_be_visible()
    page.unroute("**/unlock/touch/")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".notice").first).to_contain_text("Acknowledged")
    assert Alarm.objects.get().state == AlarmState.ACKNOWLEDGED


def test_signing_in_waits_for_a_connection_too(opened: Open) -> None:
    cast.mara()
    page = opened("/login/")
    page.context.set_offline(True)
    sign_in(page)
    expect(words(page, "nothing was sent")).to_be_visible()
    expect(page.locator("#id_username")).to_have_value("mara")
    page.context.set_offline(False)
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


# --- nobody, or somebody else -----------------------------------------------------------------------------------


@pytest.mark.parametrize("scripts", [True, False])
def test_a_press_after_the_session_leads_through_the_login_back_to_its_page_which_says_so(
    opened: Open, scripts: bool
) -> None:
    alarm = an_alarm()
    client = signed_in(cast.mara())
    page = opened("/alarms/?state=raised", client, java_script_enabled=scripts)
    ended(client)
    page.locator(f"#seen-{alarm.pk}").click()
    expect(page.locator(".notice").first).to_contain_text("You were signed out: nothing was done.")
    sign_in(page)
    expect(page).to_have_url(re.compile(r"/alarms/\?state=raised$"))
    expect(page.locator(".notice").first).to_contain_text("You were signed out: nothing was done.")
    assert Alarm.objects.get().state == AlarmState.RAISED


def test_what_was_written_outlives_the_session(opened: Open) -> None:
    client = signed_in(cast.mara())
    page = a_new_rule(opened, client)
    ended(client)
    page.locator("#save").click()
    expect(words(page, "You were signed out: nothing was sent.")).to_be_visible()
    with page.expect_popup() as opening:
        page.locator("#unsent").get_by_role("link", name="Sign in").click()
    sign_in(opening.value)
    expect(opening.value.get_by_role("button", name="Sign out")).to_be_visible()
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".notice").first).to_contain_text("is kept")
    assert AlarmRule.objects.get().name == "Too many holes"


def test_nothing_is_sent_under_the_name_of_who_signed_in_meanwhile(
    opened: Open, live_server: LiveServer, settings: Any
) -> None:
    settings.IDLE_LOCK_S = 0  # a terminal that locks draws its page anew for the second
    page = a_new_rule(opened, signed_in(cast.mara()))
    page.wait_for_load_state("networkidle")
    page.route("**/*", lambda route: route.abort())  # no later answer to the first may set the cookie again
    second = signed_in(cast.ada()).cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": second, "url": live_server.url}])
    page.unroute("**/*")
    page.locator("#save").click()
    expect(words(page, "Somebody else is signed in here now: nothing was sent.")).to_be_visible()
    expect(page.locator("#rule-name")).to_have_value("Too many holes")
    assert not AlarmRule.objects.exists()


def test_a_locked_terminal_asks_for_the_password_and_then_sends_what_was_pressed(opened: Open) -> None:
    client = signed_in(cast.mara())
    page = a_new_rule(opened, client)
    session = client.session
    session["active_at"] = 0
    session.save()
    page.locator("#save").click()
    page.locator("#lock-password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator(".notice").first).to_contain_text("is kept")


def test_a_page_that_changes_while_the_server_is_asked_sends_nothing(opened: Open) -> None:
    page = a_new_rule(opened, signed_in(cast.mara()))
    held = held_back(page)
    page.locator("#save").click()
    until(page, lambda: held)
    page.locator("#rule").evaluate("form => form.setAttribute('action', '/alarms/rules/1/')")
    held[0].continue_()
    expect(words(page, "The page changed meanwhile: nothing was sent.")).to_be_visible()
    assert not AlarmRule.objects.exists()


# --- a refusal's address ----------------------------------------------------------------------------------------


def test_the_address_of_a_refusal_can_be_opened_and_leads_to_the_alarm(opened: Open) -> None:
    alarm = an_alarm()
    page = opened(f"/alarms/{alarm.pk}/resolve/", signed_in(cast.mara()))
    assert page.url.endswith(f"/alarms/{alarm.pk}/")
    page.goto("/logout/")
    expect(page.locator("h1")).to_have_text("Not this way")
