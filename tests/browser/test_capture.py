"""The page of one capture in a real browser: a label is kept whatever becomes of network and session."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone
from playwright.sync_api import BrowserContext, expect

from inspections.models import Capture, Label, Person, ReviewItem
from inspections.review.answers import decide
from tests import cast
from tests.browser.conftest import Open
from tests.browser.waiting import until
from tests.cast import a_camera, a_line, signed_in
from tests.judged import judged

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True, serialized_rollback=True)]


@pytest.fixture
def capture(transactional_db: None) -> Capture:
    return judged(a_camera(), "thread", 0.9)


@pytest.fixture
def olga(transactional_db: None) -> Person:
    return cast.olga()


@pytest.fixture
def oscar(transactional_db: None) -> Person:
    return cast.a_person("oscar", cast.Role.OPERATOR, a_line("loom-1"))


def sign_in(context: BrowserContext, person: Person, address: str) -> None:
    """Another session in the same browser."""
    session = signed_in(person).cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": session, "url": address.partition("/captures/")[0]}])


def test_one_touch_labels_and_one_takes_back(
    opened: Open, capture: Capture, olga: Person, complaints: list[str]
) -> None:
    page = opened(capture.get_absolute_url(), signed_in(olga), has_touch=True)
    page.get_by_role("button", name="Hole").tap()
    expect(page.get_by_text("Labelled Hole by olga; the model said Thread.")).to_be_visible()
    page.get_by_role("button", name="Take back").tap()
    expect(page.get_by_text("Taken back: Hole.")).to_be_visible()
    assert Label.objects.count() == 2
    assert complaints == []


def test_without_a_network_the_label_stays_and_goes_when_it_is_back(
    opened: Open, capture: Capture, olga: Person
) -> None:
    page = opened(capture.get_absolute_url(), signed_in(olga))
    page.get_by_label("Note, if you like").fill("two threads")
    page.context.set_offline(True)
    page.get_by_role("button", name="Hole").click()
    expect(page.get_by_text("Not kept: there is no connection.")).to_be_visible()
    expect(page.locator(".decide-class.is-draft")).to_have_text("Hole")
    expect(page.get_by_role("button", pressed=True)).to_have_text("Hole")
    page.context.set_offline(False)
    expect(page.get_by_text("Labelled Hole by olga")).to_be_visible()
    expect(page.locator(".decide-class.is-draft")).to_have_count(0)
    assert Label.objects.get().note == "two threads"


def test_a_label_outlives_its_page_and_goes_with_the_next_one(
    opened: Open, capture: Capture, olga: Person, oscar: Person
) -> None:
    page = opened(capture.get_absolute_url(), signed_in(olga))
    page.get_by_label("Note, if you like").fill("two threads")
    page.context.set_offline(True)
    page.get_by_role("button", name="Hole").click()
    expect(page.get_by_text("Not kept: there is no connection.")).to_be_visible()
    context = page.context
    page.close()
    context.set_offline(False)
    sign_in(context, oscar, page.url)
    other = context.new_page()
    other.goto(capture.get_absolute_url())
    other.wait_for_load_state("networkidle")
    assert not Label.objects.filter(person=oscar).exists()  # the last page may have sent it as it closed; he never
    sign_in(context, olga, page.url)
    other.reload()
    expect(other.get_by_text("Labelled Hole by olga")).to_be_visible()
    assert Label.objects.get().note == "two threads"
    until(other, "localStorage.getItem('selvedge-outbox:olga') === null")


def test_a_kept_label_that_comes_too_late_stands_in_the_form_again(
    opened: Open, capture: Capture, olga: Person, oscar: Person
) -> None:
    page = opened(capture.get_absolute_url(), signed_in(olga))
    page.get_by_label("Note, if you like").fill("mine")
    page.context.set_offline(True)
    page.get_by_role("button", name="Hole").click()
    expect(page.get_by_text("Not kept: there is no connection.")).to_be_visible()
    context = page.context
    page.close()
    decide(oscar, capture, "cut", timezone.now())
    context.set_offline(False)
    other = context.new_page()
    other.goto(capture.get_absolute_url())
    expect(other.get_by_text("What you chose before could not be kept as it was.")).to_be_visible()
    expect(other.get_by_label("Note, if you like")).to_have_value("mine")
    other.get_by_role("button", name="Hole").click()
    expect(other.get_by_text("Labelled Hole by olga")).to_be_visible()


def test_a_label_is_not_sent_under_another_name(opened: Open, capture: Capture, olga: Person, oscar: Person) -> None:
    page = opened(capture.get_absolute_url(), signed_in(olga))
    sign_in(page.context, oscar, page.url)
    page.get_by_role("button", name="Hole").click()
    expect(page.get_by_text("Not kept: somebody else is signed in here now.")).to_be_visible()
    assert not Label.objects.exists()


def test_the_note_stays_when_the_session_was_new_and_somebody_was_faster(
    opened: Open, capture: Capture, olga: Person, oscar: Person
) -> None:
    page = opened(capture.get_absolute_url(), signed_in(olga))
    sign_in(page.context, olga, page.url)
    page.context.add_cookies([{"name": "csrftoken", "value": "b" * 32, "url": page.url.partition("/captures/")[0]}])
    decide(oscar, capture, "cut", timezone.now())
    page.get_by_label("Note, if you like").fill("mine")
    page.get_by_role("button", name="Hole").click()
    expect(page.get_by_text("oscar said meanwhile: Cut.")).to_be_visible()
    expect(page.get_by_label("Note, if you like")).to_have_value("mine")
    until(page, "localStorage.getItem('selvedge-outbox:olga') === null")


def test_after_the_session_the_label_stays_until_one_has_signed_in(
    opened: Open, capture: Capture, olga: Person
) -> None:
    page = opened(capture.get_absolute_url(), signed_in(olga))
    Session.objects.all().delete()
    page.get_by_role("button", name="Hole").click()
    expect(page.get_by_text("Not kept: the session has ended.")).to_be_visible()
    with page.context.expect_page() as beside:
        page.locator("#decide-ended a").click()
    beside.value.get_by_label("User name").fill("olga")
    beside.value.get_by_label("Password").fill(cast.PASSWORD)
    beside.value.keyboard.press("Enter")
    expect(beside.value.locator(".who-name")).to_contain_text("olga")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("Labelled Hole by olga")).to_be_visible()
    assert Label.objects.count() == 1


def test_what_another_said_meanwhile_is_told_and_asked_again(
    opened: Open, capture: Capture, olga: Person, oscar: Person
) -> None:
    page = opened(capture.get_absolute_url(), signed_in(olga))
    decide(oscar, capture, "cut", timezone.now())
    page.get_by_label("Note, if you like").fill("mine")
    page.get_by_role("button", name="Hole").click()
    expect(page.get_by_text("oscar said meanwhile: Cut.")).to_be_visible()
    expect(page.get_by_label("Note, if you like")).to_have_value("mine")
    page.get_by_role("button", name="Hole").click()
    expect(page.get_by_text("Labelled Hole by olga")).to_be_visible()


def test_while_another_decides_the_page_waits_and_then_asks(
    opened: Open, capture: Capture, olga: Person, oscar: Person
) -> None:
    ReviewItem.objects.update(holder=oscar, lease_until=timezone.now() + timedelta(minutes=2))
    page = opened(capture.get_absolute_url(), signed_in(olga))
    expect(page.get_by_text("oscar decides this now")).to_be_visible()
    ReviewItem.objects.update(lease_until=None)
    expect(page.get_by_role("button", name="Hole")).to_be_visible()


def test_without_javascript_everything_works_by_forms(opened: Open, capture: Capture) -> None:
    page = opened(capture.get_absolute_url(), signed_in(cast.mara()), java_script_enabled=False)
    page.get_by_role("button", name="Hole").click()
    expect(page.get_by_text("Kept: Hole.")).to_be_visible()
    page.get_by_role("button", name="Use as a known answer").click()
    expect(page.get_by_text("The known answer of this image is Hole now.")).to_be_visible()
    page.get_by_role("button", name="Use as the class's example").click()
    expect(page.get_by_text("This image now stands beside the definition of Hole.")).to_be_visible()
    page.get_by_role("link", name="All classes").click()
    expect(page.locator(f"#class-hole img[src*='{capture.pk}']")).to_have_count(1)
    page.locator("#class-cut summary").click()
    page.locator("#cut-name").fill("Slit")
    page.locator("#class-cut button").click()
    expect(page.get_by_text("“Slit” is kept.")).to_be_visible()
