"""How a hand presses, where Playwright's own way is too good."""

from playwright.sync_api import Locator

DOUBLE_CLICK_MS = 80


def press_twice(button: Locator) -> float:
    """Playwright's own double click has no pause, and hides what happens in it. How many milliseconds lay between the
    two as the page saw them: more than were meant on a machine that stood still meanwhile."""
    page = button.page
    page.evaluate("() => { window.presses = []; addEventListener('click', (e) => presses.push(e.timeStamp), true) }")
    button.scroll_into_view_if_needed()
    box = button.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    for pause in (DOUBLE_CLICK_MS, 0):
        page.mouse.down()
        page.mouse.up()
        page.wait_for_timeout(pause)
    first, second = page.evaluate("presses")
    return float(second - first)
