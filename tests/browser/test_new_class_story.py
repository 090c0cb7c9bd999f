"""A class that the model never saw: five examples, look-alikes, confirmed, a sixth found by it, and taken back."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import pytest
from django.test import Client
from PIL import Image
from playwright.sync_api import expect

from inspections.models import Capture
from tests import cast, mill
from tests.browser.conftest import Open
from tests.browser.test_looks import overflow, serious, unexpected
from tests.bundles import GOOD, HOLE, cloth
from tests.cast import a_camera, encoded, signed_in, with_key
from workers import prototyping
from workers.judging import drain

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True, serialized_rollback=True)]
SIZES = [("light", (1280, 800)), ("dark", (768, 1024)), ("dark", (1280, 800)), ("light", (768, 1024))]


def snagged(seed: int) -> bytes:
    """Good cloth with dark ends at its edge, where the small bundle's embedding looks and its classes do not."""
    image = Image.open(BytesIO(cloth(GOOD, seed)))
    for row in (20, 40, 60):
        image.putpixel((0, row), 100 + (7 * seed + row) % 9)
    return encoded(image)


def posted(images: Sequence[bytes]) -> list[Capture]:
    camera = with_key(a_camera())
    found = [mill.posted(camera, data, capture_id=f"c{Capture.objects.count()}") for data in images]
    drain()
    for one in found:
        one.refresh_from_db()
    return found


@pytest.fixture
def mara(transactional_db: None, tmp_path: Path) -> Client:
    """The manager, in a mill whose model knows good, hole and cut, and has judged some of them."""
    mill.install(tmp_path)
    posted([cloth(GOOD, seed) for seed in range(40)])
    posted([cloth(HOLE, seed) for seed in range(40, 44)])
    return signed_in(cast.mara())


def test_a_class_from_five_examples_finds_a_sixth_and_is_taken_back(
    opened: Open, mara: Client, complaints: list[str]
) -> None:
    examples, alike = posted([snagged(seed) for seed in range(60, 65)]), posted([snagged(70), snagged(71)])
    page = opened("/", mara, viewport={"width": 1280, "height": 800})
    for one in examples:
        page.goto(f"/captures/{one.pk}/")
        page.get_by_role("button", name="Example of a new class").click()
        page.wait_for_url("**/classes/new-from-examples/")
    expect(page.get_by_role("heading", name="5 examples")).to_be_visible()

    # The look-alikes are there at once; one is accepted by a key.
    first = page.locator("#alikes .is-inside")
    expect(first).to_have_count(len(alike))
    expect(page.locator("#precision")).to_contain_text("%")
    first.first.get_by_role("radio", name="It is", exact=True).focus()
    page.keyboard.press("a")
    expect(page.locator("#precision")).to_contain_text("6 of 6")
    expect(page.locator("#new-class-bar")).to_contain_text("6 captures of the class · precision 100 % (")
    page.get_by_label("Name").fill("Snag")
    page.get_by_role("button", name="Keep, and count anew").click()
    expect(page.get_by_label("Name")).to_have_attribute("value", "Snag")  # as the server draws it
    page.get_by_role("button", name="Confirm the class").click()
    expect(page.get_by_text("6 captures are labelled so")).to_be_visible()
    expect(page.locator("#class-snag")).to_contain_text("Provisional")

    # The camera posts a sixth one; a worker judges it.
    (sixth,) = posted([snagged(80)])
    said = page.request.get(f"/api/v1/captures/{sixth.pk}/").json()["verdict"]
    assert (said["label"], said["provisional"], said["flagged"]) == ("snag", True, True)
    page.goto(f"/captures/{sixth.pk}/")
    expect(page.locator(".answer").first).to_contain_text("Snag (provisional)")
    (good,) = posted([cloth(GOOD, 90)])
    assert page.request.get(f"/api/v1/captures/{good.pk}/").json()["verdict"]["label"] == "good"

    # Taken back, nothing of it is left but the history.
    page.goto("/classes/")
    page.locator("#class-snag").get_by_role("link", name="Take it back").click()
    page.get_by_label("Why").fill("It was oil")
    page.get_by_role("button", name="Take it back").click()
    expect(page.get_by_text("is taken back")).to_be_visible()
    prototyping.work()
    after = page.request.get(f"/api/v1/captures/{sixth.pk}/").json()["verdict"]
    assert (after["label"] != "snag", after["provisional"], after["flagged"]) == (True, False, True)
    assert unexpected(complaints) == []


@pytest.mark.parametrize(("theme", "size"), SIZES)
def test_its_pages_are_accessible_and_whole(
    opened: Open, mara: Client, complaints: list[str], theme: str, size: tuple[int, int]
) -> None:
    examples = posted([snagged(seed) for seed in range(60, 65)])
    posted([snagged(70), snagged(71)])
    mara.post("/classes/new-from-examples/mark/", {"capture": [str(one.pk) for one in examples]})
    mara.post("/classes/new-from-examples/", {"do": "keep", "name": "Snag", "definition": "A pulled loop."})
    page = opened(
        "/classes/new-from-examples/", mara, color_scheme=theme, viewport={"width": size[0], "height": size[1]}
    )
    expect(page.locator("#alikes .is-inside")).to_have_count(2)
    assert serious(page) == []
    assert overflow(page) <= 0
    page.get_by_role("button", name="Confirm the class").click()
    expect(page.locator("#class-snag")).to_contain_text("Provisional")
    assert serious(page) == []
    page.goto("/classes/snag/take-back/")
    assert serious(page) == []
    assert overflow(page) <= 0
    assert unexpected(complaints) == []
