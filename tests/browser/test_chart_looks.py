"""The control chart's page in a real browser: accessible and whole in both themes, large enough to touch."""

import os
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import expect

from inspections import charting
from inspections.models import Line, Person
from tests import cast
from tests.browser.conftest import Open
from tests.browser.test_looks import overflow, serious, unexpected
from tests.browser.test_plots import walked
from tests.cast import a_line, signed_in
from tests.charts import TEN, a_roll, a_threshold, confirmed, pieces, slots, usual

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True, serialized_rollback=True)]
SHOTS = os.environ.get("SHOTS")  # a folder to keep pictures of the pages in
SIZES = {"tablet": (768, 1024), "desktop": (1280, 800)}
SPREAD = [12, 18, 25, 9, 30, 14, 22, 8, 27, 15] * 6
SMALL = """[...document.querySelectorAll('main :is(.button, summary, .chart-tabs a, .chart-switch, select, input)')]
  .filter(e => !e.closest('.chart-switch') || e.matches('.chart-switch'))
  .map(e => [e.textContent.trim(), e.getBoundingClientRect()])
  .filter(([, box]) => box.height && box.height < 46).map(([text]) => text)"""


@pytest.fixture
def mara(transactional_db: None) -> Client:
    return signed_in(cast.mara())


@pytest.fixture
def addresses(mara: Client) -> list[str]:
    """A line with a standing baseline, one that a break waits on, one whose counts spread, and one without data."""
    now, boss = timezone.now().replace(minute=0, second=0, microsecond=0), Person.objects.get(username="mara")
    start = now - timedelta(days=1)
    steady, broken, wide = (
        a_line("loom-1", name="A line with a long name, as mills have them"),
        *map(a_line, ("l-2", "l-3")),
    )
    for line in (steady, broken):
        end = slots(line, start, usual(60))
        confirmed(charting.chart_of(line), start, end, boss, end)
    slots(steady, start + 60 * TEN, [*usual(30), 14, 16])
    pieces(broken, a_roll("R1"), start, [0] * 5)
    pieces(broken, a_roll("R2", "satin"), start + 60 * TEN, [0] * 5)
    a_threshold(broken, start + 70 * TEN, 0.31)
    slots(broken, start + 71 * TEN, usual(8))
    slots(wide, start, SPREAD, judged=1000)
    Line.objects.get_or_create(slug="l-4")
    bad = "since=2026-11-16T06:00&until=2026-11-16T05:00"
    return [*(f"/lines/{slug}/chart/" for slug in ("loom-1", "l-2", "l-3", "l-4")), f"/lines/loom-1/chart/?{bad}"]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_every_state_of_the_page_is_accessible_and_whole(
    opened: Open, mara: Client, addresses: list[str], complaints: list[str], theme: str, size: str
) -> None:
    width, height = SIZES[size]
    page = opened("/", mara, color_scheme=theme, viewport={"width": width, "height": height})
    wrong: list[str] = []
    for number, address in enumerate(addresses):
        page.goto(address)
        page.evaluate("for (const one of document.querySelectorAll('main details')) one.open = true")
        wrong += serious(page)
        wrong += [f"{address}: {text!r} is too small" for text in page.evaluate(SMALL)]
        if overflow(page) > 0:
            wrong.append(f"{address} is {overflow(page)} pixels too wide")
        if SHOTS:
            page.evaluate("for (const one of document.querySelectorAll('.plot-table')) one.open = false")
            page.wait_for_timeout(400)
            page.screenshot(path=Path(SHOTS) / f"chart-{number}-{size}-{theme}.png", full_page=True)
    assert wrong == []
    assert unexpected(complaints) == []


def test_one_press_takes_laneys_chart_and_a_reason_confirms_it(
    opened: Open, mara: Client, addresses: list[str]
) -> None:
    page = opened(addresses[2], mara)
    page.get_by_role("button", name="Chart by Laney p′").click()
    expect(page.get_by_role("status").first).to_contain_text("Kept.")
    walked(page, "proposal")
    page.get_by_label("Why this is normal").fill("Six beams of the same yarn")
    page.get_by_role("button", name="Confirm as normal").click()
    expect(page.locator("#standing")).to_contain_text("Six beams of the same yarn")
    expect(page.locator("#standing")).to_contain_text("Laney's σ_Z")
