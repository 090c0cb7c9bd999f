"""Alarms in a real Chromium: acknowledged by keys, heard only after a press, tried before they are kept; accessible."""

from collections.abc import Callable

import pytest
from django.utils import timezone
from playwright.sync_api import Page, Route, expect

from inspections import alarms
from inspections.models import AlarmRule, AlarmState
from tests import cast
from tests.alarmed import a_channel, a_rule
from tests.browser.conftest import Open
from tests.browser.test_looks import SIZES, overflow, serious, unexpected
from tests.browser.waiting import until
from tests.cast import a_camera, a_png, signed_in
from tests.floor import a_running_line, a_standing_baseline, an_alarm, critical_rule
from tests.judged import a_version, judged
from tests.test_rule_pages import two_bad_hours

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True, serialized_rollback=True)]

# Every tone that the page plays, and the state of its audio, where a test can see them.
SPY = """
window.heard = [];
const make = AudioContext.prototype.createOscillator;
AudioContext.prototype.createOscillator = function () { window.heard.push(this.state); return make.call(this); };
"""


@pytest.fixture
def line(db: None) -> None:
    a_version()
    a_standing_baseline(a_running_line())


def heard(page: Page) -> int:
    return int(page.evaluate("window.heard.length"))


def polled(page: Page, happens: Callable[[], object]) -> None:
    """Something happens, and the page hears of it by its own poll."""
    happens()
    page.evaluate("htmx.trigger('#live', 'refresh')")


def held_back(tab: Page) -> list[Route]:
    """The tab's questions for alarms, which wait: two tabs that hear of one in the same moment would both sound."""
    held: list[Route] = []
    tab.route("**/alarms/raised/", lambda route: held.append(route))
    return held


def test_an_alarm_is_acknowledged_by_keys_alone_and_a_typed_note_outlives_a_poll(opened: Open, line: None) -> None:
    alarm = an_alarm()
    page = opened("/", signed_in(cast.olga()))
    page.locator(f"#note-{alarm.pk}").focus()
    page.keyboard.type("needle changed")
    polled(page, lambda: judged(a_camera(), "hole"))
    expect(page.locator("#queue-loom-1")).to_be_visible()
    expect(page.locator(f"#note-{alarm.pk}")).to_have_value("needle changed")
    expect(page.locator(f"#note-{alarm.pk}")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#line-loom-1 .desk-seen")).to_contain_text("needle changed")
    alarm.refresh_from_db()
    assert (alarm.state, alarm.note) == (AlarmState.ACKNOWLEDGED, "needle changed")


def test_what_is_typed_on_the_page_of_a_line_outlives_a_poll(opened: Open, line: None) -> None:
    """The note of its alarm and the times of another period: it has plots besides, which keep themselves too."""
    note = f"#note-{an_alarm().pk}"
    page = opened("/lines/loom-1/", signed_in(cast.olga()))
    page.locator("#when summary").click()
    page.locator("#when-from").fill("2020-02-29T13:35")
    page.locator(note).fill("needle changed")
    polled(page, lambda: judged(a_camera(), "hole"))
    expect(page.locator(".thumbs [id^=f-]")).to_have_count(1)
    expect(page.locator("#when-from")).to_have_value("2020-02-29T13:35")
    expect(page.locator(note)).to_have_value("needle changed")


def test_sound_plays_after_a_press_and_for_a_new_alarm_alone(opened: Open, line: None, complaints: list[str]) -> None:
    an_alarm()
    page = opened("/", signed_in(cast.mara()))
    page.add_init_script(SPY)
    page.reload()
    switch = page.locator("#sound")
    expect(switch).to_have_attribute("aria-pressed", "false")
    polled(page, lambda: an_alarm(rule=critical_rule(), words="Metal was seen."))
    expect(page.locator("#alarm-told")).to_contain_text("Metal was seen.")
    expect(page.locator("#line-loom-1")).to_have_class("desk-row is-abnormal is-critical is-fresh")
    assert heard(page) == 0
    switch.focus()
    page.keyboard.press("Enter")
    expect(switch).to_have_text("Sound is on")
    until(page, lambda: heard(page) == 2)  # how it sounds
    polled(page, lambda: judged(a_camera(), "hole"))
    expect(page.locator("#queue-loom-1")).to_be_visible()
    assert heard(page) == 2
    a_running_line("loom-2")
    polled(page, lambda: an_alarm("loom-2", a_rule(name="another"), words="Too many."))
    expect(page.locator("#alarm-told")).to_contain_text("Too many.")
    assert heard(page) == 4
    switch.click()
    expect(switch).to_have_text("Sound is off")
    assert complaints == []


def test_what_was_switched_on_another_day_says_that_it_waits_for_a_press(opened: Open, line: None) -> None:
    page = opened("/", signed_in(cast.mara()))
    page.evaluate("localStorage.setItem('selvedge-sound', 'on')")
    page.reload()
    expect(page.locator("#sound")).to_have_text("Muted: press to allow sound")
    page.locator("#sound").click()
    expect(page.locator("#sound")).to_have_text("Sound is on")


def test_whoever_switched_it_on_hears_a_new_alarm_on_every_page_and_once_of_two_tabs(
    opened: Open, line: None, complaints: list[str]
) -> None:
    judged(a_camera(), "hole", 0.9, data=a_png(1))
    a_running_line("loom-2")
    page = opened("/lines/loom-1/", signed_in(cast.mara()))
    expect(page.locator("#sound-state")).to_be_hidden()
    page.add_init_script(SPY)
    page.evaluate("localStorage.setItem('selvedge-sound', 'on')")
    other = page.context.new_page()
    other.add_init_script(SPY)
    for number, (address, key) in enumerate((("/lines/loom-1/", "Home"), ("/queue/", "h"))):
        for tab in (page, other):
            tab.bring_to_front()
            tab.goto(address)
            expect(tab.locator("#sound-state")).to_have_text("Muted: press to allow sound")
            tab.keyboard.press(key)  # a key wakes it as a finger does
            expect(tab.locator("#sound-state")).to_have_text("Sound is on")
        held = held_back(other)
        an_alarm("loom-2", a_rule(name=f"rule {number}"), words="Metal was seen.")
        for tab in (page, other):
            if tab == other:
                other.route("**/alarms/raised/", lambda route: route.continue_())
                for route in held:
                    route.continue_()
            expect(tab.locator("#alarm-told")).to_have_text("New alarm: loom-2")
            expect(tab.locator("#open-alarms")).to_have_text(f"open: {number + 1}")
        assert heard(page) + heard(other) == 2, address
        assert serious(other) == []
    assert complaints == []


def test_a_rule_is_tried_and_kept_and_asks_each_kind_for_its_own(opened: Open, line: None) -> None:
    two_bad_hours()
    page = opened("/alarms/rules/new/", signed_in(cast.mara()))
    page.get_by_text("The review queue grows").click()
    expect(page.locator("#rule-waiting")).to_be_visible()
    expect(page.locator("#rule-percent")).to_be_hidden()
    page.get_by_text("A class was seen at all").click()
    expect(page.locator("#rule-seen")).to_have_value("metal_contamination")
    expect(page.locator("#rule-defect_class")).to_be_hidden()
    page.get_by_text("The rate is above a fixed limit").click()
    page.locator("#rule-percent").fill("10")
    page.get_by_role("button", name="Try it").click()
    expect(page.locator("#replay-total")).to_contain_text("alarms in the last 4 weeks")
    assert not AlarmRule.objects.exists()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#rule-name")).to_be_focused()  # the browser asks for it
    page.locator("#rule-name").fill("too many")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").filter(has_text="too many")).to_contain_text("It would have raised")
    assert AlarmRule.objects.get().limit == 0.1


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_of_alarms_is_accessible_and_whole(
    opened: Open, line: None, complaints: list[str], theme: str
) -> None:
    a_channel()
    open_one, seen = an_alarm(), an_alarm("loom-2", a_rule(name="other"))
    alarms.acknowledge(seen, cast.olga(), "needle changed", timezone.now())
    a_camera("a-line-with-a-long-name-as-mills-have-them-that-must-not-push")
    ada = signed_in(cast.ada())
    wrong: list[str] = []
    addresses = ("/", "/alarms/", f"/alarms/{open_one.pk}/", f"/alarms/{seen.pk}/", "/alarms/?line=x",
                 "/alarms/rules/", "/alarms/rules/new/", "/alarms/channels/")  # fmt: skip
    for width, height in SIZES.values():
        page = opened("/", ada, color_scheme=theme, viewport={"width": width, "height": height})
        for address in addresses:
            page.goto(address)
            wrong += serious(page)
            if overflow(page) > 0:
                wrong.append(f"{address} is {overflow(page)} pixels too wide at {width}")
    assert wrong == []
    assert unexpected(complaints) == []
