"""How fast the queue is, in a real browser, with ten thousand images waiting. It prints; a slow machine fails nothing.

Measured from the key to the second frame after the next image was drawn: by then the browser has shown it.
"""

import os
from datetime import timedelta
from statistics import median, quantiles

import pytest
from django.utils import timezone
from playwright.sync_api import CDPSession, Page

from inspections.models import Kind, Label, ReviewItem
from tests import cast
from tests.browser.conftest import Open
from tests.browser.waiting import until
from tests.cast import a_camera, a_png, signed_in
from tests.judged import judged, many_judged

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True, serialized_rollback=True)]
WAITING = 10_000
DECIDED = int(os.environ.get("DECISIONS", "80"))  # `make soak` asks for 400
PAUSE_MS = 100  # faster than any hand
MOST_HEAP = 20 * 1024 * 1024

# Presses a key and waits until the next image has been painted; milliseconds.
PRESS = """key => new Promise((done, fail) => {
  const viewer = window.selvedgeQueue.desk.viewer;
  let start;
  document.addEventListener("keydown", () => (start = performance.now()), { once: true, capture: true });
  setTimeout(() => fail(new Error("nothing was painted in a minute")), 60000);
  viewer.addEventListener("painted", () => done(performance.now() - start), { once: true });
  document.body.dispatchEvent(new KeyboardEvent("keydown", { key, code: `Key${key.toUpperCase()}`, bubbles: true }));
})"""


@pytest.fixture
def a_long_queue(db: None) -> None:
    now = timezone.now()
    camera = a_camera(mm_per_px=0.1)
    rest = many_judged(camera, WAITING - DECIDED - 20, now - timedelta(hours=5), "hole", 0.5)
    ReviewItem.objects.bulk_create(
        ReviewItem(capture=one, line=one.line, kind=Kind.FLAGGED, rank=0.5, counted_at=one.counted_at, created_at=now)
        for one in rest
    )
    pictures = [a_png(seed, (256, 256)) for seed in range(20)]
    for number in range(DECIDED + 20):
        fields = {"data": pictures[number % 20], "width": 256, "height": 256}
        judged(camera, "hole", 0.9, now - timedelta(seconds=300 - number), **fields)


def heap(session: CDPSession) -> int:
    session.send("HeapProfiler.collectGarbage")
    found = session.send("Performance.getMetrics")["metrics"]
    return int(next(one["value"] for one in found if one["name"] == "JSHeapUsedSize"))


def first_paint(page: Page) -> float:
    return float(page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"))


def all_sent(page: Page) -> None:
    until(page, "window.selvedgeQueue.desk.outbox.entries.length === 0")


def test_many_decisions_in_a_row(opened: Open, a_long_queue: None) -> None:
    page = opened("/queue/", signed_in(cast.olga()), viewport={"width": 1280, "height": 800})
    until(page, "Boolean(window.selvedgeQueue?.desk?.paintedAt)")
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    page.evaluate("window.sameDocument = true")
    took = [press(page, number) for number in range(20)]
    all_sent(page)
    before = heap(session)
    took += [press(page, number) for number in range(20, DECIDED)]
    all_sent(page)
    grown = heap(session) - before
    print(
        f"\nqueue: first paint {first_paint(page):.0f} ms; key to next image painted: median {median(took):.0f} ms,"
        f" p95 {quantiles(took, n=20)[-1]:.0f} ms, worst {max(took):.0f} ms; heap {grown / 1e6:+.1f} MB"
        f" over {DECIDED - 20} decisions, {WAITING} waiting"
    )
    assert page.evaluate("window.sameDocument")
    assert grown <= MOST_HEAP
    assert Label.objects.count() == DECIDED
    assert Label.objects.values("capture").distinct().count() == DECIDED


def press(page: Page, number: int) -> float:
    page.wait_for_timeout(PAUSE_MS)
    return float(page.evaluate(PRESS, "g" if number % 3 else "f"))
