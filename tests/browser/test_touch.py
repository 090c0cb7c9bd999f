"""Plots under fingers, on a tablet: two of them zoom, a tap tells and another opens, and the page still scrolls."""

import re
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import CDPSession, Locator, Page, expect

from tests import cast
from tests.browser.conftest import Open
from tests.browser.test_looks import unexpected
from tests.browser.test_plots import drawn, said
from tests.browser.waiting import until
from tests.cast import signed_in
from tests.judged import a_version
from tests.plotted import PAGE, a_night

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True, serialized_rollback=True)]
TABLET: dict[str, Any] = {"viewport": {"width": 768, "height": 1024}, "has_touch": True, "is_mobile": True}
Point = tuple[float, float]


@pytest.fixture
def page(opened: Open, transactional_db: None) -> Page:
    a_version()
    a_night()
    client: Client = signed_in(cast.mara())
    found = opened(PAGE, client, **TABLET)
    drawn(found, "rate")
    return found


def fingers(session: CDPSession, *path: list[Point]) -> None:
    """They touch, move along and lift; each step is where all of them are."""
    for place, points in enumerate(path):
        where = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        session.send("Input.dispatchTouchEvent", {"type": "touchMove" if place else "touchStart", "touchPoints": where})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def middle(page: Page, key: str) -> tuple[Locator, Point]:
    place = page.locator(f"#plot-{key} .plot-draw")
    place.evaluate("e => e.scrollIntoView({ block: 'center', behavior: 'instant' })")
    frame = place.bounding_box()
    assert frame
    return place, (frame["x"] + frame["width"] / 2, frame["y"] + frame["height"] / 2)


def test_two_fingers_zoom_the_plot_and_not_the_page(page: Page, complaints: list[str]) -> None:
    session = page.context.new_cdp_session(page)
    _place, (x, y) = middle(page, "rate")
    fingers(session, *([(x - away, y), (x + away, y)] for away in range(30, 200, 10)))
    expect(page.locator("#plot-rate .plot-span")).to_be_visible()
    assert page.evaluate("visualViewport.scale") == 1
    _place, (x, y) = middle(page, "rate")
    for _again in range(3):
        fingers(session, *([(x - away, y), (x + away, y)] for away in range(220, 20, -10)))
    expect(page.locator("#plot-rate .plot-span")).to_be_hidden()
    assert unexpected(complaints) == []


@pytest.mark.parametrize("key", ["rate", "classes"])
def test_a_tap_tells_the_point_and_another_one_opens_its_captures(page: Page, key: str) -> None:
    session = page.context.new_cdp_session(page)
    _place, at = middle(page, key)
    fingers(session, [at])
    expect(page.locator(f"#plot-{key} .plot-tip")).to_be_visible()
    assert re.search(r"\d %", said(page, key))
    link = page.locator(f"#plot-{key} .plot-open")
    expect(link).to_be_visible()
    address = link.get_attribute("href") or ""
    fingers(session, [at])
    expect(page).to_have_url(re.compile(re.escape(address)))
    assert "/flagged/" in page.url


def test_a_finger_across_a_plot_scrolls_the_page_and_opens_nothing(page: Page) -> None:
    session = page.context.new_cdp_session(page)
    _place, (x, y) = middle(page, "rate")
    fingers(session, [(x, y)])
    before, address = page.evaluate("scrollY"), page.url
    fingers(session, *([(x, y - away)] for away in range(0, 240, 12)))
    until(page, f"scrollY > {before} + 100")
    assert page.url == address
