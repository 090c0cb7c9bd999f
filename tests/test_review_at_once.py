"""Several people at once, on real connections: no image is held by two or labelled twice, the counts are right."""

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, connections
from django.utils import timezone

from inspections.models import Capture, HourlyCount, Label, Line, Person, ReviewItem
from inspections.review import queue
from inspections.review.answers import decide, undo
from inspections.review.outcomes import Decided
from tests import cast
from tests.cast import a_camera, a_line
from tests.judged import judged

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)
PEOPLE = 6


@pytest.fixture
def people(transactional_db: None, settings: Any) -> list[Person]:
    settings.AUDIT_SHARE, settings.CONTROL_SHARE, settings.SECOND_SHARE = 0.2, 0.0, 0.0
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
