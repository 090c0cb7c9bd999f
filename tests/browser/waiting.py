"""Waiting for what a page will come to, however slow the machine."""

from collections.abc import Callable
from time import monotonic
from typing import Any

from playwright.sync_api import Error, Page

PATIENCE_S = 60.0  # of a machine that is busy with other tests; a page answers in a twentieth of a second


def until(page: Page, condition: str | Callable[[], object]) -> None:
    """Until the expression, or the question, is true. Playwright's own waiting evaluates strings, which the content
    policy forbids; and while it waits here, it handles what the page asks."""
    deadline = monotonic() + PATIENCE_S
    while not (_told(page, condition) if isinstance(condition, str) else condition()):
        assert monotonic() < deadline, f"never came: {condition}"
        page.wait_for_timeout(50)


def _told(page: Page, expression: str) -> Any:
    """None while the page gives way to another one."""
    try:
        return page.evaluate(expression)
    except Error as error:
        if "context was destroyed" not in str(error):
            raise
        return None
