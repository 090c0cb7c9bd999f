"""The picker of time: what an address asks for, what it is compared with, and what is no period at all."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest
import time_machine
from django.db import connection
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inspections.models import Shift
from inspections.pages.when import When, chosen
from inspections.spans import Span, mark_before
from tests import cast
from tests.cast import a_camera, signed_in

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, 14, 3, 22, tzinfo=UTC)  # a Sunday
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def asked(query: str = "", now: datetime = NOW, **more: Any) -> When:
    return chosen(RequestFactory().get(f"/lines/loom-1/?{query}"), now, **more)


def times(span: Span | None) -> tuple[str, str]:
    assert span is not None
    return f"{span.since:%d %H:%M}", f"{span.until:%d %H:%M}"


def three(zone: str = "UTC") -> list[Shift]:
    rows = [("Early", 6, 14), ("Late", 14, 22), ("Night", 22, 6)]
    return [
        Shift.objects.create(
            name=name, starts=time(starts), ends=time(ends), days=[1, 2, 3, 4, 5, 6, 7], zone=zone
        )
        for name, starts, ends in rows
    ]  # fmt: skip


def drawn(when: When) -> str:
    return " ".join(render_to_string("inspections/_when.html", {"when": when}).split())


# --- presets ------------------------------------------------------------------------------------------------------


def test_without_a_word_it_is_the_last_24_hours_and_moves() -> None:
    when = asked()
    assert times(when.span) == ("21 14:05", "22 14:05")
    assert (when.moving, when.errors, when.compare, when.query, when.status) == (True, [], None, "when=24h", 200)


@pytest.mark.parametrize(("key", "days"), [("7d", 7), ("28d", 28), ("91d", 91), ("180d", 180)])
def test_longer_ones_are_whole_hours_so_that_hourly_counts_fit(key: str, days: int) -> None:
    when = asked(f"when={key}")
    assert when.span.until == datetime(2026, 11, 22, 15, tzinfo=UTC)
    assert when.span.length == days * DAY


def test_a_page_has_a_default_of_its_own_and_24_hours_where_the_mill_has_no_shifts() -> None:
    assert asked(default="7d").query == "when=7d"
    assert asked(default="last-shift").query == "when=24h"
    three()
    assert asked(default="last-shift").query == "when=last-shift"


# --- shifts -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "hour", "span"),
    [
        ("last-shift", 15, ("22 06:00", "22 14:00")),
        ("last-night", 15, ("21 22:00", "22 06:00")),
        ("this-shift", 15, ("22 14:00", "22 15:05")),
        ("last-shift", 7, ("21 22:00", "22 06:00")),
        ("last-night", 23, ("21 22:00", "22 06:00")),
    ],
)
def test_shifts_by_what_they_are_now(key: str, hour: int, span: tuple[str, str]) -> None:
    three()
    when = asked(f"when={key}", NOW.replace(hour=hour))
    assert times(when.span) == span
    assert when.moving


def test_one_shift_by_its_day_stands_still_once_it_has_ended() -> None:
    night = three()[2]
    when = asked(f"when=shift-{night.pk}-2026-11-20")
    assert times(when.span) == ("20 22:00", "21 06:00")
    assert (when.moving, when.span.words) == (False, "Night, Fri 20 Nov, 22:00 – 06:00")


def test_one_shift_that_is_still_on_ends_now() -> None:
    late = three()[1]
    when = asked(f"when=shift-{late.pk}-2026-11-22")
    assert times(when.span) == ("22 14:00", "22 14:05")
    assert when.moving
    assert asked(f"when=shift-{late.pk}-2026-11-22", NOW + DAY).span.length == 8 * HOUR


def test_a_shift_from_midnight_is_of_the_night_and_one_until_midnight_is_not() -> None:
    for name, starts, ends in (("Late", 16, 0), ("Dogwatch", 0, 8)):
        Shift.objects.create(name=name, starts=time(starts), ends=time(ends), days=[*range(1, 8)], zone="UTC")
    assert asked("when=last-night").span.words.startswith("Dogwatch, Sun 22 Nov")


def test_a_night_over_the_change_of_clocks_is_nine_hours() -> None:
    night = three("Europe/Berlin")[2]
    when = asked(f"when=shift-{night.pk}-2026-10-24")
    assert when.span.length == 9 * HOUR


# --- absolute -----------------------------------------------------------------------------------------------------


def test_two_local_times_are_widened_to_five_minutes_and_stand_still() -> None:
    with timezone.override("Asia/Kolkata"):
        when = asked("from=2026-11-22T06:03&to=2026-11-22T14:01")
        assert when.span.since == datetime(2026, 11, 22, 0, 30, tzinfo=UTC)
        assert when.span.until == datetime(2026, 11, 22, 8, 35, tzinfo=UTC)
        assert (when.moving, when.span.words) == (False, "22 Nov 2026 06:00 – 14:05")


def test_freezing_gives_the_same_times_for_ever() -> None:
    moving = asked("when=24h&compare=day")
    for later in (timedelta(0), 40 * DAY):
        frozen = asked(moving.frozen, NOW + later)
        assert (frozen.span.since, frozen.span.until) == (moving.span.since, moving.span.until)
        assert frozen.compare == moving.compare
        assert not frozen.moving


def test_freezing_keeps_the_second_of_two_hours_apart_from_the_first() -> None:
    with timezone.override("Europe/Berlin"):
        for hour in (0, 1):
            now = datetime(2026, 10, 25, hour, 28, tzinfo=UTC)  # 02:28 both times
            moving = asked("", now)
            frozen = asked(moving.frozen, now)
            assert (frozen.span.since, frozen.span.until) == (moving.span.since, moving.span.until)


# --- compare ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("compare", "span"),
    [
        ("previous", ("21 22:00", "22 06:00")),
        ("day", ("21 06:00", "21 14:00")),
        ("week", ("15 06:00", "15 14:00")),
    ],
)
def test_a_period_beside_another(compare: str, span: tuple[str, str]) -> None:
    three()
    when = asked(f"when=last-shift&compare={compare}")
    assert times(when.compare) == span
    assert when.query == f"when=last-shift&compare={compare}"


def test_another_shift_or_two_times_can_be_compared_with() -> None:
    night = three()[2]
    when = asked(f"when=last-shift&compare=shift-{night.pk}-2026-11-19")
    assert times(when.compare) == ("19 22:00", "20 06:00")
    assert when.compare is not None
    assert when.compare.words == "Night, Thu 19 Nov, 22:00 – 06:00"
    two = asked("when=24h&compare-from=2026-11-01T06:00&compare-to=2026-11-02T06:00")
    assert times(two.compare) == ("01 06:00", "02 06:00")
    assert asked(two.query).compare == two.compare
    assert 'name="compare-from" step="300" value="2026-11-01T06:00"' in drawn(two)


def test_a_comparison_that_moves_is_frozen_with_the_period() -> None:
    three()
    moving = asked("from=2026-11-20T06:00&to=2026-11-20T14:00&compare=last-night")
    assert moving.moving
    frozen = asked(moving.frozen, NOW + 3 * DAY)
    assert times(frozen.compare) == times(moving.compare) == ("21 22:00", "22 06:00")
    assert not frozen.moving


def test_every_shift_that_is_offered_for_comparison_is_one_and_the_shown_one_is_not_among_them() -> None:
    late = three()[1]
    when = asked(f"when=shift-{late.pk}-2026-11-21")
    assert len(when.picker.compared_shifts) == 8
    for link in when.picker.compared_shifts:
        found = asked(link.query)
        assert found.compare is not None
        assert found.compare.words == link.words
        assert found.compare != found.span


def test_a_page_that_compares_nothing_offers_no_comparison_and_carries_none() -> None:
    when = asked("when=7d&compare=week&compare-from=x", compares=False)
    assert (when.compare, when.errors, when.query) == (None, [], "when=7d")
    assert "ompare" not in drawn(when)


def test_any_time_is_a_choice_of_pages_that_have_it_and_of_no_other() -> None:
    whole = asked(default="any")
    assert (whole.query, whole.span.words, whole.until) == ("when=any", "Any time", None)
    assert 'href="?when=any" aria-current="true"' in drawn(whole)
    assert asked("when=any").status == 400


def test_an_older_address_says_period_where_this_one_says_when() -> None:
    assert asked("period=8h").query == "when=8h"
    assert asked("period=8h&when=7d").query == "when=7d"
    assert "period" not in asked("period=8h").picker.frozen
    assert asked("period=9y").status == 400


def test_a_day_earlier_is_the_same_local_time_also_over_a_change_of_clocks() -> None:
    with timezone.override("Europe/Berlin"):
        when = asked("from=2026-10-25T12:00&to=2026-10-25T20:00&compare=day")
        assert when.compare is not None
        assert when.span.since - when.compare.since == 25 * HOUR
        assert when.compare.words == "24 Oct 2026 12:00 – 20:00"


# --- what is no period --------------------------------------------------------------------------------------------

IMPOSSIBLE = [
    ("from=2026-11-22T14:00&to=2026-11-22T13:00", "ends before it begins"),
    ("from=2026-11-22T14:00&to=2026-11-22T14:00", "ends before it begins"),
    ("from=1976-11-22T14:00&to=2026-11-22T14:00", "year must lie between"),
    ("from=2000-01-01T00:00&to=2026-11-22T14:00", "At most 366 days"),
    ("from=0001-01-01T00:00&to=0001-01-01T01:00", "year must lie between"),
    ("from=9999-12-31T23:59&to=9999-12-31T23:59", "year must lie between"),
    ("from=2026-11-22T14:00", "Give both times"),
    ("to=2026-11-22T14:00", "Give both times"),
    ("from=yesterday&to=now", "“yesterday” is no time"),
    ("from=2026-13-40T99:99&to=2026-11-22T14:00", "is no time"),
    ("from=2027-01-01T00:00&to=2027-01-02T00:00", "has not begun yet"),
    ("from=2026-11-22T14:00%2B23:59&to=2026-11-22T14:00-23:59&when=24h", ""),  # two days apart: a period
    ("from=%C3%A9&to=%C3%A9", "“é” is no time"),
    ("when=fortnight", "There is no period “fortnight”"),
    ("when=<script>alert(1)</script>", "There is no period"),
    (f"when={'9' * 5000}", "There is no period"),
    ("when=this-shift", "This mill has no shifts yet"),
    ("when=shift-1-2026-11-22", "not defined any more"),
    ("when=shift-999999999999999999-2026-11-22", "not defined any more"),
    ("when=shift-1-2026-02-30", "is no day"),
    ("when=shift-1-0001-01-01", "year must lie between"),
    ("when=shift-1-9999-12-31", "year must lie between"),
    ("when=shift-١-2026-11-22", "There is no period"),
    ("compare=moon", "There is no “moon” to compare with"),
    ("compare=24h", "There is no “24h” to compare with"),
    ("compare=shift-1-2026-11-20", "To compare with: This shift is not defined any more"),
    ("compare=last-shift", "To compare with: This mill has no shifts yet"),
    ("compare-from=2026-11-22T14:00", "To compare with: Give both times"),
    ("compare-from=2026-11-22T14:00&compare-to=2026-11-22T13:00", "ends before it begins"),
    ("compare-from=2000-01-01T00:00&compare-to=2026-11-22T14:00", "At most 366 days"),
]


@pytest.mark.parametrize(("query", "words"), IMPOSSIBLE)
def test_what_is_no_period_is_said_and_the_picker_stays_usable(query: str, words: str) -> None:
    when = asked(query)
    if not words:
        assert when.status == 200
        return
    assert when.status == 400
    assert words in " ".join(when.errors)
    assert when.span.length == DAY
    text = drawn(when)
    assert "<script>" not in text
    assert 'role="alert"' in text
    assert 'href="?when=7d"' in text


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("when=shift-{monday}-2026-11-22", "“Early” does not begin on Sun 22 Nov 2026"),
        ("when=shift-{monday}-2026-11-23", "“Early” of that day has not begun yet"),
        ("when=this-shift", "No shift is running now"),
        ("when=last-night", "No such shift has ended"),
    ],
)
def test_a_shift_that_did_not_happen_is_said(query: str, words: str) -> None:
    monday = Shift.objects.create(name="Early", starts=time(6), ends=time(14), days=[1], zone="UTC")
    when = asked(query.format(monday=monday.pk))
    assert (when.status, words in when.errors[0]) == (400, True)


TEXT = st.one_of(
    st.text(max_size=30),
    st.datetimes().map(lambda moment: moment.isoformat(timespec="minutes")),
    st.sampled_from(["24h", "last-shift", "this-shift", "shift-1-2026-11-22", "previous", "week", "shift--1-2026-1-1"]),
    st.from_regex(r"shift-[0-9]{1,20}-[0-9]{4}-[0-9]{2}-[0-9]{2}", fullmatch=True),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    said=st.dictionaries(st.sampled_from(["when", "from", "to", "compare", "compare-from", "compare-to", "line"]), TEXT)
)
def test_nothing_that_stands_in_an_address_breaks_it(said: dict[str, str]) -> None:
    with timezone.override("America/Sao_Paulo"):
        when = asked(urlencode(said))
        assert timedelta(0) < when.span.length <= 367 * DAY
        assert when.span.since == mark_before(when.span.since)
        assert when.span.until == mark_before(when.span.until)
        again = asked(when.query)
        assert (again.span, again.compare) == (when.span, when.compare)
        assert drawn(when)


# --- the picker ---------------------------------------------------------------------------------------------------


def links(when: When) -> dict[str, str]:
    picker = when.picker
    return {link.words: link.query for link in (*picker.shifts, *picker.presets, *picker.ended, *picker.compares)}


def test_the_shift_stands_first_and_the_last_ones_by_name_and_date() -> None:
    three()
    when = asked()
    assert [link.words for link in when.picker.shifts] == ["Last night’s shift", "Last shift", "This shift"]
    assert [link.words for link in when.picker.ended][:3] == [
        "Early, Sun 22 Nov, 06:00 – 14:00",
        "Night, Sat 21 Nov, 22:00 – 06:00",
        "Late, Sat 21 Nov, 14:00 – 22:00",
    ]


def test_in_the_morning_the_last_shift_is_last_nights_and_stands_once() -> None:
    three()
    when = asked(now=NOW.replace(hour=7))
    assert [link.words for link in when.picker.shifts] == ["Last night’s shift", "This shift"]


def test_every_choice_leads_to_what_it_says() -> None:
    three()
    for words, query in links(asked("compare=week")).items():
        found = asked(query)
        assert not found.errors, words
        said = {"the period before": "previous", "a day earlier": "day", "nothing": ""}.get(words, "week")
        assert dict(found.picker.compare).get("compare", "") == said


def test_what_else_stands_in_the_address_is_kept_but_not_a_place_in_a_list() -> None:
    when = asked("class=hole&class=cut&page=7&when=7d")
    for query in (*links(when).values(), when.picker.frozen, when.picker.earlier):
        assert parse_qs(query)["class"] == ["hole", "cut"]
        assert "page" not in parse_qs(query)
    assert '<input type="hidden" name="class" value="cut">' in drawn(when)


def test_earlier_and_later_go_by_shift_where_it_is_one() -> None:
    late = three()[1]
    when = asked(f"when=shift-{late.pk}-2026-11-21")
    assert asked(when.picker.earlier).span.words.startswith("Early, Sat 21 Nov")
    night = asked(when.picker.later)
    assert night.span.words.startswith("Night, Sat 21 Nov")
    assert asked("when=this-shift").picker.later == ""


def test_earlier_and_later_go_by_the_periods_length_else() -> None:
    when = asked("from=2026-11-20T00:00&to=2026-11-21T00:00")
    assert times(asked(when.picker.later).span) == ("21 00:00", "22 00:00")
    assert times(asked(when.picker.earlier).span) == ("19 00:00", "20 00:00")
    assert asked("when=24h").picker.later == ""


def test_only_what_moves_can_be_frozen() -> None:
    assert "Freeze these times" in drawn(asked())
    assert "Freeze these times" not in drawn(asked("from=2026-11-20T00:00&to=2026-11-21T00:00"))


@pytest.mark.parametrize("query", ["", "when=7d", "when=this-shift"])
def test_what_is_not_over_ends_now_and_never_in_the_time_to_come(query: str) -> None:
    """The counts are of five minutes and of hours, so that its span ends on the next mark; nothing is known of that."""
    three()
    when = asked(query)
    assert when.span.until > NOW
    assert "</time> – now" in drawn(when)
    assert drawn(when).count("<time") == 1
    assert drawn(asked(query, NOW + timedelta(seconds=40))) == drawn(when)  # so that a poll finds nothing new


def test_a_frozen_period_that_is_not_over_says_so_until_it_is() -> None:
    frozen = asked().frozen
    assert "21 Nov 2026 14:05 – 22 Nov 2026 14:05" in drawn(asked(frozen))
    assert "so far: until now" in drawn(asked(frozen))
    assert "so far" not in drawn(asked(frozen, NOW + HOUR))


def test_the_fields_hold_what_is_shown_also_where_it_was_wrong() -> None:
    assert 'value="2026-11-21T14:05"' in drawn(asked())
    assert 'value="2026-11-22T14:00"' in drawn(asked("from=2026-11-22T14:00&to=2026-11-22T13:00"))


def test_it_costs_one_query_whatever_it_asks() -> None:
    three()
    for query in ("", "when=last-night&compare=day", "when=nonsense", "from=2026-01-01T00:00&to=2026-11-01T00:00"):
        with CaptureQueriesContext(connection) as found:
            drawn(asked(query))
        assert len(found) == 1


@pytest.mark.parametrize("page", ["/lines/loom-1/"])
@pytest.mark.parametrize("query", [query for query, words in IMPOSSIBLE if words])
def test_a_page_answers_400_with_the_picker(page: str, query: str) -> None:
    a_camera()
    answer = signed_in(cast.olga()).get(f"{page}?{query}")
    assert answer.status_code == 400
    assert b'id="when"' in answer.content
