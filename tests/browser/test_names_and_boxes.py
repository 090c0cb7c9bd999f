"""What has little room: many long class names on a plot and on tiles. And boxes to tick, in both themes."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect

from inspections.models import Alarm, AlarmRule, DefectClass, Roll, RuleKind, Shift
from tests import cast
from tests.alarmed import a_channel, a_rule
from tests.browser.conftest import Open
from tests.browser.test_looks import SIZES, overflow
from tests.cast import a_camera, a_line, a_png, signed_in
from tests.floor import an_alarm
from tests.judged import a_version, judged, many_judged
from tests.labelled import a_mill_of_labels

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True, serialized_rollback=True)]
NAMES = (
    "Metal contamination", "Contamination by foreign fibres", "Weft streaks and barré", "Missing pick, whole width",
    "Broken warp end", "Selvedge torn or folded", "Oil stain of the take-up roller", "Snag, with a loop that stands up",
    "Reed mark", "Double pick", "Colour migration at the fold", "Temple marks along the selvedge",
)  # fmt: skip
# Every piece of writing on the plot's canvas, where it stands.
WRITTEN = """place => {
  const chart = echarts.getInstanceByDom(place);
  const found = chart.getZr().storage.getDisplayList(true).filter((one) => one.type === "tspan" && one.style.text);
  const room = [chart.getWidth(), chart.getHeight()];
  return found.map((one) => {
    const rect = one.getBoundingRect().clone();
    if (one.transform) rect.applyTransform(one.transform);
    const [right, bottom] = [rect.x + rect.width, rect.y + rect.height];
    return { text: one.style.text, left: rect.x, right, top: rect.y, bottom, room };
  });
}"""
# Words that are wider than their place, or stand out of their tile.
CLIPPED = """tile => [...tile.querySelectorAll(".state")].filter((state) => {
  const range = document.createRange();
  range.selectNodeContents(state);
  const words = range.getBoundingClientRect(), room = tile.getBoundingClientRect();
  return state.scrollWidth > state.clientWidth + 1 || words.right > room.right || words.bottom > room.bottom;
}).map((state) => state.innerText)"""
# The contrast of each box or dot that is seen: of its edge with the page, and of its tick with the box.
BOXES = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const light = (colour) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3)
      .map((n) => n / 255).map((n) => (n <= 0.04045 ? n / 12.92 : ((n + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const apart = (one, other) => {
    const [high, low] = [light(one), light(other)].sort((x, y) => y - x);
    return (high + 0.05) / (low + 0.05);
  };
  const ground = (element) => {
    for (let at = element.parentElement; at; at = at.parentElement) {
      const { backgroundColor } = getComputedStyle(at);
      if (!backgroundColor.endsWith(", 0)")) return backgroundColor;
    }
  };
  const seen = [...document.querySelectorAll("input:is([type=checkbox], [type=radio]):enabled")]
    .filter((one) => one.checkVisibility() && getComputedStyle(one).opacity === "1");
  return seen.map((one) => {
    const { borderTopColor, backgroundColor } = getComputedStyle(one);
    const tick = getComputedStyle(one, "::before");
    const ticked = tick.visibility === "visible" ? apart(tick.backgroundColor, backgroundColor) : 0;
    const full = apart(backgroundColor, ground(one));
    return { id: one.id || one.value, checked: one.checked, edge: apart(borderTopColor, ground(one)), ticked, full };
  });
}"""


@pytest.fixture
def mara(transactional_db: None) -> Client:
    """A line on which twelve classes were seen an hour ago, and the captures that its tiles show."""
    a_version()
    camera, now = a_camera(), timezone.now()
    DefectClass.objects.exclude(code="good").update(active=False)
    for number, name in enumerate(NAMES):
        DefectClass.objects.update_or_create(code=f"long-{number}", defaults={"name": name, "active": True})
        many_judged(camera, 20 - number, now - timedelta(hours=1), f"long-{number}", 0.9)
    for number in range(len(NAMES)):
        judged(camera, f"long-{number}", 0.9 - number / 100, data=a_png(number), at=now - timedelta(minutes=number))
    return signed_in(cast.mara())


def overprinted(page: Page) -> list[str]:
    place = page.locator("#plot-pareto .plot-draw")
    expect(place).to_have_attribute("data-drawn", re.compile(r"\d+"))
    found = place.evaluate(WRITTEN)
    assert sum(any(name.startswith(one["text"].rstrip("…")[:8]) for name in NAMES) for one in found) >= len(NAMES)
    wrong = [f"{one['text']} is cut off" for one in found if _is_out(one)]
    for number, one in enumerate(found):
        wrong += [f"{one['text']} stands on {other['text']}" for other in found[:number] if _meet(one, other)]
    return wrong


def test_a_name_of_two_lines_stands_under_its_bar_line_by_line(opened: Open, mara: Client) -> None:
    for code in ("long-0", "cut", "hole", "thread", "color"):
        many_judged(a_camera("loom-2"), 5, timezone.now() - timedelta(hours=1), code, 0.9)
    place = opened("/lines/loom-2/", mara, viewport={"width": 1280, "height": 800}).locator("#plot-pareto .plot-draw")
    expect(place).to_have_attribute("data-drawn", re.compile(r"\d+"))
    tops = {one["text"].strip(): one["top"] for one in place.evaluate(WRITTEN)}
    assert tops["contamination"] - tops["Metal"] >= 12  # the letters' own size


def _is_out(one: dict[str, float]) -> bool:
    width, height = one["room"]  # type: ignore[misc]
    return one["left"] < -1 or one["top"] < -1 or one["right"] > width + 1 or one["bottom"] > height + 1


def _meet(one: dict[str, float], other: dict[str, float]) -> bool:
    across = min(one["right"], other["right"]) - max(one["left"], other["left"])
    return across > 1 and min(one["bottom"], other["bottom"]) - max(one["top"], other["top"]) > 1


@pytest.mark.parametrize("size", SIZES)
def test_twelve_long_names_stand_apart_on_the_pareto_and_whole_on_tiles(opened: Open, mara: Client, size: str) -> None:
    width, height = SIZES[size]
    page = opened("/lines/loom-1/", mara, viewport={"width": width, "height": height})
    assert overprinted(page) == []
    page.locator("#plot-pareto .plot-box").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#plot-pareto .plot-said")).to_contain_text("Metal contamination: 21 anomalies")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#plot-pareto .plot-said")).to_contain_text("Contamination by foreign fibres: 20 anomalies")
    wrong = []
    for address, tile in (("/lines/loom-1/", ".thumb"), ("/flagged/", ".thumb"), ("/queue/grid/?size=s", ".tile")):
        page.goto(address)
        tiles = page.locator(tile).all()
        assert len(tiles) >= len(NAMES) - 4
        wrong += [f"{address}: {words}" for one in tiles for words in one.evaluate(CLIPPED)]
        assert overflow(page) <= 0
    assert wrong == []


@pytest.fixture
def ada(transactional_db: None) -> Client:
    """A mill whose every name is as long as it may be, and one word."""
    a_version()
    line = a_line(name="L" * 100)
    DefectClass.objects.filter(code="hole").update(name="H" * 80)
    roll = Roll.objects.create(code="R" * 64, style="S" * 64)
    every_day = [1, 2, 3, 4, 5, 6, 7]
    Shift.objects.create(name="E" * 60, starts="00:00", ends="00:00", days=every_day, zone="UTC")
    judged(a_camera(slug="c" * 50), "hole", data=a_png(), roll=roll, position_m=4.5)
    rule = a_rule(name="W" * 80, line=line)
    rule.channels.add(a_channel(name="N" * 60))
    a_rule(RuleKind.CLASS_SEEN, name="M" * 80, defect_class="hole", critical=True)
    an_alarm(rule=rule)
    an_alarm(rule=rule, state="resolved", resolved_at=timezone.now())
    return signed_in(cast.ada())


@pytest.mark.parametrize("size", SIZES)
def test_no_name_makes_a_page_wider_than_its_window(opened: Open, ada: Client, size: str) -> None:
    rule, alarm = AlarmRule.objects.get(name="W" * 80).pk, Alarm.objects.filter(resolved_at=None).get().pk
    addresses = [
        "/", "/alarms/", f"/alarms/{alarm}/", "/alarms/rules/", f"/alarms/rules/{rule}/", "/alarms/channels/",
        "/lines/loom-1/", "/lines/loom-1/rolls/", "/lines/loom-1/threshold/", "/shifts/", "/classes/",
    ]  # fmt: skip
    page = opened("/", ada, viewport=dict(zip(("width", "height"), SIZES[size], strict=True)))
    wide = {}
    for address in addresses:
        page.goto(address)
        wide[address] = overflow(page)
    assert wide == dict.fromkeys(addresses, 0)


def test_a_rule_with_a_long_name_shows_its_state_and_its_switch(opened: Open, ada: Client) -> None:
    page = opened("/alarms/rules/", ada, viewport={"width": 1280, "height": 800})
    for rule in AlarmRule.objects.all():
        switch = page.locator(f"#switch-{rule.pk}").bounding_box()
        assert switch
        assert switch["x"] + switch["width"] <= 1280


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_boxes_and_dots_look_as_if_they_can_be_pressed(opened: Open, mara: Client, theme: str) -> None:
    a_mill_of_labels(cast.ada())
    found = []
    for address in ("/alarms/rules/new/", "/training/", "/snapshots/new/", "/classes/", "/shifts/"):
        page = opened(address, mara, color_scheme=theme)
        found += [(address, box) for box in page.evaluate(BOXES)]
    assert {box["checked"] for _address, box in found} == {True, False}
    dim = [(address, box) for address, box in found if box["edge"] < 4.5]
    dim += [(address, box) for address, box in found if box["checked"] and min(box["ticked"], box["full"]) < 4.5]
    assert dim == []
