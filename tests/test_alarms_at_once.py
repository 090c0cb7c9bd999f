"""Several workers look for alarms at once, on real connections: each trouble is raised once, and told once."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.db.utils import DatabaseError

from inspections import alarms
from inspections.alarms import looking
from inspections.models import Alarm, AlarmRule, Delivery, RuleKind
from inspections.pages.rules import wish_of
from inspections.snapshots import Refused
from tests import cast
from tests.alarmed import MINUTE, MONDAY, SOON, a_channel, a_rule, bad_slots
from tests.cast import a_camera, a_line
from workers.telling import outbox

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)
WORKERS = 4


def at_once(work: Callable[[int], None]) -> None:
    """Each in a thread of its own, all starting together; what one raises is raised here."""
    ready, raised = threading.Barrier(WORKERS), []

    def run(number: int) -> None:
        try:
            ready.wait(60)
            work(number)
        except (AssertionError, DatabaseError) as error:
            raised.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not raised, raised


def test_four_workers_raise_each_trouble_once_and_end_it_once() -> None:
    rule = a_rule(minutes=5)
    rule.channels.set([a_channel()])
    a_rule(RuleKind.SILENT, name="silent")
    for number in range(3):
        line = f"loom-{number}"
        a_camera(line, seen_at=MONDAY)
        for hour in range(3):
            bad_slots(a_line(line), MONDAY + timedelta(hours=hour), 2)
    now = MONDAY + timedelta(hours=4)
    at_once(lambda _: alarms.look(now))
    assert Alarm.objects.filter(rule=rule).count() == 9
    assert Alarm.objects.filter(rule__kind=RuleKind.SILENT).count() == 3
    assert set(Alarm.objects.filter(rule=rule).values_list("signs", flat=True)) == {2}
    at_once(lambda _: alarms.look(now + 30 * MINUTE))
    assert Alarm.objects.filter(rule=rule, state="resolved").count() == 9
    told = Delivery.objects.values_list("event", flat=True)
    assert (len(told), sorted(set(told))) == (18, ["raised", "resolved"])


def test_two_who_acknowledge_at_once_are_one_and_a_refusal() -> None:
    a_rule()
    end = bad_slots(a_line(), MONDAY, 1)
    alarms.look(end + SOON)
    alarm = Alarm.objects.get()
    people = [cast.a_person(f"olga-{number}", cast.Role.OPERATOR, a_line()) for number in range(WORKERS)]
    said: list[object] = []
    at_once(lambda number: said.append(alarms.acknowledge(alarm, people[number], str(number), end + MINUTE)))
    assert sum(isinstance(one, Alarm) for one in said) == 1
    alarm.refresh_from_db()
    assert alarm.acknowledged_by == people[int(alarm.note)]


@pytest.mark.parametrize("deed", [alarms.resolve, alarms.acknowledge])
def test_what_a_person_does_while_a_round_ends_the_alarm_stands_or_is_refused(
    deed: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    a_rule()
    end = bad_slots(a_line(), MONDAY, 1)
    alarms.look(end + SOON)
    alarm, mara, said = Alarm.objects.get(), cast.mara(), []
    really_end = looking.end

    def act() -> None:
        said.append(deed(alarm, mara, "needle changed", end + 30 * MINUTE))
        connections.close_all()

    person = threading.Thread(target=act)

    def ending(*asked: Any) -> None:
        person.start()
        person.join(0.5)  # it had the time, if nothing held it back
        really_end(*asked)

    monkeypatch.setattr(looking, "end", ending)
    alarms.look(end + 30 * MINUTE)
    person.join(30)
    alarm.refresh_from_db()
    assert isinstance(said[0], Refused)
    assert (alarm.outcome, alarm.resolved_by, alarm.acknowledged_by) == ("Its signs have ended.", None, None)


def test_a_rule_that_is_switched_off_while_a_round_looks_raises_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rule, mara = a_rule(), cast.mara()
    silent = a_rule(RuleKind.SILENT, name="silent")
    a_camera(seen_at=MONDAY)
    end = bad_slots(a_line(), MONDAY, 2)
    looks, signs = looking.looks, looking.signs

    def off(one: AlarmRule) -> None:
        alarms.save_rule(replace(wish_of(one), enabled=False), mara, end)

    monkeypatch.setattr(looking, "looks", lambda *asked: (looks(*asked), off(rule))[0])
    monkeypatch.setattr(looking, "signs", lambda *asked: (signs(*asked), off(silent))[0])
    alarms.look(end + SOON)
    assert not Alarm.objects.exists()


def test_the_first_rules_are_made_once() -> None:
    a_line()
    at_once(lambda _: alarms.make_defaults(MONDAY))
    assert AlarmRule.objects.count() == 4


def test_a_delivery_is_taken_by_one_of_those_who_want_it() -> None:
    channel = a_channel()
    a_rule().channels.set([channel])
    end = bad_slots(a_line(), MONDAY, 1)
    alarms.look(end + SOON)
    taken: list[object] = []
    at_once(lambda _: taken.append(outbox.take(channel.pk, end + MINUTE)))
    assert sum(one is not None for one in taken) == 1
    assert Delivery.objects.get().attempts == 1
