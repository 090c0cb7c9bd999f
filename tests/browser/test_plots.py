"""The plots of the line page in a browser: drawn, read by keys, zoomed, drawn anew, and whole without JavaScript."""

import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, Route, expect

from inspections.models import Shift, ThresholdChange
from tests import cast
from tests.browser.conftest import Open
from tests.browser.test_looks import overflow, serious, unexpected
from tests.browser.waiting import until
from tests.cast import a_camera, signed_in
from tests.floor import an_alarm
from tests.judged import a_version, judged
from tests.plotted import HOUR, NIGHT, PAGE, a_night

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True, serialized_rollback=True)]
PLOTS = ("rate", "pareto", "classes", "width")
FIRST = {  # what each says when the first point is reached
    "rate": "Mon 16 Nov 22:00 – 22:10\n1.0 %, 1 of 100",
    "pareto": "Thread: 48 anomalies, up to here 78.7 % of all",
    "classes": "Mon 16 Nov 22:00 – 22:30\nThread: 1.0 %, 3 of ",
    "width": "Mon 16 Nov 22:00 – 23:00\n0 – 100 mm: 100.0 %, 1 of 1",
}
PICTURE = "#plot-{} canvas"


@pytest.fixture
def mara(transactional_db: None) -> Client:
    a_version()
    camera = a_night()
    ThresholdChange.objects.create(line=camera.line, at=NIGHT + 4 * HOUR, old=0.2, new=0.3, reason="fewer flags")
    for number in range(3):
        judged(camera, "cut", 0.9, NIGHT + number * HOUR + timedelta(minutes=30), offset_mm=50.0 + 400 * number)
    return signed_in(cast.mara())


def said(page: Page, key: str) -> str:
    return page.locator(f"#plot-{key} .plot-said").inner_text()


def drawn(page: Page, key: str) -> int:
    place = page.locator(f"#plot-{key} .plot-draw")
    expect(place).to_have_attribute("data-drawn", re.compile(r"\d+"))
    return int(place.get_attribute("data-drawn") or 0)


def pixels(page: Page, key: str) -> str:
    return str(page.locator(PICTURE.format(key)).first.evaluate("e => e.toDataURL()"))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_plot_is_drawn_described_and_read_by_keys(
    opened: Open, mara: Client, complaints: list[str], theme: str
) -> None:
    page = opened(PAGE, mara, viewport={"width": 768, "height": 1024}, color_scheme=theme)
    for key in PLOTS:
        assert drawn(page, key) > 0
        picture = page.locator(f"#plot-{key} .plot-draw")
        words = page.locator(f"#plot-{key} figcaption p").inner_text()
        assert picture.get_attribute("role") == "img"
        assert picture.get_attribute("aria-label") == words
        read_by_keys(page, key)
    assert serious(page) == []
    assert overflow(page) <= 0
    assert unexpected(complaints) == []


def read_by_keys(page: Page, key: str) -> None:
    box = page.locator(f"#plot-{key} .plot-box")
    box.focus()
    page.keyboard.press("Home")
    first = said(page, key)
    assert first.startswith(FIRST[key])
    assert page.locator(f"#plot-{key} .plot-tip").is_visible()
    page.keyboard.press("ArrowRight")
    assert said(page, key) not in {"", first}
    page.keyboard.press("ArrowLeft")
    assert said(page, key) == first
    page.keyboard.press("End")
    assert said(page, key) not in {"", first}
    page.keyboard.press("Escape")
    assert said(page, key) == ""
    assert page.evaluate("document.activeElement.className") != "plot-box"


def walked(page: Page, key: str) -> None:
    """Any plot from its first point to its last by keys, and left again."""
    drawn(page, key)
    box = page.locator(f"#plot-{key} .plot-box")
    box.focus()
    page.keyboard.press("Home")
    first = said(page, key)
    assert first
    page.keyboard.press("End")
    assert said(page, key) not in {"", first}
    page.keyboard.press("Escape")
    assert said(page, key) == ""


def test_colour_is_never_alone(opened: Open, mara: Client) -> None:
    """Every series has a pattern of its own, but for the scale of the heat-map, whose cells say their figures."""
    page = opened(PAGE, mara)
    for key in PLOTS:
        drawn(page, key)
        chart = f"echarts.getInstanceByDom(document.querySelector('#plot-{key} .plot-draw'))"
        assert page.evaluate(f"[{chart}.getOption().aria].flat()[0].decal.show") is (key != "width")


def test_keys_stop_at_what_happened_too(opened: Open, mara: Client) -> None:
    page = opened(PAGE, mara)
    drawn(page, "rate")
    page.locator("#plot-rate .plot-box").focus()
    found = []
    for _ in range(30):
        page.keyboard.press("ArrowRight")
        found.append(said(page, "rate"))
    assert "threshold from 0.2 to 0.3" in found


@pytest.mark.parametrize("key", PLOTS)
def test_enter_opens_the_captures_of_the_point(opened: Open, mara: Client, key: str) -> None:
    page = opened(PAGE, mara)
    drawn(page, key)
    page.locator(f"#plot-{key} .plot-box").focus()
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/flagged/\?line=loom-1&show=anomalies&since=2026-11-16T22%3A00%3A00Z"))
    expect(page.locator(".thumb").first).to_be_visible()


def test_a_click_on_a_point_opens_it_and_a_drag_zooms(opened: Open, mara: Client) -> None:
    page = opened(PAGE, mara, viewport={"width": 1280, "height": 800})
    drawn(page, "rate")
    frame = page.locator("#plot-rate .plot-draw").bounding_box()
    assert frame
    page.locator("#plot-rate .plot-draw").scroll_into_view_if_needed()
    frame = page.locator("#plot-rate .plot-draw").bounding_box()
    assert frame
    y = frame["y"] + 150
    page.mouse.move(frame["x"] + 0.5 * frame["width"], y)
    page.mouse.down()
    page.mouse.move(frame["x"] + 0.6 * frame["width"], y, steps=5)
    page.mouse.move(frame["x"] + 0.75 * frame["width"], y, steps=5)
    page.mouse.up()
    only = page.get_by_role("link", name="Show only this period")
    expect(only).to_be_visible()
    address = only.get_attribute("href") or ""
    only.click()
    expect(page).to_have_url(address)
    wanted = parse_qs(urlsplit(page.url).query)
    assert "2026-11-17T01:00" < wanted["from"][0] < "2026-11-17T02:30"
    assert "2026-11-17T03:00" < wanted["to"][0] < "2026-11-17T04:30"
    assert drawn(page, "rate") < 20
    frame = page.locator("#plot-rate .plot-draw").bounding_box()
    assert frame
    page.mouse.click(frame["x"] + 0.5 * frame["width"], frame["y"] + 150)
    expect(page).to_have_url(re.compile("/flagged/"))


def test_plus_and_minus_zoom_and_nought_shows_all(opened: Open, mara: Client) -> None:
    page = opened(f"{PAGE}&class=cut", mara)
    drawn(page, "rate")
    page.locator("#plot-rate .plot-box").focus()
    page.keyboard.press("Home")
    page.keyboard.press("+")
    span = page.locator("#plot-rate .plot-span")
    expect(span).to_be_visible()
    address = page.locator("#plot-rate .plot-only").get_attribute("href") or ""
    wanted = parse_qs(urlsplit(address).query)
    assert wanted["class"] == ["cut"]
    assert wanted["from"] == ["2026-11-16T22:00"]
    page.keyboard.press("End")
    at_the_end = said(page, "rate")
    page.keyboard.press("0")
    expect(span).to_be_hidden()
    page.keyboard.press("End")
    assert said(page, "rate") != at_the_end


def test_what_was_zoomed_to_is_not_said_of_the_whole(opened: Open, mara: Client) -> None:
    page = opened(PAGE, mara)
    drawn(page, "rate")
    page.locator("#plot-rate .plot-box").focus()
    page.keyboard.press("+")
    words = page.locator("#plot-rate .plot-said")
    expect(words).to_contain_text("–")
    page.keyboard.press("0")
    expect(words).to_have_text("")


def test_plus_without_a_point_zooms_to_the_last_that_holds_anything(opened: Open, mara: Client) -> None:
    page = opened(PAGE, mara)
    drawn(page, "rate")
    page.locator("#plot-rate .plot-box").focus()
    page.keyboard.press("End")
    last = said(page, "rate").splitlines()[0]
    page.keyboard.press("Escape")
    page.locator("#plot-rate .plot-box").focus()
    page.keyboard.press("+")
    page.keyboard.press("End")
    assert said(page, "rate").startswith(last)


def test_what_a_point_opens_is_named(opened: Open, mara: Client) -> None:
    an_alarm(raised_at=NIGHT + 2 * HOUR)
    page = opened(PAGE, mara)
    drawn(page, "rate")
    page.locator("#plot-rate .plot-box").focus()
    page.keyboard.press("Home")
    expect(page.locator("#plot-rate .plot-open")).to_have_text("Open what it counts")
    for _ in range(60):
        page.keyboard.press("ArrowRight")
        if said(page, "rate").startswith("Alarm:"):
            break
    expect(page.locator("#plot-rate .plot-open")).to_have_text("Open its page")


def test_the_theme_draws_the_plots_anew(opened: Open, mara: Client) -> None:
    page = opened(PAGE, mara, color_scheme="light")
    drawn(page, "width")
    before = {key: pixels(page, key) for key in PLOTS}
    page.locator("#theme").click()
    until(page, lambda: all(pixels(page, key) != before[key] for key in PLOTS))


def test_paper_is_light_and_narrow(opened: Open, mara: Client) -> None:
    page = opened(PAGE, mara, color_scheme="dark", viewport={"width": 1280, "height": 800})
    drawn(page, "rate")
    before = pixels(page, "rate")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    width = page.locator(PICTURE.format("rate")).first.evaluate("e => e.clientWidth")
    assert width == 700
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    until(page, lambda: pixels(page, "rate") == before)


def test_a_poll_draws_what_is_new_in_place_and_keeps_the_zoom(opened: Open, mara: Client) -> None:
    now = timezone.now()
    camera = a_camera()
    judged(camera, "cut", 0.9, now - timedelta(hours=5))
    page = opened("/lines/loom-1/?when=24h", mara)
    before = drawn(page, "rate")
    page.locator(PICTURE.format("rate")).first.evaluate("e => { e.same = true }")
    page.locator("#plot-rate .plot-box").focus()
    page.keyboard.press("End")
    page.keyboard.press("+")
    expect(page.locator("#plot-rate .plot-span")).to_be_visible()
    judged(camera, "hole", 0.9, now - timedelta(hours=2))
    expect(page.locator("#plot-rate .plot-draw")).to_have_attribute("data-drawn", str(before + 1))
    assert page.locator(PICTURE.format("rate")).first.evaluate("e => e.same")
    assert page.locator("#plot-rate .plot-span").is_visible()


def test_the_table_behind_a_plot_opens_and_stands_open_without_javascript(opened: Open, mara: Client) -> None:
    page = opened(PAGE, mara)
    rows = page.locator("#plot-table-rate tbody tr")
    drawn(page, "rate")
    expect(rows.first).to_be_hidden()
    page.locator("#plot-table-open-rate").click()
    expect(rows.first).to_be_visible()
    assert rows.count() == 48
    plain = opened(PAGE, mara, java_script_enabled=False)
    for key in PLOTS:
        assert plain.locator(f"#plot-table-{key} tbody tr").first.is_visible()
        assert not plain.locator(f"#plot-{key} .plot-live").is_visible()


def test_a_plot_that_cannot_be_drawn_says_so(opened: Open, mara: Client) -> None:
    page = opened("/login/")
    page.context.route("**/echarts.min.js", lambda route: route.abort())
    page.context.add_cookies(
        [{"name": "sessionid", "value": mara.cookies["sessionid"].value, "url": page.url.partition("/login")[0]}]
    )
    page.goto(PAGE)
    expect(page.locator("#plot-rate .plot-failed")).to_be_visible()
    expect(page.locator("#plot-table-rate tbody tr").first).to_be_visible()


def test_what_happened_is_numbered_on_its_lines_and_in_the_list_below(opened: Open, mara: Client) -> None:
    """Words stand beside a number where they end before the next line; whatever has no room is read by its number."""
    seen = "Metal contamination was seen, at first in 1 image."
    an_alarm(key="a", raised_at=NIGHT + timedelta(minutes=20), words=seen)
    an_alarm(key="b", raised_at=NIGHT + HOUR, words="Anomaly rate 6.0 % over 15 minutes: above 4.0 %. " * 3)
    an_alarm(key="c", raised_at=NIGHT + HOUR + timedelta(minutes=2), words="Another one.")
    page = opened(PAGE, mara, viewport={"width": 1280, "height": 800})
    drawn(page, "rate")
    assert named_marks(page) == ["1", "2", "3 Alarm: Another one.", "4 threshold from 0.2 to 0.3"]
    rows = page.locator(".plot-happened li")
    assert [" ".join(row.split()) for row in rows.all_inner_texts()][2:] == [
        f"2 Mon 16 Nov 23:00 Alarm: {'Anomaly rate 6.0 % over 15 minutes: above 4.0 %. ' * 3}".strip(),
        f"1 Mon 16 Nov 22:20 Alarm: {seen}",
    ]
    drawn(page, "classes")
    assert [one.split()[0] for one in named_marks(page, "classes")] == ["1", "2", "3", "4"]
    expect(page.get_by_text("The numbers are those of “What happened” above.")).to_be_visible()


def test_numbers_that_have_no_room_are_told_together_also_where_it_is_zoomed(opened: Open, mara: Client) -> None:
    line = a_camera().line
    for number in range(6):
        at = NIGHT + 5 * HOUR + number * timedelta(minutes=1)
        ThresholdChange.objects.create(line=line, at=at, old=0.2, new=0.3 + number / 100, reason="another try")
    page = opened(PAGE, mara, viewport={"width": 768, "height": 1024})
    drawn(page, "rate")
    assert named_marks(page) == ["1", "2", "3", "4–7"]
    page.locator("#plot-rate .plot-box").focus()
    page.keyboard.press("End")
    for _ in range(4):
        page.keyboard.press("+")
    assert named_marks(page) == []  # they lie before what is shown
    expect(page.locator(".plot-happened li")).to_have_count(7)


def test_a_shift_is_named_under_the_hours_that_are_shown_of_it(opened: Open, mara: Client) -> None:
    every_day = [1, 2, 3, 4, 5, 6, 7]
    Shift.objects.create(name="Night", starts="22:00", ends="06:00", days=every_day, zone="UTC")
    page = opened(f"{PAGE.partition('?')[0]}?from=2026-11-16T20:00&to=2026-11-17T04:00", mara)
    drawn(page, "rate")
    chart = "echarts.getInstanceByDom(document.querySelector('#plot-rate .plot-draw'))"
    areas = f"{chart}.getOption().series.flatMap(one => one.markArea?.data ?? [])"
    (night,) = page.evaluate(areas)
    assert (night[0]["name"], night[0]["label"]["position"], night[0]["label"]["show"]) == ("Night", "bottom", True)
    shown = [one["xAxis"] / 1000 for one in night]
    assert shown == [NIGHT.timestamp(), (NIGHT + 6 * HOUR).timestamp()]


def named_marks(page: Page, key: str = "rate") -> list[str]:
    """What stands over the lines of marks."""
    chart = f"echarts.getInstanceByDom(document.querySelector('#plot-{key} .plot-draw'))"
    return list(
        page.evaluate(
            f"{chart}.getOption().series.flatMap(one => one.markLine?.data ?? [])"
            ".filter(one => one.label.show).map(one => one.name)"
        )
    )


def test_nothing_is_drawn_before_the_letters_of_the_page_are_there(opened: Open, mara: Client) -> None:
    """A canvas keeps those that it was drawn with. Meanwhile the table says the same."""
    held: list[Route] = []
    page = opened("/static/inspections/favicon.svg", mara)
    page.context.route("**/*.woff2", lambda route: held.append(route))
    page.goto(PAGE, wait_until="domcontentloaded")
    expect(page.locator("#plot-table-rate tbody tr").first).to_be_visible()
    until(page, lambda: held)
    assert page.locator("#plot-rate .plot-draw").get_attribute("data-drawn") is None
    page.context.route("**/*.woff2", lambda route: route.continue_())  # others may be asked for yet
    for route in held:
        route.continue_()
    assert drawn(page, "rate") > 0
    expect(page.locator("#plot-table-rate tbody tr").first).to_be_hidden()
