"""What is on the screen as a file: the same rows, safe in a spreadsheet, written in the log, and never cut."""

import csv
import os
import time
import tracemalloc
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from inspections.models import (
    Alarm,
    AlarmRule,
    AuditEvent,
    Capture,
    DefectClass,
    Kind,
    Line,
    Person,
    ReviewItem,
    RuleKind,
    Shift,
)
from inspections.pages import csv_file
from inspections.pages.csv_file import cell
from inspections.review.answers import decide
from tests import cast
from tests.cast import a_camera, a_line, signed_in
from tests.judged import failed, judged, many_judged
from tests.labelled import a_roll

pytestmark = pytest.mark.django_db
NOON = datetime(2024, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
def manager(db: None) -> Person:
    return cast.mara()


@pytest.fixture
def mara(manager: Person) -> Client:
    return signed_in(manager)


def sent(client: Client, where: str) -> bytes:
    response = client.get(where)
    assert response.status_code == 200, response.content
    return b"".join(response.streaming_content)  # type: ignore[attr-defined]


def rows(client: Client, where: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(sent(client, where).decode("utf-8-sig"), newline="")))


# --- cells ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1"])
def test_text_that_a_spreadsheet_would_reckon_is_kept_from_it(text: str) -> None:
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, ""),
        (True, "yes"),
        (-1.5, "-1.5"),
        (0.1 + 0.2, "0.3"),
        (-3, "-3"),
        ("R-1=2", "R-1=2"),
        (datetime(2024, 11, 22, 14, 3, 1, 500_000, tzinfo=UTC), "2024-11-22T14:03:01.500+00:00"),
    ],
)
def test_values_are_written_for_people_and_programs(value: Any, written: str) -> None:
    assert cell(value) == written


def test_times_are_the_mills_with_their_offset() -> None:
    with timezone.override("Asia/Kolkata"):
        assert cell(NOON) == "2024-11-22T17:30:00.000+05:30"


# --- flagged captures -------------------------------------------------------------------------------------------------


def test_the_file_has_the_rows_of_the_list_in_its_order(mara: Client, manager: Person) -> None:
    now = timezone.now()
    for number in range(5):
        at = now - timedelta(minutes=7 * number)
        judged(a_camera(("loom-1", "loom-2")[number % 2]), "hole", at=at, roll=a_roll("=R1"), position_m=1.5)
    judged(a_camera(), "good", 0.01, at=now)
    decide(manager, Capture.objects.filter(flagged=True).order_by("-counted_at")[0], "cut", now)
    found = rows(mara, "/flagged.csv")
    listed = [str(one.pk) for one in mara.get("/flagged/").context["page"].captures]
    assert [row["Capture"] for row in found] == listed
    assert [row["Line"] for row in found] == ["loom-1", "loom-2", "loom-1", "loom-2", "loom-1"]
    first = found[0]
    names = DefectClass.objects.in_bulk(field_name="code")
    assert (first["Class"], first["Label"], first["Labelled by"]) == (names["cut"].name, names["cut"].name, "mara")
    assert (first["Roll"], first["Position (m)"], first["From the left edge (mm)"]) == ("'=R1", "1.5", "")
    assert first["Address"] == f"http://testserver/captures/{first['Capture']}/"
    assert datetime.fromisoformat(first["Counted at"]).utcoffset() is not None


def test_the_file_has_the_worst_first_where_the_list_has(mara: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_file, "CHUNK", 3)
    now = timezone.now()
    for number, score in enumerate((0.5, 0.9, 0.5, 0.7, 0.5, 0.8, 0.5)):  # equal ones: the id settles their order
        judged(a_camera(("loom-1", "loom-2")[number % 2]), "hole", score, at=now - timedelta(minutes=number))
    for query in ("order=worst", "order=worst&when=24h"):
        found = rows(mara, f"/flagged.csv?{query}")
        listed = [str(one.pk) for one in mara.get(f"/flagged/?{query}").context["page"].captures]
        assert [row["Capture"] for row in found] == listed
        assert [float(row["Severity"]) for row in found] == sorted(
            (float(row["Severity"]) for row in found), reverse=True
        )


@pytest.mark.parametrize(
    ("query", "count"),
    [("line=loom-2", 1), ("class=cut", 1), ("period=1h", 2), ("when=1h", 2), ("until=2020-01-01T00:00", 0)],
)
def test_the_filters_of_the_list_hold_for_the_file(mara: Client, query: str, count: int) -> None:
    judged(a_camera(), "cut")
    judged(a_camera("loom-2"), "hole")
    judged(a_camera(), "hole", at=timezone.now() - timedelta(hours=3))
    assert len(rows(mara, f"/flagged.csv?{query}")) == count


def test_it_is_utf_8_with_its_mark_and_lines_that_end_as_rfc_4180_says(mara: Client) -> None:
    DefectClass.objects.filter(code="hole").update(name='Loch, "groß"')
    judged(a_camera(), "hole")
    data = sent(mara, "/flagged.csv")
    assert data.startswith(b"\xef\xbb\xbfCounted at,")
    assert data.endswith(b"\r\n")
    assert '"Loch, ""groß"""'.encode() in data
    response = mara.get("/flagged.csv")
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"].startswith('attachment; filename="flagged-2')


def test_many_pages_come_whole_and_once_from_a_few_queries(mara: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_file, "CHUNK", 50)
    now = timezone.now()
    for line in ("loom-1", "loom-2"):  # most at one moment: the id settles their order
        many_judged(a_camera(line), 120, now - timedelta(hours=1), "hole", 0.9)
        many_judged(a_camera(line), 30, now - timedelta(hours=2), "hole", 0.9, timedelta(seconds=1))
    with CaptureQueriesContext(connection) as queries:
        found = rows(mara, "/flagged.csv")
    assert len({row["Capture"] for row in found}) == len(found) == 300
    order = [(row["Counted at"], row["Capture"]) for row in found]
    assert order == sorted(order, reverse=True)
    assert len(queries) < 25


def test_what_the_reader_is_asked_blind_is_not_in_it(mara: Client, manager: Person) -> None:
    capture, other = judged(a_camera(), "hole"), judged(a_camera(), "cut")
    ReviewItem.objects.filter(capture=capture).update(
        kind=Kind.FLAGGED, blind=True, holder=manager, lease_until=timezone.now() + timedelta(minutes=1)
    )
    assert [row["Capture"] for row in rows(mara, "/flagged.csv")] == [str(other.pk)]


@pytest.mark.parametrize(
    "query", ["line=loom-9", "since=never", "since=2026-01-02T00:00&until=2026-01-01T00:00", "when=x"]
)
def test_a_filter_that_means_nothing_is_told(mara: Client, query: str) -> None:
    response = mara.get(f"/flagged.csv?{query}")
    assert response.status_code == 400
    assert AuditEvent.objects.count() == 0


def test_more_than_a_file_holds_is_refused_in_words_and_not_cut(mara: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inspections.pages.exports.MOST_ROWS", 3)
    many_judged(a_camera(), 4, timezone.now(), "hole", 0.9)
    response = mara.get("/flagged.csv")
    assert response.status_code == 400
    assert "at most 3 rows" in response.content.decode()
    assert len(rows(mara, "/flagged.csv?class=cut")) == 0


def test_memory_does_not_grow_with_the_file(mara: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compared, not measured: ten times the rows take less than half as much again. `ROWS=100000 pytest -s` prints the
    figures of long files, and how soon each began."""
    count = int(os.environ.get("ROWS", "2000"))
    monkeypatch.setattr(csv_file, "CHUNK", min(csv_file.CHUNK, count // 20))
    now = timezone.now()

    def peak() -> int:
        started = time.perf_counter()
        tracemalloc.start()
        parts = iter(mara.get("/flagged.csv").streaming_content)  # type: ignore[attr-defined]
        size, first = len(next(parts)), time.perf_counter() - started
        size += sum(map(len, parts))
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        print(f"{size:,} bytes: {most / 2**20:.2f} MiB at most, the first after {1000 * first:.0f} ms (traced)")
        return most

    many_judged(a_camera(), count // 10, now, "hole", 0.9)
    rows(mara, "/flagged.csv")  # warm
    few = peak()
    many_judged(a_camera(), count - count // 10, now, "hole", 0.9)
    assert peak() < 1.5 * few


def test_who_took_what_is_in_the_log_with_filter_and_rows(mara: Client) -> None:
    judged(a_camera(), "hole")
    sent(mara, "/flagged.csv?class=hole")
    event = AuditEvent.objects.get()
    assert (event.action, event.subject, str(event.person)) == ("export", "flagged", "mara")
    assert event.detail == {"filters": {"class": "hole"}, "rows": 1}


# --- rates ------------------------------------------------------------------------------------------------------------


def test_rates_by_hour_are_the_counts_of_the_page(mara: Client) -> None:
    for minutes, label, score in ((1, "hole", 0.9), (59, "good", 0.01), (61, "good", 0.01)):
        judged(a_camera(), label, score, at=NOON + timedelta(minutes=minutes))
    failed(a_camera(), at=NOON)
    found = rows(mara, "/lines/loom-1/rates.csv?from=2024-11-22T12:00&to=2024-11-22T15:00&by=hour")
    assert [(row["Judged"], row["Anomalies"], row["Anomaly rate"], row["Failed"]) for row in found] == [
        ("2", "1", "0.5", "1"),
        ("1", "0", "0", "0"),
        ("0", "0", "", "0"),
    ]
    assert [found[0]["From"], found[0]["To"]] == ["2024-11-22T12:00:00.000+00:00", "2024-11-22T13:00:00.000+00:00"]
    hole = DefectClass.objects.get(code="hole").name
    assert [row[f"Anomalies: {hole}"] for row in found] == ["1", "0", "0"]


def test_slots_are_five_minutes(mara: Client) -> None:
    judged(a_camera(), "hole", at=NOON + timedelta(minutes=4, seconds=59))
    judged(a_camera(), "hole", at=NOON + timedelta(minutes=5))
    found = rows(mara, "/lines/loom-1/rates.csv?from=2024-11-22T12:00&to=2024-11-22T12:15&by=slot")
    assert [row["Judged"] for row in found] == ["1", "1", "0"]


def test_days_are_the_mills_and_one_of_them_has_25_hours(mara: Client) -> None:
    a_line()
    with timezone.override("Europe/Berlin"):
        found = rows(mara, "/lines/loom-1/rates.csv?from=2024-10-26T00:00&to=2024-10-29T00:00&by=day")
    hours = [datetime.fromisoformat(row["To"]) - datetime.fromisoformat(row["From"]) for row in found]
    assert [row["Day or shift"] for row in found] == ["2024-10-26", "2024-10-27", "2024-10-28"]
    assert hours == [timedelta(hours=24), timedelta(hours=25), timedelta(hours=24)]


def test_shifts_are_those_of_the_mill_and_cut_to_the_period(mara: Client) -> None:
    days = list(range(1, 8))
    Shift.objects.create(name="Night", starts="22:00", ends="06:00", days=days, zone="UTC")
    judged(a_camera(), "hole", at=NOON.replace(hour=23))
    judged(a_camera(), "hole", at=NOON.replace(hour=21))  # in no shift
    found = rows(mara, "/lines/loom-1/rates.csv?from=2024-11-22T20:00&to=2024-11-23T23:00&by=shift")
    assert [(row["Day or shift"], row["Judged"]) for row in found] == [
        ("Night of 2024-11-22", "1"),
        ("Night of 2024-11-23", "0"),
    ]
    assert found[1]["To"] == "2024-11-23T23:00:00.000+00:00"


@pytest.mark.parametrize("query", ["by=week", "from=2024-11-22T12:00&to=2024-11-22T11:00", "when=50y"])
def test_a_period_that_is_none_is_told(mara: Client, query: str) -> None:
    a_line()
    assert mara.get(f"/lines/loom-1/rates.csv?{query}").status_code == 400
    assert mara.get("/lines/loom-9/rates.csv").status_code == 404


# --- review -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def reviewed(manager: Person) -> datetime:
    """A hole that was said to be one, a hole that was none, and one that waits."""
    now, olga = timezone.now(), cast.olga()
    for line, said in (("loom-1", "hole"), ("loom-1", "good"), ("loom-2", "")):
        capture = judged(a_camera(line), "hole", at=now - timedelta(hours=1))
        if said:
            decide(olga, capture, said, now - timedelta(minutes=30))
    return now


@pytest.mark.usefixtures("reviewed")
def test_review_by_line_is_the_pages_table(mara: Client) -> None:
    Line.objects.filter(slug="loom-2").update(name="=loom")
    found = rows(mara, "/review.csv?when=24h")
    assert [(row["Line"], row["Waiting now"], row["Decisions"], row["Good images sent"]) for row in found] == [
        ("loom-1", "0", "2", "1"),
        ("'=loom", "1", "0", "0"),
    ]
    shown = mara.get("/review/?when=24h").context["rows"]
    assert [(row.decisions, row.cost.images) for row in shown] == [(2, 1), (0, 0)]
    assert [row["Line"] for row in rows(mara, "/review.csv?when=24h&line=loom-1")] == ["loom-1"]


@pytest.mark.usefixtures("reviewed")
def test_review_by_class_tells_how_often_people_said_the_same(mara: Client) -> None:
    (found,) = rows(mara, "/review.csv?when=24h&by=class")
    assert (found["The model said"], found["Answers, in sight of it"], found["The same"]) == ("Hole", "2", "1")
    assert found["Blind, at least"] == ""


def test_review_over_time_and_by_shift_adds_up_to_all_decisions(mara: Client, reviewed: datetime) -> None:
    days = list(range(1, 8))
    for name, starts, ends in (("early", "00:00", "12:00"), ("late", "12:00", "00:00")):
        Shift.objects.create(name=name, starts=starts, ends=ends, days=days, zone="UTC")
    for by in ("time", "shift"):
        found = rows(mara, f"/review.csv?when=24h&by={by}")
        assert sum(int(row["Decisions"]) for row in found) == 2, by
        assert datetime.fromisoformat(max(row["To"] for row in found)) >= reviewed
    event = AuditEvent.objects.filter(action="export").latest("pk")
    assert event.subject == "review by shift"


@pytest.mark.parametrize(
    ("by", "told"),
    [
        ("line", {"Decisions before": "1", "Decisions, change": "1", "Good images sent before": "1",
                  "Good images sent, change": "0", "Minutes spent on them before": ""}),
        ("shift", {"Decisions before": "1", "Decisions, change": "1", "Good images sent before": "1",
                   "Good images sent, change": "0", "Minutes spent on them before": ""}),
        ("class", {"Answers, in sight of it, before": "1", "The same, before": "0", "Answers, blind, before": "0",
                   "The same, blind, before": "0"}),
        ("time", {"Decisions before": "1"}),
    ],
)  # fmt: skip
def test_review_beside_another_period_has_that_periods_figures_too(
    mara: Client, reviewed: datetime, by: str, told: dict[str, str]
) -> None:
    Shift.objects.create(name="=day", starts="00:00", ends="00:00", days=list(range(1, 8)), zone="UTC")
    at = reviewed - timedelta(days=7, minutes=30)
    decide(Person.objects.get(username="olga"), judged(a_camera(), "hole", at=at - timedelta(hours=1)), "good", at)
    found = rows(mara, f"/review.csv?when=24h&compare=week&by={by}")
    decided = next(row for row in found if row.get("Decisions", "2") == "2")
    assert told.items() <= decided.items()
    alone = rows(mara, f"/review.csv?when=24h&by={by}")
    assert not any("before" in name for name in alone[0])
    assert list(decided)[: len(alone[0])] == list(alone[0])
    if by == "shift":
        assert decided["Shift"].startswith("'=day, ")
        assert decided["Compared with"].startswith("'=day, ")


def test_a_period_compared_with_of_more_decisions_than_are_read_is_refused(
    mara: Client, reviewed: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    at, olga = reviewed - timedelta(days=7, minutes=30), Person.objects.get(username="olga")
    for _ in range(3):
        decide(olga, judged(a_camera(), "hole", at=at - timedelta(hours=1)), "good", at)
    monkeypatch.setattr("inspections.decisions.MOST", 2)
    response = mara.get("/review.csv?when=24h&compare=week")
    assert response.status_code == 400
    assert "in the period compared with" in response.content.decode()
    assert "/review.csv" not in mara.get("/review/?when=24h&compare=week").content.decode()


@pytest.mark.usefixtures("reviewed")
def test_more_decisions_than_are_read_and_a_wrong_question_are_refused(
    mara: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for query in ("by=person", "when=50y"):
        assert mara.get(f"/review.csv?{query}").status_code == 400
    monkeypatch.setattr("inspections.decisions.MOST", 1)
    response = mara.get("/review.csv?when=24h")
    assert response.status_code == 400
    assert "Choose a shorter one" in response.content.decode()
    assert mara.get("/review.csv?line=loom-9").status_code == 404
    assert not AuditEvent.objects.filter(action="export").exists()


@pytest.mark.usefixtures("reviewed")
def test_the_page_of_review_leads_managers_to_its_files_and_operators_not(mara: Client) -> None:
    assert 'href="/review.csv?when=24h&amp;by=class"' in mara.get("/review/?when=24h").content.decode()
    assert "review.csv" not in signed_in(cast.otto()).get("/review/?when=24h").content.decode()


# --- alarms -----------------------------------------------------------------------------------------------------------


def an_alarm(line: str, at: datetime, **fields: Any) -> Alarm:
    rule, _made = AlarmRule.objects.get_or_create(name="@limit", kind=RuleKind.LIMIT, made_at=at)
    values = {
        "key": f"{at}",
        "words": "=9 % of 200",
        "since": at - timedelta(minutes=4),
        "raised_at": at,
        "last_at": at,
    }
    return Alarm.objects.create(rule=rule, line=a_line(line), **{**values, **fields})


def test_alarms_come_newest_first_with_their_whole_story(mara: Client, manager: Person) -> None:
    then = timezone.now() - timedelta(hours=3)
    an_alarm("loom-1", then, state="acknowledged", acknowledged_at=then + timedelta(minutes=1), acknowledged_by=manager,
             note="seen", acted_at=then + timedelta(minutes=1))  # fmt: skip
    an_alarm("loom-2", then + timedelta(hours=1))
    newest, oldest = rows(mara, "/alarms.csv")
    assert (newest["Line"], newest["State"], newest["Minutes to the first action"]) == ("loom-2", "raised", "")
    assert (oldest["Rule"], oldest["What was seen"]) == ("'@limit", "'=9 % of 200")
    assert (oldest["Acknowledged by"], oldest["Note"], oldest["Minutes to the first action"]) == ("mara", "seen", "5")


@pytest.mark.parametrize(
    ("query", "count"),
    [("line=loom-1", 1), ("state=resolved", 0), ("kind=limit", 2), ("kind=silent", 0), ("period=24h", 1), ("", 2)],
)
def test_the_filters_of_the_alarms_page_hold_for_the_file(mara: Client, query: str, count: int) -> None:
    now = timezone.now()
    an_alarm("loom-1", now - timedelta(days=2))
    an_alarm("loom-2", now - timedelta(hours=2))
    an_alarm("loom-2", now - timedelta(days=200))
    assert len(rows(mara, f"/alarms.csv?{query}")) == count
    assert AuditEvent.objects.get().detail["rows"] == count


@pytest.mark.parametrize("query", ["state=lost", "period=never", "line=loom-9"])
def test_a_choice_of_alarms_that_is_none_is_told(mara: Client, query: str) -> None:
    assert mara.get(f"/alarms.csv?{query}").status_code == 400


def test_managers_are_led_to_the_files_with_their_filters_and_operators_are_not(mara: Client) -> None:
    judged(a_camera(), "hole")
    olga = signed_in(cast.olga())
    for page, address in (("/flagged/?class=hole", "/flagged.csv?class=hole"), ("/alarms/?kind=limit", "/alarms.csv?")):
        assert f'href="{address}' in mara.get(page).content.decode()
        assert address.partition("?")[0] not in olga.get(page).content.decode()


# --- the overview and the threshold -----------------------------------------------------------------------------------


def test_the_overview_is_a_file_of_its_lines_as_they_stand(mara: Client) -> None:
    a_line("loom-2")
    Line.objects.filter(slug="loom-2").update(name="=loom")
    for _number in range(3):
        judged(a_camera(), "hole")
    judged(a_camera(), "good", 0.01)
    found = {row["Line"]: row for row in rows(mara, "/lines.csv")}
    assert set(found) == {"loom-1", "'=loom"}
    one = found["loom-1"]
    assert (one["Rate now"], one["Anomalies"], one["Judged"], one["To review"]) == ("0.75", "3", "4", "3")
    assert one["Leading defect now"] == "Hole"
    assert found["'=loom"]["State"] == "No data yet"
    event = AuditEvent.objects.get()
    assert (event.subject, event.detail["rows"]) == ("table lines", 2)


def test_what_another_threshold_would_mean_is_a_file(mara: Client) -> None:
    judged(a_camera(), "hole", 0.9)
    page = mara.get("/lines/loom-1/threshold/?threshold=0.3").content.decode()
    assert 'href="/lines/loom-1/threshold/tables/flags.csv?' in page
    found = rows(mara, "/lines/loom-1/threshold/tables/flags.csv?threshold=0.3")
    assert "0.30" in [row["Threshold"] for row in found]
    assert mara.get("/lines/loom-1/threshold/tables/other.csv").status_code == 404
    assert mara.get("/lines/loom-1/threshold/tables/flags.csv?threshold=x").status_code == 400


def test_operators_take_no_files(db: None) -> None:
    olga = signed_in(cast.olga())
    for where in ("/flagged.csv", "/alarms.csv", "/lines/loom-1/rates.csv", "/review.csv", "/lines.csv"):
        assert olga.get(where).status_code == 403
