"""The printed reports, read back from the PDF: figures, words and pictures, as a reader finds them on paper."""

import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pypdfium2
import pytest
import time_machine
from django.core.files.storage import default_storage
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from PIL import Image

from inspections.models import (
    Alarm,
    AlarmRule,
    AuditEvent,
    Camera,
    Capture,
    ChangeKind,
    ChangeState,
    DefectClass,
    Line,
    ModelVersion,
    ReviewItem,
    RuleKind,
    Shift,
    ThresholdChange,
    VersionChange,
)
from inspections.paper import fonts
from inspections.paper.pictures import thumbnail
from tests import cast
from tests.alarmed import a_baseline
from tests.audits import said
from tests.cast import a_camera, a_line, a_png, encoded, signed_in, weave
from tests.floor import an_alarm
from tests.judged import CLASSES, a_version, failed, judged, many_judged

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, 14, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)
SHIFT = "/reports/shift.pdf?from=2026-11-22T06:00&to=2026-11-22T14:00"
LINE = "/lines/loom-1/report.pdf?from=2026-11-22T06:00&to=2026-11-22T14:00"


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def mara(camera: Camera) -> Client:
    a_version(spec={"classes": CLASSES, "threshold": 0.2})
    return signed_in(cast.mara())


class Paper:
    """A report as it is read: its text, page by page and as one, and its pages as pictures."""

    def __init__(self, client: Client, address: str) -> None:
        response = client.get(address)
        assert response.status_code == 200, response.content
        assert response["Content-Type"] == "application/pdf"
        self.bytes = response.content
        self.name = response["Content-Disposition"]
        self.document = pypdfium2.PdfDocument(self.bytes)

    @property
    def pages(self) -> list[str]:
        return [" ".join(page.get_textpage().get_text_bounded().split()) for page in self.document]

    @property
    def text(self) -> str:
        return " ".join(self.pages)

    def pictures(self, scale: float = 1.0) -> list[Image.Image]:
        return [page.render(scale=scale).to_pil() for page in self.document]


def without_clock(paper: Paper) -> str:
    """All that it says but when it was made."""
    return re.sub(r"22 Nov 2026 1[46]:20", "", paper.text)


def a_morning(camera: Camera) -> None:
    """06:00 to 14:00: 400 good, 20 holes in one hour, 3 threads, one that failed; half as much the shift before."""
    many_judged(camera, 400, NOW.replace(hour=6, minute=0), "good", 0.01, timedelta(minutes=1))
    many_judged(camera, 20, NOW.replace(hour=10, minute=0), "hole", 0.9, timedelta(minutes=2))
    many_judged(camera, 3, NOW.replace(hour=11, minute=0), "thread", 0.5, timedelta(minutes=2))
    failed(camera, at=NOW.replace(hour=12, minute=0))
    many_judged(camera, 200, NOW.replace(hour=0, minute=0), "good", 0.01, timedelta(minutes=1))
    many_judged(camera, 4, NOW.replace(hour=1, minute=0), "hole", 0.9)


# --- what it says -------------------------------------------------------------------------------------------------


def test_the_line_report_says_whose_when_by_whom_and_with_what(mara: Client, camera: Camera) -> None:
    a_morning(camera)
    found = Paper(mara, LINE)
    for words in (
        "Line report: loom-1", "Period", "22 Nov 2026 06:00 – 14:00", "Time zone UTC", "22 Nov 2026 14:20 by mara",
        "Model in force 2026.11.1", "Threshold in force 0.20 (the model’s)", "Data until",
        "Compared with 21 Nov 2026 22:00 – 22 Nov 2026 06:00",
    ):  # fmt: skip
        assert words in found.text, words
    assert 'filename="selvedge-loom-1-2026-11-22-0600.pdf"' in found.name


def test_its_figures_are_those_of_the_line_page(mara: Client, camera: Camera) -> None:
    """423 judged, 23 flagged; the page of the same period says the same."""
    a_morning(camera)
    found = Paper(mara, LINE).text
    assert "Judged 423 204 +107 %" in found
    assert "Anomalies 23 4 +475 %" in found
    assert "Failed 1 0 –" in found
    assert "Anomaly rate 5.4 % 2.0 % +3.48 points" in found
    assert "Hole 20 87.0 % 87.0 %" in found
    assert "Thread 3 13.0 % 100.0 %" in found
    page = mara.get("/lines/loom-1/", {"from": "2026-11-22T06:00", "to": "2026-11-22T14:00"})
    tally = page.context["figures"].tally
    assert (tally.judged, tally.flagged, tally.anomalies, tally.failed) == (423, 23, 23, 1)


def test_the_report_of_one_class_prints_it_and_draws_it_alone(mara: Client, camera: Camera) -> None:
    a_morning(camera)
    found = Paper(mara, f"{LINE}&class=thread").text
    assert "Class charted Thread" in found
    assert "Thread over time" in found
    assert "Class charted" not in Paper(mara, LINE).text
    worst = found.split("Worst images")[1]
    assert "Thread" in worst
    assert "Hole" not in worst
    assert AuditEvent.objects.earliest("pk").detail["class"] == "thread"
    assert mara.get(f"{LINE}&class=wool").status_code == 400


def test_the_shift_report_of_one_class_draws_it_on_every_line(mara: Client, camera: Camera) -> None:
    a_morning(camera)
    other = a_camera("loom-2")
    many_judged(other, 77, NOW.replace(hour=8, minute=0))
    many_judged(other, 7, NOW.replace(hour=9, minute=0), "thread", 0.9, timedelta(minutes=2))
    found = Paper(mara, f"{SHIFT}&class=thread")
    assert "Class charted Thread" in found.pages[0]
    assert "Line Thread Judged" in found.pages[0]
    assert "loom-1 3 (0.71 %) 423 23 23 5.4 % 2.0 % 1 0" in found.pages[0]
    assert "All lines 10 (2.0 %) 507 30 30 5.9 % 2.0 % 1 0" in found.pages[0]
    worst = found.text.split("Worst images")[1].split("Model in force")[0]
    assert worst.count("Thread · ") == 8
    assert "Hole" not in worst
    assert found.text.count("Thread over time") == 2
    assert "Thread (charted) 3 13.0 % 100.0 %" in found.text
    assert "Anomaly rate over time" not in found.text
    assert AuditEvent.objects.earliest("pk").detail["class"] == "thread"
    assert "Nothing was flagged as Cut in this period." in Paper(mara, f"{SHIFT}&class=cut").text
    for wrong in ("wool", "good"):
        assert mara.get(f"{SHIFT}&class={wrong}").status_code == 400


def test_a_picked_period_stands_beside_it_also_where_it_is_not_as_long(mara: Client, camera: Camera) -> None:
    a_morning(camera)
    found = Paper(mara, f"{LINE}&compare-from=2026-11-22T00:00&compare-to=2026-11-22T02:00").text
    assert "Compared with 22 Nov 2026 00:00 – 02:00" in found
    assert "The two periods are not equally long" in found


def test_the_hours_are_told_one_by_one(mara: Client, camera: Camera) -> None:
    a_morning(camera)
    found = Paper(mara, LINE).text
    assert "Sun 22 Nov 10:00 – 11:00 80 20 20 25.0 % 0" in found
    assert "Sun 22 Nov 13:00 – 14:00" not in found
    assert "Times at which nothing was judged are left out." in found


def test_alarms_are_told_with_the_time_to_the_first_action(mara: Client, camera: Camera) -> None:
    rule = AlarmRule.objects.create(name="holes", kind=RuleKind.CLASS_SEEN, made_at=NOW)
    at = NOW.replace(hour=10, minute=0)
    Alarm.objects.create(
        rule=rule, line=camera.line, words="hole was seen 20 times", since=at, raised_at=at + timedelta(minutes=1),
        last_at=at, acted_at=at + timedelta(minutes=25),
    )  # fmt: skip
    found = Paper(mara, LINE).text
    assert "hole was seen 20 times" in found
    assert "25 min" in found


def test_a_moved_threshold_is_marked_and_told(mara: Client, camera: Camera) -> None:
    a_morning(camera)
    at = NOW.replace(hour=9, minute=0)
    ThresholdChange.objects.create(line=camera.line, at=at, old=None, new=0.4, reason="too many flags")
    Line.objects.update(threshold=0.4)
    found = Paper(mara, LINE).text
    assert "1 22 Nov 2026 09:00" in found
    assert "Threshold in force 0.20 (the model’s), 0.40 (the line’s own)" in found


def test_it_names_the_baselines_that_its_limits_come_from_and_none_that_was_confirmed_later(
    mara: Client, camera: Camera
) -> None:
    a_morning(camera)
    before = Paper(mara, LINE)
    assert "No baseline stood then: nobody had confirmed what is normal." in before.text
    a_baseline(camera.line, 0.07, confirmed_at=NOW + HOUR)
    with time_machine.travel(NOW + 2 * HOUR, tick=False):
        assert without_clock(Paper(mara, LINE)) == without_clock(before)
        a_baseline(camera.line, 0.02)
        a_baseline(camera.line, 0.03, confirmed_at=NOW.replace(hour=10, minute=0))
        found = Paper(mara, LINE)
        told = "Baseline {}, of 2 Nov 2026 06:00 – 9 Nov 2026 06:00, confirmed {}."
        assert told.format("2.0 %", "9 Nov 2026 06:00") in found.text
        assert told.format("3.0 %", "22 Nov 2026 10:00") in found.text.split("confirmed 9 Nov")[1]
        assert "7.0 %, of" not in found.text


@pytest.mark.parametrize("days", [1, 7, 60])
def test_a_closed_period_is_drawn_as_before_when_a_baseline_is_confirmed_later(
    mara: Client, camera: Camera, days: int
) -> None:
    a_morning(camera)
    address = f"/lines/loom-1/report.pdf?from={NOW - timedelta(days=days):%Y-%m-%dT00:00}&to=2026-11-22T14:00"
    before = Paper(mara, address).bytes
    a_baseline(camera.line, 0.02, confirmed_at=NOW - HOUR / 6)
    assert Paper(mara, address).bytes == before
    a_baseline(camera.line, 0.02, confirmed_at=NOW - HOUR)
    assert Paper(mara, address).bytes != before


def test_it_names_the_models_and_thresholds_of_the_period_and_not_those_that_came_later(
    mara: Client, camera: Camera
) -> None:
    first, second, third = (a_version(f"2026.11.{number}", is_default=False) for number in (4, 5, 6))
    ModelVersion.objects.filter(is_default=True).exclude(pk=third.pk).update(is_default=False)
    ModelVersion.objects.filter(pk=third.pk).update(is_default=True)
    for before, after, hour in ((first, second, 9), (second, third, 14)):
        VersionChange.objects.create(
            kind=ChangeKind.PROMOTE, version=after, previous=before, state=ChangeState.ACTIVE, asked_at=NOW,
            decided_at=NOW.replace(hour=hour, minute=10),
        )  # fmt: skip
    ThresholdChange.objects.create(line=camera.line, at=NOW.replace(hour=14, minute=10), old=0.3, new=0.4, reason="x")
    Line.objects.update(threshold=0.4)
    found = Paper(mara, LINE).text
    assert "Model in force 2026.11.4, 2026.11.5 Threshold in force 0.30 (the line’s own) Data until" in found
    page = mara.get("/lines/loom-1/?from=2026-11-22T06:00&to=2026-11-22T14:00").content.decode()
    held = " ".join(re.sub(r"<[^>]+>", " ", page.split('id="held"')[1].split("</dl>")[0]).split())
    assert held == "> Model 2026.11.4 2026.11.5 Threshold 0.30 (the line’s own)"
    assert "Model and threshold in force in this period" in page


def test_the_worst_images_are_there_with_class_and_time(mara: Client, camera: Camera) -> None:
    for number in range(3):
        judged(camera, "cut", 0.9 - number / 10, at=NOW - 2 * HOUR + number * HOUR / 4, data=a_png(number))
    found = Paper(mara, LINE)
    assert "Cut · 0.90" in found.text
    assert "22 Nov 2026 12:20" in found.text
    assert "not labelled" in found.text
    assert len(images_of(found)) == 3


def test_a_file_that_is_gone_is_told_in_its_place(mara: Client, camera: Camera) -> None:
    default_storage.delete(judged(camera, "cut", 0.9, at=NOW - HOUR).path)
    found = Paper(mara, LINE)
    assert "The file of this image cannot be read." in found.text
    assert images_of(found) == []


def test_what_people_call_good_or_what_the_reader_is_asked_blind_is_no_worst_image(camera: Camera) -> None:
    boss = cast.mara()
    good, asked, shown = (judged(camera, "hole", 0.9, at=NOW - HOUR, data=a_png(number)) for number in range(3))
    said(cast.olga(), good, "good", NOW)
    ReviewItem.objects.filter(capture=asked).update(blind=True, holder=boss, lease_until=NOW + HOUR)
    DefectClass.objects.filter(code="hole").update(name="Loch")
    found = Paper(signed_in(boss), LINE)
    assert len(images_of(found)) == 1
    assert Capture.objects.filter(flagged=True).count() == 3
    assert shown.flagged is not False


def images_of(paper: Paper) -> list[Any]:
    kind = pypdfium2.raw.FPDF_PAGEOBJ_IMAGE
    return [one for page in paper.document for one in page.get_objects(filter=[kind])]


def test_the_shift_report_tells_of_every_line_and_sums_them_up(mara: Client, camera: Camera) -> None:
    a_morning(camera)
    many_judged(a_camera("loom-2"), 77, NOW.replace(hour=8, minute=0))
    found = Paper(mara, SHIFT)
    assert "Shift report" in found.pages[0]
    assert "loom-1 Hole 423 23 23 5.4 % 2.0 % 1 0" in found.pages[0]
    assert "loom-2 – 77 0 0 0.0 % – 0 0" in found.pages[0]
    assert "All lines 500 23 23 4.6 % 2.0 % 1 0" in found.pages[0]
    only = Paper(mara, f"{SHIFT}&line=loom-2").text
    assert "Lines loom-2" in only
    assert "loom-1" not in only


def test_without_a_period_it_is_of_the_last_shift(mara: Client, camera: Camera) -> None:
    Shift.objects.create(name="early", starts=time(6), ends=time(14), days=[1, 2, 3, 4, 5, 6, 7], zone="UTC")
    a_morning(camera)
    assert "Period early, Sun 22 Nov, 06:00 – 14:00" in Paper(mara, "/reports/shift.pdf").text


def test_one_of_a_period_that_is_not_over_ends_when_it_was_made(mara: Client, camera: Camera) -> None:
    with time_machine.travel(NOW + timedelta(seconds=80), tick=False):
        assert (
            "Last 24 hours: 21 Nov 2026 14:25 – 22 Nov 2026 14:21"
            in Paper(mara, "/lines/loom-1/report.pdf?when=24h").text
        )


def test_an_empty_period_is_a_report_that_says_so(mara: Client) -> None:
    found = Paper(mara, "/lines/loom-1/report.pdf?from=2026-01-02T06:00&to=2026-01-02T14:00").text
    for words in ("Judged 0 0", "Nothing was judged in this period.", "No anomaly in this period.", "None was raised"):
        assert words in found, words


def test_it_is_written_in_the_time_of_the_mill(mara: Client, camera: Camera, settings: Any) -> None:
    settings.TIME_ZONE = "Asia/Dhaka"
    a_morning(camera)
    found = Paper(mara, "/lines/loom-1/report.pdf?from=2026-11-22T12:00&to=2026-11-22T20:00").text
    assert "Time zone Asia/Dhaka" in found
    assert "Judged 423" in found
    assert "Sun 22 Nov 16:00 – 17:00 80 20 20" in found


# --- how it looks -------------------------------------------------------------------------------------------------


def test_every_page_is_a4_numbered_and_not_empty(mara: Client, camera: Camera) -> None:
    a_morning(camera)
    for slug in ("loom-2", "loom-3", "loom-4"):
        many_judged(a_camera(slug), 30, NOW.replace(hour=8, minute=0), "hole", 0.9, timedelta(minutes=5))
    found = Paper(mara, SHIFT)
    assert len(found.pages) > 2
    for number, (page, text) in enumerate(zip(found.document, found.pages, strict=True), start=1):
        assert [round(side) for side in page.get_size()] == [595, 842]
        assert f"page {number} of {len(found.pages)}" in text
    for picture in found.pictures():
        ink = np.asarray(picture.convert("L")) < 128
        assert 0.002 < ink.mean() < 0.3
        assert not ink[:, :30].any() and not ink[:, -30:].any()  # nothing runs over the margin


def test_a_line_takes_one_page_where_it_fits_and_goes_on_where_there_is_room(mara: Client, camera: Camera) -> None:
    """A page each for the summary and three lines; what is longer is followed by the next line, on the same page."""
    lines = [camera, a_camera("loom-2"), a_camera("loom-3")]
    for hour in range(6, 14):
        for one in lines:
            many_judged(one, 20, NOW.replace(hour=hour, minute=0), "hole", 0.9, timedelta(minutes=2))
    pages = Paper(mara, SHIFT).pages
    assert len(pages) == 4
    for page, line in zip(pages[1:], ("loom-1", "loom-2", "loom-3"), strict=True):
        assert page.startswith(line)
        assert page.index("What review says") < page.index("By time") < page.index("13:00 – 14:00")
    for number in range(6):
        words = f"It was above what is normal, and so it was the hour before: {number}."
        for one in lines:
            an_alarm(line=one.line.slug, key=str(number), raised_at=NOW.replace(hour=9, minute=number), words=words)
    longer = Paper(mara, SHIFT).pages
    assert len(longer) < 7
    assert all(len(page) > 300 for page in longer)


def drawn(found: Paper) -> int:
    """Steps of lines, bars and marks on the first page."""
    paths = found.document[0].get_objects(filter=[pypdfium2.raw.FPDF_PAGEOBJ_PATH])
    return sum(pypdfium2.raw.FPDFPath_CountSegments(one.raw) for one in paths)


def test_its_charts_are_drawn_point_by_point(mara: Client, camera: Camera) -> None:
    a_morning(camera)
    little = drawn(Paper(mara, "/lines/loom-1/report.pdf?from=2026-11-22T06:00&to=2026-11-22T07:00"))
    assert drawn(Paper(mara, LINE)) >= little + 7 * 6  # seven hours more, of ten minutes a point


def test_the_same_report_is_the_same_file(mara: Client, camera: Camera) -> None:
    a_morning(camera)
    assert Paper(mara, LINE).bytes == Paper(mara, LINE).bytes


def test_names_of_the_mill_are_printed_and_are_no_markup(mara: Client, camera: Camera) -> None:
    a_morning(camera)
    Line.objects.update(name="Dokuma Çığşü & <b>Łódź</b> Нить Ελλάδα Dệt")
    DefectClass.objects.filter(code="hole").update(name="Дырка <i>")
    found = Paper(mara, LINE).text
    assert "Dokuma Çığşü & <b>Łódź</b> Нить Ελλάδα Dệt" in found
    assert "Дырка <i> 20" in found
    assert "not in this report's font" not in found


def test_a_name_that_cannot_be_printed_is_told(mara: Client, camera: Camera) -> None:
    a_morning(camera)
    boxes, backward = "Some letters of names are not in this report's font", "from left to right: the wrong way round"
    for name, told in (("织机一号", (True, False)), ("אריגה", (False, True)), ("Łódź", (False, False))):
        Line.objects.update(name=name)
        text = Paper(mara, LINE).text
        assert (boxes in text, backward in text) == told


@pytest.mark.parametrize(
    ("text", "lacks", "backward"),
    [
        ("Łódź, Нить, Dệt", False, False),
        ("织", True, False),
        ("দিন", True, False),
        ("نسيج", False, True),
        ("Loom אריגה 3", False, True),
    ],
)
def test_what_the_font_lacks_and_what_stands_the_wrong_way_round_is_known(
    text: str, lacks: bool, backward: bool
) -> None:
    assert (fonts.lacks(text), fonts.is_backward(text)) == (lacks, backward)


def test_the_fonts_are_as_they_were_taken_with_their_licence() -> None:
    folder = Path(fonts.FOLDER).parent
    rows = re.findall(r"\| `([0-9a-f]{64})` \| `([^`]+)` \|", (folder / "VENDORED.md").read_text())
    found = {
        hashlib.sha256(path.read_bytes()).hexdigest(): path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "VENDORED.md"
    }
    assert dict(rows) == found
    assert (fonts.FOLDER / "LICENSE").exists()


def test_a_picture_of_any_kind_becomes_a_small_one() -> None:
    deep = Image.fromarray(np.asarray(weave(1, (400, 200)), dtype=np.uint16) * 257)
    for data in (a_png(1, (2000, 1000)), encoded(weave(2), "JPEG"), encoded(deep, "TIFF"), encoded(weave(3), "BMP")):
        found = thumbnail(data, 100)
        assert found is not None
        assert max(found.drawWidth, found.drawHeight) == pytest.approx(100)
    assert thumbnail(b"no picture", 100) is None
    assert thumbnail(a_png(4)[:60], 100) is None


# --- who, and at what cost ----------------------------------------------------------------------------------------


def test_it_is_written_in_the_log(mara: Client, camera: Camera) -> None:
    Paper(mara, LINE)
    event = AuditEvent.objects.get(action="export")
    assert (event.person and event.person.username, event.subject) == ("mara", "report loom-1")
    assert event.detail == {"since": "2026-11-22T06:00Z", "until": "2026-11-22T14:00Z", "lines": ["loom-1"]}


def test_operators_are_refused_and_nothing_is_written(camera: Camera) -> None:
    client = signed_in(cast.olga())
    assert client.get(LINE).status_code == client.get(SHIFT).status_code == 403
    assert not AuditEvent.objects.filter(action="export").exists()


def test_an_unknown_line_is_404_and_a_period_that_is_none_is_400(mara: Client) -> None:
    assert mara.get("/lines/nope/report.pdf").status_code == 404
    assert mara.get("/reports/shift.pdf?line=nope").status_code == 404
    for query in ("when=x", "from=2026-11-22T10:00&to=2026-11-22T09:00", "from=1950-01-01T00:00&to=2026-01-01T00:00"):
        response = mara.get(f"/reports/shift.pdf?{query}")
        assert response.status_code == 400, query
        assert "No report was made." in response.content.decode()
    assert not AuditEvent.objects.filter(action="export").exists()


def test_the_queries_do_not_grow_with_history(mara: Client, camera: Camera) -> None:
    a_morning(camera)
    mara.get(LINE)
    with CaptureQueriesContext(connection) as few:
        mara.get(LINE)
    for hour in range(6, 14):
        many_judged(camera, 20, NOW.replace(hour=hour, minute=30), "hole", 0.9, timedelta(minutes=1))
    with CaptureQueriesContext(connection) as many:
        mara.get(LINE)
    assert len(many) == len(few)
    assert a_line().pk == camera.line_id


@pytest.mark.parametrize("address", [SHIFT, f"{SHIFT}&class=hole"])
def test_the_queries_do_not_grow_with_the_lines(mara: Client, camera: Camera, address: str) -> None:
    def queries(lines: int) -> int:
        for number in range(2, lines + 1):
            many_judged(a_camera(f"loom-{number}"), 20, NOW.replace(hour=8, minute=0), "hole", 0.9, HOUR / 20)
        with CaptureQueriesContext(connection) as found:
            assert f"loom-{lines}" in Paper(mara, address).text
        return len(found)

    a_morning(camera)
    Paper(mara, address)
    few = queries(2)
    assert queries(6) == few < 60
