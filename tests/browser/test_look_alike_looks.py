"""Look-alikes in a browser: they come when the reader gets there, whole and accessible in both themes and sizes."""

import pytest
from playwright.sync_api import expect

from inspections.models import Camera, Capture
from tests import cast
from tests.alike import SIZE
from tests.browser.conftest import Open
from tests.browser.test_looks import SIZES, overflow, serious, unexpected
from tests.cast import signed_in
from tests.judged import a_capture
from tests.labelled import an_answer
from tests.teaching import seen_as

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True, serialized_rollback=True)]


@pytest.fixture
def shown(camera: Camera) -> Capture:
    """A capture with a dozen others that look more or less like it, one of them labelled."""
    first, *others = [seen_as(camera, number % SIZE, "hole", 0.9) for number in range(16)]
    an_answer(cast.mara(), others[0], "metal_contamination")
    return first


def test_they_come_when_the_reader_gets_there(opened: Open, shown: Capture, complaints: list[str]) -> None:
    page = opened(shown.get_absolute_url(), signed_in(cast.olga()), viewport={"width": 1280, "height": 800})
    page.locator("#look-alikes").scroll_into_view_if_needed()
    strip = page.locator("#look-alikes .thumb")
    expect(strip).to_have_count(12)
    expect(strip.first).to_contain_text("Distance 0.000")  # the same direction
    page.get_by_role("link", name="More look-alikes").click()
    expect(page.locator("#look-alikes .thumb")).to_have_count(15)
    assert unexpected(complaints) == []


def test_every_page_is_accessible_and_whole(opened: Open, shown: Capture, complaints: list[str]) -> None:
    waits = a_capture(shown.camera)
    olga, wrong = signed_in(cast.olga()), list[str]()
    for theme, size in (("light", "desktop"), ("dark", "tablet")):
        width, height = SIZES[size]
        page = opened("/", olga, color_scheme=theme, viewport={"width": width, "height": height})
        for capture in (shown, waits):
            for address in (capture.get_absolute_url(), f"/captures/{capture.pk}/look-alikes/"):
                page.goto(address)
                page.locator("#look-alikes").scroll_into_view_if_needed()
                words = "Nearest first" if capture == shown else "waits to be judged"
                expect(page.locator("#look-alikes")).to_contain_text(words)
                wrong += serious(page)
                if overflow(page) > 0:
                    wrong.append(f"{address} is {overflow(page)} pixels too wide")
    assert not wrong, "\n".join(wrong)
    assert unexpected(complaints) == []
