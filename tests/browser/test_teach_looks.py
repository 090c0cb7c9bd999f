"""What to label, and the queue in that order: accessible and whole, on a desk in the light, on a tablet in the dark."""

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import expect

from inspections import teaching
from inspections.models import Insight, InsightKind, JobState, Person, Why
from inspections.review.answers import decide
from tests import cast
from tests.browser.conftest import Open
from tests.browser.test_looks import overflow, serious, unexpected
from tests.browser.test_queue import sent
from tests.browser.waiting import until
from tests.cast import a_camera, a_png, signed_in
from tests.judged import judged
from tests.teaching import compared, listed, passed

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True, serialized_rollback=True)]
ADDRESSES = ("/teach/", "/queue/?order=teach", "/queue/?order=disagree", "/queue/grid/?order=teach")


@pytest.fixture
def boss(transactional_db: None) -> Person:
    return cast.mara()


@pytest.fixture
def mara(boss: Person) -> Client:
    return signed_in(boss)


def a_curve(code: str, f1: float, problem: str = "") -> dict[str, object]:
    points = [[10 * n, f1 - 0.3 / n, max(f1 - 0.5 / n, 0), min(f1 - 0.1 / n, 1)] for n in range(1, 7)]
    following = {"now": f1 - 0.04, "gain": 0.03, "low": 0.0, "high": 0.06}
    return {
        "code": code, "labels": 90, "sources": 12, "points": [] if problem else points,
        "next": None if problem else following, "problem": problem,
    }  # fmt: skip


def fill(olga: Person) -> None:
    """A list, curves, doubtful labels and a confused pair, as workers write them."""
    now, camera = timezone.now(), a_camera()
    some = [passed(camera, seed) for seed in range(15)] + [judged(camera, "hole", 0.6, data=a_png(40))]
    listed(*some[:14], why=Why.MARGIN)
    compared(some[14])
    labelled = [judged(camera, "good", 0.01, data=a_png(seed)) for seed in range(50, 58)]
    for number, capture in enumerate(labelled):
        decide(olga, capture, "hole" if number % 2 else "cut", now)
        capture.refresh_from_db()
    doubts = [
        {
            "capture": str(one.pk),
            "label": str(one.label_id),
            "given": "hole",
            "opinion": "good",
            "chance": 0.97,
            "own": 0,
        }
        for one in labelled
    ]
    keys = [str(one.pk) for one in labelled]
    body = {
        "labels": 102, "read": 100, "suspects": doubts,
        "pairs": [{"first": "cut", "second": "hole", "count": 12, "share": 0.15, "captures": keys}],
        "curves": [a_curve("hole", 0.8), a_curve("good", 0.97), a_curve("cut", 0.4), a_curve("color", 0, "few-labels")],
    }  # fmt: skip
    values = {"asked_at": now, "finished_at": now, "state": JobState.DONE}
    Insight.objects.create(kind=InsightKind.LABELS, body=body, **values)
    Insight.objects.create(kind=InsightKind.TEACH, body={}, **values)


@pytest.mark.parametrize(("theme", "size"), [("light", (1280, 800)), ("dark", (768, 1024))])
def test_what_to_label_is_accessible_and_whole(
    opened: Open, mara: Client, complaints: list[str], theme: str, size: tuple[int, int]
) -> None:
    fill(cast.olga())
    page = opened("/teach/", mara, color_scheme=theme, viewport={"width": size[0], "height": size[1]})
    wrong = []
    for address in ADDRESSES:
        page.goto(address)
        page.evaluate("for (const one of document.querySelectorAll('main details')) one.open = true")
        wrong += serious(page)
        if overflow(page) > 0:
            wrong.append(f"{address}: wider than the screen")
    assert not wrong
    assert not unexpected(complaints)


def test_a_long_page_is_folded_and_can_be_jumped_through(opened: Open, mara: Client) -> None:
    fill(cast.olga())
    page = opened("/teach/", mara, viewport={"width": 768, "height": 1024})
    expect(page.locator("#picks li:visible")).to_have_count(12)
    page.get_by_text("All 14 that are shown here").click()
    expect(page.locator("#picks li:visible")).to_have_count(14)
    expect(page.locator("#suspects li:visible")).to_have_count(6)
    page.get_by_role("navigation", name="On this page").get_by_role("link", name="Probably wrong labels (8)").click()
    expect(page.locator("#suspects h2")).to_be_in_viewport()


def test_a_list_that_is_made_appears_by_itself(opened: Open, mara: Client) -> None:
    camera = a_camera()
    teaching.ask(InsightKind.TEACH, timezone.now())
    page = opened("/teach/", mara)
    page.get_by_text("it waits for a worker").wait_for()
    listed(passed(camera))
    Insight.objects.update(state=JobState.DONE, finished_at=timezone.now())
    page.get_by_text("The model hesitates between Hole and Cut.").wait_for()
    page.get_by_role("link", name="Label it in the queue").click()
    until(page, "Boolean(window.selvedgeQueue?.desk?.paintedAt)")
    page.get_by_text("The model hesitates between Hole and Cut.").wait_for()
    page.keyboard.press("g")
    page.get_by_text("Nothing waits for you").wait_for()
    sent(page)
