"""A replay tells what a rule would have raised: the same as it does raise, on the same counts."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inspections import alarms
from inspections.alarms.series import Counted, limit_looks, seen_looks
from inspections.alarms.troubles import Habit, Look, troubles
from inspections.models import Alarm, AlarmRule, How, Label, RuleKind, SlotCount
from inspections.models.rollup import SLOT
from inspections.review.answers import decide
from tests import cast
from tests.alarmed import MINUTE, MONDAY, SOON, a_baseline, a_rule, bad_slots, counted
from tests.cast import a_camera, a_line
from tests.judged import judged

WEEK = timedelta(weeks=1)
HISTORY = 30  # slots

# --- the fold, without rows ---------------------------------------------------------------------------------------


def looks_at(*minutes: int, over: bool = True) -> list[Look]:
    return [Look(MONDAY + minute * MINUTE, over=over) for minute in minutes]


HABIT = Habit(quiet=15 * MINUTE, cool_down=15 * MINUTE)


def spans(found: Any) -> list[tuple[float, float, int]]:
    return [((one.raised - MONDAY) / MINUTE, (one.last - MONDAY) / MINUTE, one.signs) for one in found]


def test_signs_that_follow_each_other_closely_are_one_trouble() -> None:
    assert spans(troubles(looks_at(5, 20, 35), HABIT)) == [(5, 35, 3)]


def test_a_sign_after_its_end_and_its_cool_down_is_another() -> None:
    assert spans(troubles(looks_at(5, 25, 34, 35), HABIT)) == [(5, 5, 1), (35, 35, 1)]


def test_looks_that_say_nothing_are_no_looks() -> None:
    silent = Look(MONDAY + 10 * MINUTE, over=None)
    found = troubles([*looks_at(5), silent, *looks_at(15)], Habit(15 * MINUTE, 15 * MINUTE, k=2, n=2))
    assert spans(found) == [(15, 15, 1)]


@given(st.sets(st.integers(1, 200)), st.integers(0, 40), st.integers(1, 4), st.data())
def test_looking_in_pieces_finds_what_looking_at_once_finds(
    minutes: set[int], cool_down: int, n: int, data: st.DataObject
) -> None:
    """Each piece begins anew at the first look, with what was found before as known."""
    every = [Look(MONDAY + minute * MINUTE, over=minute in minutes) for minute in range(201)]
    habit = Habit(15 * MINUTE, cool_down * MINUTE, k=data.draw(st.integers(1, n)), n=n)
    known: list[Any] = []
    for cut in [*sorted(data.draw(st.sets(st.integers(1, 200)))), 201]:
        known = troubles(every[:cut], habit, known)
    assert spans(known) == spans(troubles(every, habit))


def test_a_rate_is_over_all_of_its_window_and_a_gap_is_no_rate() -> None:
    slots = [Counted(MONDAY, 100, 30), Counted(MONDAY + 4 * SLOT, 100, 0)]
    found = list(limit_looks(slots, MONDAY + 9 * SLOT, SLOT, 2 * SLOT, 0.1, 20))
    assert [((look.at - MONDAY) // SLOT, look.over) for look in found] == [(1, True), (2, True), (5, False), (6, False)]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 60), st.integers(0, 60)), max_size=20), st.integers(1, 6))
def test_a_rate_is_what_its_window_holds(rows: list[tuple[bool, int, int]], width: int) -> None:
    slots = [
        Counted(MONDAY + place * SLOT, n, min(n, bad)) for place, (there, n, bad) in enumerate(rows) if there
    ]  # fmt: skip
    until = MONDAY + 30 * SLOT
    found = {look.at: look.over for look in limit_looks(slots, until, SLOT, width * SLOT, 0.2, 20)}
    for place in range(1, 31):
        mark = MONDAY + place * SLOT
        held = [one for one in slots if mark - width * SLOT <= one.start < mark]
        judged_, bad = sum(one.judged for one in held), sum(one.count for one in held)
        assert found.get(mark) == (None if judged_ < 20 else bad > 0.2 * judged_)


def test_a_class_is_seen_by_the_beginning_of_its_slot() -> None:
    slots = [Counted(MONDAY, 50, 0), Counted(MONDAY + SLOT, 50, 2)]
    assert [(look.at, look.over) for look in seen_looks(slots)] == [(MONDAY, False), (MONDAY + SLOT, True)]


# --- live and replayed --------------------------------------------------------------------------------------------

slot_values = st.sampled_from([(0, 0), (100, 0), (100, 1), (100, 12), (100, 30), (10, 10)])
histories = st.lists(slot_values, min_size=HISTORY, max_size=HISTORY)
pauses = st.lists(st.integers(40, 700), min_size=5, max_size=20)  # seconds from look to look, repeated
knobs = st.fixed_dictionaries(
    {"minutes": st.sampled_from([5, 10, 30]), "cool_down_s": st.sampled_from([0, 900, 1800]), "n": st.integers(1, 3)}
)


def live(rule: AlarmRule, history: list[tuple[int, int]], pauses: list[int], code: str) -> None:
    """Look at the times that the pauses give, each time with what was counted by then; the running slot by its half."""
    now, end, turn, line = MONDAY, MONDAY + HISTORY * SLOT, 0, a_line()
    written: dict[int, tuple[int, int]] = {}
    while now < end + 60 * MINUTE:
        for place, (judged_, bad) in enumerate(history):
            start = MONDAY + place * SLOT
            share = min(max((now - start) / SLOT, 0), 1)
            part = (int(judged_ * share), int(bad * share))
            if part[0] and written.get(place) != part:
                counted(line, start, *part, code)
                written[place] = part
        alarms.look(now)
        now += timedelta(seconds=pauses[turn % len(pauses)])
        turn += 1
    alarms.look(end + 60 * MINUTE)


def same_as_replayed(rule: AlarmRule) -> None:
    line, until = a_line(), MONDAY + HISTORY * SLOT + 60 * MINUTE
    found = alarms.replay(rule, [line.pk], MONDAY, until)
    assert [(one.signs, one.since) for one in found.alarms] == list(
        Alarm.objects.order_by("since").values_list("signs", "since")
    )
    assert sum(count for _, count in found.weekly) == Alarm.objects.count()
    states = Alarm.objects.order_by("since").values_list("state", flat=True)
    assert [one.resolved_at is not None for one in found.alarms] == [state == "resolved" for state in states]


def histories_of(count: int) -> settings:
    return settings(max_examples=count, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def afresh() -> None:
    Alarm.objects.all().delete()
    AlarmRule.objects.all().delete()
    SlotCount.objects.all().delete()


@pytest.mark.django_db
@histories_of(5)
@given(histories, pauses, knobs, st.data())
def test_a_limit_raises_as_often_as_its_replay_says(
    history: Any, pauses: Any, knobs: dict[str, int], data: st.DataObject
) -> None:
    afresh()
    rule = a_rule(**knobs, k=data.draw(st.integers(1, knobs["n"])))
    live(rule, history, pauses, "hole")
    same_as_replayed(rule)


@pytest.mark.django_db
@histories_of(5)
@given(histories, pauses, st.sampled_from([0, 600, 1800]))
def test_a_class_is_seen_as_often_as_its_replay_says(history: Any, pauses: Any, cool_down: int) -> None:
    afresh()
    rule = a_rule(RuleKind.CLASS_SEEN, defect_class="metal_contamination", cool_down_s=cool_down)
    live(rule, history, pauses, "metal_contamination")
    same_as_replayed(rule)


@pytest.mark.django_db
@histories_of(3)
@given(histories, pauses, st.integers(1, 2))
def test_a_control_chart_raises_as_often_as_its_replay_says(history: Any, pauses: Any, k: int) -> None:
    afresh()
    a_baseline(a_line())
    rule = a_rule(RuleKind.SIGNAL, k=k, n=2)
    live(rule, history, pauses, "hole")
    same_as_replayed(rule)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.django_db
@histories_of(300)
@given(histories, pauses, knobs, st.data())
def test_every_kind_with_a_history_raises_as_often_as_its_replay_says(
    history: Any, pauses: Any, knobs: dict[str, int], data: st.DataObject
) -> None:
    afresh()
    a_baseline(a_line())
    kind = data.draw(st.sampled_from([RuleKind.LIMIT, RuleKind.CLASS_SEEN, RuleKind.SIGNAL]))
    code = "hole" if kind == RuleKind.CLASS_SEEN else ""
    rule = a_rule(kind, **knobs, defect_class=code, k=data.draw(st.integers(1, knobs["n"])))
    live(rule, history, pauses, "hole")
    same_as_replayed(rule)


# --- what a replay says -------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_rule_is_replayed_before_it_is_saved() -> None:
    line = a_line()
    for week in range(3):
        for hour in range(week + 1):
            bad_slots(line, MONDAY - (3 - week) * WEEK + timedelta(hours=2 * hour), 2)
    wish = alarms.Wish("holes", RuleKind.LIMIT, limit=0.1)
    found = alarms.replay(wish.as_rule(), [line.pk, a_line("loom-2").pk], MONDAY - 4 * WEEK, MONDAY)
    assert not AlarmRule.objects.exists()
    assert found.weekly == [(MONDAY - (4 - week) * WEEK, count) for week, count in enumerate((0, 1, 2, 3))]
    first = found.alarms[0]
    start = MONDAY - 3 * WEEK
    assert (first.line, first.since, first.raised_at) == (line, start, start + SLOT)
    assert first.resolved_at == start + 3 * SLOT + 15 * MINUTE
    assert first.words == "Anomaly rate 30.0 % over 10 minutes (30 of 100): above 10.0 %."
    assert (found.cannot, found.earlier, found.acted) == ("", None, 0)


@pytest.mark.django_db
def test_a_trouble_that_goes_on_at_the_end_of_the_period_is_not_resolved() -> None:
    end = bad_slots(a_line(), MONDAY, 2)
    (would,) = alarms.replay(a_rule(), [a_line().pk], MONDAY, end).alarms
    assert would.resolved_at is None


@pytest.mark.django_db
def test_a_rule_of_one_line_is_replayed_on_that_line_alone() -> None:
    first, second = a_line(), a_line("loom-2")
    bad_slots(first, MONDAY, 2)
    bad_slots(second, MONDAY, 2)
    found = alarms.replay(a_rule(line=second), [first.pk, second.pk], MONDAY, MONDAY + WEEK)
    assert [one.line for one in found.alarms] == [second]
    assert alarms.replay(a_rule(line=second), [first.pk], MONDAY, MONDAY + WEEK).alarms == []


def seen_with_labels(*minutes: int) -> Any:
    """Metal at 06:00 each, on days of their own, labelled so many minutes later."""
    camera, mara = a_camera(), cast.mara()
    for day, minute in enumerate(minutes):
        at = MONDAY + timedelta(days=day)
        capture = judged(camera, "metal_contamination", at=at)
        decide(mara, capture, "metal_contamination", at + minute * MINUTE)
    rule = a_rule(RuleKind.CLASS_SEEN, defect_class="metal_contamination")
    return alarms.replay(rule, [camera.line_id], MONDAY, MONDAY + WEEK)


@pytest.mark.django_db
def test_how_much_earlier_than_people_is_the_median_against_their_first_label_of_its_defects() -> None:
    found = seen_with_labels(25, 35, 65)
    assert [one.earlier for one in found.alarms] == [20, 30, 60]  # known at 06:05, at the latest
    assert (found.earlier, found.acted) == (30, 3)


@pytest.mark.django_db
def test_people_may_have_been_first_and_a_label_days_later_is_no_action() -> None:
    found = seen_with_labels(2, 3000)
    assert [one.earlier for one in found.alarms] == [-3, None]
    assert found.acted == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "code", "acted"),
    [
        (RuleKind.LIMIT, "", 1),
        (RuleKind.CLASS_SEEN, "metal_contamination", 1),
        (RuleKind.CLASS_SEEN, "hole", 0),
        (RuleKind.SILENT, "", 0),
    ],
)
def test_who_saw_to_an_alarm_about_that_cloth_acted_on_it(kind: RuleKind, code: str, acted: int) -> None:
    judged(a_camera(), "metal_contamination", at=MONDAY)
    Alarm.objects.create(
        rule=a_rule(kind, defect_class=code), line=a_line(), since=MONDAY, raised_at=MONDAY + SLOT, last_at=MONDAY,
        signs=1, acted_at=MONDAY + 25 * MINUTE, state="acknowledged",
    )  # fmt: skip
    wish = alarms.Wish("metal", RuleKind.CLASS_SEEN, defect_class="metal_contamination")
    found = alarms.replay(wish.as_rule(), [a_line().pk], MONDAY, MONDAY + WEEK)
    assert (len(found.alarms), found.acted, found.earlier) == (1, acted, 20 if acted else None)


@pytest.mark.django_db
def test_what_came_in_labelled_is_no_action() -> None:
    seen_with_labels(25)
    Label.objects.update(how=How.IMPORT)
    found = alarms.replay(AlarmRule.objects.get(), [a_line().pk], MONDAY, MONDAY + WEEK)
    assert (found.acted, len(found.alarms)) == (0, 1)


@pytest.mark.django_db
@pytest.mark.parametrize("kind", [RuleKind.SILENT, RuleKind.QUEUE, RuleKind.STALE])
def test_what_has_no_history_says_that_it_cannot_be_replayed(kind: RuleKind) -> None:
    found = alarms.replay(AlarmRule(kind=kind, limit=5), [a_line().pk], MONDAY, MONDAY + WEEK)
    assert found.cannot.endswith("this cannot be replayed.")
    assert found.alarms == []


@pytest.mark.django_db
@pytest.mark.parametrize("kind", [RuleKind.LIMIT, RuleKind.CLASS_SEEN])
def test_a_replay_asks_as_often_for_one_line_as_for_many(kind: RuleKind) -> None:
    rule = a_rule(kind, defect_class="hole")

    def asked(lines: list[int]) -> int:
        with CaptureQueriesContext(connection) as found:
            alarms.replay(rule, lines, MONDAY, MONDAY + WEEK)
        return len(found)

    every = [a_line(f"loom-{number}").pk for number in range(6)]
    assert asked(every) == asked(every[:1])


def test_a_period_that_is_no_whole_number_of_weeks_begins_with_a_part_of_one() -> None:
    from inspections.alarms.replaying import weeks_of

    found = weeks_of([], MONDAY - timedelta(days=10), MONDAY)
    assert [start for start, _ in found] == [MONDAY - timedelta(days=10), MONDAY - WEEK]
    assert isinstance(found[0][0], datetime)


@pytest.mark.django_db
def test_an_alarm_live_comes_soon_after_the_look_that_a_replay_names() -> None:
    rule = a_rule()
    end = bad_slots(a_line(), MONDAY, 1)
    alarms.look(end + SOON)
    (would,) = alarms.replay(rule, [a_line().pk], MONDAY, end).alarms
    assert Alarm.objects.get().raised_at - would.raised_at == SOON
