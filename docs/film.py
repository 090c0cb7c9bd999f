"""Somebody labels fifty images of a running demo by keyboard: `python docs/film.py FOLDER`.

    DATA=./var .venv/bin/python docs/film.py film        # after `make demo` has run for a minute or two

Signs in as the demo's operator, looks at each image for as long as people take (median 1.4 s, at times much longer),
and presses the key of what the simulated camera knows it drew, with a slip now and then that is undone. Every fifth
step is kept as a picture in FOLDER. Prints how long it took. Needs the test dependencies and Chromium.
"""

import json
import os
import random
import sys
from pathlib import Path
from time import monotonic
from typing import Any

from playwright.sync_api import Page, sync_playwright
from screenshots import TABLET, chromium, demo, sign_in

IMAGES = 50
MEDIAN_S, SPREAD = 1.4, 0.45  # of a lognormal: looking and pressing
SLIP = 0.04
STEP = 5
NOW = "window.selvedgeQueue.desk"


def truths() -> dict[str, str]:
    """What each camera drew: the capture's id -> the class."""
    found: dict[str, str] = {}
    for log in (Path(os.environ.get("DATA") or "var") / "cameras").glob("*.jsonl*"):
        for line in log.read_text().splitlines():
            row = json.loads(line)
            found[row["id"]] = row["label"]
    return found


def keys_of(page: Page) -> dict[str, str]:
    """Class -> key, as the buttons on the page say."""
    buttons = "[...document.querySelectorAll('[data-label]')]"
    rows = page.evaluate(f"{buttons}.map(b => [b.dataset.label, b.querySelector('kbd')?.textContent])")
    return {code: key.lower() for code, key in rows if key}


def answer(page: Page, picture: Path | None, keys: dict[str, str], chance: random.Random) -> None:
    """One image: look, press; after a slip undo and press again."""
    began = monotonic()
    key = keys[truths()[page.evaluate(f"{NOW}.current.capture")]]
    if picture:
        page.screenshot(path=picture)
    look = MEDIAN_S * chance.lognormvariate(0, SPREAD) - (monotonic() - began)
    page.wait_for_timeout(max(1000 * look, 0))
    if chance.random() < SLIP:
        page.keyboard.press("g" if key != "g" else "1")
        page.wait_for_timeout(900)
        page.keyboard.press("u")
        page.wait_for_timeout(700)
    page.keyboard.press(key)
    page.wait_for_timeout(30)


def film(page: Page, folder: Path, chance: random.Random) -> float:
    keys = keys_of(page)
    began = monotonic()
    for number in range(IMAGES):
        answer(page, folder / f"{number:02d}.png" if number % STEP == 0 else None, keys, chance)
    took = monotonic() - began
    page.screenshot(path=folder / f"{IMAGES}.png")
    return took


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "film")
    folder.mkdir(parents=True, exist_ok=True)
    cast: dict[str, Any] = demo()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"])
        with sign_in(browser, cast, "operator", "light", TABLET) as page:
            page.goto("/queue/")
            page.locator("#q-work").wait_for()
            page.wait_for_timeout(1500)
            before = page.locator("#q-done").inner_text()
            took = film(page, folder, random.Random(7))
            page.wait_for_timeout(3000)
            after = page.locator("#q-done").inner_text()
        browser.close()
    print(
        f"{IMAGES} images in {took:.0f} s, {took / IMAGES:.2f} s each; done this shift: {before} before, {after} after"
    )


if __name__ == "__main__":
    main()
