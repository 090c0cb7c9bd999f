"""What a newcomer finds in four clicks from the overview: which line went wrong in the night, with what, and who acted.

`PICTURES=docs/images pytest tests/browser/test_tuesday.py` also takes the pictures of docs/manager.md.
"""

import os
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
import time_machine
from PIL import Image
from playwright.sync_api import Page, expect

from tests import tuesday
from tests.browser.conftest import Open
from tests.browser.test_plots import walked
from tests.cast import signed_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True, serialized_rollback=True)]
LOOKS = {"light": {"width": 1280, "height": 800}, "dark": {"width": 768, "height": 1024}}


@pytest.fixture
def now() -> datetime:
    return tuesday.NOW


@pytest.fixture
def mill(transactional_db: None, now: datetime) -> Iterator[tuesday.Mill]:
    with time_machine.travel(now, tick=True):
        yield tuesday.the_week(now)


def picture(page: Page, name: str, theme: str) -> None:
    if folder := os.environ.get("PICTURES"):
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(600)
        path = Path(folder) / f"{name}-{theme}.png"
        Image.open(BytesIO(page.screenshot())).convert("RGB").quantize(256).save(path, optimize=True)


@pytest.mark.parametrize("now", [tuesday.ACTED - timedelta(minutes=3)])
def test_while_it_happens_the_overview_says_where_since_when_and_with_what(
    opened: Open, mill: tuesday.Mill, complaints: list[str]
) -> None:
    for theme in LOOKS:
        page = opened("/", signed_in(mill.olga), color_scheme=theme, viewport=LOOKS[theme])
        first = page.get_by_role("main").get_by_role("listitem").first
        for words in ("Line 3", "Abnormal", "Cut", "02:40"):
            expect(first).to_contain_text(words)
        picture(page, "manager-overview", theme)
    assert complaints == []


def test_the_night_on_line_3_is_found_in_four_clicks(opened: Open, mill: tuesday.Mill, complaints: list[str]) -> None:
    """In both themes on one planted week: planting takes longer than looking."""
    for theme in LOOKS:
        in_four_clicks(opened, mill, theme)
    assert complaints == []


def in_four_clicks(opened: Open, mill: tuesday.Mill, theme: str) -> None:
    page = opened("/", signed_in(mill.mara), color_scheme=theme, viewport=LOOKS[theme])
    expect(page.get_by_role("link", name="Line 3", exact=True)).to_be_visible()
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Alarms").click()  # 1
    expect(page).to_have_url(re.compile("/alarms/$"))
    past = page.get_by_role("row").or_(page.get_by_role("listitem")).filter(has_text="Line 3").first
    expect(past).to_contain_text("02:40")
    picture(page, "manager-alarms", theme)

    past.get_by_role("link").first.click()  # 2
    main = page.get_by_role("main")
    for words in ("Line 3", "Cut", "02:40", "03:05", "olga", tuesday.NOTE, "25 min"):
        expect(main).to_contain_text(words)
    walked(page, "rate")
    picture(page, "manager-alarm", theme)

    main.get_by_role("link", name="All images of it").click()  # 3
    expect(page.locator(".thumb")).to_have_count(48)  # a screenful
    picture(page, "manager-flagged", theme)
    page.locator(".thumb").first.click()  # 4
    expect(page).to_have_url(re.compile("/captures/"))
    expect(page.get_by_role("main")).to_contain_text("Cut")
    picture(page, "manager-capture", theme)
    the_week_tells_it_too(opened("/", signed_in(mill.mara), color_scheme=theme, viewport=LOOKS[theme]), theme)
    page.goto("/lines/line-3/?from=2026-09-10T00:00&to=2026-11-19T00:00")  # in weeks: counted by the day
    expect(page.locator("#plot-width .plot-draw")).to_have_attribute("data-drawn", re.compile("^[1-9]"))


def the_week_tells_it_too(page: Page, theme: str) -> None:
    """The other way: from the line."""
    page.get_by_role("link", name="Line 3", exact=True).click()  # 1
    page.get_by_role("link", name="7 days").click()  # 2
    expect(page).to_have_url(re.compile("when=7d"))
    picture(page, "manager-line", theme)
    main = page.get_by_role("main")
    expect(main).to_contain_text("2026.11.2")
    expect(main).to_contain_text(tuesday.NOTE)
    expect(main).to_contain_text("2 points signal, the first at Tue 17 Nov 02:00")
    main.get_by_role("link", name="All flagged of this period").click()  # 3
    expect(page).to_have_url(re.compile("/flagged/"))
    expect(page.locator(".thumb").first).to_contain_text("Cut")
