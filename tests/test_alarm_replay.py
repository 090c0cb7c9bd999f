"""A replay tells what a rule would have raised: the same as it does raise, on the same counts."""

from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from inspections import alarms, changes
from inspections.alarms.acting import first_label
from inspections.alarms.lasting import Stretch, deeper, raised
from inspections.alarms.series import Counted, limit_looks, seen_looks
from inspections.alarms.troubles import Habit, Look, troubles
from inspections.models import (
    Alarm,
    AlarmRule,
    Camera,
    Capture,
    How,
    Label,
    Line,
    ModelVersion,
    ReviewItem,
    RuleKind,
    SlotCount,
)
from inspections.models.rollup import SLOT
from inspections.review.answers import decide
from inspections.review.outcomes import Decided
from inspections.review.undoing import undo
from tests import cast
from tests.alarmed import MINUTE, MONDAY, SOON, a_baseline, a_rule, bad_slots, counted
from tests.cast import a_camera, a_line
from tests.judged import a_capture, a_judgement, a_version, judged
from workers.recording import record

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


@pytest.mark.parametrize(("hours", "found"), [(23, [(23 * 60, 23 * 60, 1)]), (24, []), (62, [])])
def test_looks_a_day_apart_are_not_counted_together(hours: int, found: list[Any]) -> None:
    habit = Habit(15 * MINUTE, 15 * MINUTE, k=2, n=2)
    assert spans(troubles(looks_at(0, hours * 60), habit)) == found


def test_looks_before_a_beginning_count_with_later_ones_and_are_no_signs() -> None:
    habit = Habit(15 * MINUTE, 15 * MINUTE, k=2, n=2)
    assert spans(troubles(looks_at(0, 5, 40, 50), habit, since=MONDAY + 5 * MINUTE)) == [(40, 50, 2)]


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
        assert found.get(mark) == (None if judged_ < 20 else 5 * bad > judged_)


@pytest.mark.parametrize(("limit", "bad", "judged_"), [(29 / 100, 29, 100), (14.5 / 100, 29, 200), (0.57, 57, 100)])
def test_a_rate_exactly_at_its_limit_is_not_above_it_however_it_is_rounded(
    limit: float, bad: int, judged_: int
) -> None:
    for count, over in ((bad, False), (bad + 1, True)):
        slots = [Counted(MONDAY, judged_, count)]
        assert [one.over for one in limit_looks(slots, MONDAY + SLOT, SLOT, SLOT, limit, 20)] == [over]


def test_a_class_is_seen_by_the_beginning_of_its_slot() -> None:
    slots = [Counted(MONDAY, 50, 0), Counted(MONDAY + SLOT, 50, 2)]
    assert [(look.at, look.over) for look in seen_looks(slots)] == [(MONDAY, False), (MONDAY + SLOT, True)]


def test_five_minutes_in_which_nothing_was_judged_are_no_look_for_a_class() -> None:
    assert list(seen_looks([Counted(MONDAY, 0, 0)])) == []


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
    unhealthy = [HealthCheck.function_scoped_fixture]
    phases = (Phase.explicit, Phase.generate)  # to make one smaller takes minutes
    return settings(max_examples=count, deadline=None, phases=phases, suppress_health_check=unhealthy)


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
@given(histories, pauses, st.sampled_from([0, 600, 1800]), st.integers(1, 2))
def test_a_class_is_seen_as_often_as_its_replay_says(history: Any, pauses: Any, cool_down: int, k: int) -> None:
    afresh()
    rule = a_rule(RuleKind.CLASS_SEEN, defect_class="metal_contamination", cool_down_s=cool_down, k=k, n=2)
    live(rule, history, pauses, "metal_contamination")
    same_as_replayed(rule)


@pytest.mark.django_db
def test_clean_five_minutes_between_are_looks_for_a_class() -> None:
    line, rule = a_line(), a_rule(RuleKind.CLASS_SEEN, defect_class="metal_contamination", k=2, n=2)
    for place in range(20):
        counted(line, MONDAY + place * SLOT, 100, int(place in {2, 9, 15, 16}), "metal_contamination")
        SlotCount.objects.filter(defect_class="metal_contamination", judged=0).delete()  # a slot without has no row
        alarms.look(MONDAY + (place + 1) * SLOT + SOON)
    (alarm,) = Alarm.objects.all()
    assert alarm.since == MONDAY + 15 * SLOT
    found = alarms.replay(rule, [line.pk], MONDAY - SLOT, MONDAY + 20 * SLOT).alarms
    assert [(one.since, one.signs) for one in found] == [(alarm.since, alarm.signs)]


@pytest.mark.django_db
def test_a_class_of_which_a_relabelling_left_no_image_is_seen_as_after_a_recount() -> None:
    line, rule = a_line(), a_rule(RuleKind.CLASS_SEEN, defect_class="hole", k=2, n=2)
    for place in range(3):
        counted(line, MONDAY + place * SLOT, 100, int(place != 1))
    before = alarms.replay(rule, [line.pk], MONDAY - SLOT, MONDAY + WEEK).alarms
    SlotCount.objects.filter(judged=0, anomalies=0).delete()
    assert before == alarms.replay(rule, [line.pk], MONDAY - SLOT, MONDAY + WEEK).alarms == []


@pytest.mark.django_db
@histories_of(3)
@given(histories, pauses, st.integers(1, 2))
def test_a_control_chart_raises_as_often_as_its_replay_says(history: Any, pauses: Any, k: int) -> None:
    afresh()
    a_baseline(a_line())
    rule = a_rule(RuleKind.SIGNAL, k=k, n=2)
    live(rule, history, pauses, "hole")
    same_as_replayed(rule)


@pytest.mark.django_db
@pytest.mark.parametrize("hours", [20, 62])
@pytest.mark.parametrize("kind", [RuleKind.LIMIT, RuleKind.SIGNAL, RuleKind.CLASS_SEEN])
def test_two_of_two_looks_over_a_pause_are_raised_as_its_replay_says(kind: RuleKind, hours: int) -> None:
    """Before a weekend and after it are not together; before a night and after it are."""
    line = a_line()
    a_baseline(line)
    code = "hole" if kind == RuleKind.CLASS_SEEN else ""
    rule = a_rule(kind, defect_class=code, minutes=5, k=2, n=2)
    for start in (MONDAY, MONDAY + timedelta(hours=hours)):
        bad_slots(line, start, 1)
        alarms.look(start + 2 * SLOT + SOON)
    found = alarms.replay(rule, [line.pk], MONDAY - SLOT, MONDAY + WEEK).alarms
    assert Alarm.objects.count() == len(found) == (1 if hours == 20 else 0)


# --- what stands, live and replayed --------------------------------------------------------------------------------

Event = tuple[datetime, Callable[[datetime], object]]
cool_downs = st.sampled_from([0, 600, 1800])


def live_rounds(events: list[Event], until: datetime) -> None:
    """Let each come to pass at its time, and look every half minute: a third of what workers do, and as exact as is
    asked below."""
    waiting, now = deque(sorted(events, key=lambda one: one[0])), MONDAY
    while now <= until:
        while waiting and waiting[0][0] <= now:
            at, happen = waiting.popleft()
            happen(at)
        alarms.look(now)
        now += MINUTE / 2


def same_as_replayed_until(rule: AlarmRule, until: datetime) -> None:
    rows = Alarm.objects.order_by("since", "raised_at")
    found = alarms.replay(rule, list(Line.objects.values_list("pk", flat=True)), MONDAY, until)
    assert found.cannot == ""
    replayed = sorted((one.since, one.words, one.resolved_at is not None) for one in found.alarms)
    assert replayed == sorted((row.since, row.words, row.state == "resolved") for row in rows)
    assert sum(count for _, count in found.weekly) == rows.count()
    for would, row in zip(found.alarms, rows.order_by("raised_at"), strict=True):
        assert abs(row.raised_at - would.raised_at) <= MINUTE


def nothing_kept() -> None:
    afresh()
    Capture.objects.all().delete()
    Camera.objects.all().delete()


def of_queue(deltas: list[int]) -> list[Event]:
    """At each five minutes so many questions more, or so many answered."""
    camera, items = a_camera(), deque[ReviewItem]()
    a_capture(camera, MONDAY)

    def ask(at: datetime) -> None:
        capture = a_capture(camera, at)
        items.append(ReviewItem.objects.create(capture=capture, line=camera.line, counted_at=at, created_at=at))

    def answer(at: datetime) -> None:
        if items:
            ReviewItem.objects.filter(pk=items.popleft().pk).update(closed_at=at)

    return [
        (MONDAY + place * SLOT, ask if delta > 0 else answer)
        for place, delta in enumerate(deltas)
        for _ in range(abs(delta))
    ]


def of_silence(heard: list[bool]) -> list[Event]:
    """In each of the five minutes two images of a camera that sends no heartbeats, or none."""
    camera = a_camera(silent_after_s=200)
    Camera.objects.filter(pk=camera.pk).update(created_at=MONDAY)

    def take(at: datetime) -> None:
        a_capture(camera, at)
        Camera.objects.filter(pk=camera.pk).update(seen_at=at)

    return [
        (MONDAY + place * SLOT + half * timedelta(seconds=150), take)
        for place, is_heard in enumerate(heard)
        for half in (0, 1)
        if is_heard
    ]


def of_waiting(delays: list[int]) -> list[Event]:
    """An image each five minutes, judged so many seconds after it came; 0: never."""
    camera, found = a_camera(), list[Event]()

    def take(delay: int, at: datetime) -> None:
        capture = a_capture(camera, at)
        if delay:
            found_later.append((at + timedelta(seconds=delay), capture))

    found_later: list[tuple[datetime, Capture]] = []

    def judge(at: datetime) -> None:
        due = [one for one in found_later if one[0] <= at]
        found_later[:] = [one for one in found_later if one[0] > at]
        for _at, capture in due:
            record(a_version(), [capture], [a_judgement("good", 0.01)], at)

    for place, delay in enumerate(delays):
        came = MONDAY + place * SLOT
        found += [(came, partial(take, delay)), (came + timedelta(seconds=delay), judge)]
    return found


@pytest.mark.django_db
@histories_of(3)
@given(st.lists(st.integers(-3, 4), min_size=12, max_size=12), cool_downs)
def test_a_queue_raises_as_often_as_its_replay_says(deltas: list[int], cool_down: int) -> None:
    nothing_kept()
    rule = a_rule(RuleKind.QUEUE, limit=3, cool_down_s=cool_down)
    until = MONDAY + 16 * SLOT
    live_rounds(of_queue(deltas), until)
    same_as_replayed_until(rule, until)


@pytest.mark.django_db
@histories_of(3)
@given(st.lists(st.booleans(), min_size=12, max_size=12), cool_downs)
def test_a_silent_camera_without_heartbeats_raises_as_often_as_its_replay_says(
    heard: list[bool], cool_down: int
) -> None:
    nothing_kept()
    rule = a_rule(RuleKind.SILENT, cool_down_s=cool_down)
    until = MONDAY + 16 * SLOT
    live_rounds(of_silence(heard), until)
    same_as_replayed_until(rule, until)


@pytest.mark.django_db
@histories_of(3)
@given(st.lists(st.sampled_from([10, 10, 200, 700, 0]), min_size=10, max_size=10), cool_downs)
def test_images_that_wait_raise_as_often_as_their_replay_says(delays: list[int], cool_down: int) -> None:
    nothing_kept()
    a_version()
    rule = a_rule(RuleKind.STALE, limit=60, minutes=0, cool_down_s=cool_down)
    until = MONDAY + 16 * SLOT
    live_rounds(of_waiting(delays), until)
    same_as_replayed_until(rule, until)


@pytest.mark.django_db
def test_no_model_and_an_old_one_raise_as_often_as_their_replay_says() -> None:
    line, hour = a_line(), timedelta(hours=1)
    Line.objects.filter(pk=line.pk).update(created_at=MONDAY - WEEK)
    rule = a_rule(RuleKind.STALE, limit=300, minutes=120)

    def install(name: str, at: datetime) -> None:
        version = a_version(name, is_default=False, state="candidate")
        ModelVersion.objects.filter(pk=version.pk).update(installed_at=at)
        changes.install(version, None, at)

    events: list[Event] = [
        (MONDAY + hour, partial(install, "2026.11.1")), (MONDAY + 5 * hour, partial(install, "2026.11.2")),
    ]  # fmt: skip
    live_rounds(events, MONDAY + 6 * hour)
    assert Alarm.objects.count() == 2
    same_as_replayed_until(rule, MONDAY + 6 * hour)


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
    counted(line, MONDAY - 5 * WEEK, 100)
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
    assert first.words == "Anomaly rate 30.0 %, above 10.0 %: 30 of 100 in 10 minutes. Mostly Hole."
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
def test_an_answer_that_another_person_corrects_is_the_first_action_all_the_same() -> None:
    camera, first, then = a_camera(), MONDAY + 10 * MINUTE, MONDAY + 300 * MINUTE
    capture = judged(camera, "hole", at=MONDAY)
    decide(cast.olga(), capture, "hole", first)
    capture.refresh_from_db()
    decide(cast.mara(), capture, "cut", then, expected=capture.label_id)
    for code in ("", "cut"):
        rule = a_rule(minutes=5, at_least=1, defect_class=code)
        (would,) = alarms.replay(rule, [camera.line_id], MONDAY - SLOT, MONDAY + WEEK).alarms
        assert (would.acted_at, would.earlier) == (first, 5)
        alarm = Alarm(rule=rule, line=camera.line, since=would.since, last_at=would.raised_at)
        assert first_label(alarm) == first


@pytest.mark.django_db
def test_an_answer_that_was_undone_is_no_action() -> None:
    camera = a_camera()
    capture = judged(camera, "hole", at=MONDAY)
    olga = cast.olga()
    made = decide(olga, capture, "hole", MONDAY + 10 * MINUTE)
    assert isinstance(made, Decided)
    undo(olga, made.label, MONDAY + 11 * MINUTE)
    capture.refresh_from_db()
    decide(olga, capture, "hole", MONDAY + 40 * MINUTE)
    (would,) = alarms.replay(a_rule(minutes=5, at_least=1), [camera.line_id], MONDAY - SLOT, MONDAY + WEEK).alarms
    assert would.acted_at == MONDAY + 40 * MINUTE


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
def test_cameras_that_send_heartbeats_cannot_be_replayed_and_it_says_why() -> None:
    camera = a_camera(heartbeat_at=MONDAY)
    rule = AlarmRule(kind=RuleKind.SILENT)
    found = alarms.replay(rule, [camera.line_id], MONDAY, MONDAY + WEEK)
    assert found.cannot == "These cameras send heartbeats, and those of before are not kept: this cannot be replayed."
    assert found.alarms == []
    other = a_camera(slug="right", silent_after_s=60)
    a_capture(other, MONDAY)
    found = alarms.replay(rule, [camera.line_id], MONDAY, MONDAY + WEEK)
    assert (found.cannot, [one.raised_at for one in found.alarms]) == ("", [MONDAY + MINUTE])
    assert found.unknown.endswith("1 camera that sends heartbeats is left out.")


@pytest.mark.django_db
def test_a_camera_that_was_silent_before_the_period_is_silent_in_it() -> None:
    camera = a_camera(silent_after_s=60)
    judged(camera, at=MONDAY - WEEK)
    (would,) = alarms.replay(AlarmRule(kind=RuleKind.SILENT), [camera.line_id], MONDAY, MONDAY + WEEK).alarms
    assert (would.since, would.raised_at, would.resolved_at) == (MONDAY - WEEK, MONDAY, None)


@pytest.mark.django_db
@pytest.mark.parametrize("kind", [RuleKind.QUEUE, RuleKind.STALE])
def test_a_replay_of_what_stands_says_what_it_does_not_know(kind: RuleKind) -> None:
    a_version()
    judged(a_camera(), "good", 0.01, at=MONDAY)
    found = alarms.replay(AlarmRule(kind=kind, limit=5, minutes=0), [a_line().pk], MONDAY, MONDAY + WEEK)
    assert (found.cannot, found.alarms) == ("", [])
    assert found.unknown


def test_what_stands_within_a_cool_down_is_raised_when_that_ends_if_neither_it_nor_the_period_is_over() -> None:
    def minutes(*spans: tuple[int, int | None]) -> list[int]:
        stretches = [
            Stretch(MONDAY + start * MINUTE, None if end is None else MONDAY + end * MINUTE, lambda at: (at, ""))
            for start, end in spans
        ]
        found = raised(stretches, 10 * MINUTE, MONDAY + 60 * MINUTE)
        return [round((one.at - MONDAY) / MINUTE) for one in found]

    assert minutes((0, 5), (6, 8)) == [0]  # gone for a minute only: the same
    assert minutes((0, 5), (8, 12)) == [0]
    assert minutes((0, 5), (8, 20), (40, None)) == [0, 16, 40]
    assert minutes((0, 50), (55, None)) == [0]


def test_a_cool_down_that_ends_in_a_moment_s_gap_raises_when_it_holds_again() -> None:
    second, told = timedelta(seconds=1), [lambda at: (at, "first"), lambda at: (at, "second"), lambda at: (at, "third")]
    spans = [(0, 600), (720, 1200), (1240, 2400)]
    pieces = [
        Stretch(MONDAY + start * second, MONDAY + end * second, words)
        for (start, end), words in zip(spans, told, strict=True)
    ]
    one, other = raised(pieces, timedelta(seconds=560), MONDAY + timedelta(hours=1))  # quiet until 1220
    assert (one.at, other.at) == (MONDAY, MONDAY + 1240 * second)
    assert other.stretch.told(other.at)[1] == "third"
    assert other.ended == MONDAY + 2460 * second


@given(st.lists(st.tuples(st.integers(0, 30), st.one_of(st.none(), st.integers(0, 30))), max_size=8), st.integers(0, 3))
def test_what_goes_on_at_once_is_counted_at_every_moment(rows: list[tuple[int, int | None]], depth: int) -> None:
    def at(minute: int) -> datetime:
        return MONDAY + minute * MINUTE

    lastings = [(at(start), None if end is None else at(end)) for start, end in rows if end is None or end >= start]
    found = deeper(lastings, depth, at(5), at(25))
    for minute in range(5, 25):
        going_on = sum(start <= at(minute) and (end is None or end > at(minute)) for start, end in lastings)
        held = any(start <= at(minute) and (end is None or end > at(minute)) for start, end in found)
        assert held == (going_on > depth)


@pytest.mark.django_db
@pytest.mark.parametrize("kind", [one for one in RuleKind if one != RuleKind.SIGNAL])
def test_a_replay_asks_as_often_for_one_line_as_for_many(kind: RuleKind) -> None:
    rule = a_rule(kind, defect_class="hole")

    def asked(lines: list[int]) -> int:
        with CaptureQueriesContext(connection) as found:
            alarms.replay(rule, lines, MONDAY, MONDAY + WEEK)
        return len(found)

    every = []
    for number in range(6):
        camera = a_camera(f"loom-{number}")
        a_capture(camera, MONDAY)
        counted(camera.line, MONDAY, 100)
        every.append(camera.line_id)
    assert asked(every) == asked(every[:1])


# --- from when it can say anything --------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_replay_begins_with_the_first_image_that_was_counted_on_what_it_looks_at() -> None:
    first, other = a_camera(), a_camera("loom-2")
    judged(first, "good", 0.01, at=MONDAY - timedelta(days=10, minutes=-3))
    bad_slots(first.line, MONDAY - timedelta(days=9), 2)
    judged(other, "good", 0.01, at=MONDAY - timedelta(days=1))
    lines = [first.line_id, other.line_id]
    found = alarms.replay(a_rule(), lines, MONDAY - 4 * WEEK, MONDAY)
    assert found.since == MONDAY - timedelta(days=10, minutes=-3)
    assert found.began == "Counted since 6 Nov 2026 06:03."
    assert found.weekly == [(found.since, 1), (MONDAY - WEEK, 0)]
    alone = alarms.replay(a_rule(line=other.line), lines, MONDAY - 4 * WEEK, MONDAY)
    assert (alone.since, alone.weekly) == (MONDAY - timedelta(days=1), [(MONDAY - timedelta(days=1), 0)])


@pytest.mark.django_db
def test_a_period_that_was_counted_whole_is_as_long_as_was_asked_for() -> None:
    line = a_line()
    counted(line, MONDAY - 4 * WEEK, 100)
    found = alarms.replay(a_rule(), [line.pk], MONDAY - 4 * WEEK, MONDAY)
    assert (found.since, found.began, len(found.weekly)) == (MONDAY - 4 * WEEK, "", 4)


@pytest.mark.django_db
def test_five_minutes_whose_images_are_gone_begin_with_their_own_beginning() -> None:
    line = a_line()
    counted(line, MONDAY - SLOT, 100)
    assert alarms.replay(a_rule(), [line.pk], MONDAY - WEEK, MONDAY).since == MONDAY - SLOT


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (RuleKind.SILENT, "The first camera was made on 15 Nov 2026 06:00."),
        (RuleKind.QUEUE, "The first image came on 16 Nov 2026 05:00."),
        (RuleKind.STALE, "The first line was made on 14 Nov 2026 06:00."),
    ],
)
def test_a_replay_of_what_stands_begins_when_that_did(kind: RuleKind, words: str) -> None:
    camera, day = a_camera(silent_after_s=60), timedelta(days=1)
    Line.objects.update(created_at=MONDAY - 2 * day)
    Camera.objects.update(created_at=MONDAY - day)
    a_capture(camera, MONDAY - timedelta(hours=1))
    found = alarms.replay(AlarmRule(kind=kind, limit=300, minutes=0), [camera.line_id], MONDAY - 4 * WEEK, MONDAY)
    assert (found.began, found.cannot) == (words, "")
    assert [start for start, _count in found.weekly] == [found.since]


@pytest.mark.django_db
def test_a_chart_says_something_from_its_first_baseline_on() -> None:
    line = a_line()
    counted(line, MONDAY - 4 * WEEK, 100)
    rule = a_rule(RuleKind.SIGNAL)
    none = alarms.replay(rule, [line.pk], MONDAY - 4 * WEEK, MONDAY)
    assert none.cannot.startswith("No baseline has been confirmed")
    a_baseline(line)
    found = alarms.replay(rule, [line.pk], MONDAY - 4 * WEEK, MONDAY)
    assert (found.since, found.began) == (MONDAY - WEEK, "The first baseline was confirmed on 9 Nov 2026 06:00.")


@pytest.mark.django_db
@pytest.mark.parametrize("kind", list(RuleKind))
def test_where_there_is_nothing_yet_a_rule_cannot_be_replayed(kind: RuleKind) -> None:
    line, rule = a_line(), a_rule(kind)
    lines = [] if kind == RuleKind.STALE else [line.pk]
    found = alarms.replay(rule, lines, MONDAY - WEEK, MONDAY)
    assert (found.alarms, found.weekly) == ([], [])
    assert found.cannot


@pytest.mark.django_db
def test_every_alarm_is_in_a_week_also_one_of_the_five_minutes_that_still_run() -> None:
    line, until = a_line(), MONDAY + 2 * MINUTE
    counted(line, MONDAY - WEEK, 100)
    counted(line, MONDAY, 40, 1)
    rule = a_rule(RuleKind.CLASS_SEEN, defect_class="hole")
    found = alarms.replay(rule, [line.pk], until - WEEK, until)
    assert [one.raised_at for one in found.alarms] == [until]
    assert [count for _start, count in found.weekly] == [1]


@pytest.mark.django_db
@pytest.mark.parametrize("code", ["", "cut"])
def test_it_is_told_with_the_words_and_the_first_defect_of_the_live_alarm(code: str) -> None:
    camera = a_camera()
    for second, label in ((70, "hole"), (130, "cut"), (160, "cut")):
        judged(camera, label, at=MONDAY + timedelta(seconds=second))
    rule = a_rule(minutes=15, at_least=1, defect_class=code)
    alarms.look(MONDAY + SLOT + SOON)
    judged(camera, "cut", at=MONDAY + SLOT + 2 * MINUTE)
    alarms.look(MONDAY + 2 * SLOT + SOON)
    alarm, until = Alarm.objects.get(), MONDAY + 2 * SLOT + SOON
    (would,) = alarms.replay(rule, [camera.line_id], MONDAY - SLOT, until).alarms
    assert (would.since, would.words, would.signs) == (alarm.since, alarm.words, 2)
    assert would.since == MONDAY + timedelta(seconds=130)


@pytest.mark.django_db
def test_only_of_the_latest_alarms_the_images_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    camera = a_camera()
    for hour in range(3):
        judged(camera, "hole", at=MONDAY + timedelta(hours=hour, minutes=1))
    monkeypatch.setattr("inspections.alarms.replaying.OPENED", 1)
    rule = a_rule(minutes=5, at_least=1)
    found = alarms.replay(rule, [camera.line_id], MONDAY, MONDAY + timedelta(hours=4)).alarms
    assert [one.since.minute for one in found] == [0, 0, 1]


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
