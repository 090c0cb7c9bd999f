"""The page of a line's control chart, from outside: what is normal, who says so, and what is refused."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from inspections import charting
from inspections.models import AuditEvent, Baseline, Chart, Line
from tests import cast
from tests.cast import a_line, signed_in
from tests.charts import TEN, a_threshold, confirmed, slots, usual

pytestmark = pytest.mark.django_db
START = datetime(2026, 11, 16, 6, 0, tzinfo=UTC)
NOW = START + timedelta(days=2)
WHERE = "/lines/loom-1/chart/"
SPREAD = [12, 18, 25, 9, 30, 14, 22, 8, 27, 15] * 4


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def line(db: None) -> Line:
    return a_line()


@pytest.fixture
def mara(line: Line) -> Client:
    return signed_in(cast.mara())


@pytest.fixture
def olga(line: Line) -> Client:
    return signed_in(cast.olga())


def text_of(client: Client, address: str = WHERE, status: int = 200) -> str:
    response = client.get(address)
    assert response.status_code == status, response.content
    return " ".join(response.content.decode().split())


def confirmation(line: Line, **changes: str) -> dict[str, str]:
    """What the form of the proposal sends."""
    found = charting.proposal(charting.chart_of(line), NOW)
    assert isinstance(found, charting.Proposal), found
    sent = {"since": found.since.isoformat(), "until": found.until.isoformat(), "seen": "p time 10"}
    return {**sent, "reason": "a quiet week", **changes}


def settings(**changes: Any) -> dict[str, Any]:
    return {"kind": "p", "subgroup": "time-10", "rule_set": "nelson", "rules": ["1"], **changes}


# --- reading ------------------------------------------------------------------------------------------------------


def test_a_line_without_data_says_what_is_missing(mara: Client) -> None:
    text = text_of(mara)
    assert "No baseline stands." in text
    assert "0 whole subgroups, and a baseline needs 20: 20 more are missing" in text
    assert "Confirm as normal" not in text


def test_enough_data_make_a_proposal_with_its_plot(mara: Client, line: Line) -> None:
    slots(line, START, usual(40))
    text = text_of(mara)
    assert "Proposed baseline" in text
    assert "40 subgroups, 160 of 8,000 captures" in text
    assert "0 of 40 subgroups lie outside." in text
    assert "Its subgroups spread as chance makes them spread." in text
    assert 'id="plot-proposal"' in text
    assert "Confirm as normal" in text


def test_the_standing_baseline_says_who_confirmed_what_and_why(mara: Client, line: Line) -> None:
    mona = cast.a_person("mona", cast.Role.MANAGER)
    end = slots(line, START, usual(40))
    confirmed(charting.chart_of(line), START, end, mona, end)
    text = text_of(mara)
    assert "No baseline stands." not in text
    for words in ("2.0 %", "0.0 % – 5.0 %", "40 subgroups, 8,000 captures", "mona", "a quiet day", "Stands"):
        assert words in text
    assert "about one point in 134 lies beyond the limits" in text


def test_a_break_ends_it_and_is_listed(mara: Client, line: Line) -> None:
    end = slots(line, START, usual(40))
    confirmed(charting.chart_of(line), START, end, cast.a_person("mona", cast.Role.MANAGER), end)
    a_threshold(line, end, 0.3)
    slots(line, end, usual(5))
    text = text_of(mara)
    assert "No baseline stands.</strong> The last one ended on 16 Nov 2026 12:40: threshold from" in text
    assert "threshold from the model&#x27;s own to 0.3" in text
    assert "15 more are missing" in text


def test_each_class_has_a_chart_of_its_own(mara: Client, line: Line) -> None:
    slots(line, START, usual(40), code="cut")
    assert "160 of 8,000 captures" in text_of(mara, f"{WHERE}?class=cut")
    for other in ("hole", "unknown"):
        assert "0 anomalies were counted" in text_of(mara, f"{WHERE}?class={other}")
    for wrong in ("good", "no-such", "'--"):
        assert mara.get(WHERE, {"class": wrong}).status_code == 404


def test_an_operator_of_the_line_reads_and_finds_no_form(olga: Client, line: Line) -> None:
    slots(line, START, usual(40))
    text = text_of(olga)
    assert "A manager confirms it." in text
    assert 'method="post" action="/lines/' not in text
    assert signed_in(cast.otto()).get(WHERE).status_code == 404


# --- the period ---------------------------------------------------------------------------------------------------


def period(since: datetime, until: datetime) -> str:
    there = [timezone.localtime(moment).strftime("%Y-%m-%dT%H:%M") for moment in (since, until)]
    return f"{WHERE}?since={there[0]}&until={there[1]}"


def test_a_chosen_period_is_proposed(mara: Client, line: Line) -> None:
    slots(line, START, [*usual(40), *[20] * 40])
    text = text_of(mara, period(START, START + 40 * TEN))
    assert "A baseline from this period" in text
    assert "40 subgroups, 160 of 8,000 captures" in text


@pytest.mark.parametrize(
    ("since", "until", "said"),
    [
        (START + TEN, START, "The period ends before it begins."),
        (START, NOW + timedelta(days=1), "The period ends in the future."),
        (START - timedelta(days=50 * 365), START, "at most 92 days"),
        (START, START + 3 * TEN, "There are 3 whole subgroups, and a baseline needs 20: 17 more are missing."),
    ],
)
def test_a_period_that_cannot_be_one_says_why(
    mara: Client, line: Line, since: datetime, until: datetime, said: str
) -> None:
    slots(line, START, usual(40))
    text = text_of(mara, period(since, until))
    assert said in text
    assert "Confirm as normal" not in text


@pytest.mark.parametrize(
    "query", ["since=yesterday&until=now", "since=", "until=2026-11-16T06:00", "since=0001-01-01T00:00&until=x"]
)
def test_a_damaged_address_is_answered_with_the_form(mara: Client, query: str) -> None:
    assert mara.get(f"{WHERE}?{query}").status_code == 400


def test_the_first_and_the_last_years_are_no_periods(mara: Client) -> None:
    for query in ("since=0001-01-01T00:00&until=9999-12-31T23:55", "since=1000-01-01T00:00&until=1000-01-02T00:00"):
        assert mara.get(f"{WHERE}?{query}").status_code in {200, 400}


# --- confirming ---------------------------------------------------------------------------------------------------


def test_a_manager_confirms_what_was_shown(mara: Client, line: Line) -> None:
    slots(line, START, usual(40))
    response = mara.post(f"{WHERE}baseline/", confirmation(line))
    assert (response.status_code, response.headers["Location"]) == (302, WHERE)
    found = Baseline.objects.get()
    assert (found.centre, found.subgroups, found.confirmed_by.username, found.reason) == (  # type: ignore[union-attr]
        0.02,
        40,
        "mara",
        "a quiet week",
    )
    row = AuditEvent.objects.get()
    assert (row.action, row.subject, row.detail["reason"]) == ("baseline", "line loom-1", "a quiet week")


def test_a_second_press_confirms_and_chooses_nothing_more(mara: Client, line: Line) -> None:
    slots(line, START, usual(40))
    for _press in range(2):
        assert mara.post(f"{WHERE}baseline/", confirmation(line)).status_code == 302
    assert Baseline.objects.count() == 1
    assert mara.post(f"{WHERE}baseline/", confirmation(line, reason="looked again")).status_code == 302
    assert Baseline.objects.count() == 2
    for _press in range(2):
        assert mara.post(WHERE, settings(kind="ewma")).status_code == 302
    told = list(AuditEvent.objects.order_by("id").values_list("action", flat=True))
    assert told == ["baseline", "baseline", "chart"]


def test_an_operator_may_neither_confirm_nor_choose(olga: Client, line: Line) -> None:
    slots(line, START, usual(40))
    assert olga.post(f"{WHERE}baseline/", confirmation(line)).status_code == 403
    assert olga.post(WHERE, settings(kind="laney")).status_code == 403
    assert not Baseline.objects.exists()
    assert not Chart.objects.exists()


@pytest.mark.parametrize(
    ("changes", "status", "said"),
    [
        ({"reason": "  "}, 400, "Say why"),
        ({"reason": "x" * 501}, 400, "at most 500"),
        ({"since": "never"}, 400, "Control chart"),
        ({"since": NOW.isoformat()}, 400, "ends before it begins"),
        ({"until": (START + 3 * TEN).isoformat()}, 400, "3 whole subgroups"),
        ({"until": (NOW + TEN).isoformat()}, 400, "future"),
        ({"seen": "laney time 10"}, 409, "changed meanwhile"),
    ],
)
def test_a_bad_confirmation_is_refused_and_keeps_nothing(
    mara: Client, line: Line, changes: dict[str, str], status: int, said: str
) -> None:
    slots(line, START, usual(40))
    response = mara.post(f"{WHERE}baseline/", confirmation(line, **changes))
    assert response.status_code == status
    assert said in response.content.decode()
    assert not Baseline.objects.exists()
    assert not AuditEvent.objects.exists()


# --- choosing -----------------------------------------------------------------------------------------------------


def test_a_manager_chooses_how_it_is_charted(mara: Client, line: Line) -> None:
    sent = settings(kind="ewma", subgroup="length-100", rule_set="western", rules=["2", "3"], weight="0.3")
    assert mara.post(WHERE, {**sent, "class": "hole"}).headers["Location"] == f"{WHERE}?class=hole"
    found = charting.chart_of(line, "hole")
    assert (found.kind, found.subgroup_by, found.size, found.rule_set) == ("ewma", "length", 100, "western")
    assert (found.rules, found.weight, found.decision) == ([1, 2, 3], 0.3, 5.0)
    assert AuditEvent.objects.get().action == "chart"
    assert "EWMA, 100 m of cloth" in text_of(mara, f"{WHERE}?class=hole")


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "xbar"},
        {"subgroup": "time-7"},
        {"subgroup": ""},
        {"rules": ["5"]},
        {"rule_set": "x"},
        {"weight": "0.9"},
    ],
)
def test_a_chart_that_cannot_be_is_refused(mara: Client, changes: dict[str, Any]) -> None:
    assert mara.post(WHERE, settings(**changes)).status_code == 400
    assert not Chart.objects.exists()


def test_more_spread_than_chance_suggests_laney_and_one_press_takes_it(mara: Client, line: Line) -> None:
    slots(line, START, SPREAD, judged=1000)
    text = text_of(mara)
    assert "times as far as chance gives" in text
    assert "Laney p′ is suggested" in text
    assert "Chart by Laney p′" in text
    mara.post(WHERE, settings(kind="laney"))
    after = text_of(mara)
    assert "Chart by Laney p′" not in after
    assert "The limits are made for that." in after


def test_a_level_that_moved_is_said_and_suggests_nothing(mara: Client, line: Line) -> None:
    slots(line, START, [*[20, 22, 18, 21, 19] * 4, *[40, 42, 38, 41, 39] * 4], judged=1000)
    text = text_of(mara)
    assert "the level moved." in text
    assert "Chart by Laney" not in text


def test_the_page_takes_as_many_queries_after_weeks_as_after_hours(mara: Client, line: Line) -> None:
    end = slots(line, START - timedelta(days=3), usual(40))
    confirmed(charting.chart_of(line), START - timedelta(days=3), end, cast.a_person("mona", cast.Role.MANAGER), end)
    slots(line, START, usual(25))
    with CaptureQueriesContext(connection) as few:
        text_of(mara)
    slots(line, START + 30 * TEN, usual(200))
    with CaptureQueriesContext(connection) as many:
        text_of(mara)
    assert len(many) == len(few) <= 30
