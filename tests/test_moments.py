"""How pages write a moment: as people do, and the same everywhere. Machines read `datetime`, files and the API."""

import re
from datetime import timedelta

from django.utils import timezone

from inspections.models import Capture, Quarantine
from tests import cast
from tests.cast import a_camera, signed_in
from tests.judged import judged
from tests.test_access import address, capture, routes, values_of  # noqa: F401  the capture is a fixture
from tests.test_access import table as access

SPOKEN = re.compile(r'\s(?:title|alt|aria-label|data-title)="([^"]*)"')
MACHINES = re.compile(r"\b20\d\d-\d\d-\d\d\b")


def words_of(html: str) -> str:
    """What is read on a page, or read out; not what scripts read, nor an address."""
    html = re.sub(r"(?s)<(script|style)\b.*?</\1>", " ", html)
    return " ".join([re.sub(r"<[^>]*>", " ", html), *SPOKEN.findall(html)])


def test_no_page_writes_a_moment_as_machines_do(capture: Capture) -> None:  # noqa: F811
    days_ago = timezone.now() - timedelta(days=3)
    judged(a_camera("loom-1"), "hole", at=days_ago)
    Quarantine.objects.update(first_day=days_ago.date(), last_day=days_ago.date() + timedelta(days=1))
    ada, values, wrong, seen = signed_in(cast.ada()), values_of(capture), [], 0
    for route in sorted({row["route"] for row in access() if row["method"] == "GET" and row["admin"] == "200"}):
        answer = ada.get(address(route, values))
        if answer.streaming:
            list(answer.streaming_content)  # type: ignore[attr-defined]  a file, which closes at its end
        elif answer.headers.get("Content-Type", "").startswith("text/html"):
            seen += 1
            wrong += [f"{route}: {found}" for found in MACHINES.findall(words_of(answer.content.decode()))]
    assert seen > 40
    assert wrong == []
