"""Nobody reads what is not theirs: every route, every method, every kind of caller, against `access_table.csv`.

The table is the promise and is read by people: change it by hand, with a reason. A route that it does not list fails,
and so does a row without a route. The capture is of loom-1: camera A's and Olga's line, not camera B's and not Otto's.
Another manager labelled it.
"""

import csv
from collections.abc import Callable, Iterator
from datetime import time
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from inspections.models import Alarm, AlarmRule, Capture, Channel, Quarantine, Recall, Shift, Snapshot, TrainingRun
from inspections.readiness import Check
from inspections.review.answers import decide
from tests import cast
from tests.alarmed import a_channel
from tests.cast import a_camera, signed_in, with_key
from tests.floor import an_alarm
from tests.judged import judged
from tests.second_looks import a_recall
from tests.trainings import a_training

TABLE = Path(__file__).with_name("access_table.csv")
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
CALLERS: dict[str, Callable[[], Client]] = {
    "anonymous": Client,
    "camera_a": lambda: with_key(a_camera("loom-1")),
    "camera_b": lambda: with_key(a_camera("loom-2")),
    "operator": lambda: signed_in(cast.olga()),
    "operator_elsewhere": lambda: signed_in(cast.otto()),
    "manager": lambda: signed_in(cast.mara()),
    "admin": lambda: signed_in(cast.ada()),
}


def routes(patterns: Any = None, prefix: str = "/") -> Iterator[str]:
    """Every route of the resolver, written as in the URL files."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = f"{prefix}{pattern.pattern}"
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            yield route


def table() -> list[dict[str, str]]:
    with TABLE.open(newline="") as file:
        return list(csv.DictReader(file))


def values_of(capture: Capture) -> dict[str, str]:
    """What stands for each kind of object in an address: this capture or its line. A new kind needs a line here."""
    return {
        "<uuid:pk>": str(capture.pk),
        "<uuid:key>": str(capture.pk),
        "<uuid:label>": str(capture.labels.get(how="single").pk),
        "<slug:slug>": "loom-1",
        "<slug:code>": "hole",
        "<slug:table>": "rate",
        "<slug:plot>": "flags",
        "<str:name>": "2026.11.1",
        "<int:number>": str(Recall.objects.values_list("pk", flat=True).first()),
        "<slug:snapshot>": str(Snapshot.objects.values_list("name", flat=True).first()),
        "<int:quarantine>": str(Quarantine.objects.values_list("pk", flat=True).first()),
        "<int:alarm>": str(Alarm.objects.values_list("pk", flat=True).first()),
        "<int:rule>": str(AlarmRule.objects.values_list("pk", flat=True).first()),
        "<int:channel>": str(Channel.objects.values_list("pk", flat=True).first()),
        "<int:shift>": str(Shift.objects.values_list("pk", flat=True).first()),
        "<int:training>": str(TrainingRun.objects.values_list("pk", flat=True).first()),
    }


def address(route: str, values: dict[str, str]) -> str:
    for placeholder, value in values.items():
        route = route.replace(placeholder, value)
    assert "<" not in route, f"{route}: tell `values_of` what stands there"
    return route


@pytest.fixture
def capture(db: None, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Capture:
    """Camera A's capture, on an installation that is ready and whose numbers need a token."""
    settings.METRICS_TOKEN = "token"
    monkeypatch.setattr("inspections.api.health.readiness", lambda: [Check("database", True, "answers")])
    a_camera("loom-2")
    a_training()
    a_recall()
    Shift.objects.create(name="Early", starts=time(6), ends=time(14), days=[1], zone="UTC")
    found = judged(a_camera("loom-1"))
    an_alarm()
    a_channel()
    mona = cast.a_person("mona", cast.Role.MANAGER)
    decide(mona, found, "good", timezone.now())
    Quarantine.objects.create(camera=found.camera, reason="its lamp was dying", by=mona, at=timezone.now())
    return found


def test_the_table_lists_every_route_and_method_and_nothing_else() -> None:
    listed = [(row["route"], row["method"]) for row in table()]
    assert len(listed) == len(set(listed))
    assert set(listed) == {(route, method) for route in routes() for method in METHODS}
    assert set(table()[0]) == {"route", "method", *CALLERS}


@pytest.mark.any_database
@pytest.mark.parametrize("caller", CALLERS)
def test_every_route_answers_each_caller_as_the_table_says(capture: Capture, caller: str) -> None:
    client, values = CALLERS[caller](), values_of(capture)
    wrong = []
    for row in sorted(table(), key=lambda row: row["route"] == "/logout/"):  # last: no session outlives it
        found = status(client, row["method"], address(row["route"], values))
        if str(found) != row[caller]:
            wrong.append(f"{row['method']} {row['route']}: {found}, not {row[caller]}")
    assert not wrong, "\n".join(wrong)


def test_what_nobody_can_type_is_refused_in_every_address(capture: Capture) -> None:
    """PostgreSQL keeps no NUL: one that got as far as a row, or the log of an export, would break there. The API
    refuses it field by field."""
    client, values, wrong = signed_in(cast.ada()), values_of(capture), []
    for route in routes():
        where = address(route, values)
        found = status(client, "GET", f"{where}?line=%00&x%00=1")
        if found >= 500 or (found != 400 and not route.startswith("/api/")):
            wrong.append(f"{route}: {found}")
        if "<str:name>" in route:
            found = status(client, "GET", where.replace("2026.11.1", "%00"))
            if found != 404:
                wrong.append(f"{route} of %00: {found}")
    assert not wrong, "\n".join(wrong)


def status(client: Client, method: str, where: str) -> int:
    client.raise_request_exception = False  # a 500 is an answer too, and in no row of the table
    response = client.generic(method, where)
    if response.streaming:
        list(response.streaming_content)  # type: ignore[attr-defined]
    return response.status_code
