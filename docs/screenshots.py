"""Takes the README's screenshots from a running demo: `DATA=./var python docs/screenshots.py`.

Needs the test dependencies and Chromium (`apt-get install chromium`). It signs in as the demo's manager and operator,
waits until defects were caught, and writes docs/images/*.png. The managers' pages need a week's history: their pictures
are taken by `PICTURES=docs/images pytest tests/browser/test_tuesday.py`.
"""

import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

IMAGES = Path(__file__).resolve().parent / "images"
DESKTOP = {"width": 1280, "height": 800}
TABLET = {"width": 768, "height": 1024}
ENOUGH_FLAGGED = 24
PATIENCE_MS = 180_000


def demo() -> dict[str, Any]:
    path = Path(os.environ.get("DATA") or "var") / "demo.json"
    if not path.exists():
        sys.exit(f"{path} is not there: start `make demo` first, with the same DATA.")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        sys.exit("No Chromium here: apt-get install chromium")
    return found


@contextmanager
def sign_in(browser: Browser, cast: dict[str, Any], role: str, theme: str, size: dict[str, int]) -> Iterator[Page]:
    """A page of that person's, in that theme and size."""
    context = browser.new_context(base_url=cast["url"], color_scheme=theme, viewport=size)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto("/login/")
    page.get_by_label("User name").fill(cast["users"][role]["username"])
    page.get_by_label("Password").fill(cast["users"][role]["password"])
    page.keyboard.press("Enter")
    page.locator("#live").wait_for()
    yield page
    context.close()


def wait_for_defects(page: Page) -> None:
    """Until the first page of flagged captures is well filled."""
    page.goto("/flagged/")
    page.locator(".thumb").nth(ENOUGH_FLAGGED - 1).wait_for(timeout=PATIENCE_MS)


def shoot(page: Page, name: str) -> None:
    page.wait_for_load_state("networkidle", timeout=3000)
    path = IMAGES / f"{name}.png"
    # Cloth is noise, and a PNG of noise is large: 256 colours are a third of the bytes and look the same.
    Image.open(BytesIO(page.screenshot())).convert("RGB").quantize(256).save(path, optimize=True)
    print(
        f"{path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}  {path.stat().st_size // 1024} KB"
    )


def shoot_queue(page: Page, name: str) -> None:
    """The queue as somebody meets it: at an image whose verdict is in sight."""
    page.goto("/queue/")
    page.locator("#q-work").wait_for()
    page.wait_for_timeout(1500)
    while page.evaluate("window.selvedgeQueue.desk.current.blind"):
        page.keyboard.press("s")
        page.wait_for_timeout(500)
    page.keyboard.press("h")
    page.wait_for_timeout(800)
    shoot(page, name)
    page.keyboard.press("h")


def take_all(browser: Browser, cast: dict[str, Any]) -> None:
    IMAGES.mkdir(exist_ok=True)
    with sign_in(browser, cast, "manager", "light", DESKTOP) as page:
        wait_for_defects(page)
        page.goto("/flagged/?order=worst")
        page.locator(".thumb").first.click()
        page.locator("#heat-layer").wait_for(state="attached")
        page.keyboard.press("h")
        shoot(page, "capture")
        page.goto("/escape/")
        shoot(page, "escape")
    with sign_in(browser, cast, "operator", "light", DESKTOP) as page:
        shoot_queue(page, "queue")
        page.keyboard.press("?")
        page.wait_for_timeout(400)
        shoot(page, "keys")
        page.keyboard.press("Escape")
        page.goto("/queue/grid/")
        page.wait_for_timeout(800)
        shoot(page, "grid")
    with sign_in(browser, cast, "operator", "dark", TABLET) as page:
        shoot_queue(page, "queue-tablet")


def main() -> None:
    cast = demo()
    with sync_playwright() as playwright:
        args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
        browser = playwright.chromium.launch(executable_path=chromium(), args=args)
        take_all(browser, cast)
        browser.close()


if __name__ == "__main__":
    main()
