"""Shifts and the picker of time in a real browser: accessible and whole in both themes, and used by hand."""

import re
from collections.abc import Iterator
from datetime import time, timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from playwright.sync_api import expect

from inspections.models import Shift
from tests import cast
from tests.browser.conftest import Open
from tests.browser.test_looks import overflow, serious, unexpected
from tests.cast import a_camera, signed_in
from tests.judged import many_judged

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True, serialized_rollback=True)]
LOOKS = [("light", 1280, 800), ("dark", 768, 1024)]


@pytest.fixture
def half_past() -> Iterator[None]:
    """No hour, and with it no shift, begins while somebody reads what the page says of it."""
    with time_machine.travel(timezone.now().replace(minute=30, second=0), tick=True):
        yield


@pytest.fixture
def mara(transactional_db: None) -> Client:
    return signed_in(cast.mara())


def three() -> None:
    for name, starts, ends in (("Early", 6, 14), ("Late", 14, 22), ("Night", 22, 6)):
        Shift.objects.create(name=name, starts=time(starts), ends=time(ends), days=[*range(1, 8)], zone="Asia/Dhaka")


@pytest.mark.parametrize(("theme", "width", "height"), LOOKS)
def test_the_shifts_and_the_picker_are_accessible_and_whole(
    opened: Open, mara: Client, complaints: list[str], theme: str, width: int, height: int
) -> None:
    many_judged(a_camera(), 50, timezone.now() - timedelta(minutes=90), step=timedelta(minutes=1))
    page = opened("/shifts/", mara, color_scheme=theme, viewport={"width": width, "height": height})
    wrong = serious(page)
    three()
    pages = ["/shifts/", "/lines/loom-1/?when=last-night&compare=week", "/lines/loom-1/?when=nonsense"]
    pages += ["/alarms/?when=last-night", "/flagged/?when=last-night", "/review/?compare=last-night"]
    for address in pages:
        page.goto(address)
        page.evaluate("for (const one of document.querySelectorAll('main details')) one.open = true")
        wrong += serious(page)
        if overflow(page) > 0:
            wrong.append(f"{address} is {overflow(page)} pixels too wide")
        small = page.evaluate(
            "[...document.querySelectorAll('.when a, .when button, .when summary, .shift-cards :is(button, summary)')]"
            ".filter((one) => one.getBoundingClientRect().height < 48).map((one) => one.textContent.trim())"
        )
        wrong += [f"{address}: “{text}” is too small for a thumb" for text in small]
    assert wrong == []
    assert unexpected(complaints) == []


def test_shifts_are_made_refused_changed_and_deleted_by_hand(opened: Open, mara: Client) -> None:
    page = opened("/shifts/", mara)
    page.get_by_role("button", name="Make three shifts").click()
    expect(page.locator(".shift-card")).to_have_count(3)
    page.get_by_text("Add a shift").click()
    new = page.locator("#new-shift")
    new.get_by_label("Name").fill("Cleaning")
    new.get_by_label("Begins", exact=True).fill("05:00")
    new.get_by_label("Ends").fill("07:00")
    new.get_by_role("button", name="Add the shift").click()
    expect(page.get_by_role("alert")).to_contain_text("It overlaps with “")
    expect(page.locator("#new-shift").get_by_label("Name")).to_have_value("Cleaning")
    night = page.locator(".shift-card").filter(has=page.get_by_role("heading", name="Night"))
    night.locator("summary", has_text="Delete").click()
    night.get_by_role("button", name="Delete “Night”").click()
    expect(page.get_by_role("status")).to_contain_text("“Night” is deleted")
    expect(page.locator(".shift-card")).to_have_count(2)


@pytest.mark.parametrize("scripted", [True, False], ids=["with JavaScript", "without"])
def test_a_period_is_chosen_frozen_stepped_and_written(
    half_past: None, opened: Open, mara: Client, scripted: bool
) -> None:
    three()
    a_camera()
    page = opened("/lines/loom-1/", mara, java_script_enabled=scripted)
    page.get_by_role("link", name="Last night’s shift").click()
    expect(page.locator(".when-words strong")).to_contain_text("Night")
    page.get_by_role("link", name="Earlier").click()
    expect(page.locator(".when-words strong")).to_contain_text("Late")
    page.get_by_role("link", name="7 days").click()
    expect(page).to_have_url(re.compile("when=7d"))
    since, until = page.locator(".when-words .soft").inner_text().split(" – ")
    assert until == "now"
    page.get_by_role("link", name="Freeze these times").click()
    expect(page.locator(".when-words strong")).to_contain_text(f"{since} – ")
    expect(page.locator(".when-words .soft")).to_have_text("so far: until now")
    assert "from=" in page.url
    more = page.get_by_text("Other shifts and times, compare")
    more.click()
    page.get_by_label("From", exact=True).fill("2026-01-02T06:00")
    page.get_by_label("To", exact=True).fill("2026-01-02T14:00")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator(".when-words strong")).to_have_text("2 Jan 2026 06:00 – 14:00")
    more.click()
    page.get_by_role("link", name="a week earlier").click()
    expect(page.locator(".when-words")).to_contain_text("26 Dec 2025 06:00 – 14:00")
