"""Alarm rules: a form that asks each kind for its own, a replay before anything is saved, and who may do it."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.formats import date_format

from inspections import alarms
from inspections.models import Alarm, AlarmRule, AlarmState, AuditEvent, DefectClass, ReviewItem, RuleKind
from inspections.models.rollup import SLOT
from inspections.pages.rule_form import FIELDS, RuleForm
from inspections.standing import slot_of
from tests import cast
from tests.alarmed import a_channel, a_rule, bad_slots, counted
from tests.cast import a_camera, a_line, signed_in
from tests.floor import an_alarm
from tests.judged import a_version, judged

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def mara() -> Client:
    a_version()
    return signed_in(cast.mara())


def a_wish(**fields: str) -> dict[str, str]:
    limit = {"percent": "10", "minutes": "10", "at_least": "20"}
    return {"name": "too many", "kind": "limit", **limit, "cool_down": "15", "weeks": "4", "enabled": "on", **fields}


def text_of(response: Any, status: int = 200) -> str:
    assert response.status_code == status, response.content
    return " ".join(response.content.decode().split())


def two_bad_hours() -> None:
    """On loom-1, three days and ten days ago; the other slots around them are good. It has run for five weeks."""
    line = a_line()
    counted(line, slot_of(timezone.now() - 35 * DAY), 100, 1)
    for days in (3, 10):
        start = slot_of(timezone.now() - days * DAY)
        end = bad_slots(line, start, 4)
        for number in range(12):
            counted(line, end + number * SLOT, 100, 1)


# --- trying -----------------------------------------------------------------------------------------------------


def test_trying_says_how_many_a_week_and_which_and_saves_nothing(mara: Client) -> None:
    two_bad_hours()
    text = text_of(mara.post("/alarms/rules/new/", a_wish(**{"try": "yes"})))
    assert "2 alarms in the last 4 weeks: 0.5 a week." in text
    weeks = re.findall(r'<td class="num">(\d+)</td>', text.split("replay-weeks")[1].split("</table>")[0])
    assert sorted(weeks) == ["0", "0", "1", "1"]
    assert text.count('id="would-') == 2
    assert "People acted on none of them" in text
    assert not AlarmRule.objects.exists()
    assert not Alarm.objects.exists()


def test_a_shorter_time_holds_less_and_a_higher_limit_none(mara: Client) -> None:
    two_bad_hours()
    assert "1 alarm in the last week." in text_of(mara.post("/alarms/rules/new/", a_wish(**{"try": "1"}, weeks="1")))
    none = text_of(mara.post("/alarms/rules/new/", a_wish(**{"try": "1"}, percent="60")))
    assert "0 alarms in the last 4 weeks" in none


def test_what_it_lists_opens_the_images_of_that_time(mara: Client) -> None:
    two_bad_hours()
    text = text_of(mara.post("/alarms/rules/new/", a_wish(**{"try": "yes"})))
    address = re.search(r'id="would-1" href="([^"]*)"', text)
    assert address
    assert mara.get(address[1].replace("&amp;", "&")).status_code == 200
    assert "line=loom-1" in address[1]


def test_what_cannot_be_replayed_says_why(mara: Client) -> None:
    a_camera(heartbeat_at=timezone.now())
    text = text_of(mara.post("/alarms/rules/new/", a_wish(**{"try": "yes"}, kind="silent")))
    assert "This cannot be tried." in text
    assert "These cameras send heartbeats" in text


def test_a_queue_is_tried_before_it_is_saved_and_it_says_what_rows_do_not_tell(mara: Client) -> None:
    camera, asked = a_camera(), timezone.now() - timedelta(days=2)
    judged(camera, "good", 0.01, at=asked - 35 * DAY)
    for _ in range(3):
        item = ReviewItem.objects.get(capture=judged(camera, at=asked))
        ReviewItem.objects.filter(pk=item.pk).update(created_at=asked, closed_at=asked + timedelta(hours=1))
    text = text_of(mara.post("/alarms/rules/new/", a_wish(**{"try": "yes"}, kind="queue", waiting="2")))
    assert "1 alarm in the last 4 weeks" in text
    assert "3 flagged images wait for an answer: more than 2." in text
    assert "A question that was asked again counts as waiting all along." in text
    assert "People acted" not in text
    address = re.search(r'id="would-1" href="([^"]*)"', text)
    assert address
    assert address[1].startswith("/lines/loom-1/?from=")
    assert mara.get(address[1].replace("&amp;", "&")).status_code == 200


def test_a_mill_that_counts_since_minutes_hears_so_and_no_pace_of_weeks(mara: Client) -> None:
    camera, first = a_camera(), timezone.now() - timedelta(minutes=12, seconds=1)
    for second in range(0, 600, 30):
        judged(camera, "hole", at=first + timedelta(seconds=second))
    began = f"Counted since {date_format(first, 'j M Y H:i')}."
    text = text_of(mara.post("/alarms/rules/new/", a_wish(**{"try": "yes"}, at_least="1")))
    assert "<strong>1 alarm in 12 min.</strong>" in text
    assert began in text
    assert "a week" not in text.split('id="replay-total"')[1]
    assert text.count("replay-part") == text.count("12 min of it") == 1
    assert "12 min so far" in text
    kept = text_of(mara.post("/alarms/rules/new/", a_wish(at_least="1"), follow=True))
    assert f"It would have raised 1 alarm in 12 min. {began}" in kept


def test_a_pace_is_of_the_weeks_that_were_counted(mara: Client) -> None:
    end = bad_slots(a_line(), slot_of(timezone.now() - 14 * DAY), 2)
    text = text_of(mara.post("/alarms/rules/new/", a_wish(**{"try": "yes"})))
    assert "1 alarm in 14 d 0 h: 0.5 a week." in text
    assert f"Counted since {date_format(end - 2 * SLOT, 'j M Y H:i')}." in text


def test_a_mill_that_has_counted_nothing_hears_that_nothing_can_be_tried(mara: Client) -> None:
    a_line()
    text = text_of(mara.post("/alarms/rules/new/", a_wish(**{"try": "yes"})))
    assert "This cannot be tried." in text
    assert "Nothing has been counted yet on what it looks at." in text


def test_a_rule_is_tried_without_a_name_and_kept_only_with_one(mara: Client) -> None:
    two_bad_hours()
    tried = text_of(mara.post("/alarms/rules/new/", a_wish(**{"try": "yes"}, name="")))
    assert "2 alarms in the last 4 weeks" in tried
    assert re.search(r'<button[^>]* id="try"[^>]* formnovalidate>', tried)
    assert re.search(r'<input[^>]* name="name"[^>]* required', tried)
    assert "This field is required." in text_of(mara.post("/alarms/rules/new/", a_wish(name="")), 400)
    assert "above 0 %" in text_of(mara.post("/alarms/rules/new/", a_wish(**{"try": "1"}, name="", percent="")), 400)
    assert not AlarmRule.objects.exists()


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (2, "Of the 2 that people acted on, it comes 12 min before them in the median."),
        (1, "People acted on one of them; it comes 12 min before them."),
    ],
)
def test_how_much_earlier_than_people_is_told(
    mara: Client, monkeypatch: pytest.MonkeyPatch, seen: int, words: str
) -> None:
    two_bad_hours()
    real = alarms.replay

    def acted(*args: Any) -> alarms.Replay:
        found = real(*args)
        late = [replace(one, acted_at=one.raised_at + timedelta(minutes=12)) for one in found.alarms[:seen]]
        return alarms.Replay(found.since, found.until, [*late, *found.alarms[seen:]], found.weekly)

    monkeypatch.setattr("inspections.alarms.replay", acted)
    text = text_of(mara.post("/alarms/rules/new/", a_wish(**{"try": "yes"})))
    assert words in text
    assert "12 min earlier" in text


# --- saving -----------------------------------------------------------------------------------------------------


def test_saving_keeps_it_in_its_own_units_and_says_what_it_would_have_raised(mara: Client) -> None:
    two_bad_hours()
    channel = a_channel()
    sent = a_wish(percent="7.5", cool_down="30", critical="on", line="loom-1", channels=str(channel.pk))
    text = text_of(mara.post("/alarms/rules/new/", sent, follow=True))
    assert "It would have raised 2 alarms in the last 4 weeks" in text
    rule = AlarmRule.objects.get()
    assert (rule.limit, rule.minutes, rule.cool_down_s, rule.critical) == (0.075, 10, 1800, True)
    assert rule.line
    assert rule.line.slug == "loom-1"
    assert list(rule.channels.all()) == [channel]
    assert "7.5 %" in text


@pytest.mark.parametrize(
    ("fields", "stored"),
    [
        ({"kind": "queue", "waiting": "250"}, {"limit": 250}),
        ({"kind": "stale", "wait_s": "120", "model_days": "90"}, {"limit": 120, "minutes": 90 * 24 * 60}),
        ({"kind": "silent"}, {"limit": None}),
        ({"kind": "class", "seen": "hole", "defect_class": "cut"}, {"defect_class": "hole"}),
        ({"kind": "signal", "k": "2", "n": "3"}, {"k": 2, "n": 3}),
    ],
)
def test_each_kind_keeps_its_own_fields_and_drops_the_others(
    mara: Client, fields: dict[str, str], stored: dict[str, Any]
) -> None:
    assert mara.post("/alarms/rules/new/", a_wish(**{"percent": "33", **fields})).status_code == 302
    rule = AlarmRule.objects.get()
    assert {name: getattr(rule, name) for name in stored} == stored
    assert rule.limit != 0.33


@pytest.mark.parametrize("kind", list(RuleKind))
def test_a_form_gives_back_what_it_took(mara: Client, kind: RuleKind) -> None:
    sent = a_wish(kind=kind, defect_class="hole", seen="cut", waiting="9", wait_s="60", model_days="2", k="1", n="1")
    assert mara.post("/alarms/rules/new/", sent).status_code == 302
    first = AlarmRule.objects.get()
    shown = RuleForm(rule=first)
    again = {name: shown[name].initial for name in FIELDS[kind]}
    assert {name: str(value) for name, value in again.items()} == {
        name: str(float(sent[name]) if name == "percent" else sent[name]) for name in FIELDS[kind]
    }


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"percent": ""}, "The limit is a rate above 0 % and below 100 %."),
        ({"percent": "0"}, "The limit is a rate above 0 % and below 100 %."),
        ({"percent": "nan"}, "Enter a number."),
        ({"minutes": "7"}, "in steps of 5"),
        ({"k": "5", "n": "2"}, "Of the last 2 looks no more than 2 can see it: 5 were asked for."),
        ({"k": "0", "n": "2"}, "at least one and at most all"),
        ({"kind": "class"}, "Choose the class that shall not be seen."),
        ({"kind": "class", "seen": "", "defect_class": "hole"}, "Choose the class that shall not be seen."),
        ({"kind": "moon"}, "There is no “moon” here to choose."),
        ({"defect_class": "moon"}, "There is no “moon” here to choose."),
        ({"line": "nope"}, "Select a valid choice."),
        ({"name": ""}, "This field is required."),
        ({"cool_down": "9999"}, "less than or equal to 1440"),
    ],
)
def test_nonsense_is_refused_in_words_and_nothing_is_kept(mara: Client, fields: dict[str, str], words: str) -> None:
    assert words in text_of(mara.post("/alarms/rules/new/", a_wish(**fields)), 400)
    assert not AlarmRule.objects.exists()


def test_a_class_that_must_not_come_is_chosen_and_never_all_of_them(mara: Client) -> None:
    fields = mara.get("/alarms/rules/new/").context["form"]
    assert fields["seen"].value() == "metal_contamination"
    offered = dict(fields["seen"].field.choices)
    assert "All defects together" not in offered.values()
    assert offered[""] == "Choose a class"
    DefectClass.objects.update(critical=False)
    assert mara.get("/alarms/rules/new/").context["form"]["seen"].value() == ""


def test_a_rule_keeps_what_its_alarms_tell_of(mara: Client) -> None:
    rule = a_rule()
    response = mara.post(f"/alarms/rules/{rule.pk}/", a_wish(kind="queue", waiting="5"))
    assert "A rule keeps its kind, line and class." in text_of(response, 400)
    assert mara.post(f"/alarms/rules/{rule.pk}/", a_wish(percent="12")).status_code == 302
    rule.refresh_from_db()
    assert rule.limit == 0.12


def test_switching_off_resolves_its_alarms_and_changes_nothing_else(mara: Client) -> None:
    rule = a_rule(limit=0.033, cool_down_s=600)
    alarm = an_alarm(rule=rule)
    assert mara.post(f"/alarms/rules/{rule.pk}/switch/", {"enabled": "no"}).status_code == 302
    rule.refresh_from_db()
    alarm.refresh_from_db()
    assert (rule.enabled, rule.limit, rule.cool_down_s) == (False, 0.033, 600)
    assert alarm.state == AlarmState.RESOLVED
    assert "Switch on" in text_of(mara.get("/alarms/rules/"))


def test_the_list_says_what_each_looks_at_and_how_often_it_raised(mara: Client) -> None:
    rule = a_rule(limit=0.05, minutes=15)
    an_alarm(rule=rule)
    text = text_of(mara.get("/alarms/rules/"))
    assert "any defect above 5.0 % over 15 min" in text
    assert f'href="/alarms/?when=28d&amp;rule={rule.pk}"' in text
    assert '4 weeks">1</a></td>' in text


def test_operators_make_no_rules() -> None:
    olga = signed_in(cast.olga())
    assert olga.get("/alarms/rules/").status_code == 403
    assert olga.post("/alarms/rules/new/", a_wish()).status_code == 403
    assert "Rules" not in olga.get("/alarms/").content.decode()


def test_whoever_presses_twice_makes_changes_and_switches_one_rule(mara: Client) -> None:
    channel = a_channel()
    for _press in range(2):
        assert mara.post("/alarms/rules/new/", a_wish(channels=str(channel.pk))).status_code == 302
    rule = AlarmRule.objects.get()
    for _press in range(2):
        changed = a_wish(channels=str(channel.pk), percent="20")
        assert mara.post(f"/alarms/rules/{rule.pk}/", changed).status_code == 302
    for _press in range(2):
        assert mara.post(f"/alarms/rules/{rule.pk}/switch/", {"enabled": "no"}).status_code == 302
    told = list(AuditEvent.objects.order_by("id").values_list("action", flat=True))
    assert told == ["make-rule", "change-rule", "change-rule"]
    assert mara.post("/alarms/rules/new/", a_wish(percent="20")).status_code == 302  # told to nobody: another one
    assert AlarmRule.objects.count() == 2
