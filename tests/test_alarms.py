"""Rules raise one alarm a trouble, people acknowledge and resolve it, and nothing is raised twice."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from inspections import alarms
from inspections.alarms import Refused, Wish
from inspections.models import (
    Alarm,
    AlarmRule,
    AlarmState,
    AuditEvent,
    Camera,
    Capture,
    Chart,
    Delivery,
    LengthCount,
    Line,
    ModelVersion,
    ReviewItem,
    RuleKind,
    SlotCount,
    Status,
)
from inspections.models.rollup import SLOT
from inspections.review.answers import decide
from tests import cast
from tests.alarmed import MINUTE, MONDAY, SOON, a_baseline, a_channel, a_rule, bad_slots, counted
from tests.cast import a_camera, a_line
from tests.charts import a_roll, pieces
from tests.judged import a_capture, a_version, judged
from workers import alarming

pytestmark = pytest.mark.django_db
LOOM = "loom-1"


def only() -> Alarm:
    return Alarm.objects.get()


# --- raised -------------------------------------------------------------------------------------------------------


def test_a_rate_above_its_limit_raises_one_alarm_and_further_signs_count_on_it() -> None:
    rule, line = a_rule(), a_line()
    end = bad_slots(line, MONDAY, 1)
    alarms.look(end + SOON)
    assert only().words.startswith("Anomaly rate 30.0 %, above 10.0 %: 30 of 100 in 10 minutes.")
    end = bad_slots(line, end, 1)
    alarms.look(end + SOON)
    alarm = only()
    assert (alarm.rule, alarm.line, alarm.state, alarm.signs) == (rule, line, "raised", 2)
    assert (alarm.since, alarm.last_at) == (MONDAY, end)
    assert alarm.figures["leading"] == "hole"


def test_the_leading_defect_of_a_length_is_found_though_it_lies_within_one_slot() -> None:
    line = a_line()
    Chart.objects.create(line=line, size=10, subgroup_by="length", rules=[1])
    a_baseline(line, size=10, subgroup_by="length")
    a_rule(RuleKind.SIGNAL)
    roll = a_roll("R1")
    pieces(line, roll, MONDAY + MINUTE, [0])
    for code, bad in (("good", 0), ("cut", 20)):
        LengthCount.objects.create(
            line=line, roll=roll, piece=1, first_at=MONDAY + 2 * MINUTE, defect_class=code, judged=20, anomalies=bad
        )
    pieces(line, roll, MONDAY + 3 * MINUTE, [0, 0], first=2)
    counted(line, MONDAY, 120, 20, "cut")
    alarms.look(MONDAY + 10 * MINUTE)
    assert only().figures["leading"] == "cut"


def test_a_rate_is_looked_at_when_its_slot_has_ended_and_settled() -> None:
    a_rule()
    end = bad_slots(a_line(), MONDAY, 1)
    alarms.look(end + timedelta(seconds=20))
    assert not Alarm.objects.exists()
    alarms.look(end + timedelta(seconds=30))
    assert only().raised_at == end + timedelta(seconds=30)


def test_too_few_captures_make_no_rate() -> None:
    a_rule(at_least=20)
    counted(a_line(), MONDAY, 19, 19)
    alarms.look(MONDAY + SLOT + SOON)
    assert not Alarm.objects.exists()


def test_a_rate_at_its_limit_is_not_above_it() -> None:
    a_rule()
    counted(a_line(), MONDAY, 100, 10)
    alarms.look(MONDAY + SLOT + SOON)
    assert not Alarm.objects.exists()


def test_the_rate_of_a_class_leaves_other_classes_out() -> None:
    a_rule(defect_class="cut")
    bad_slots(a_line(), MONDAY, 1, code="hole")
    bad_slots(a_line("loom-2"), MONDAY, 1, code="cut")
    alarms.look(MONDAY + SLOT + SOON)
    assert only().line.slug == "loom-2"
    assert only().words.startswith("Cut: rate 30.0 %")


def test_a_rule_of_all_lines_raises_on_each_its_own_and_a_rule_of_one_line_there_only() -> None:
    first, second = a_line(), a_line("loom-2")
    a_rule(name="all")
    a_rule(name="one", line=first)
    bad_slots(first, MONDAY, 1)
    bad_slots(second, MONDAY, 1)
    alarms.look(MONDAY + SLOT + SOON)
    found = sorted(Alarm.objects.values_list("rule__name", "line__slug"))
    assert found == [("all", "loom-1"), ("all", "loom-2"), ("one", "loom-1")]


def test_k_of_the_last_n_looks_must_be_over_it_and_it_began_with_the_first_of_them() -> None:
    a_rule(minutes=5, k=2, n=3)
    for number, anomalies in enumerate((0, 30, 0, 30)):
        counted(a_line(), MONDAY + number * SLOT, 100, anomalies)
        alarms.look(MONDAY + (number + 1) * SLOT + SOON)
        assert Alarm.objects.exists() == (number == 3)
    assert only().since == MONDAY + SLOT


def test_an_alarm_tells_the_very_capture_that_the_trouble_began_with() -> None:
    a_rule(RuleKind.CLASS_SEEN, defect_class="metal_contamination")
    at = MONDAY + timedelta(seconds=77)
    judged(a_camera(), "metal_contamination", at=at)
    alarms.look(MONDAY + 2 * MINUTE)  # while its slot still runs
    assert (only().since, only().words) == (at, "Metal contamination was seen, at first in 1 image.")


def test_a_class_that_a_person_names_is_seen_too() -> None:
    a_rule(RuleKind.CLASS_SEEN, defect_class="metal_contamination")
    capture = judged(a_camera(), "hole", at=MONDAY)
    alarms.look(MONDAY + MINUTE)
    assert not Alarm.objects.exists()
    decide(cast.mara(), capture, "metal_contamination", MONDAY + MINUTE)
    alarms.look(MONDAY + 2 * MINUTE)
    assert only().key == ""


@pytest.mark.parametrize(("cool_down_s", "found"), [(0, 2), (60, 2), (90, 1)])
def test_a_class_that_is_seen_again_in_the_five_minutes_of_its_resolution_is_told_again(
    cool_down_s: int, found: int
) -> None:
    camera, mara = a_camera(), cast.mara()
    a_rule(RuleKind.CLASS_SEEN, defect_class="metal_contamination", critical=True, cool_down_s=cool_down_s)
    judged(camera, "metal_contamination", at=MONDAY + timedelta(seconds=20))
    alarms.look(MONDAY + timedelta(seconds=30))
    alarms.resolve(only(), mara, "picked out", MONDAY + MINUTE)
    alarms.look(MONDAY + timedelta(seconds=80))
    assert Alarm.objects.count() == 1
    again = MONDAY + timedelta(seconds=125)
    for second in (0, 10):
        judged(camera, "metal_contamination", at=again + timedelta(seconds=second))
    for round_ in range(1, 30):
        alarms.look(again + timedelta(seconds=10 * round_))
    assert Alarm.objects.count() == found
    if found == 2:
        newest = Alarm.objects.latest("id")
        assert (newest.since, newest.state, newest.signs) == (again, "raised", 1)
        alarms.resolve(newest, mara, "and this one", again + timedelta(seconds=20))
        alarms.look(again + MINUTE)
        assert Alarm.objects.count() == 2


def test_a_control_chart_raises_only_where_a_baseline_stands() -> None:
    a_rule(RuleKind.SIGNAL)
    with_one, without = a_line(), a_line("loom-2")
    a_baseline(with_one)
    for line in (with_one, without):
        bad_slots(line, MONDAY, 2, anomalies=10)
    alarms.look(MONDAY + 2 * SLOT + SOON)
    assert only().line == with_one
    assert "10.0 % (20 of 200): the control chart signals, above the upper limit." in only().words


def test_fewer_anomalies_than_usual_raise_nothing() -> None:
    a_rule(RuleKind.SIGNAL)
    a_baseline(a_line(), centre=0.3)
    bad_slots(a_line(), MONDAY, 2, anomalies=0)
    alarms.look(MONDAY + 2 * SLOT + SOON)
    assert not Alarm.objects.exists()


def test_a_silent_camera_is_told_by_name_and_the_alarm_ends_when_it_speaks_again() -> None:
    a_rule(RuleKind.SILENT, cool_down_s=0)
    camera = a_camera(seen_at=MONDAY, silent_after_s=60)
    a_camera(slug="manual", seen_at=MONDAY)
    a_camera(slug="off", enabled=False, seen_at=MONDAY)
    alarms.look(MONDAY + timedelta(seconds=60))
    assert not Alarm.objects.exists()
    for seconds in (61, 71, 200):
        alarms.look(MONDAY + timedelta(seconds=seconds))
    assert (only().key, only().since, only().state) == ("left", MONDAY, "raised")
    camera.saw(MONDAY + timedelta(seconds=205))
    alarms.look(MONDAY + timedelta(seconds=240))
    assert only().state == "raised"
    alarms.look(MONDAY + timedelta(seconds=264))
    assert (only().state, only().resolved_by) == ("resolved", None)


def test_a_camera_that_never_came_up_is_silent_since_it_was_made() -> None:
    a_rule(RuleKind.SILENT, cool_down_s=0)
    camera = a_camera(silent_after_s=60)
    Camera.objects.update(created_at=MONDAY)
    alarms.look(MONDAY + timedelta(seconds=60))
    assert not Alarm.objects.exists()
    alarms.look(MONDAY + timedelta(seconds=61))
    assert (only().key, only().since) == ("left", MONDAY)
    assert only().words.startswith("Camera left was never heard: it was made ")
    camera.saw(MONDAY + timedelta(seconds=70))
    for seconds in (80, 128):
        alarms.look(MONDAY + timedelta(seconds=seconds))
    assert only().state == "resolved"


def test_a_queue_that_grows_above_its_limit_raises_and_hidden_questions_do_not_count() -> None:
    a_rule(RuleKind.QUEUE, limit=2)
    first = judged(a_camera(), at=MONDAY)
    judged(a_camera(), at=MONDAY + MINUTE)
    alarms.look(MONDAY + 2 * MINUTE)
    assert not Alarm.objects.exists()
    judged(a_camera(), at=MONDAY + 2 * MINUTE)
    alarms.look(MONDAY + 3 * MINUTE)
    assert only().words == "3 flagged images wait for an answer: more than 2."
    assert only().since == ReviewItem.objects.get(capture=first).created_at


def test_a_mill_without_a_model_a_broken_one_and_an_old_one_are_told_apart() -> None:
    a_line()
    a_rule(RuleKind.STALE, limit=300, minutes=60, cool_down_s=0)
    alarms.look(MONDAY)
    assert only().words == "No model is in force: nothing is judged."
    version = a_version()
    ModelVersion.objects.update(broken="its hash differs", installed_at=MONDAY - timedelta(days=1))
    Alarm.objects.all().delete()
    alarms.look(MONDAY)
    assert only().words == f"{version} is in force and does not load: its hash differs"
    ModelVersion.objects.update(broken="")
    Alarm.objects.all().delete()
    alarms.look(MONDAY)
    assert (only().key, only().since) == ("age", MONDAY - timedelta(hours=23))


def test_images_that_wait_too_long_for_their_verdict_are_told() -> None:
    a_version()
    a_rule(RuleKind.STALE, limit=300, minutes=0)
    a_capture(a_camera(), MONDAY)
    alarms.look(MONDAY + 5 * MINUTE)
    assert not Alarm.objects.exists()
    alarms.look(MONDAY + 6 * MINUTE)
    assert (only().key, only().since) == ("waiting", MONDAY)
    Capture.objects.update(status=Status.FAILED)
    alarms.look(MONDAY + 8 * MINUTE)
    assert only().state == AlarmState.RESOLVED


# --- ended, and not raised again ----------------------------------------------------------------------------------


def quiet_after(line: Line, start: Any, slots: int) -> Any:
    """Good cloth for so many slots, looked at after each."""
    for number in range(slots):
        counted(line, start + number * SLOT, 100)
        alarms.look(start + (number + 1) * SLOT + SOON)
    return start + slots * SLOT


def test_an_alarm_ends_by_itself_when_its_signs_have_ended_for_a_while() -> None:
    a_rule(minutes=5)
    end = bad_slots(a_line(), MONDAY, 1)
    alarms.look(end + SOON)
    quiet_after(a_line(), end, 3)
    assert only().state == AlarmState.RAISED  # a sign at the quarter of an hour would still be its own
    quiet_after(a_line(), end + 3 * SLOT, 1)
    assert (only().state, only().resolved_by, only().outcome) == ("resolved", None, "Its signs have ended.")


def test_a_sign_within_the_cool_down_raises_nothing_and_one_after_it_does() -> None:
    a_rule(minutes=5, cool_down_s=900)
    end = bad_slots(a_line(), MONDAY, 1)
    alarms.look(end + SOON)
    end = quiet_after(a_line(), end, 4)
    end = bad_slots(a_line(), end, 1)  # 25 minutes after its last sign: it is over since 10, and quiet for 5 more
    alarms.look(end + SOON)
    assert Alarm.objects.count() == 1
    end = bad_slots(a_line(), end, 1)
    alarms.look(end + SOON)
    assert Alarm.objects.count() == 2


def test_looking_again_writes_nothing_and_takes_no_lock() -> None:
    a_rule()
    end = bad_slots(a_line(), MONDAY, 2)
    for _ in range(3):
        alarms.look(end + SOON)
    assert (Alarm.objects.count(), only().signs) == (1, 1 + 1)
    with CaptureQueriesContext(connection) as asked:
        alarms.look(end + SOON)
    assert {query["sql"].split()[0] for query in asked} == {"SELECT"}
    assert not [query for query in asked if "FOR UPDATE" in query["sql"]]


def test_a_new_rule_looks_at_what_comes_from_then_on() -> None:
    end = bad_slots(a_line(), MONDAY, 3)
    a_rule(made_at=end)
    alarms.look(end + SOON)
    assert not Alarm.objects.exists()
    bad_slots(a_line(), end, 1)
    alarms.look(end + SLOT + SOON)
    assert only().since == end - SLOT  # its window still sees the slot before


# --- lateness -----------------------------------------------------------------------------------------------------


def test_images_that_come_hours_late_raise_an_alarm_that_says_so_and_it_ends_after_people_could_see_it() -> None:
    a_rule()
    now = MONDAY + timedelta(hours=5)
    alarms.look(now)
    bad_slots(a_line(), MONDAY, 2)
    alarms.look(now + MINUTE)
    assert only().words.endswith("Seen late: it began 16 Nov 2026 06:00, and its images came afterwards.")
    assert (only().state, only().figures["late"]) == ("raised", True)
    alarms.look(now + 20 * MINUTE)
    assert only().state == AlarmState.RESOLVED
    assert only().last_at == MONDAY + 3 * SLOT  # the last look whose ten minutes hold any of it


def test_several_troubles_that_are_found_at_once_are_each_told() -> None:
    a_rule(minutes=5)
    for hour in (0, 1, 2):
        bad_slots(a_line(), MONDAY + timedelta(hours=hour), 1)
    alarms.look(MONDAY + timedelta(hours=5))
    found = Alarm.objects.order_by("since").values_list("state", flat=True)
    assert list(found) == ["resolved", "resolved", "raised"]


def test_a_trouble_of_the_past_that_arrives_late_leaves_the_standing_alarm_open() -> None:
    a_rule(minutes=5).channels.set([a_channel()])
    today = MONDAY + timedelta(hours=5)
    alarms.look(bad_slots(a_line(), today, 1) + SOON)
    alarms.acknowledge(only(), cast.olga(), "", today + 6 * MINUTE)
    bad_slots(a_line(), MONDAY, 2)
    for _ in range(2):
        alarms.look(today + 7 * MINUTE)
    past, standing = Alarm.objects.order_by("since")
    assert (past.state, past.signs, past.figures["late"]) == ("resolved", 2, True)
    assert standing.state == AlarmState.ACKNOWLEDGED
    assert list(past.deliveries.order_by("pk").values_list("event", flat=True)) == ["raised", "resolved"]


def test_what_is_older_than_a_day_raises_nothing() -> None:
    a_rule()
    bad_slots(a_line(), MONDAY, 2)
    alarms.look(MONDAY + timedelta(hours=25))
    assert not Alarm.objects.exists()


# --- people -------------------------------------------------------------------------------------------------------


def raised(**fields: Any) -> Alarm:
    a_rule(**fields)
    end = bad_slots(a_line(), MONDAY, 1)
    alarms.look(end + SOON)
    return only()


def test_one_person_acknowledges_with_a_note_and_the_next_is_told_who_was_first() -> None:
    olga, mara = cast.olga(), cast.mara()
    now = MONDAY + 10 * MINUTE
    alarm = alarms.acknowledge(raised(), olga, " needle changed ", now)
    assert isinstance(alarm, Alarm)
    assert (alarm.state, alarm.acknowledged_by, alarm.note) == ("acknowledged", olga, "needle changed")
    assert alarm.acted_at == now
    assert alarms.acknowledge(alarm, mara, "", now) == Refused("olga has acknowledged it already.")
    event = AuditEvent.objects.get(action="acknowledge-alarm")
    assert (event.person, event.subject, event.detail["line"]) == (olga, f"alarm {alarm.pk}", LOOM)


def test_an_acknowledged_alarm_goes_on_counting_and_ends_by_itself() -> None:
    alarm = raised(minutes=5)
    alarms.acknowledge(alarm, cast.olga(), "", MONDAY + 6 * MINUTE)
    end = bad_slots(a_line(), MONDAY + SLOT, 1)
    alarms.look(end + SOON)
    assert (only().state, only().signs) == ("acknowledged", 2)
    quiet_after(a_line(), end, 4)
    assert only().state == AlarmState.RESOLVED


def test_what_a_person_resolved_is_quiet_for_the_cool_down_although_its_signs_go_on() -> None:
    alarm = raised(minutes=5, cool_down_s=900)
    done = MONDAY + 6 * MINUTE
    resolved = alarms.resolve(alarm, cast.mara(), "loom stopped", done)
    assert isinstance(resolved, Alarm)
    assert (resolved.state, resolved.outcome, resolved.acted_at) == ("resolved", "loom stopped", done)
    assert alarms.resolve(resolved, cast.olga(), "", done) == Refused("It is resolved already.")
    for number in range(1, 5):
        bad_slots(a_line(), MONDAY + number * SLOT, 1)
        alarms.look(MONDAY + (number + 1) * SLOT + SOON)
        assert Alarm.objects.count() == (2 if number == 4 else 1)  # 25 past: the cool-down ended at 21


def test_the_first_label_of_a_defect_of_its_run_is_an_action_and_one_of_other_cloth_is_none() -> None:
    a_rule(RuleKind.CLASS_SEEN, defect_class="metal_contamination")
    camera = a_camera()
    capture = judged(camera, "metal_contamination", at=MONDAY)
    other = judged(camera, "hole", at=MONDAY)
    alarms.look(MONDAY + MINUTE)
    decide(cast.olga(), other, "hole", MONDAY + 2 * MINUTE)
    alarms.look(MONDAY + 3 * MINUTE)
    assert only().acted_at is None
    decide(cast.mara(), capture, "metal_contamination", MONDAY + 4 * MINUTE)
    alarms.look(MONDAY + 5 * MINUTE)
    assert only().acted_at == MONDAY + 4 * MINUTE
    assert only().state == AlarmState.RAISED  # to label is not to acknowledge


def test_open_alarms_come_critical_first_and_acknowledged_last() -> None:
    line = a_line()
    for name, critical in (("plain", False), ("critical", True), ("seen", False)):
        a_rule(name=name, critical=critical)
    bad_slots(line, MONDAY, 1)
    alarms.look(MONDAY + SLOT + SOON)
    alarms.acknowledge(Alarm.objects.get(rule__name="seen"), cast.mara(), "", timezone.now())
    assert [alarm.rule.name for alarm in alarms.open_alarms([line])] == ["critical", "plain", "seen"]
    assert alarms.open_alarms([]) == []


# --- rules --------------------------------------------------------------------------------------------------------


def wish(**fields: Any) -> Wish:
    usual: dict[str, Any] = {"name": "holes", "kind": RuleKind.LIMIT, "limit": 0.1}
    return Wish(**{**usual, **fields})


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": " "}, "name"),
        ({"limit": None}, "above 0 %"),
        ({"limit": 0.0}, "above 0 %"),
        ({"limit": 1.0}, "below 100 %"),
        ({"limit": float("nan")}, "above 0 %"),
        ({"minutes": 7}, "steps of 5"),
        ({"minutes": 0}, "5 to 1440"),
        ({"at_least": 0}, "how many images"),
        ({"k": 3, "n": 2}, "no more than 2 can see it"),
        ({"k": 0}, "at least one"),
        ({"n": 21}, "1 to 20"),
        ({"cool_down_s": -1}, "cool-down"),
        ({"defect_class": "moth"}, "moth"),
        ({"defect_class": "good"}, "good"),
        ({"kind": RuleKind.CLASS_SEEN}, "Choose the class"),
        ({"kind": RuleKind.CLASS_SEEN, "defect_class": "good"}, "Choose the class"),
        ({"kind": RuleKind.QUEUE, "limit": None}, "how many flagged"),
        ({"kind": RuleKind.STALE, "limit": 1.0}, "10 to 86"),
        ({"kind": RuleKind.STALE, "limit": 300.0, "minutes": 10_000_000}, "ten years"),
        ({"kind": RuleKind.SILENT, "k": 2, "n": 3}, "waiting time of its own"),
        ({"kind": "sun-spots"}, "Choose what"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_in_words(fields: dict[str, Any], words: str) -> None:
    found = alarms.save_rule(wish(**fields), cast.mara(), MONDAY)
    assert isinstance(found, Refused)
    assert words in found.reason
    assert not AlarmRule.objects.exists()


def test_a_saved_rule_is_audited_with_everything_it_says() -> None:
    mara, channel = cast.mara(), a_channel()
    rule = alarms.save_rule(wish(line=a_line(), channels=[channel]), mara, MONDAY)
    assert isinstance(rule, AlarmRule)
    assert list(rule.channels.all()) == [channel]
    event = AuditEvent.objects.get(subject=f"alarm rule {rule.pk}")
    assert (event.action, event.person) == ("make-rule", mara)
    assert (event.detail["limit"], event.detail["line"], event.detail["channels"]) == (0.1, LOOM, [channel.name])


def test_a_changed_rule_keeps_what_it_is_about() -> None:
    mara = cast.mara()
    rule = alarms.save_rule(wish(), mara, MONDAY)
    assert isinstance(rule, AlarmRule)
    assert isinstance(alarms.save_rule(wish(rule=rule, defect_class="cut"), mara, MONDAY), Refused)
    changed = alarms.save_rule(wish(rule=rule, limit=0.2), mara, MONDAY + MINUTE)
    assert isinstance(changed, AlarmRule)
    assert (changed.pk, changed.limit, changed.made_at) == (rule.pk, 0.2, MONDAY + MINUTE)
    assert AuditEvent.objects.filter(action="change-rule").count() == 1


def test_a_rule_that_is_switched_off_ends_its_alarms() -> None:
    alarm = raised()
    mara = cast.mara()
    alarms.save_rule(wish(rule=alarm.rule, name="a rule", enabled=False), mara, MONDAY + 10 * MINUTE)
    assert (only().state, only().resolved_by, only().outcome) == ("resolved", mara, "The rule was switched off.")
    bad_slots(a_line(), MONDAY + 6 * SLOT, 1)
    alarms.look(MONDAY + 7 * SLOT + SOON)
    assert Alarm.objects.count() == 1


def test_a_new_installation_has_rules_from_the_first_look_and_they_are_made_once() -> None:
    alarms.look(MONDAY)
    assert not AlarmRule.objects.exists()  # no line yet, nothing to look at
    a_line()
    alarms.look(MONDAY)
    alarms.look(MONDAY + MINUTE)
    kinds = sorted(AlarmRule.objects.values_list("kind", "critical"))
    assert kinds == [("class", True), ("signal", False), ("silent", False), ("stale", False)]
    AlarmRule.objects.update(enabled=False)
    alarms.look(MONDAY + 2 * MINUTE)
    assert AlarmRule.objects.count() == 4


# --- the beat -----------------------------------------------------------------------------------------------------


def test_the_watch_looks_thoroughly_when_a_slot_has_ended_or_old_counts_change() -> None:
    a_rule()
    alarming.forget()
    end = bad_slots(a_line(), MONDAY, 1)
    alarming.watch(end + SOON)
    assert Alarm.objects.count() == 1
    bad_slots(a_line("loom-2"), MONDAY, 1)  # late images of another line, a few seconds afterwards
    alarming.watch(end + SOON + timedelta(seconds=10))
    assert Alarm.objects.count() == 2
    SlotCount.objects.filter(line__slug="loom-2").delete()
    alarming.watch(end + SOON + timedelta(seconds=20))
    assert Alarm.objects.count() == 2  # what was raised stays


def test_channels_hear_of_the_beginning_of_what_is_done_and_of_the_end() -> None:
    rule = a_rule()
    heard, off = a_channel(), a_channel(name="off", enabled=False)
    rule.channels.set([heard, off])
    end = bad_slots(a_line(), MONDAY, 1)
    alarms.look(end + SOON)
    alarms.acknowledge(only(), cast.olga(), "", end + MINUTE)
    rule.channels.clear()  # who heard of the beginning hears of the end
    alarms.resolve(only(), cast.mara(), "done", end + 2 * MINUTE)
    found = Delivery.objects.order_by("pk").values_list("channel__name", "event", "state")
    events = ("raised", "acknowledged", "resolved")
    assert list(found) == [(heard.name, event, "waiting") for event in events]
