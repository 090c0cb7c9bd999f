"""The grid, the classes, and captures as people have labelled them: accessible and whole, in every theme and size."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from inspections.models import DefectClass, KnownAnswer, Line, ReviewItem
from inspections.review.answers import decide
from tests import cast
from tests.browser.conftest import Open
from tests.browser.test_looks import overflow, serious, unexpected
from tests.browser.test_plots import walked
from tests.cast import a_camera, a_png, signed_in
from tests.judged import judged

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True, serialized_rollback=True)]
SIZES = {"tablet": (768, 1024), "desktop": (1280, 800), "wide": (1920, 1080)}
LISTS = (
    "/queue/grid/",
    "/queue/grid/?size=s",
    "/queue/grid/?size=l&order=new",
    "/queue/grid/?line=x",
    "/classes/",
    "/review/decisions/",
)


@pytest.fixture
def mara(transactional_db: None) -> Client:
    """The manager, who is asked one of the images blind."""
    return signed_in(cast.mara())


@pytest.fixture
def addresses(mara: Client) -> list[str]:
    now, camera, olga = timezone.now(), a_camera(), cast.olga()
    Line.objects.update(name="A line with a long name, as mills have them, that must wrap and not push")
    DefectClass.objects.create(code="snag", name="A snag, with a name as long as mills make them", critical=True)
    DefectClass.objects.create(code="old", name="Old", active=False)
    said, held, asked, known, *_others = (
        judged(camera, "thread" if number % 3 else "unknown", 0.9, data=a_png(number)) for number in range(16)
    )
    decide(olga, said, "snag", now, note="two threads", took_ms=2100)
    decide(olga, known, "cut", now)
    cut = DefectClass.objects.get(code="cut")
    KnownAnswer.objects.create(capture=known, line=camera.line, defect_class=cut, person=olga, at=now)
    until = now + timedelta(hours=1)
    ReviewItem.objects.filter(capture=held).update(holder=olga, lease_until=until, blind=False)
    boss = mara.session["_auth_user_id"]
    ReviewItem.objects.filter(capture=asked).update(holder=boss, lease_until=until, blind=True)
    return [*LISTS, *(capture.get_absolute_url() for capture in (said, held, asked, known))]


@pytest.mark.parametrize(("theme", "size"), [("light", "tablet"), ("dark", "desktop"), ("light", "wide")])
def test_every_page_is_accessible_and_whole(
    opened: Open, mara: Client, addresses: list[str], complaints: list[str], theme: str, size: str
) -> None:
    width, height = SIZES[size]
    page = opened("/", mara, color_scheme=theme, viewport={"width": width, "height": height})
    wrong = []
    for address in addresses:
        page.goto(address)
        page.evaluate("for (const one of document.querySelectorAll('main details')) one.open = true")
        wrong += serious(page)
        if overflow(page) > 0:
            wrong.append(f"{address} is {overflow(page)} pixels too wide")
    assert wrong == []
    assert unexpected(complaints) == []


def test_the_decisions_of_a_day_are_walked_by_keys(opened: Open, mara: Client, addresses: list[str]) -> None:
    walked(opened("/review/?when=24h", mara), "decisions")


def test_at_twice_the_size_nothing_is_cut_off(opened: Open, mara: Client, addresses: list[str]) -> None:
    page = opened("/", mara, viewport={"width": 384, "height": 512})
    for address in addresses:
        page.goto(address)
        assert overflow(page) <= 0, address


def test_from_right_to_left_nothing_is_cut_off(opened: Open, mara: Client, addresses: list[str]) -> None:
    page = opened("/", mara, viewport={"width": 768, "height": 1024})
    for address in addresses:
        page.goto(address)
        page.evaluate("document.documentElement.dir = 'rtl'")
        assert overflow(page) <= 0, address


def test_targets_are_large_enough_for_gloves(opened: Open, mara: Client, addresses: list[str]) -> None:
    page = opened("/", mara, viewport={"width": 768, "height": 1024})
    for address in addresses:
        page.goto(address)
        small = page.evaluate(
            """[...document.querySelectorAll('main .button, .tile-in, .tile-look, .pick label, .pick a, .class-switch')]
               .map(e => [e.textContent.trim(), e.getBoundingClientRect()])
               .filter(([, box]) => box.height && (box.height < 46 || box.width < 46)).map(([text]) => text)"""
        )
        assert small == [], address
