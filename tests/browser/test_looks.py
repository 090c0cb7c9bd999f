"""Every page, in both themes and both sizes: accessible, nothing cut off, nothing for the browser to complain of."""

import re
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect

from inspections.models import AuditEvent, Camera, ReviewItem, Roll
from tests import cast
from tests.audits import audited, controlled, read_twice, volume
from tests.browser.conftest import Open
from tests.cast import a_camera, a_line, a_png, signed_in
from tests.judged import a_capture, failed, judged, many_judged

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True, serialized_rollback=True)]
SIZES = {"tablet": (768, 1024), "desktop": (1280, 800)}


@pytest.fixture
def addresses(db: None) -> list[str]:
    """A mill with a bit of everything, and the addresses of its pages."""
    now = timezone.now()
    left = a_camera(seen_at=now)
    a_camera(slug="right", seen_at=now - timedelta(minutes=9))
    a_line("loom-2", name="A line with a long name, as mills have them, that must wrap and not push")
    many_judged(left, 300, now - timedelta(hours=8), step=timedelta(minutes=1))
    many_judged(left, 40, now - timedelta(minutes=1), "thread", 0.9)
    roll = Roll.objects.create(code="R-2026-0042")
    shown = [
        judged(left, "metal_contamination", 0.9, data=a_png(1), roll=roll, position_m=4.5, offset_mm=10),
        judged(left, "unknown", None, data=a_png(2), warnings=("not-a-number", "dark")),
        judged(left, "good", 0.01, data=a_png(3)),
        failed(left, "three attempts used up"),
        judged(left, "hole", suffix="tiff"),
        a_capture(left, now - timedelta(minutes=2)),
    ]
    pages = ["/", "/lines/loom-1/", "/lines/loom-2/", "/flagged/", "/flagged/?line=nope&since=x", "/flagged/?class=cut"]
    AuditEvent.note(None, "label", f"capture {shown[0].pk}", now, label="hole", before=None, keys={"good": "g"})
    pages += ["/unlock/?next=/flagged/", "/upload/?line=loom-1", "/audit/", "/audit/?after=damaged", "/audit/?person=x"]
    pages += ["/lines/loom-1/rolls/", "/lines/loom-2/rolls/", "/lines/loom-1/rolls/?after=x"]
    pages += ["/queue/", "/queue/?line=loom-2", "/queue/?order=x", "/keys/", asked_blind()]
    return [*pages, *(capture.get_absolute_url() for capture in shown), "/captures/", *quality_pages(left)]


def asked_blind() -> str:
    """A queue whose image is asked without the model's answer."""
    shown = judged(a_camera("loom-3"), "cut", 0.9, data=a_png(4))
    ReviewItem.objects.filter(capture=shown).update(blind=True)
    return "/queue/?line=loom-3"


def quality_pages(camera: Camera) -> list[str]:
    """With audits, known answers and second readings in them."""
    now = timezone.now()
    olga, otto = cast.olga(), cast.otto()
    volume(camera.line, now - timedelta(days=1), 4000, flagged=30)
    for number in range(12):
        audited(olga, camera, "hole" if number == 3 else "good", now - timedelta(days=5 * number), seed=number)
        controlled(olga, camera, "hole", "hole" if number % 3 else "good", now - timedelta(days=number))
        read_twice(olga, otto, camera, ("hole", "hole" if number % 4 else "cut"), now - timedelta(days=number))
    audited(olga, a_camera("loom-2"), "good", now - timedelta(hours=2))
    return ["/escape/", "/escape/?line=loom-1&period=7d", "/escape/?period=x", "/agreement/", "/agreement/?until=x"]


def serious(page: Page) -> list[str]:
    page.wait_for_load_state()  # with its styles, where a press led to it
    found = Axe().run(page).response["violations"]
    return [
        f"{page.url} {one['id']}: {one['nodes'][0]['html'][:160]}"
        for one in found
        if one["impact"] in {"serious", "critical"}
    ]


def overflow(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def unexpected(complaints: list[str]) -> list[str]:
    """Without the browser's own note of pages that are meant to be 400 or 404."""
    meant = ("status of 400", "status of 404", "does not conform to the required format")
    return [text for text in complaints if not any(words in text for words in meant)]


@pytest.mark.parametrize(("theme", "size"), [("light", "tablet"), ("dark", "desktop")])
def test_every_page_is_accessible_and_whole(
    opened: Open, addresses: list[str], complaints: list[str], theme: str, size: str
) -> None:
    width, height = SIZES[size]
    look = {"color_scheme": theme, "viewport": {"width": width, "height": height}}
    page = opened("/login/", **look)
    wrong = serious(page)
    page = opened("/", signed_in(cast.mara()), **look)
    for address in addresses:
        page.goto(address)
        wrong += serious(page)
        if overflow(page) > 0:
            wrong.append(f"{address} is {overflow(page)} pixels too wide")
    assert page.evaluate("document.documentElement.dataset.bsTheme") == theme
    assert wrong == []
    assert unexpected(complaints) == []


def test_at_twice_the_size_nothing_is_cut_off(opened: Open, addresses: list[str]) -> None:
    page = opened("/", signed_in(cast.mara()), viewport={"width": 384, "height": 512})
    for address in addresses:
        page.goto(address)
        assert overflow(page) <= 0, address


def test_empty_pages_are_accessible_too(opened: Open, db: None) -> None:
    page = opened("/", signed_in(cast.mara()))
    assert page.get_by_text("No lines yet").is_visible()
    wrong = serious(page)
    for address in ("/flagged/", "/queue/", "/escape/", "/agreement/"):
        page.goto(address)
        wrong += serious(page)
    assert wrong == []


def test_targets_are_large_enough_for_gloves(opened: Open, addresses: list[str]) -> None:
    page = opened("/flagged/", signed_in(cast.mara()), viewport={"width": 768, "height": 1024})
    small = page.evaluate(
        """[...document.querySelectorAll('.button, .quiet, .tabs a, .filters select, .pick label, .thumb')]
           .map(e => [e.textContent.trim(), e.getBoundingClientRect()])
           .filter(([, box]) => box.height && (box.height < 46 || box.width < 46)).map(([text]) => text)"""
    )
    assert small == []


def test_without_javascript_the_pages_are_whole(opened: Open, addresses: list[str]) -> None:
    client: Client = signed_in(cast.mara())
    page = opened("/flagged/", client, java_script_enabled=False)
    page.locator("select[name=class]").select_option("thread")
    page.locator("noscript button").click()
    expect(page).to_have_url(re.compile("class=thread"))
    expect(page.locator(".thumb")).to_have_count(40)
    page.goto(next(address for address in addresses if address.startswith("/captures/")))
    page.locator("#heat").check()
    assert page.locator("#heat-layer").is_visible()
