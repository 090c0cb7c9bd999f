"""A real Chromium on a real server. Both see one database, so it is a file here, not memory."""

import asyncio
import os
import shutil
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings as django_settings
from django.db import connection, connections
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from tests.browser.waiting import PATIENCE_S

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
NOT_NEEDED = (
    # A process for the address bar's suggestions in each window, and one kept ready beside each page: a quarter of the
    # processor time of a test.
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
    "WebUIOmniboxFullPopup",
    "SpareRendererForSitePerProcess",
    # What Playwright itself switches off here: of two such switches the browser hears the last alone.
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsUpgrades",
    "HttpsFirstBalancedModeAutoEnable",
    "LensOverlay",
    "MediaRouter",
    "PaintHolding",
    "ThirdPartyStoragePartitioning",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "OptimizationHints",
    "NetworkTimeServiceQuerying",
    "AimEnabled",
    "PreconnectToSearch",
)
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--disable-features={','.join(NOT_NEEDED)}",
)

if connection.vendor == "sqlite":
    # Before the test database is made. In memory, the server's threads and the test would share one connection, and
    # with it each other's transactions.
    connection.settings_dict["TEST"]["NAME"] = str(django_settings.DATA / "browser-tests.sqlite3")


def _chromium() -> str:
    if os.environ.get("SELVEDGE_SKIP_BROWSER") == "1":
        pytest.skip("SELVEDGE_SKIP_BROWSER=1")
    found = next((path for name in (os.environ.get("CHROMIUM", ""), *CHROMIUM) if (path := shutil.which(name))), None)
    if found is None:
        pytest.fail("No Chromium here: apt-get install chromium (or skip these with SELVEDGE_SKIP_BROWSER=1).")
    return found


@pytest.fixture(scope="session")
def chromium() -> Iterator[tuple[Browser, asyncio.AbstractEventLoop]]:
    """One for all the tests of this process, for starting it takes as long as a test; and the loop that drives it."""
    executable = _chromium()
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=executable, args=QUIET)
        loop = asyncio.get_running_loop()
        asyncio._set_running_loop(None)
        yield started, loop
        asyncio._set_running_loop(loop)
        started.close()


@pytest.fixture
def browser(
    chromium: tuple[Browser, asyncio.AbstractEventLoop], live_server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Browser]:
    """While a test drives it, Playwright's event loop runs in this thread: Django then keeps other connections than
    the ones it made the database with. No other test must find a loop that runs: between two it is out of sight."""
    started, loop = chromium
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    asyncio._set_running_loop(loop)
    yield started
    connections.close_all()
    asyncio._set_running_loop(None)


PATIENCE_MS = 1000 * PATIENCE_S
expect.set_options(timeout=PATIENCE_MS)

Open = Callable[..., Page]


@pytest.fixture
def complaints() -> list[str]:
    """What the browser complained of: errors, and anything that the content policy forbade."""
    return []


@pytest.fixture
def opened(browser: Browser, live_server: LiveServer, complaints: list[str]) -> Iterator[Open]:
    """Opens an address in a new browser, signed in with that client's session; complaints are collected."""
    contexts: list[BrowserContext] = []

    def listen(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            complaints.append(message.text)

    def open_page(path: str, client: Client | None = None, **options: object) -> Page:
        context = browser.new_context(base_url=live_server.url, **options)  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        if client is not None:
            session = client.cookies["sessionid"].value
            context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
        page = context.new_page()
        page.on("console", listen)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
