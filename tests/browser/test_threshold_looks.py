"""The threshold that moves, and the review statistics: live, accessible, whole, in both themes."""

import re
from datetime import time, timedelta

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import expect

from inspections.models import Camera, Shift, ThresholdChange
from tests import cast
from tests.audits import audited, said
from tests.browser.conftest import Open
from tests.browser.test_looks import overflow, serious, unexpected
from tests.browser.test_plots import walked
from tests.cast import a_camera, a_png, signed_in
from tests.judged import CLASSES, a_version, judged, many_judged

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True, serialized_rollback=True)]
PAGE = "/lines/loom-1/threshold/"


@pytest.fixture
def camera(transactional_db: None) -> Camera:
    """Two hours of a day with 100 captures each, ten of them flagged; people answered them, and twelve audits."""
    a_version(spec={"classes": CLASSES, "threshold": 0.2})
    found, olga, now = a_camera(), cast.olga(), timezone.now()
    Shift.objects.create(name="all day", starts=time(0), ends=time(0), days=[1, 2, 3, 4, 5, 6, 7], zone="UTC")
    for back in (3, 5):
        at = now - timedelta(hours=back)
        many_judged(found, 60, at, "good", 0.01)
        many_judged(found, 30, at, "good", 0.15)
    for number in range(10):
        capture = judged(found, "hole", 0.6, at=now - timedelta(hours=3), data=a_png(number))
        said(olga, capture, "hole" if number % 2 else "good", now - timedelta(hours=1))
    for number in range(12):
        audited(olga, found, "hole" if number == 3 else "good", now - timedelta(hours=4), seed=number)
    return found


@pytest.fixture
def mara(camera: Camera) -> Client:
    return signed_in(cast.mara())


def test_what_it_means_follows_the_slider_and_the_keys(opened: Open, mara: Client, complaints: list[str]) -> None:
    page = opened(PAGE, mara)
    flags = page.locator(".what-if-table tbody tr").first.locator("td strong")
    before = flags.inner_text()
    slide = page.locator("#slide")
    expect(page.locator("#id_threshold")).to_have_value("0.2")
    slide.focus()
    slide.press("Home")
    expect(page.locator("#id_threshold")).to_have_value("0")
    expect(flags).not_to_have_text(before)
    expect(page.locator("#live")).to_contain_text("Looked at: 0.00")
    expect(page.locator(".what-if-table tbody tr").nth(1).locator("strong")).to_have_text("100.0 %")
    page.locator("#id_threshold").fill("0.1")
    expect(page.locator("#live")).to_contain_text("Looked at: 0.10")
    expect(page).to_have_url(re.compile(r"threshold=0\.1(&|$)"))
    for key in ("flags", "rates"):
        walked(page, key)
    assert unexpected(complaints) == []


def test_it_is_set_with_a_reason_and_set_back(opened: Open, mara: Client, complaints: list[str]) -> None:
    page = opened(f"{PAGE}?threshold=0.1", mara)
    page.locator("#to-set").click()
    page.get_by_label("Why").fill("too many escapes")
    page.get_by_role("button", name="Set it to 0.10").click()
    expect(page.locator(".head")).to_contain_text("0.10 is in force")
    page.locator("#back").click()
    expect(page.locator(".head")).to_contain_text("0.20 is in force")
    assert [one.new for one in ThresholdChange.objects.all()] == [None, 0.1]
    assert unexpected(complaints) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_pages_are_accessible_and_whole(opened: Open, mara: Client, complaints: list[str], theme: str) -> None:
    wrong = []
    page = opened("/", mara, color_scheme=theme)
    for width, height in ((768, 1024), (1280, 800)):
        page.set_viewport_size({"width": width, "height": height})
        for address in (PAGE, f"{PAGE}?threshold=0.1&step=set", f"{PAGE}?threshold=x", "/review/?when=24h"):
            page.goto(address)
            wrong += serious(page)
            if overflow(page) > 0:
                wrong.append(f"{address} is {overflow(page)} pixels too wide at {width}")
            small = page.evaluate(
                """[...document.querySelectorAll('main .button, main input:not([type=hidden]), main textarea')]
                   .filter(e => e.offsetParent && e.getBoundingClientRect().height < 46).map(e => e.outerHTML)"""
            )
            wrong += [f"{address}: {one}" for one in small]
    assert wrong == []
    assert unexpected(complaints) == []
