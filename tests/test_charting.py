"""A line's control chart, from rollups to signals: subgroups, breaks, frozen baselines."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inspections import alarms, charting
from inspections.charting import Proposal, Reading, Refused, Wish, chart_of, read
from inspections.charting.counting import subgroups_of
from inspections.models import (
    Alarm,
    AuditEvent,
    Baseline,
    Chart,
    ChartKind,
    LengthCount,
    Line,
    Person,
    RuleKind,
    RuleSet,
    SlotCount,
    SubgroupBy,
)
from tests import cast
from tests.alarmed import SOON, a_baseline, a_rule
from tests.cast import a_line
from tests.charts import TEN, a_change, a_roll, a_threshold, confirmed, pieces, slots, usual
from tests.judged import a_version

pytestmark = pytest.mark.django_db
START = datetime(2026, 11, 16, 6, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NOW = START + 2 * DAY


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def line(db: None) -> Line:
    return a_line()


@pytest.fixture
def mara(db: None) -> Person:
    return cast.mara()


@pytest.fixture
def chart(line: Line) -> Chart:
    return chart_of(line)


@pytest.fixture
def baseline(chart: Chart, mara: Person) -> Baseline:
    """Forty subgroups of ten minutes at two percent, confirmed at their end."""
    end = slots(chart.line, START, usual(40))
    return confirmed(chart, START, end, mara, end)


def signals(reading: Reading) -> list[tuple[str, ...]]:
    return [point.signals for point in reading.points]


# --- subgroups ----------------------------------------------------------------------------------------------------


def test_slots_are_put_together_and_all_classes_count_as_judged(chart: Chart) -> None:
    slots(chart.line, START, [3, 1, 2], judged=50, step=timedelta(minutes=5))
    first, second = charting.subgroups(chart, START, START + HOUR)
    assert (first.start, first.end, first.judged, first.count) == (START, START + TEN, 100, 4)
    assert (second.judged, second.count, second.rate) == (50, 2, 0.04)


def test_a_chart_of_a_class_counts_that_class_among_all(line: Line) -> None:
    slots(line, START, [3], code="hole")
    slots(line, START + TEN, [2], code="cut")
    found = charting.subgroups(chart_of(line, "hole"), START, START + HOUR)
    assert [(one.judged, one.count) for one in found] == [(200, 3), (200, 0)]


def test_a_subgroup_that_begins_in_the_period_is_read_whole(chart: Chart) -> None:
    slots(chart.line, START, [1, 1, 1, 1, 1, 1], step=timedelta(minutes=5))
    found = charting.subgroups(chart, START + timedelta(minutes=5), START + timedelta(minutes=15))
    assert [(one.start, one.judged) for one in found] == [(START + TEN, 400)]


def test_lines_are_charted_together_each_by_its_own_size(line: Line) -> None:
    other = a_line("loom-2")
    for one, counts in ((line, [1, 2, 3, 4]), (other, [5, 6, 7, 8])):
        slots(one, START + timedelta(minutes=5), counts, step=timedelta(minutes=5))
    charts = [Chart(line=line, size=10), Chart(line=other, size=30)]
    found = subgroups_of(charts, START, START + HOUR, NOW)
    assert [(one.start, one.count) for one in found[line.pk]] == [(START, 1), (START + TEN, 5), (START + 2 * TEN, 4)]
    assert [(one.start, one.end, one.count) for one in found[other.pk]] == [(START, START + 3 * TEN, 26)]


def test_the_subgroup_that_runs_is_not_whole(chart: Chart) -> None:
    slots(chart.line, START, [1, 1])
    found = charting.subgroups(chart, START, START + HOUR, START + timedelta(minutes=15))
    assert [one.whole for one in found] == [True, False]


def by_length(line: Line, metres: int = 50) -> Chart:
    return Chart(line=line, subgroup_by=SubgroupBy.LENGTH, size=metres)


def test_lengths_of_cloth_never_mix_two_rolls(line: Line) -> None:
    after = pieces(line, a_roll("R1"), START, [1] * 7)
    pieces(line, a_roll("R2"), after, [2] * 5, first=3)
    found = charting.subgroups(by_length(line), START, START + HOUR)
    assert [(one.roll, one.from_m, one.judged, one.count) for one in found] == [
        ("R1", 0.0, 200, 5),
        ("R1", 50.0, 80, 2),
        ("R2", 0.0, 80, 4),
        ("R2", 50.0, 120, 6),
    ]


def test_a_length_is_whole_once_its_roll_went_on_or_an_hour_went_by(line: Line) -> None:
    pieces(line, a_roll("R1"), START, [1] * 7)
    at_once = charting.subgroups(by_length(line), START, START + HOUR, START + timedelta(minutes=8))
    later = charting.subgroups(by_length(line), START, START + HOUR, START + 2 * HOUR)
    assert [one.whole for one in at_once] == [True, False]
    assert [one.whole for one in later] == [True, True]


def test_a_length_is_the_same_in_every_period_that_it_begins_in(line: Line) -> None:
    pieces(line, a_roll("R1"), START, [1] * 20)
    every = charting.subgroups(by_length(line), START, START + HOUR, NOW)
    some = charting.subgroups(by_length(line), START + timedelta(minutes=3), START + timedelta(minutes=12), NOW)
    assert some == every[1:3]


def test_of_several_rolls_at_once_each_length_is_the_same_in_every_period(line: Line) -> None:
    for code, minutes in (("R1", 0), ("R2", 7)):
        pieces(line, a_roll(code), START + timedelta(minutes=minutes), usual(30), first=2)
    every = charting.subgroups(by_length(line), START, NOW, NOW)
    for minutes in range(0, 40, 3):
        since, until = START + timedelta(minutes=minutes), START + timedelta(minutes=minutes + 9)
        assert charting.subgroups(by_length(line), since, NOW, NOW) == [one for one in every if one.start >= since]
        some = [one for one in every if since <= one.start < until]
        assert charting.subgroups(by_length(line), since, until, NOW) == some


def test_another_roll_does_not_end_a_length_that_goes_on(line: Line) -> None:
    pieces(line, a_roll("R1"), START, [1] * 3)
    pieces(line, a_roll("R2"), START + timedelta(minutes=2, seconds=30), [1])
    found = charting.subgroups(by_length(line), START, START + HOUR, START + timedelta(minutes=4))
    assert [(one.roll, one.whole) for one in found] == [("R1", False), ("R2", False)]


def test_whether_a_length_went_on_is_known_also_after_the_period(line: Line) -> None:
    pieces(line, a_roll("R1"), START, [1] * 7)
    (found,) = charting.subgroups(by_length(line), START, START + timedelta(minutes=4), START + timedelta(minutes=8))
    assert found.whole and found.judged == 200


def test_two_rolls_at_once_raise_live_what_a_replay_raises(line: Line) -> None:
    Chart.objects.create(line=line, subgroup_by="length", size=100, rules=[1])
    a_baseline(line, subgroup_by="length", size=100)
    rule = a_rule(RuleKind.SIGNAL, cool_down_s=0)
    bad = (0, 0, 0, 3, 2, 3, 2, 3, 2, 2)  # a length is within its limits, and most of what is cut off it would not be
    rows = []
    for code, seconds in (("R1", 0), ("R2", 3000)):
        roll = a_roll(code)
        for piece in range(190):
            at = START + timedelta(seconds=seconds) + piece * TEN
            key = {"line": line, "roll": roll, "piece": piece, "first_at": at}
            count = bad[piece % len(bad)]
            rows.append(LengthCount(**key, defect_class="good", judged=48 - count))
            rows.append(LengthCount(**key, defect_class="hole", judged=count, anomalies=count))
    LengthCount.objects.bulk_create(rows)
    end = START + timedelta(hours=30)
    again = alarms.replay(rule, [line.pk], START - HOUR, end)
    for number in range(24):
        alarms.look(end - 4 * HOUR + number * TEN + SOON)
    assert (Alarm.objects.count(), again.alarms) == (0, [])


def test_where_nothing_was_judged_there_is_no_subgroup(chart: Chart) -> None:
    slots(chart.line, START, [0], judged=0)
    assert charting.subgroups(chart, START, NOW) == []
    assert charting.subgroups(by_length(chart.line), START, NOW) == []


# --- breaks -------------------------------------------------------------------------------------------------------


def kinds(line: Line, since: datetime = START, until: datetime = NOW) -> list[tuple[str, datetime]]:
    return [(one.kind, one.at) for one in charting.breaks(line, since, until)]


def test_a_promotion_of_the_mill_breaks_every_line_that_follows_it(line: Line) -> None:
    old, new = a_version("2026.11.1", is_default=False), a_version("2026.11.2")
    own = a_line("loom-2")
    Line.objects.filter(pk=own.pk).update(version=old)
    a_change(new, START + HOUR, previous=old)
    assert kinds(line) == [("promotion", START + HOUR)]
    assert kinds(own) == []


def test_a_line_that_had_its_own_version_then_was_not_broken_then(line: Line) -> None:
    """It has none now: it went back to the mill's, which broke it once."""
    old, new = a_version("2026.11.1", is_default=False), a_version("2026.11.2")
    a_change(old, START + HOUR, line=line)  # the mill judged by it too: nothing changed
    a_change(new, START + 2 * HOUR, previous=old)
    a_change(new, START + 3 * HOUR, previous=old, line=line)
    assert kinds(line) == [("promotion", START + 3 * HOUR)]


def test_a_change_that_is_asked_for_or_refused_breaks_nothing(line: Line) -> None:
    change = a_change(a_version(), START + HOUR)
    change.state = "refused"
    change.save()
    assert kinds(line) == []


def test_a_threshold_that_moved_breaks_its_line_alone(line: Line) -> None:
    a_threshold(line, START + HOUR, 0.3)
    a_threshold(line, START + 2 * HOUR, 0.3, old=0.3)
    assert kinds(line) == [("threshold", START + HOUR)]
    assert kinds(a_line("loom-2")) == []


def test_another_style_breaks_where_its_first_piece_was_counted(line: Line) -> None:
    second = pieces(line, a_roll("R1"), START, [0] * 5)
    third = pieces(line, a_roll("R2"), second, [0] * 5)
    pieces(line, a_roll("R3", "satin"), third, [0] * 5)
    assert kinds(line) == [("style", third)]
    assert kinds(line, since=second) == [("style", third)]
    assert kinds(line, since=third) == [("style", third)]
    assert kinds(line, until=third) == []


def test_that_nothing_broke_is_said_by_one_query(line: Line) -> None:
    for number in range(5):
        pieces(line, a_roll(f"R{number}"), START + number * HOUR, [0] * 3)
    with CaptureQueriesContext(connection) as queries:
        assert charting.breaks(line, START, NOW) == []
    assert len(queries) == 1


def test_breaks_are_read_in_as_many_queries_after_a_year_as_after_a_day(line: Line) -> None:
    old, new = a_version("2026.11.1", is_default=False), a_version("2026.11.2")
    a_change(new, START, previous=old)  # one of each kind: of what there is not, no more is asked
    a_threshold(line, START, 0.5)
    for number in range(2):
        pieces(line, a_roll(f"Q{number}", f"style {number}"), START + number * HOUR, [0] * 3)
    with CaptureQueriesContext(connection) as first:
        charting.breaks(line, START, NOW)
    for number in range(30):
        a_change(new if number % 2 else old, START + number * HOUR, previous=old if number % 2 else new)
        a_threshold(line, START + number * HOUR, number / 100)
        pieces(line, a_roll(f"R{number}", f"style {number}"), START + number * HOUR, [0] * 3)
    with CaptureQueriesContext(connection) as second:
        assert len(charting.breaks(line, START, NOW)) > 60
    assert len(second) == len(first)


# --- baselines ----------------------------------------------------------------------------------------------------


def test_a_baseline_is_proposed_from_the_last_seven_days(chart: Chart) -> None:
    end = slots(chart.line, START, usual(40))
    found = charting.proposal(chart, NOW)
    assert isinstance(found, Proposal)
    assert (found.since, found.until) == (NOW - 7 * DAY, end)
    assert (found.subgroups, found.judged, found.centre, found.sigma_z, found.outside) == (40, 8000, 0.02, 1.0, 0)


def test_after_a_break_only_what_came_since_is_proposed(chart: Chart) -> None:
    end = slots(chart.line, START, usual(40))
    a_threshold(chart.line, end, 0.3)
    slots(chart.line, end, [20] * 25)
    found = charting.proposal(chart, NOW)
    assert isinstance(found, Proposal)
    assert (found.since, found.subgroups, found.centre) == (end, 25, 0.1)


@pytest.mark.parametrize(
    ("counts", "judged", "missing"),
    [
        ([4] * 3, 200, "3 whole subgroups, and a baseline needs 20: 17 more"),
        ([1] * 25, 10, "250 captures were judged in it, and a baseline needs 400: 150 more"),
        ([0] * 24 + [4], 200, "4 anomalies were counted"),
        ([50] * 25, 50, "nothing tells what is usual"),
    ],
)
def test_too_little_is_refused_and_says_what_is_missing(
    chart: Chart, mara: Person, counts: list[int], judged: int, missing: str
) -> None:
    end = slots(chart.line, START, counts, judged=judged)
    for found in (charting.proposal(chart, NOW), charting.confirm(chart, START, end, mara, "why not", NOW)):
        assert isinstance(found, Refused)
        assert missing in found.reason
    assert not Baseline.objects.exists()
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize(
    ("since", "until", "reason", "said"),
    [
        (START + HOUR, START, "x", "ends before it begins"),
        (START, START, "x", "ends before it begins"),
        (START, NOW + DAY, "x", "future"),
        (START - 50 * 365 * DAY, START + DAY, "x", "at most 92 days"),
        (START - 93 * DAY, START + DAY, "x", "at most 92 days"),
        (START, START + DAY, "  ", "Say why"),
    ],
)
def test_impossible_periods_are_refused(
    chart: Chart, mara: Person, since: datetime, until: datetime, reason: str, said: str
) -> None:
    slots(chart.line, START, usual(40))
    found = charting.confirm(chart, since, until, mara, reason, NOW)
    assert isinstance(found, Refused)
    assert said in found.reason


def test_a_period_with_a_break_in_it_or_after_it_is_refused(chart: Chart, mara: Person) -> None:
    end = slots(chart.line, START, usual(80))
    middle = START + 40 * TEN
    a_threshold(chart.line, middle, 0.3)
    within = charting.confirm(chart, START, end, mara, "all of it", NOW)
    earlier = charting.confirm(chart, START, middle, mara, "the old gauge", NOW)
    assert isinstance(within, Refused)
    assert "breaks in it" in within.reason
    assert isinstance(earlier, Refused)
    assert "broke after it" in earlier.reason
    assert isinstance(charting.confirm(chart, middle, end, mara, "the new gauge", NOW), Baseline)


def test_a_confirmed_baseline_is_frozen_and_audited(chart: Chart, baseline: Baseline, mara: Person) -> None:
    slots(chart.line, baseline.until, [60] * 10)
    assert (baseline.centre, baseline.subgroups, baseline.judged, baseline.reason) == (0.02, 40, 8000, "a quiet day")
    assert charting.standing(chart, NOW) == baseline
    row = AuditEvent.objects.get(action="baseline")
    assert (row.person, row.subject, row.detail["centre"]) == (mara, "line loom-1", 0.02)


def test_a_break_after_its_data_ends_a_baseline_also_before_it_was_confirmed(chart: Chart, baseline: Baseline) -> None:
    a_threshold(chart.line, baseline.until, 0.3)
    assert charting.standing(chart, NOW) is None
    assert charting.standings([chart.line_id], NOW) == {chart.line_id: None}


def test_a_break_at_the_beginning_of_its_data_does_not_end_it(chart: Chart, baseline: Baseline) -> None:
    a_threshold(chart.line, baseline.since, 0.3)
    assert charting.standing(chart, NOW) == baseline


def test_a_baseline_stands_for_the_settings_that_it_was_made_with(
    chart: Chart, baseline: Baseline, mara: Person
) -> None:
    wish = Wish(kind="p", subgroup_by="time", size=30)
    other = charting.choose(chart.line, "", wish, mara, NOW)
    assert isinstance(other, Chart)
    assert charting.standing(other, NOW) is None
    back = charting.choose(chart.line, "", replace(wish, size=10), mara, NOW)
    assert isinstance(back, Chart)
    assert charting.standing(back, NOW) == baseline


def test_before_it_was_confirmed_nothing_stood(chart: Chart, baseline: Baseline) -> None:
    assert charting.standing(chart, baseline.confirmed_at - HOUR) is None


def test_of_several_lines_each_has_its_own(chart: Chart, baseline: Baseline, mara: Person) -> None:
    other, bare = a_line("loom-2"), a_line("loom-3")
    end = slots(other, START, usual(40))
    mine = confirmed(chart_of(other), START, end, mara, end)
    newer = confirmed(chart, START, end, mara, end + HOUR)
    found = charting.standings([chart.line_id, other.pk, bare.pk], NOW)
    assert found == {chart.line_id: newer, other.pk: mine, bare.pk: None}


def test_standings_take_as_many_queries_for_ten_lines_as_for_one(
    chart: Chart, baseline: Baseline, mara: Person
) -> None:
    with CaptureQueriesContext(connection) as one:
        charting.standings([chart.line_id], NOW)
    ids = [chart.line_id]
    for number in range(2, 8):
        line = a_line(f"loom-{number}")
        confirmed(chart_of(line), START, slots(line, START, usual(40)), mara, NOW - DAY)
        ids.append(line.pk)
    with CaptureQueriesContext(connection) as many:
        assert all(charting.standings(ids, NOW).values())
    assert len(many) == len(one)


# --- what is charted ----------------------------------------------------------------------------------------------


def test_a_line_that_nobody_chose_for_has_the_defaults(line: Line) -> None:
    chart = chart_of(line)
    assert (chart.pk, chart.kind, chart.subgroup_by, chart.size) == (None, "p", "time", 10)


def test_a_choice_is_kept_and_audited(line: Line, mara: Person) -> None:
    wish = Wish(kind="laney", subgroup_by="length", size=100, rule_set="western", rules=(2, 4))
    charting.choose(line, "hole", wish, mara, NOW)
    found = chart_of(line, "hole")
    assert (found.kind, found.subgroup_by, found.size, found.rules) == ("laney", "length", 100, [1, 2, 4])
    assert chart_of(line).kind == "p"
    assert AuditEvent.objects.get().detail["class"] == "hole"


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("good", {}),
        ("no-such", {}),
        ("", {"kind": "xbar"}),
        ("", {"size": 7}),
        ("", {"size": 0}),
        ("", {"subgroup_by": "image"}),
        ("", {"subgroup_by": "length", "size": 15}),
        ("", {"rule_set": "juran"}),
        ("", {"rules": (1, 5)}),
    ],
)
def test_a_chart_that_cannot_be_is_refused(line: Line, mara: Person, code: str, change: dict[str, object]) -> None:
    wish = replace(Wish(kind="p", subgroup_by="time", size=10), **change)  # type: ignore[arg-type]
    assert isinstance(charting.choose(line, code, wish, mara, NOW), Refused)
    assert not Chart.objects.exists()


# --- reading ------------------------------------------------------------------------------------------------------


def test_until_a_person_confirms_there_are_values_and_no_signals(chart: Chart) -> None:
    slots(chart.line, START, [*usual(40), 60])
    reading = read(chart, START, NOW, NOW)
    assert reading.baseline is None
    assert reading.proposal is not None
    assert reading.points[-1].value == 0.3
    assert {(one.centre, one.upper, one.signals) for one in reading.points} == {(None, None, ())}


def test_what_is_missing_for_a_proposal_is_said(chart: Chart) -> None:
    slots(chart.line, START, usual(5))
    reading = read(chart, START, NOW, NOW)
    assert (reading.proposal, reading.lacking[:31]) == (None, "There are 5 whole subgroups, an")


def test_after_the_confirmation_a_point_beyond_the_limits_signals(chart: Chart, baseline: Baseline) -> None:
    slots(chart.line, baseline.until, [9, 10, 4, 60])
    reading = read(chart, baseline.until, NOW, NOW)
    assert signals(reading) == [(), ("beyond-high",), (), ("beyond-high",)]
    assert reading.points[0].upper == pytest.approx(0.0497, abs=5e-5)
    assert reading.points[1].is_high
    assert reading.baseline == baseline


def test_the_baselines_own_period_is_drawn_in_its_limits_without_signals(chart: Chart, mara: Person) -> None:
    end = slots(chart.line, START, [*usual(40), 60])
    confirmed(chart, START, end, mara, end)
    reading = read(chart, START, end, NOW)
    assert all(one.upper is not None for one in reading.points)
    assert set(signals(reading)) == {()}


def test_after_a_break_nothing_is_held_against_the_old_baseline(chart: Chart, baseline: Baseline) -> None:
    broken = slots(chart.line, baseline.until, [4, 4])
    a_threshold(chart.line, broken + timedelta(minutes=5), 0.1)
    slots(chart.line, broken, [60, 60])
    reading = read(chart, baseline.until, NOW, NOW)
    assert [one.upper is None for one in reading.points] == [False, False, True, True]
    assert set(signals(reading)) == {()}
    assert (reading.baseline, [one.kind for one in reading.breaks]) == (None, ["threshold"])


def test_the_subgroup_that_a_break_cuts_belongs_to_neither_side(chart: Chart, mara: Person) -> None:
    end = slots(chart.line, START, usual(80))
    a_threshold(chart.line, START + 40 * TEN + timedelta(minutes=5), 0.3)
    old = confirmed(chart, START, START + 40 * TEN, mara, START + 40 * TEN)
    confirmed(chart, START + 41 * TEN, end, mara, end)
    reading = read(chart, START, end, NOW)
    assert [place for place, one in enumerate(reading.points) if one.upper is None] == [40]
    assert reading.baseline != old


def test_the_running_subgroup_has_its_limits_and_no_signal_yet(chart: Chart, baseline: Baseline) -> None:
    slots(chart.line, baseline.until, [60])
    half = read(chart, baseline.until, NOW, baseline.until + timedelta(minutes=5))
    full = read(chart, baseline.until, NOW, baseline.until + TEN)
    assert (signals(half), signals(full)) == ([()], [("beyond-high",)])
    assert half.points[0].upper is not None


def test_the_set_of_rules_and_which_are_on_is_the_charts(chart: Chart, baseline: Baseline) -> None:
    slots(chart.line, baseline.until, [5] * 9)
    chart.rules = [1, 2]
    assert signals(read(chart, baseline.until, NOW, NOW)) == [()] * 8 + [("side-high",)]
    chart.rule_set = RuleSet.WESTERN_ELECTRIC
    assert signals(read(chart, baseline.until, NOW, NOW)) == [()] * 7 + [("side-high",)] * 2
    assert charting.signal_words("side-high", chart) == "8 in a row above the centre"


def test_a_later_baseline_changes_no_signal_that_was_given(chart: Chart, baseline: Baseline, mara: Person) -> None:
    end = slots(chart.line, baseline.until, [12] * 30)
    live = signals(read(chart, baseline.until, end, end))
    confirmed(chart, baseline.until, end, mara, end)
    assert signals(read(chart, baseline.until, end, NOW)) == live
    assert live[0] == ("beyond-high",)


@pytest.mark.parametrize("kind", [ChartKind.EWMA, ChartKind.CUSUM])
def test_a_small_shift_that_lasts_is_seen_by_charts_with_a_memory(line: Line, mara: Person, kind: ChartKind) -> None:
    chart = Chart(line=line, kind=kind)
    end = slots(line, START, usual(40))
    confirmed(chart, START, end, mara, end)
    slots(line, end, [7] * 20)  # 1.5 standard deviations above
    found = signals(read(chart, end, NOW, NOW))
    assert found[0] == ()
    assert found[-1] == (f"{kind}-high",)
    assert read(chart, end, NOW, NOW).in_deviations


@pytest.mark.parametrize(
    ("narrow", "wide"),
    [
        ({"kind": "ewma", "weight": 0.2}, {"kind": "ewma", "weight": 0.3}),
        ({"kind": "cusum", "decision": 4.0}, {"kind": "cusum", "decision": 5.0}),
    ],
)
def test_what_a_chart_with_memory_weighs_and_decides_at_moves_its_limits(
    line: Line, mara: Person, narrow: dict[str, Any], wide: dict[str, Any]
) -> None:
    end = slots(line, START, usual(40))
    confirmed(Chart(line=line, kind=narrow["kind"]), START, end, mara, end)
    slots(line, end, usual(8))
    uppers = [read(Chart(line=line, **one), end, NOW, NOW).points[-1].upper for one in (narrow, wide)]
    assert uppers[0] is not None and uppers[1] is not None
    assert uppers[0] < uppers[1]


def test_without_a_baseline_a_statistic_has_no_value(line: Line) -> None:
    slots(line, START, usual(3))
    assert [one.value for one in read(Chart(line=line, kind="cusum"), START, NOW, NOW).points] == [None] * 3


def test_laneys_factor_is_frozen_with_the_baseline(line: Line, mara: Person) -> None:
    chart = Chart(line=line, kind=ChartKind.LANEY)
    end = slots(line, START, [12, 18, 25, 9, 30, 14, 22, 8, 27, 15] * 2, judged=1000)
    found = confirmed(chart, START, end, mara, end)
    assert (found.centre, found.sigma_z) == (0.018, pytest.approx(2.675, abs=0.001))
    assert charting.limits(found, 1000).upper == pytest.approx(0.0517, abs=0.0001)
    p = charting.proposal(chart_of(line), NOW)
    assert isinstance(p, Proposal)
    assert p.dispersion.suggests_laney


counts = st.lists(st.integers(0, 14), min_size=30, max_size=60)


@pytest.mark.parametrize("kind", ChartKind.values)
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(found=counts, cut=st.integers(1, 29))
def test_a_points_signals_do_not_depend_on_the_period_that_it_is_read_in(
    db: None, kind: str, found: list[int], cut: int
) -> None:
    line = a_line(f"loom-{kind}")
    line.slots.all().delete()
    line.baselines.all().delete()
    chart = Chart(line=line, kind=kind, rules=[1, 2, 3, 4])
    end = slots(line, START, usual(40))
    confirmed(chart, START, end, Person.objects.first() or cast.mara(), end)
    slots(line, end, found)
    whole = read(chart, end, NOW, NOW, propose=False).points
    part = read(chart, end + cut * TEN, NOW, NOW, propose=False).points
    assert [one.signals for one in part] == [one.signals for one in whole[cut:]]
    assert [one.value for one in part] == pytest.approx([one.value for one in whole[cut:]], abs=1e-9)


@pytest.mark.parametrize("kind", [ChartKind.P, ChartKind.EWMA, ChartKind.CUSUM])
def test_where_only_failures_were_counted_no_memory_is_lost(line: Line, kind: ChartKind) -> None:
    five = timedelta(minutes=5)
    chart = Chart.objects.create(line=line, size=5, rules=[1, 2], kind=kind)
    a_baseline(line, size=5, kind=kind)
    end = slots(line, START, [6] * 8, step=five)
    fails = [SlotCount(line=line, slot=end + number * five, failed=3) for number in range(100)]
    SlotCount.objects.bulk_create(fails)
    again = end + len(fails) * five
    slots(line, again, [6] * 3, step=five)
    whole, part = (read(chart, since, NOW, NOW, propose=False).points for since in (START, again))
    assert [(one.signals, one.value) for one in part] == [(one.signals, one.value) for one in whole[-3:]]
    assert part[0].signals or chart.in_deviations


def test_pieces_of_many_classes_shorten_no_memory(line: Line) -> None:
    chart = Chart.objects.create(line=line, size=10, subgroup_by=SubgroupBy.LENGTH, rules=[1, 2])
    a_baseline(line, size=10, subgroup_by="length")
    roll, minute = a_roll("R1"), TEN / 10
    for piece in range(30):
        for code in ("good", "color", "cut", "hole", "thread", "metal_contamination", "unknown", "other"):
            judged, bad = (193, 0) if code == "good" else (1, 1)
            key = {"line": line, "roll": roll, "piece": piece, "first_at": START + piece * minute}
            LengthCount.objects.create(**key, defect_class=code, judged=judged, anomalies=bad)
    whole, part = (read(chart, since, NOW, NOW, propose=False).points for since in (START, START + 25 * minute))
    assert [one.signals for one in part] == [one.signals for one in whole[25:]] == [("side-high",)] * 5


def test_a_chart_is_read_in_as_many_queries_after_weeks_as_after_hours(chart: Chart, baseline: Baseline) -> None:
    chart.rules = [1, 2, 3, 4]
    slots(chart.line, baseline.until, usual(12))
    with CaptureQueriesContext(connection) as short:
        read(chart, baseline.until + HOUR, NOW, NOW)
    slots(chart.line, baseline.until + DAY, usual(120))
    for number in range(20):
        pieces(chart.line, a_roll(f"R{number}"), START + number * HOUR, [0] * 3)
    with CaptureQueriesContext(connection) as long:
        read(chart, baseline.until + HOUR, NOW, NOW)
    assert len(long) == len(short) <= 14
