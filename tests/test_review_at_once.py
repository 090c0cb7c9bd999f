"""Several people at once, on real connections: no image is held by two or labelled twice, the counts are right."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, connections, transaction
from django.utils import timezone

from inspections import teaching
from inspections.models import Capture, HourlyCount, Insight, InsightKind, Label, Line, Person, ReviewItem
from inspections.review import queue
from inspections.review.answers import decide
from inspections.review.outcomes import Decided
from inspections.review.undoing import undo
from tests import cast
from tests.cast import a_camera, a_line
from tests.judged import judged
from tests.teaching import compared, listed, passed

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)
PEOPLE = 6


@pytest.fixture
def people(transactional_db: None, settings: Any) -> list[Person]:
    settings.AUDIT_SHARE = 0.2
    return [cast.a_person(f"olga-{number}", cast.Role.OPERATOR, a_line()) for number in range(PEOPLE)]


def at_once(people: list[Person], work: Callable[[Person], None]) -> None:
    """Each person in a thread of their own; what one raises is raised here."""
    raised: list[BaseException] = []

    def run(person: Person) -> None:
        try:
            work(person)
        except (AssertionError, OperationalError, Line.DoesNotExist) as error:
            raised.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not raised, raised


def test_six_people_on_one_queue_share_it_without_overlap(people: list[Person]) -> None:
    captures = [judged(a_camera(), "hole", 0.3 + number / 100) for number in range(48)]
    [judged(a_camera(), "good", 0.01) for _ in range(20)]
    answered: list[Any] = []
    wanted = queue.Wanted((a_line(),))

    def work_off(person: Person) -> None:
        while items := queue.take(person, wanted, 3, timezone.now()):
            for item in items:
                outcome = decide(person, Capture.objects.get(pk=item.capture_id), "thread", timezone.now())
                assert isinstance(outcome, Decided), outcome
                answered.append(item.capture_id)

    at_once(people, work_off)
    assert set(Counter(answered).values()) == {1}
    assert {capture.pk for capture in captures} <= set(answered)
    assert Label.objects.count() == len(answered)
    assert sum(row.judged for row in HourlyCount.objects.filter(defect_class="thread")) == len(answered)


def test_of_six_decisions_on_one_image_one_stands_and_five_are_told(people: list[Person]) -> None:
    capture = judged(a_camera(), "hole")
    outcomes: list[Any] = []
    at_once(people, lambda person: outcomes.append(decide(person, capture, "good", timezone.now())))
    assert [type(outcome).__name__ for outcome in outcomes].count("Decided") == 1
    assert Label.objects.count() == 1


def test_six_undoings_of_one_label_are_one(people: list[Person]) -> None:
    capture = judged(a_camera(), "hole")
    outcome = decide(people[0], capture, "good", timezone.now())
    assert isinstance(outcome, Decided)
    mara = cast.mara()
    at_once([mara] * PEOPLE, lambda person: undo(person, outcome.label, timezone.now()) and None)
    assert Label.objects.count() == 2
    assert ReviewItem.objects.open().count() == 1
    assert [row.judged for row in HourlyCount.objects.order_by("defect_class")] == [0, 1]


def held_open(first: Callable[[], Any], second: Callable[[], Any]) -> None:
    """`second` begins while what `first` did is not committed yet."""
    done = threading.Event()

    def slow(_: Any) -> None:
        with transaction.atomic():
            first()
            done.set()
            time.sleep(0.4)

    def quick(_: Any) -> None:
        assert done.wait(20)
        second()

    works: dict[str, Callable[[Any], None]] = {"slow": slow, "quick": quick}
    at_once(list(works), lambda name: works[name](name))  # type: ignore[arg-type, index]


def test_an_undo_that_waited_for_a_relabel_counts_what_it_finds_then(people: list[Person]) -> None:
    capture, olga, mara = judged(a_camera(), "hole"), people[0], cast.mara()
    first = decide(olga, capture, "thread", timezone.now())
    assert isinstance(first, Decided)
    held_open(
        lambda: decide(mara, capture, "cut", timezone.now(), expected=first.label.pk),
        lambda: undo(olga, first.label, timezone.now()),
    )
    assert {row.defect_class: row.judged for row in HourlyCount.objects.all() if row.judged} == {"cut": 1}


def test_who_waited_for_a_lease_is_told_that_it_is_held(people: list[Person]) -> None:
    capture, outcomes = judged(a_camera(), "hole"), []
    held_open(
        lambda: queue.take(people[1], queue.Wanted((a_line(),)), 1, timezone.now()),
        lambda: outcomes.append(decide(people[0], capture, "good", timezone.now())),
    )
    assert [type(outcome).__name__ for outcome in outcomes] == ["Held"]


def test_what_is_being_taken_is_passed_over_and_the_next_is_given(people: list[Person]) -> None:
    [judged(a_camera(), "hole", 0.5 + number / 100) for number in range(6)]
    wanted = queue.Wanted((a_line(),))
    held_open(
        lambda: queue.take(people[0], wanted, 3, timezone.now()),
        lambda: queue.take(people[1], wanted, 3, timezone.now()),
    )
    held = Counter(ReviewItem.objects.values_list("holder", flat=True))
    assert held == {people[0].pk: 3, people[1].pk: 3}


def test_two_orders_of_one_list_never_wait_for_each_other(people: list[Person], settings: Any) -> None:
    settings.AUDIT_SHARE = 0
    captures = [passed(a_camera(), number) for number in range(20)]
    listed(*captures)
    for capture in captures:
        compared(capture)
    orders = {person: (queue.Order.TEACH, queue.Order.DISAGREE)[place % 2] for place, person in enumerate(people)}

    def ask_and_let_go(person: Person) -> None:
        for _ in range(20):
            items = queue.take(person, queue.Wanted((a_line(),), orders[person]), 20, timezone.now())
            queue.release(person, timezone.now())
            for item in items:
                ReviewItem.objects.filter(pk=item.pk, lease_until=None).update(closed_at=timezone.now())

    at_once(people, ask_and_let_go)


def test_six_who_ask_for_a_list_at_once_get_one(people: list[Person]) -> None:
    asked: list[int] = []
    at_once(people, lambda _person: asked.append(teaching.ask(InsightKind.TEACH, timezone.now()).pk))
    assert asked == [Insight.objects.get().pk] * PEOPLE
