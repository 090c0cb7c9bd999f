"""The overview's promise: twelve lines on one screen of 1280 x 800, whatever is wrong with some of them."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page

from inspections import alarms
from inspections.models import Camera, Line, ReviewItem
from inspections.models.rollup import SLOT
from inspections.standing import slot_of
from tests import cast
from tests.alarmed import a_rule
from tests.browser.conftest import Open
from tests.browser.test_looks import overflow
from tests.cast import a_camera, signed_in
from tests.floor import a_standing_baseline, an_alarm, critical_rule, in_a_slot
from tests.judged import a_version, judged

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True, serialized_rollback=True)]
LINES = 12
LONG = "Jacquard loom {} in the old hall, behind the dye house"
WORDS = "Metal contamination was seen 3 times at the left selvedge of roll R-2026-004217."
NOTE = "needle changed, the next 40 metres are cut out"
# What every row tells, and what some do. `.desk-words` and names may be cut short with dots; these may not.
PARTS = {
    "the state": ".desk-line .state",
    "the rate": ".desk-rate strong",
    "its counts": ".desk-rate .small",
    "the limit": ".desk-strip .small",
    "the leading defect": ".desk-leading a",
    "the cameras": ".desk-cameras a > span:first-child",
    "data until": ".desk-cameras time",
    "the queue": ".desk-queue a > span:first-child",
    "its age": ".desk-queue a > .soft",
}
OF_TROUBLE = {"since when": ".desk-since > strong", "what": ".desk-words"}


@pytest.fixture
def mara(db: None) -> Client:
    """Three lines are abnormal, one is acknowledged; three have a silent camera, one of them with a long name."""
    a_version()
    now, olga = timezone.now(), cast.a_person("olga-annemarie", cast.Role.OPERATOR)
    for number in range(1, LINES + 1):
        a_line_of_twelve(number, bad=14 if number in (2, 5) else 2)
    an_alarm("loom-9", critical_rule(), words=WORDS)
    an_alarm("loom-9", a_rule(name="another"))
    an_alarm("loom-5", a_rule(name="rate"))
    seen = an_alarm("loom-7", a_rule(name="seen"))
    alarms.acknowledge(seen, olga, NOTE, now)
    for slug in ("loom-4", "loom-7", "loom-9"):
        a_camera(slug, "left-selvedge-camera-2", seen_at=now - timedelta(hours=3))
    Camera.objects.filter(line__slug="loom-4").update(seen_at=now - timedelta(minutes=40))
    return signed_in(cast.mara())


def a_line_of_twelve(number: int, bad: int) -> None:
    now, slug = timezone.now(), f"loom-{number}"
    line = a_camera(slug, seen_at=now).line
    Line.objects.filter(pk=line.pk).update(name=LONG.format(number))
    for back in range(4):
        in_a_slot(line, slot_of(now) - SLOT * back, bad, "metal_contamination" if number % 2 else "hole")
    a_standing_baseline(line)
    judged(a_camera(slug), "hole", 0.9, at=now)
    ReviewItem.objects.filter(line=line).update(created_at=now - timedelta(hours=30, minutes=20))


def hidden(page: Page, part: str, selector: str, rows: str = ".desk-list > li") -> list[str]:
    """Rows in which that part is not there, does not lie wholly within the window, or is cut short."""
    found: list[Any] = page.evaluate(
        """([rows, selector]) => [...document.querySelectorAll(rows)].filter(row => {
          const part = row.querySelector(selector);
          if (!part || !part.textContent.trim()) return true;
          const box = part.getBoundingClientRect();
          const within = box.width > 0 && box.height > 0 && box.top >= 0 && box.left >= 0
            && box.bottom <= window.innerHeight && box.right <= window.innerWidth;
          const cut = selector !== ".desk-words" && part.scrollWidth > part.clientWidth + 1
            && getComputedStyle(part).display !== "inline";
          return !within || cut;
        }).map(row => row.id)""",
        [rows, selector],
    )
    return [f"{part} of {row}" for row in found]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_twelve_lines_tell_all_on_one_screen(opened: Open, mara: Client, complaints: list[str], theme: str) -> None:
    page = opened("/", mara, color_scheme=theme, viewport={"width": 1280, "height": 800})
    assert page.locator(".desk-list > li").count() == LINES
    assert page.locator(".desk-list > li.is-abnormal").count() == 3
    gone = [row for part in PARTS.items() for row in hidden(page, *part)]
    gone += [row for part in OF_TROUBLE.items() for row in hidden(page, *part, ".is-abnormal, .is-acknowledged")]
    gone += hidden(page, "who has seen it", ".desk-seen", ".is-acknowledged")
    gone += hidden(page, "the silent camera", ".state-silent", "#line-loom-4, #line-loom-7, #line-loom-9")
    assert gone == []
    assert overflow(page) <= 0
    assert complaints == []
    small = page.evaluate(
        """[...document.querySelectorAll(".desk-list a:not(.desk-more), .desk-list button, .desk-list .note")]
           .filter(one => one.getBoundingClientRect().height < 47.5).map(one => one.id)"""
    )
    assert small == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_on_a_tablet_nothing_is_wider_than_the_screen(opened: Open, mara: Client, theme: str) -> None:
    page = opened("/", mara, color_scheme=theme, viewport={"width": 768, "height": 1024})
    assert overflow(page) <= 0
    wide = page.evaluate(
        """[...document.querySelectorAll(".desk *")].filter(one => {
          const box = one.getBoundingClientRect();
          return box.width && (box.right > window.innerWidth + 0.5 || box.left < -0.5)
            && !one.closest(".visually-hidden");
        }).map(one => one.className)"""
    )
    assert wide == []
    bottoms = "[...document.querySelectorAll('.desk-top > *')].map(one => one.getBoundingClientRect().bottom)"
    under = f"document.querySelector('#summary').getBoundingClientRect().top >= Math.max(...{bottoms})"
    assert page.evaluate(under), "the summary lies under the buttons"


@pytest.mark.parametrize("width", [768, 1024])
def test_a_tablet_names_each_figure_above_its_column(opened: Open, mara: Client, width: int) -> None:
    page = opened("/", mara, viewport={"width": width, "height": 1024})
    names = page.locator(".desk-names > span:visible")
    assert names.all_inner_texts() == [
        "Line", "Rate now", "24 hours, by the hour", "Leading defect now", "Cameras, data until", "To review"
    ]  # fmt: skip
    for name, part in zip(names.all(), ("line", "rate", "strip", "leading", "cameras", "queue"), strict=True):
        above, below = name.bounding_box(), page.locator(f".desk-list .desk-{part}").first.bounding_box()
        assert above
        assert below
        assert abs(above["x"] - below["x"]) < 6
