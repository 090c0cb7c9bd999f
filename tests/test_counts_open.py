"""Every number opens what it counted: as many captures as it says, with escapes, overkill and relabels among them."""

import csv
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import import_module
from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client

from inspections.models import Capture, Chart, DefectClass, Person
from inspections.pages import line_plots
from tests import cast
from tests.audits import said
from tests.cast import a_camera, signed_in
from tests.charts import a_roll
from tests.judged import a_version, failed, judged

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, 12, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
PAGE = "/lines/loom-1/?when=24h"
COUNTS = re.compile(r", (\d+) of (\d+)")


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def mara(db: None) -> Person:
    return cast.mara()


@pytest.fixture
def client(mara: Person) -> Client:
    """Of the last half hour: 3 holes, 2 escapes, 1 overkill, 1 hole that is a cut, 1 suspect of no class, 1 unknown, 1
    passed good, 1 escape taken back by a second look, 1 failed. Seven are flagged, and eight are anomalies."""
    a_version()
    left, right = a_camera(), a_camera(slug="right")
    for number in range(3):
        judged(left, "hole", at=NOW - (3 + number) * MINUTE, offset_mm=50.0)
    for number in range(2):
        said(mara, judged(right, "good", 0.01, at=NOW - (8 + number) * MINUTE, offset_mm=450.0), "hole", NOW)
    said(mara, judged(left, "hole", at=NOW - 4 * MINUTE, offset_mm=50.0), "good", NOW)
    said(mara, judged(right, "hole", at=NOW - 5 * MINUTE, offset_mm=350.0), "cut", NOW)
    judged(left, "good", 0.5, at=NOW - 6 * MINUTE, offset_mm=150.0)
    judged(left, "unknown", None, at=NOW - 7 * MINUTE)
    judged(left, "good", 0.01, at=NOW - 2 * MINUTE, offset_mm=150.0)
    twice = judged(left, "good", 0.01, at=NOW - 2 * MINUTE, offset_mm=150.0)
    for answer in ("thread", "good"):
        said(mara, twice, answer, NOW)
    failed(left, at=NOW - MINUTE)
    return signed_in(mara)


def listed(client: Client, url: str) -> int:
    """How many it shows, which is what it says."""
    response = client.get(url)
    assert response.status_code == 200, url
    text = response.content.decode()
    found = text.count('id="c-')
    assert said_by(text) == found
    return found


def said_by(text: str) -> int:
    found = re.search(r'id="count">([\d,]+) images?</p>', text)
    return int(found[1].replace(",", "")) if found else 0


def words(spot: Any) -> tuple[int, int]:
    """Anomalies and judged, as a point says them."""
    found = COUNTS.search(spot)
    assert found, spot
    return int(found[1]), int(found[2])


def test_the_figures_of_a_line_open_what_they_count(client: Client) -> None:
    figures = client.get(PAGE).context["figures"]
    tally = figures.tally
    assert (tally.judged, tally.flagged, tally.anomalies) == (11, 7, 8)
    assert listed(client, figures.anomalies_url) == tally.anomalies
    assert listed(client, figures.flagged_url) == tally.flagged
    assert listed(client, figures.judged_url) == tally.judged
    worst = figures.anomalies_url + "&order=worst"
    assert listed(client, worst) == tally.anomalies


def test_a_bar_opens_what_it_counts(client: Client) -> None:
    bars = client.get(PAGE).context["pareto"].data["bars"]
    counts = {bar["name"]: bar["count"] for bar in bars}
    assert counts == {"Hole": 5, "Cut": 1, "Flagged, but no class": 1, "Unknown": 1}
    for bar in bars:
        assert listed(client, bar["url"]) == bar["count"], bar["name"]


def test_a_point_and_a_class_of_a_step_open_what_they_count(client: Client) -> None:
    context = client.get(PAGE).context
    points = [spot for one in context["rate"].data["series"] for spot in one["spots"]]
    parts = [spot for one in context["classes"].data["series"] for spot in one["spots"] if spot.get("y")]
    assert sum(words(one["words"])[0] for one in points) == 8
    assert sum(words(one["words"])[0] for one in parts) == 8
    for spot in (*points, *parts):
        assert listed(client, spot["url"]) == words(spot["words"])[0], spot["words"]


def test_classes_that_share_one_colour_open_together(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_plots, "MOST_CLASSES", 1)
    shown = client.get(PAGE).context["classes"]
    others = [spot for spot in shown.data["series"][-1]["spots"] if spot.get("y")]
    assert sum(words(spot["words"])[0] for spot in others) == 3
    for spot in others:
        assert listed(client, spot["url"]) == words(spot["words"])[0]
    assert "Cut" in client.get(others[-1]["url"]).content.decode()
    assert client.get("/flagged/?classes=hole,nonsense").status_code == 400


def test_a_square_and_a_camera_open_what_they_count(client: Client) -> None:
    context = client.get(PAGE).context
    squares = context["width"].data["cells"]
    assert sum(words(one[3])[0] for one in squares) == 7  # the unknown one does not say its place
    for _column, _row, _value, told, url in squares:
        assert listed(client, url) == words(told)[0], told
    cameras = context["cameras"]
    assert {one.seen.camera.slug: (one.tally.anomalies, one.tally.judged) for one in cameras} == {
        "left": (5, 8),
        "right": (3, 3),
    }
    for one in cameras:
        assert listed(client, one.url) == one.tally.anomalies
        assert listed(client, one.judged_url) == one.tally.judged


def test_a_point_by_length_opens_the_captures_of_its_metres_and_no_others(client: Client) -> None:
    camera = a_camera("loom-2", "top")
    roll, other = a_roll("R 1/2"), a_roll("R2")
    for metre in range(120):
        code, score = ("hole", 0.9) if metre % 4 == 0 else ("good", 0.01)
        at = NOW - timedelta(hours=2) + metre * MINUTE / 6
        judged(camera, code, score, at=at, roll=roll, position_m=float(metre))
        if metre % 10 == 5:  # between its metres: of another roll, and of no place
            judged(camera, "hole", 0.9, at=at, roll=other, position_m=float(metre))
            judged(camera, "hole", 0.9, at=at)
    Chart.objects.create(line=camera.line, subgroup_by="length", size=50)
    rate = client.get("/lines/loom-2/?when=24h").context["rate"]
    spots = [spot for spot in rate.data["series"][0]["spots"] if "R 1/2" in spot["words"]]
    assert [listed(client, spot["url"]) for spot in spots] == [words(spot["words"])[0] for spot in spots] == [13, 12, 5]
    cells = [row[2] for row in rate.table.rows if "R 1/2" in row[0].text]
    assert [listed(client, cell.url) for cell in cells] == [5, 12, 13]
    assert "Metres 0-50 only." in client.get(spots[0]["url"]).content.decode()
    assert client.get("/flagged/?roll=R2&metres=50-0").status_code == 400


def test_a_place_as_far_out_as_the_api_takes_opens(client: Client) -> None:
    judged(a_camera("loom-2", "top"), "hole", 0.9, at=NOW - MINUTE, offset_mm=1e9)
    (square,) = client.get("/lines/loom-2/?when=24h").context["width"].data["cells"]
    assert listed(client, square[4]) == 1


def test_other_classes_with_long_codes_open(client: Client, mara: Person) -> None:
    camera = a_camera("loom-2", "top")
    for number in range(36):
        code = f"a-rather-long-name-of-a-defect-class-{number:02d}"
        DefectClass.objects.create(code=code, name=f"Class {number}")
        said(mara, judged(camera, "hole", 0.9, at=NOW - MINUTE), code, NOW)
    others = client.get("/lines/loom-2/?when=24h").context["classes"].data["series"][-1]
    (spot,) = [one for one in others["spots"] if one.get("y")]
    assert (others["name"], listed(client, spot["url"])) == ("Other classes", 29)


def test_failed_images_are_those_of_the_period(client: Client) -> None:
    camera = a_camera("loom-2", "top")
    inside, after = (failed(camera, at=datetime(2026, 11, 22, hour, 45, tzinfo=UTC)) for hour in (6, 8))
    page = "/lines/loom-2/?from=2026-11-22T06:00&to=2026-11-22T08:30"
    assert list(client.get(page).context["failed"]) == [inside]
    assert list(client.get(page.replace("08:30", "09:00")).context["failed"]) == [after, inside][:1]


def test_the_overview_opens_what_it_counts(client: Client) -> None:
    (row,) = client.get("/").context["rows"]
    assert listed(client, row.rate_url) == row.standing.now.tally.anomalies == 8
    assert (row.leading, listed(client, row.leading_url)) == ("Hole", row.standing.now.leading_count)


def test_the_file_holds_what_the_list_shows(client: Client) -> None:
    figures = client.get(PAGE).context["figures"]
    for url, count in ((figures.anomalies_url, 8), (figures.judged_url, 11), (figures.flagged_url, 7)):
        answer = client.get(url.replace("/flagged/", "/flagged.csv"))
        body = b"".join(answer.streaming_content).decode()
        assert len(list(csv.reader(StringIO(body)))) - 1 == count


def test_the_list_says_what_it_shows_and_leads_to_what_was_flagged(client: Client) -> None:
    text = client.get("/flagged/?show=anomalies&line=loom-1").content.decode()
    assert "<h1>Anomalies</h1>" in text
    assert 'id="only-flagged" href="?line=loom-1"' in text
    assert "<h1>Judged</h1>" in client.get("/flagged/?show=judged&class=hole&order=worst").content.decode()
    assert client.get("/flagged/?show=nothing").status_code == 400


def test_an_undone_label_is_no_anomaly_any_more(client: Client, mara: Person) -> None:
    escape = Capture.objects.filter(anomaly=True, flagged=False).first()
    assert escape
    said(mara, escape, "good", NOW)
    assert listed(client, client.get(PAGE).context["figures"].anomalies_url) == 7
    assert Capture.objects.get(pk=escape.pk).anomaly is False


def test_captures_of_before_are_marked_as_they_were_counted(client: Client) -> None:
    marked = set(Capture.objects.filter(anomaly=True).values_list("pk", flat=True))
    Capture.objects.update(anomaly=None)
    import_module("inspections.migrations.0020_first_anomalies").mark(None, SimpleNamespace(connection=connection))
    assert set(Capture.objects.filter(anomaly=True).values_list("pk", flat=True)) == marked
    assert len(marked) == 8


def test_a_plot_promises_no_key_that_does_nothing(client: Client) -> None:
    context = client.get(PAGE).context
    assert "Enter opens" in context["pareto"].keys
    assert "zoom" not in context["pareto"].keys
    assert "zoom" in context["rate"].keys
