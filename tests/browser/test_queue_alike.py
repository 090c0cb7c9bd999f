"""Look-alikes in the queue: asked for by a key, beside the image and after it, and never of what is asked blind."""

from typing import Any

import pytest
from playwright.sync_api import Page, Request, Route, expect

from inspections.models import Camera, Capture, Label, ReviewItem
from tests import cast
from tests.browser.conftest import Open
from tests.browser.test_looks import SIZES, overflow, serious, unexpected
from tests.browser.test_queue import PAINTED, asked, at, press, sent
from tests.browser.waiting import until
from tests.labelled import an_answer
from tests.teaching import seen_as

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True, serialized_rollback=True)]
STRIP = "#q-alike"


@pytest.fixture
def asking(camera: Camera) -> list[Capture]:
    """Three to decide, and eight more that look more or less like them, one of them labelled."""
    asking = [seen_as(camera, number, "hole", 0.9 - number / 100) for number in range(3)]
    others = [seen_as(camera, number % 8) for number in range(8)]
    an_answer(cast.mara(), others[0], "metal_contamination")
    return asking


def listened(page: Page) -> list[str]:
    """The captures whose look-alikes were asked for, from now on."""
    found: list[str] = []

    def note(request: Request) -> None:
        if "/look-alikes/" in request.url:
            found.append(request.url.split("/captures/")[1][:36])

    page.on("request", note)
    return found


def test_a_key_opens_them_and_they_follow_until_it_closes_them(
    opened: Open, asking: list[Capture], complaints: list[str]
) -> None:
    first, second, third = (str(one.pk) for one in asking)
    page = at(opened, cast.olga())
    were_asked = listened(page)
    page.wait_for_timeout(300)
    assert were_asked == [], "nothing is asked while nobody wants it"
    page.keyboard.press("l")
    nearest = page.locator(f"{STRIP} .thumb").first
    expect(nearest).to_contain_text("Distance 0.000")
    expect(nearest).to_contain_text("Metal contamination")
    nearest.click()
    expect(page.locator("#q-peek")).to_be_visible()
    expect(page.locator("#q-peek-title")).to_have_text("Metal contamination")
    page.keyboard.press("Escape")
    press(page, "g")
    expect(page.locator(f"{STRIP} .thumb").first).to_contain_text("Distance 0.000")
    assert were_asked == [first, second]
    page.keyboard.press("l")
    press(page, "g")
    until(page, f"selvedgeQueue.desk.seen?.capture === '{third}'")
    page.wait_for_timeout(300)
    expect(page.locator(STRIP)).to_be_hidden()
    assert were_asked == [first, second]
    sent(page)
    assert unexpected(complaints) == []


def test_the_next_image_waits_for_none_of_them(opened: Open, asking: list[Capture]) -> None:
    page = at(opened, cast.olga())
    held: list[Route] = []
    page.route("**/look-alikes/", lambda route: held.append(route))
    page.keyboard.press("l")
    expect(page.locator(STRIP)).to_contain_text("Look-alikes come")
    press(page, "g")
    until(page, PAINTED)
    sent(page)
    assert asked(page) == str(asking[1].pk)
    assert Label.objects.filter(capture=asking[0]).count() == 1
    until(page, f"selvedgeQueue.desk.alike.of.startsWith('{asking[1].pk}')")
    expect(page.locator(f"{STRIP} .thumb")).to_have_count(0)


def test_one_that_cannot_be_fetched_says_so_and_is_fetched_on_the_next(opened: Open, asking: list[Capture]) -> None:
    page = at(opened, cast.olga())
    page.route("**/look-alikes/", lambda route: route.abort())
    page.keyboard.press("l")
    expect(page.locator(STRIP)).to_have_text("Look-alikes could not be fetched now.")
    page.unroute("**/look-alikes/")
    press(page, "g")
    expect(page.locator(f"{STRIP} .thumb").first).to_be_visible()


def test_what_is_asked_blind_has_none_until_it_is_answered(opened: Open, asking: list[Capture]) -> None:
    ReviewItem.objects.filter(capture=asking[0]).update(blind=True)
    page = at(opened, cast.olga())
    page.keyboard.press("l")
    expect(page.locator(STRIP)).to_contain_text("comes after your answer")
    expect(page.locator(f"{STRIP} .thumb")).to_have_count(0)
    press(page, "g")
    expect(page.locator(f"{STRIP} .thumb").first).to_be_visible()
    sent(page)
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#q-looking")).to_be_visible()
    expect(page.locator(f"{STRIP} .thumb").first).to_contain_text("Distance 0.000")


def test_the_strip_is_accessible_and_leaves_room_for_the_image(
    opened: Open, asking: list[Capture], complaints: list[str]
) -> None:
    wrong, olga = list[str](), cast.olga()
    for theme, size in (("light", "desktop"), ("dark", "tablet")):
        width, height = SIZES[size]
        options: dict[str, Any] = {"color_scheme": theme, "viewport": {"width": width, "height": height}}
        page = at(opened, olga, **options)
        page.keyboard.press("l")
        expect(page.locator(f"{STRIP} .thumb").first).to_be_visible()
        wrong += serious(page)
        glass = page.locator("#q-glass").bounding_box()
        assert glass
        if overflow(page) > 0 or glass["height"] < 250:
            wrong.append(f"{size}: {overflow(page)} too wide, the image is {glass['height']:.0f} high")
    assert not wrong, "\n".join(wrong)
    assert unexpected(complaints) == []
