"""Snapshots, the golden set and quarantine in a real browser: accessible, whole, large enough to touch."""

import os
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import expect

from inspections import snapshots
from inspections.models import DefectClass, Person, Quarantine
from tests import cast
from tests.browser.conftest import Open
from tests.browser.test_looks import overflow, serious, unexpected
from tests.cast import a_camera, signed_in
from tests.labelled import a_mill_of_labels, an_answer, labelled

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True, serialized_rollback=True)]
SHOTS = os.environ.get("SHOTS")  # a folder to keep pictures of the pages in
SMALL = """[...document.querySelectorAll('main :is(.button, .snapshot-switch, summary, .snapshot-reasons a)')]
  .map(e => [e.textContent.trim(), e.getBoundingClientRect()])
  .filter(([, box]) => box.height && box.height < 46).map(([text]) => text)"""


@pytest.fixture
def mara(transactional_db: None) -> Client:
    return signed_in(cast.mara())


@pytest.fixture
def addresses(mara: Client) -> list[str]:
    boss, now = Person.objects.get(username="mara"), timezone.now()
    olga = cast.olga()
    DefectClass.objects.create(code="snag", name="A snag, with a name as long as mills make them")
    said = a_mill_of_labels(boss, 14, ("good", "hole", "cut"))
    labelled(olga, "snag", "R1")
    an_answer(olga, said[0], None)
    Quarantine.objects.create(person=olga, reason="her first week: holes called cuts", by=boss, at=now)
    snapshots.make_golden(boss, now, "the first set")
    snapshots.freeze(boss, now, note="before the new lamp")
    labelled(boss, "snag", "R-2026-0042")
    Quarantine.objects.create(
        camera=a_camera(), first_day=now.date(), reason="lamp", by=boss, at=now, lifted_by=boss, lifted_at=now
    )
    pages = ["/snapshots/", "/snapshots/new/", "/snapshots/golden/", "/snapshots/S1/", "/snapshots/G1/", "/quarantine/"]
    return [*pages, "/snapshots/S1/?reason=golden", "/snapshots/S1/?side=x", "/quarantine/?person=mara"]


@pytest.mark.parametrize(("theme", "width", "height"), [("light", 1280, 800), ("dark", 768, 1024)])
def test_every_page_is_accessible_whole_and_fit_for_gloves(
    opened: Open, mara: Client, addresses: list[str], complaints: list[str], theme: str, width: int, height: int
) -> None:
    page = opened("/", mara, color_scheme=theme, viewport={"width": width, "height": height})
    wrong = []
    for number, address in enumerate(addresses):
        page.goto(address)
        page.evaluate("for (const one of document.querySelectorAll('main details')) one.open = true")
        if SHOTS:
            page.screenshot(path=Path(SHOTS) / f"b-{theme}-{number}.png", full_page=True)
        wrong += serious(page)
        wrong += [f"{address}: {text} is too small" for text in page.evaluate(SMALL)]
        if overflow(page) > 0:
            wrong.append(f"{address} is {overflow(page)} pixels too wide")
    assert wrong == []
    assert unexpected(complaints) == []


def test_a_manager_makes_a_snapshot_and_opens_why_an_image_was_left_out(
    opened: Open, mara: Client, addresses: list[str]
) -> None:
    page = opened("/snapshots/", mara)
    page.get_by_role("link", name="Make a snapshot").click()
    page.get_by_label("Cut").uncheck()
    page.get_by_role("button", name="Freeze it").click()
    page.get_by_text("S2 is made.").wait_for()
    page.get_by_role("link", name="Somebody was unsure", exact=True).click()
    expect(page.locator(".thumbs li")).to_have_count(1)


def test_labels_are_quarantined_after_a_look_at_what_that_keeps_back(
    opened: Open, mara: Client, addresses: list[str]
) -> None:
    page = opened("/quarantine/", mara)
    page.get_by_label("Labels of").select_option(label="mara")
    page.get_by_role("button", name="Show what it keeps back").click()
    page.get_by_text("It keeps back 43 labels").wait_for()
    page.get_by_label("Why").fill("to see")
    page.get_by_role("button", name="Quarantine them").click()
    page.get_by_text("It stands. The next").wait_for()
    expect(page.locator("#standing li").nth(1)).to_be_attached()
