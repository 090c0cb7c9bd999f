"""Decisions one by one, by rows and HTTP: every figure of the review page opens the decisions that it counted."""

import csv
import re
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from html import unescape
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from inspections import decisions
from inspections.models import AuditEvent, Camera, Capture, How, Kind, Person, Shift
from inspections.review.answers import decide
from inspections.review.undoing import undo
from tests import cast
from tests.audits import asked
from tests.cast import a_camera, signed_in
from tests.judged import judged
from tests.labelled import an_answer

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, 14, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
WEEK = timedelta(days=7)
LIST = "/review/decisions/"
OPENED = re.compile(r'<a (?:id="[\w-]+" )?href="(/review/decisions/\?[^"]+)">([\d,.]+)( %)?(?: good images? w)?')


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def olga(camera: Camera) -> Person:
    return cast.olga()


@pytest.fixture
def mara(camera: Camera) -> Client:
    return signed_in(cast.mara())


def answered(person: Person, camera: Camera, said: str, model: str = "hole", back: timedelta = HOUR) -> Capture:
    """A flagged image, answered with the model's answer in sight, in two seconds."""
    capture = judged(camera, model, 0.9, at=NOW - back - 5 * MINUTE)
    decide(person, capture, said, NOW - back, took_ms=2000)
    return capture


def answered_blind(person: Person, camera: Camera, said: str, back: timedelta = HOUR) -> Capture:
    capture = judged(camera, "hole", 0.9, at=NOW - back - 5 * MINUTE)
    an_answer(person, capture, said, How.BLIND, NOW - back, verdict=capture.verdicts.get())
    return capture


@pytest.fixture
def week(olga: Person, camera: Camera) -> Camera:
    """Of today: 2 overkills, 3 holes in sight, 1 cut called thread, 1 unsure, 1 overruled good, 1 hole and 1 good blind
    on loom-1, and 1 good on loom-2. Of a week before: 1 overkill and 1 hole."""
    for name, starts, ends in (("early", time(6), time(14)), ("late", time(14), time(22))):
        Shift.objects.create(name=name, starts=starts, ends=ends, days=[1, 2, 3, 4, 5, 6, 7], zone="UTC")
    for said, model, back in (
        ("good", "hole", 10 * MINUTE), ("good", "cut", 2 * HOUR), ("hole", "hole", 5 * MINUTE), ("hole", "hole", HOUR),
        ("hole", "hole", 3 * HOUR), ("thread", "cut", HOUR), ("unsure", "hole", HOUR),
        ("good", "hole", WEEK + HOUR), ("hole", "hole", WEEK + 2 * HOUR),
    ):  # fmt: skip
        answered(olga, camera, said, model, back)
    for said in ("hole", "good"):
        answered_blind(olga, camera, said)
    overruled = answered(olga, camera, "good", "hole", 4 * HOUR)
    overruled.refresh_from_db()
    decide(cast.otto(), overruled, "hole", NOW - 2 * HOUR, expected=overruled.label_id)
    answered(olga, a_camera("loom-2"), "good")
    return camera


def text_of(client: Client, address: str, status: int = 200) -> str:
    response = client.get(address)
    assert response.status_code == status, response.content
    return " ".join(response.content.decode().split())


def listed(client: Client, address: str) -> int:
    """How many it shows, which is what it says."""
    text = text_of(client, address)
    shown = text.count('class="thumb" id="d-')
    said = re.search(r'id="count">(\d+) decisions?</p>', text)
    assert (int(said[1]) if said else 0) == shown
    return shown


def opened(client: Client, address: str) -> list[tuple[str, str, bool]]:
    """What the page's figures open: the list, the figure, whether it is a share."""
    return [
        (unescape(url), figure.replace(",", ""), bool(share))
        for url, figure, share in OPENED.findall(text_of(client, address))
    ]


@pytest.mark.usefixtures("week")
@pytest.mark.parametrize("address", ["/review/?when=24h", "/review/?when=24h&compare=week&line=loom-1"])
def test_every_count_of_the_review_page_opens_as_many_decisions(mara: Client, address: str) -> None:
    figures = [(url, figure) for url, figure, share in opened(mara, address) if not share]
    counts = [(url, int(figure)) for url, figure in figures if "." not in figure]  # the others are an hour's
    assert [listed(mara, url) for url, _count in counts] == [count for _url, count in counts]
    kept = {word for url, _count in counts for word in re.findall(r"which=(\w+)", url)}
    assert kept == {"overkill", "seen", "blind"}


def test_where_more_were_decided_than_are_read_figures_and_lists_leave_out_the_same(
    mara: Client, week: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decisions, "MOST", 8)  # the ninth was given at the same moment as the eighth
    address = "/review/?when=24h"
    assert "more decisions in this period than a page can read" in text_of(mara, address)
    counts = [(url, int(figure)) for url, figure, share in opened(mara, address) if not share]
    assert len(counts) > 5
    assert [listed(mara, url) for url, _count in counts] == [count for _url, count in counts]


def test_a_list_stays_what_was_counted_when_it_is_opened_later(mara: Client, olga: Person, camera: Camera) -> None:
    answered(olga, camera, "hole", back=24 * HOUR - 10 * MINUTE)
    ((url, count, _share), *_others) = opened(mara, "/review/?when=24h")
    assert count == "1"
    with time_machine.travel(NOW + HOUR, tick=False):
        assert listed(mara, url) == 1


@pytest.mark.usefixtures("week")
def test_the_kappa_of_blind_answers_opens_them(mara: Client) -> None:
    (url,) = re.findall(r'id="blind-kappa"><a href="([^"]+)">Kappa of the 2 ', text_of(mara, "/review/?when=24h"))
    assert listed(mara, unescape(url)) == 2


@pytest.mark.usefixtures("week")
def test_a_share_opens_those_on_which_people_and_the_model_agreed(mara: Client) -> None:
    found = opened(mara, "/review/?when=24h&compare=week&line=loom-1")
    shares = [(url, float(figure)) for url, figure, share in found if share]
    assert {figure for _url, figure in shares} == {50.0, 66.7}  # none of the cuts: nothing to open
    for url, figure in shares:
        assert 100 * listed(mara, url) / listed(mara, url.replace("&same=yes", "")) == pytest.approx(figure, abs=0.1)


@pytest.mark.usefixtures("week")
def test_every_point_of_the_plot_and_row_of_its_table_opens_its_decisions(mara: Client) -> None:
    plot = mara.get("/review/?when=24h").context["plot"]
    cells = [row[1] for row in plot.table.rows if row[1].url]
    assert sum(int(cell.text) for cell in cells) == 12
    assert [listed(mara, cell.url) for cell in cells] == [int(cell.text) for cell in cells]
    assert {spot["url"] for spot in plot.data["series"][0]["spots"] if "url" in spot} == {cell.url for cell in cells}


@pytest.mark.usefixtures("week")
def test_it_is_narrowed_by_line_by_what_the_model_said_and_by_what_people_said(mara: Client) -> None:
    today = f"{LIST}?when=24h"
    assert listed(mara, LIST) == 14
    assert listed(mara, today) == 12
    assert listed(mara, f"{today}&line=loom-2") == 1
    assert listed(mara, f"{today}&model=cut") == 2
    assert listed(mara, f"{today}&model=cut&same=yes") == 0
    assert listed(mara, f"{today}&same=no&which=blind") == 1
    assert listed(mara, f"{today}&which=overkill") == listed(mara, f"{today}&which=overkill&same=no") == 4
    assert listed(mara, f"{today}&which=overkill&same=yes") == 0
    assert "Nobody decided anything of this choice" in text_of(mara, f"{today}&model=thread")


def test_the_latest_comes_first_with_what_both_said_who_it_was_and_how_long_it_took(mara: Client, week: Camera) -> None:
    rows = mara.get(f"{LIST}?when=24h&line=loom-1").context["rows"]
    assert [row.label.at for row in rows] == sorted((row.label.at for row in rows), reverse=True)
    text = text_of(mara, f"{LIST}?when=24h&which=overkill&line={week.line.slug}&model=cut")
    assert "Cut <span" in text
    assert "Decided by olga" in text
    assert "in 2.0 s" in text
    assert "said otherwise since" not in text
    assert "said otherwise since" in text_of(mara, f"{LIST}?when=24h&line=loom-1")
    assert "asked blind" in text_of(mara, f"{LIST}?when=24h&which=blind")


def test_who_is_confirmed_by_another_was_not_overruled(mara: Client, olga: Person, camera: Camera) -> None:
    capture = answered(olga, camera, "hole", back=2 * HOUR)
    capture.refresh_from_db()
    decide(cast.otto(), capture, "hole", NOW - HOUR, expected=capture.label_id)
    assert listed(mara, LIST) == 2
    assert "said otherwise since" not in text_of(mara, LIST)


def test_what_was_taken_back_is_gone(mara: Client, olga: Person, camera: Camera) -> None:
    capture = answered(olga, camera, "good")
    assert listed(mara, LIST) == 1
    undo(olga, capture.labels.get(), NOW)
    assert listed(mara, LIST) == 0
    assert "Nobody has decided anything yet" in text_of(mara, LIST)


def test_what_the_reader_is_asked_blind_is_kept_back(olga: Person, camera: Camera) -> None:
    mara = cast.mara()
    capture = answered(olga, camera, "good")
    assert listed(signed_in(mara), LIST) == 1
    asked(capture, Kind.SECOND, NOW, mara)
    assert listed(signed_in(mara), LIST) == 0
    assert "loom-1" not in text_of(signed_in(mara), LIST).split('id="live"')[1]


def test_an_operator_sees_the_figures_and_not_who_decided_what(olga: Person, camera: Camera) -> None:
    answered(olga, camera, "good")
    client = signed_in(olga)
    page = text_of(client, "/review/?when=24h")
    assert "1 good image was sent to review" in page
    assert 'href="/review/decisions/' not in page
    plot = client.get("/review/?when=24h").context["plot"]
    (counted,) = [row[1] for row in plot.table.rows if row[1].value]
    assert client.get(counted.url).context["decided"].count == 1  # the page of that hour
    for address in (LIST, "/decisions.csv"):
        assert client.get(address).status_code == 403


def test_more_than_a_page_go_on_the_next_and_a_page_too_far_is_the_last(
    mara: Client, olga: Person, camera: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inspections.pages.decisions_list.PAGE", 2)
    keys = [answered(olga, camera, "hole", back=back * MINUTE).pk for back in (1, 2, 3)]
    seen = [
        [row.label.capture_id for row in mara.get(address).context["rows"]]
        for address in (LIST, f"{LIST}?page=2", f"{LIST}?page=9")
    ]
    assert seen == [keys[:2], keys[2:], keys[2:]]
    assert 'rel="next" href="?page=2"' in text_of(mara, LIST)
    assert 'id="first-page"' in text_of(mara, f"{LIST}?page=2")


@pytest.mark.parametrize(
    "query",
    [
        "page=x",
        "page=0",
        "which=all",
        "model=nope",
        "same=maybe",
        "line=nope",
        "since=soon",
        "when=soonish",
        "since=2026-11-22T14:00:00Z&until=2026-11-22T12:00:00Z",
    ],
)
def test_an_address_that_asks_for_what_is_not_there_is_400_and_says_so(mara: Client, query: str) -> None:
    text = text_of(mara, f"{LIST}?{query}", status=400)
    assert 'role="alert"' in text
    assert mara.get(f"/decisions.csv?{query}").status_code == 400


def test_a_time_beside_a_period_is_told_as_far_as_it_lies_in_it(mara: Client) -> None:
    text = text_of(mara, f"{LIST}?when=1h&since=2026-01-01T00:00:00Z")
    assert "1 Jan 2026" not in text


def test_at_any_time_new_ones_come_by_themselves_and_in_the_past_not(mara: Client) -> None:
    assert "hx-get" in text_of(mara, LIST).split('id="live"')[1].split(">")[0]
    assert (
        "hx-get" not in text_of(mara, f"{LIST}?from=2026-11-22T08:00&to=2026-11-22T12:00").split('id="live"')[1][:200]
    )


def test_more_decisions_than_are_read_shorten_the_list_and_it_says_so(
    mara: Client, olga: Person, camera: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decisions, "MOST", 3)
    for back in range(1, 7):
        answered(olga, camera, "hole", back=back * HOUR)
    assert listed(mara, f"{LIST}?when=24h") == 3
    assert "what follows lists those since 22 Nov 2026 10:20" in text_of(mara, f"{LIST}?when=24h")
    assert mara.get("/decisions.csv?when=24h").status_code == 400


@pytest.mark.usefixtures("week")
def test_the_file_holds_what_the_list_shows_and_is_in_the_log(mara: Client) -> None:
    response: Any = mara.get("/decisions.csv?when=24h&line=loom-1&which=overkill")
    rows = list(csv.DictReader(StringIO(b"".join(response.streaming_content).decode("utf-8-sig"))))
    shown = mara.get(f"{LIST}?when=24h&line=loom-1&which=overkill").context["rows"]
    assert [row["Capture"] for row in rows] == [str(row.label.capture_id) for row in shown]
    assert {(row["Label"], row["Labelled by"], row["Stands"], row["Line"]) for row in rows} == {
        ("Good", "olga", "yes", "loom-1")
    }
    event = AuditEvent.objects.filter(action="export").latest("id")
    assert (event.subject, event.detail["rows"]) == ("decisions", 3)


def test_the_page_asks_as_many_queries_for_many_as_for_few(mara: Client, olga: Person, camera: Camera) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert mara.get(LIST).status_code == 200
        return len(asked)

    answered(olga, camera, "hole")
    few = queries()
    for _number in range(9):
        answered(olga, camera, "hole")
    assert queries() == few
