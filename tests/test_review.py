"""Deciding: labels are appended, the queue moves on, the counts follow, and everything can be taken back."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from inspections.models import AuditEvent, Capture, DefectClass, HourlyCount, Kind, Label, Person, ReviewItem
from inspections.review import queue
from inspections.review.answers import decide, decide_many
from inspections.review.blind import withheld
from inspections.review.outcomes import Changed, Conflicts, Decided, DecidedMany, Held, NotYours, Refused, Replayed
from inspections.review.undoing import undo
from tests import cast
from tests.cast import a_camera, a_line
from tests.judged import a_capture, judged, many_judged

pytestmark = pytest.mark.django_db


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def olga(db: None) -> Person:
    return cast.olga()


@pytest.fixture
def oscar(db: None) -> Person:
    """Another operator of Olga's line."""
    return cast.a_person("oscar", cast.Role.OPERATOR, a_line("loom-1"))


def wanted(order: str = "worst", **more: Any) -> queue.Wanted:
    return queue.Wanted((a_line("loom-1"),), queue.Order(order), **more)


def taken(person: Person, most: int, now: datetime, **more: Any) -> list[Any]:
    return [item.capture_id for item in queue.take(person, wanted(**more), most, now)]


def fresh(capture: Capture) -> Capture:
    return Capture.objects.select_related("label", "defect_class").get(pk=capture.pk)


def counts() -> dict[str, tuple[int, int, int, int]]:
    return {
        row.defect_class: (row.judged, row.flagged, row.anomalies, row.defects)
        for row in HourlyCount.objects.all()
        if row.judged or row.flagged or row.anomalies or row.defects
    }


# --- the queue ---------------------------------------------------------------------------------------------------


def test_what_is_flagged_comes_into_the_queue_worst_first(olga: Person, now: datetime) -> None:
    mild = judged(a_camera(), "hole", 0.6)
    worse = judged(a_camera(), "thread", 0.9)
    critical = judged(a_camera(), "metal_contamination", 0.5)
    judged(a_camera(), "good", 0.01)
    assert taken(olga, 4, now) == [critical.pk, worse.pk, mild.pk]


def test_of_two_as_bad_the_older_comes_first(olga: Person, now: datetime) -> None:
    first, second = judged(a_camera(), "hole", 0.9), judged(a_camera(), "hole", 0.9)
    assert taken(olga, 2, now) == [first.pk, second.pk]


def test_newest_and_oldest_first_are_asked_for(olga: Person, now: datetime) -> None:
    old, new = judged(a_camera(), "hole", 0.9), judged(a_camera(), "hole", 0.6)
    assert taken(olga, 1, now, order="new") == [new.pk]
    queue.release(olga, now)
    assert taken(olga, 1, now, order="old") == [old.pk]


def test_an_operator_is_given_nothing_of_another_line(olga: Person, now: datetime) -> None:
    judged(a_camera("loom-2"))
    assert taken(olga, 4, now) == []


def test_two_people_are_never_given_the_same_image(olga: Person, oscar: Person, now: datetime) -> None:
    several = {judged(a_camera(), score=0.5 + number / 100).pk for number in range(6)}
    hers, his = taken(olga, 3, now), taken(oscar, 4, now)
    assert len(hers) == 3
    assert set(hers) | set(his) == several
    assert not set(hers) & set(his)


def test_a_lease_runs_out_and_is_renewed_and_let_go(olga: Person, oscar: Person, now: datetime, settings: Any) -> None:
    capture = judged(a_camera())
    later = now + timedelta(seconds=settings.REVIEW_LEASE_S - 1)
    assert taken(olga, 1, now) == [capture.pk]
    queue.renew(olga, later)
    assert taken(oscar, 1, now + timedelta(seconds=settings.REVIEW_LEASE_S + 1)) == []
    assert taken(oscar, 1, later + timedelta(seconds=settings.REVIEW_LEASE_S + 1)) == [capture.pk]
    queue.release(oscar, later + timedelta(seconds=settings.REVIEW_LEASE_S + 1))
    assert taken(olga, 1, later + timedelta(seconds=settings.REVIEW_LEASE_S + 2)) == [capture.pk]


def test_taking_again_gives_what_is_held_already(olga: Person, now: datetime) -> None:
    for number in range(5):
        judged(a_camera(), score=0.5 + number / 10)
    held = taken(olga, 3, now)
    judged(a_camera(), "metal_contamination", 0.99)
    assert set(taken(olga, 3, now)) == set(held)


def test_a_skipped_image_goes_to_somebody_else_and_comes_back_when_asked(
    olga: Person, oscar: Person, now: datetime
) -> None:
    capture = judged(a_camera())
    (item,) = queue.take(olga, wanted(), 1, now)
    queue.skip(olga, item, now)
    assert taken(olga, 1, now) == []
    assert (queue.left(olga, wanted()), queue.set_aside(olga, wanted())) == (0, 1)
    assert taken(oscar, 1, now) == [capture.pk]
    queue.release(oscar, now)
    queue.bring_back(olga, wanted())
    assert taken(olga, 1, now) == [capture.pk]


def test_the_queue_is_narrowed_to_a_class(olga: Person, now: datetime) -> None:
    hole, unknown = judged(a_camera(), "hole"), judged(a_camera(), "unknown", None)
    judged(a_camera(), "cut")
    assert taken(olga, 4, now, defect_class="hole") == [hole.pk]
    queue.release(olga, now)
    assert taken(olga, 4, now, defect_class="unknown") == [unknown.pk]


def test_thousands_waiting_cost_no_more_queries_than_five(
    olga: Person, now: datetime, django_assert_max_num_queries: Any
) -> None:
    rows = many_judged(a_camera(), 3_000, now, "hole", 0.9)
    ReviewItem.objects.bulk_create(
        [
            ReviewItem(capture=row, line_id=row.line_id, rank=row.severity, counted_at=row.counted_at, created_at=now)
            for row in rows
        ],
        batch_size=1000,
    )
    with django_assert_max_num_queries(8):
        assert len(queue.take(olga, wanted(), 4, now)) == 4
    assert queue.left(olga, wanted()) == 3_000


# --- one answer --------------------------------------------------------------------------------------------------


def test_an_answer_becomes_the_effective_label_and_closes_the_question(olga: Person, now: datetime) -> None:
    capture = judged(a_camera(), "hole")
    outcome = decide(olga, capture, "thread", now, took_ms=830, note=" frayed ")
    assert isinstance(outcome, Decided)
    label = Label.objects.get()
    assert (label.person, label.at, label.how, label.took_ms, label.note) == (olga, now, "single", 830, "frayed")
    assert label.verdict == capture.verdicts.get()
    assert fresh(capture).label == label
    assert fresh(capture).defect_class == DefectClass.objects.get(code="thread")
    assert taken(olga, 1, now) == []
    assert AuditEvent.objects.get(action="label").subject == f"capture {capture.pk}"


@pytest.mark.parametrize(
    ("predicted", "score", "answer", "after"),
    [
        ("hole", 0.9, "hole", {"hole": (1, 1, 1, 1)}),
        ("hole", 0.9, "good", {"good": (1, 1, 0, 0)}),
        ("hole", 0.9, "cut", {"cut": (1, 1, 1, 1)}),
        ("unknown", None, "good", {"good": (1, 1, 0, 0)}),
        ("unknown", None, "cut", {"cut": (1, 1, 1, 1)}),
        ("good", 0.01, "cut", {"cut": (1, 0, 1, 1)}),
        ("good", 0.01, "good", {"good": (1, 0, 0, 0)}),
        ("good", 0.5, "good", {"good": (1, 1, 0, 0)}),
    ],
)
def test_the_counts_follow_the_label_and_its_undoing(
    olga: Person, now: datetime, predicted: str, score: float | None, answer: str, after: Any
) -> None:
    capture = judged(a_camera(), predicted, score)
    before = counts()
    outcome = decide(olga, capture, answer, now)
    assert isinstance(outcome, Decided)
    assert counts() == after
    undo(olga, outcome.label, now)
    assert counts() == before


def test_the_same_token_is_the_same_answer(olga: Person, now: datetime) -> None:
    capture, token = judged(a_camera()), uuid4()
    first = decide(olga, capture, "good", now, token=token)
    again = decide(olga, capture, "good", now, token=token)
    assert isinstance(first, Decided)
    assert again == Replayed(first.label)
    assert isinstance(decide(olga, judged(a_camera()), "good", now, token=token), Refused)
    assert Label.objects.count() == 1


def test_who_did_not_see_the_newer_label_is_told_by_whom(olga: Person, oscar: Person, now: datetime) -> None:
    capture = judged(a_camera())
    first = decide(oscar, capture, "good", now)
    assert isinstance(first, Decided)
    outcome = decide(olga, capture, "hole", now)
    assert isinstance(outcome, Changed)
    assert outcome.by == first.label
    assert isinstance(decide(olga, capture, "hole", now, expected=first.label.pk), Decided)
    assert fresh(capture).defect_class == DefectClass.objects.get(code="hole")


def test_what_somebody_holds_nobody_else_decides(olga: Person, oscar: Person, now: datetime, settings: Any) -> None:
    capture = judged(a_camera())
    queue.take(olga, wanted(), 1, now)
    outcome = decide(oscar, capture, "good", now)
    assert isinstance(outcome, Held)
    assert outcome.by == olga
    assert isinstance(decide(oscar, capture, "good", now + timedelta(seconds=settings.REVIEW_LEASE_S + 1)), Decided)


def test_a_stale_lease_still_decides_where_nobody_took_over(olga: Person, now: datetime) -> None:
    capture = judged(a_camera())
    queue.take(olga, wanted(), 1, now)
    assert isinstance(decide(olga, capture, "good", now + timedelta(hours=1)), Decided)


@pytest.mark.parametrize("answer", ["lint", "", "<b>hole</b>"])
def test_a_class_that_is_not_there_is_refused(olga: Person, now: datetime, answer: str) -> None:
    outcome = decide(olga, judged(a_camera()), answer, now)
    assert isinstance(outcome, Refused)
    assert outcome.kind == "class-unknown"
    assert not Label.objects.exists()


def test_a_retired_class_takes_no_new_label(olga: Person, now: datetime) -> None:
    DefectClass.objects.filter(code="cut").update(active=False)
    outcome = decide(olga, judged(a_camera()), "cut", now)
    assert isinstance(outcome, Refused)
    assert outcome.kind == "class-retired"


def test_what_was_not_judged_takes_no_label(olga: Person, now: datetime) -> None:
    outcome = decide(olga, a_capture(a_camera()), "good", now)
    assert isinstance(outcome, Refused)
    assert outcome.kind == "not-judged"


# --- unsure ------------------------------------------------------------------------------------------------------


def test_unsure_sends_it_to_a_colleague_and_says_nothing_of_the_class(
    olga: Person, oscar: Person, now: datetime
) -> None:
    capture = judged(a_camera(), "hole")
    before = counts()
    queue.take(olga, wanted(), 1, now)
    outcome = decide(olga, capture, "unsure", now)
    assert isinstance(outcome, Decided)
    assert outcome.label.answer == "unsure"
    assert fresh(capture).label is None
    assert counts() == before
    assert taken(olga, 1, now) == []
    assert taken(oscar, 1, now) == [capture.pk]


def test_unsure_can_be_taken_back(olga: Person, now: datetime) -> None:
    capture = judged(a_camera(), "hole")
    outcome = decide(olga, capture, "unsure", now)
    assert isinstance(outcome, Decided)
    undo(olga, outcome.label, now)
    assert taken(olga, 1, now) == [capture.pk]


# --- taking back -------------------------------------------------------------------------------------------------


def test_an_undo_is_a_new_row_and_the_image_comes_back_to_who_undid(olga: Person, oscar: Person, now: datetime) -> None:
    capture = judged(a_camera(), "hole")
    outcome = decide(olga, capture, "good", now)
    assert isinstance(outcome, Decided)
    taken_back = undo(olga, outcome.label, now)
    assert isinstance(taken_back, Decided)
    assert [row.answer for row in Label.objects.order_by("id")] == ["good", "undo"]
    assert fresh(capture).label is None
    assert fresh(capture).defect_class == DefectClass.objects.get(code="hole")
    assert taken(oscar, 1, now) == []
    assert taken(olga, 1, now) == [capture.pk]
    assert undo(olga, outcome.label, now) == Replayed(taken_back.label)


def test_the_label_before_stands_again_after_an_undo(olga: Person, oscar: Person, now: datetime) -> None:
    capture = judged(a_camera(), "hole")
    first = decide(oscar, capture, "good", now)
    assert isinstance(first, Decided)
    second = decide(olga, capture, "cut", now, expected=first.label.pk)
    assert isinstance(second, Decided)
    undo(olga, second.label, now)
    assert fresh(capture).label == first.label
    assert taken(olga, 1, now) == []


def test_an_older_label_can_be_undone_under_a_newer_one(olga: Person, oscar: Person, now: datetime) -> None:
    capture = judged(a_camera(), "hole")
    first = decide(oscar, capture, "good", now)
    assert isinstance(first, Decided)
    second = decide(olga, capture, "cut", now, expected=first.label.pk)
    assert isinstance(second, Decided)
    undo(oscar, first.label, now)
    assert fresh(capture).label == second.label
    undo(olga, second.label, now)
    assert fresh(capture).label is None


def test_only_a_manager_undoes_anothers_label(olga: Person, oscar: Person, now: datetime) -> None:
    capture = judged(a_camera(), "hole")
    outcome = decide(oscar, capture, "good", now)
    assert isinstance(outcome, Decided)
    assert undo(olga, outcome.label, now) == NotYours(oscar)
    assert isinstance(undo(cast.mara(), outcome.label, now), Decided)
    assert taken(olga, 1, now) == [capture.pk]


def test_an_undo_is_not_undone(olga: Person, now: datetime) -> None:
    outcome = decide(olga, judged(a_camera()), "good", now)
    assert isinstance(outcome, Decided)
    back = undo(olga, outcome.label, now)
    assert isinstance(back, Decided)
    assert isinstance(undo(olga, back.label, now), Refused)


# --- many at once ------------------------------------------------------------------------------------------------


def test_many_are_labelled_at_once_and_recorded_as_bulk(olga: Person, now: datetime) -> None:
    several = [judged(a_camera(), "hole") for _ in range(3)]
    token = uuid4()
    for _twice in range(2):
        outcome = decide_many(olga, several, "thread", now, expected={}, token=token)
        assert isinstance(outcome, DecidedMany)
        assert {label.how for label in outcome.labels} == {"bulk"}
    assert Label.objects.count() == 3
    assert counts() == {"thread": (3, 3, 3, 3)}


def test_of_many_none_is_labelled_where_one_has_changed(olga: Person, oscar: Person, now: datetime) -> None:
    several = [judged(a_camera(), "hole") for _ in range(3)]
    decide(oscar, several[1], "good", now)
    before = counts()
    outcome = decide_many(olga, several, "thread", now, expected={})
    assert isinstance(outcome, Conflicts)
    assert [row.capture.pk for row in outcome.rows] == [several[1].pk]
    assert Label.objects.count() == 1
    assert counts() == before


# --- questions that measure people, and undoing in odd orders ----------------------------------------------------


def put(capture: Capture, kind: Kind, now: datetime, holder: Person | None = None, **more: Any) -> ReviewItem:
    """A hidden item as the queue draws it, on this person's screen."""
    until = now + timedelta(seconds=120) if holder else None
    return ReviewItem.objects.create(
        capture=capture, line=capture.line, kind=kind, blind=True, rank=0.9, counted_at=capture.counted_at,
        created_at=now, holder=holder, lease_until=until, **more,
    )  # fmt: skip


def test_a_flagged_image_whose_label_is_undone_under_a_second_reading_is_asked_again(
    olga: Person, oscar: Person, now: datetime
) -> None:
    capture = judged(a_camera(), "hole")
    first = decide(olga, capture, "good", now)
    assert isinstance(first, Decided)
    second = put(capture, Kind.SECOND, now, oscar)
    undo(olga, first.label, now)
    assert taken(olga, 1, now) == [capture.pk]
    queue.release(olga, now)
    late = decide(oscar, capture, "cut", now)
    assert isinstance(late, Decided)
    assert (late.label.beside, late.label.item, late.label.how) == (True, second, "blind")
    assert fresh(capture).label is None


def test_a_known_answer_that_was_skipped_or_lost_never_becomes_the_label(
    olga: Person, oscar: Person, now: datetime, settings: Any
) -> None:
    skipped, lost = judged(a_camera(), "good", 0.01), judged(a_camera(), "good", 0.01)
    queue.skip(olga, put(skipped, Kind.CONTROL, now, olga), now)
    after_the_skip = decide(olga, skipped, "cut", now)
    put(lost, Kind.CONTROL, now, olga)
    later = now + timedelta(seconds=settings.REVIEW_LEASE_S + 1)
    (item,) = (i for i in queue.take(oscar, wanted(), 4, later) if i.capture == lost)
    assert isinstance(decide(oscar, lost, "hole", later), Decided)
    kept_in_her_browser = decide(olga, lost, "cut", later + timedelta(minutes=5))
    for outcome in (after_the_skip, kept_in_her_browser):
        assert isinstance(outcome, Decided)
        assert outcome.label.beside
    assert item.kind == Kind.CONTROL
    assert (fresh(skipped).label, fresh(lost).label) == (None, None)


def test_the_curtain_stays_when_somebody_else_takes_over(
    olga: Person, oscar: Person, now: datetime, settings: Any
) -> None:
    capture = judged(a_camera(), "good", 0.01)
    put(capture, Kind.AUDIT, now, olga)
    later = now + timedelta(seconds=settings.REVIEW_LEASE_S + 1)
    assert taken(oscar, 1, later) == [capture.pk]
    assert withheld(olga) == withheld(oscar) == {capture.pk}
    item = ReviewItem.objects.get(kind=Kind.AUDIT)
    assert not queue.take_back(olga, item, later)
    assert withheld(olga) == {capture.pk}


def test_the_curtain_stays_when_what_was_skipped_is_brought_back(olga: Person, now: datetime) -> None:
    capture = judged(a_camera(), "good", 0.01)
    queue.skip(olga, put(capture, Kind.AUDIT, now, olga), now)
    queue.bring_back(olga, wanted())
    assert withheld(olga) == {capture.pk}
    assert taken(olga, 1, now) == [capture.pk]


def test_what_one_was_never_shown_cannot_be_skipped(olga: Person, now: datetime) -> None:
    capture = judged(a_camera(), "good", 0.01)
    assert not queue.skip(olga, put(capture, Kind.AUDIT, now), now)
    assert withheld(olga) == set()


def test_in_bulk_nothing_is_said_of_what_is_asked_blind(olga: Person, now: datetime) -> None:
    for kind in (Kind.AUDIT, Kind.SECOND):
        capture = judged(a_camera(), "good", 0.01)
        put(capture, kind, now, olga)
        outcome = decide_many(olga, [capture], "cut", now, expected={})
        assert isinstance(outcome, Refused)
        assert outcome.kind == "asked-blind"


def test_what_is_left_does_not_tell_that_a_hidden_item_was_drawn(olga: Person, now: datetime) -> None:
    for number in range(5):
        judged(a_camera(), "hole", 0.5 + number / 10)
    before = queue.left(olga, wanted())
    item = put(judged(a_camera(), "good", 0.01), Kind.AUDIT, now, olga)
    assert queue.left(olga, wanted()) == before == 5
    queue.skip(olga, item, now)
    assert queue.left(olga, wanted()) == 4


def test_an_audit_that_was_undone_comes_back_to_the_same_person(olga: Person, now: datetime) -> None:
    capture = judged(a_camera(), "good", 0.01)
    put(capture, Kind.AUDIT, now, olga)
    outcome = decide(olga, capture, "hole", now)
    assert isinstance(outcome, Decided)
    undo(olga, outcome.label, now)
    queue.release(olga, now)
    assert taken(olga, 1, now) == [capture.pk]


def test_an_audit_is_asked_again_when_its_last_label_is_undone(olga: Person, oscar: Person, now: datetime) -> None:
    capture = judged(a_camera(), "good", 0.01)
    audit = put(capture, Kind.AUDIT, now, olga)
    first = decide(olga, capture, "hole", now)
    assert isinstance(first, Decided)
    second = decide(oscar, capture, "cut", now, expected=first.label.pk)
    assert isinstance(second, Decided)
    undo(olga, first.label, now)
    undo(oscar, second.label, now)
    assert ReviewItem.objects.open().get() == audit


def test_unsure_under_an_open_second_reading_still_reaches_a_colleague(
    olga: Person, oscar: Person, now: datetime
) -> None:
    capture = judged(a_camera(), "good", 0.01)
    first = decide(oscar, capture, "cut", now)
    assert isinstance(first, Decided)
    put(capture, Kind.SECOND, now)
    assert isinstance(decide(olga, capture, "unsure", now, expected=first.label.pk), Decided)
    assert taken(oscar, 1, now) == [capture.pk]


def test_an_unsure_about_what_nobody_asked_is_taken_back_whole(olga: Person, oscar: Person, now: datetime) -> None:
    capture = judged(a_camera(), "good", 0.01)
    outcome = decide(olga, capture, "unsure", now)
    assert isinstance(outcome, Decided)
    undo(olga, outcome.label, now)
    assert taken(oscar, 1, now) == []


def test_a_token_counts_also_after_its_class_was_retired(olga: Person, now: datetime) -> None:
    capture, token = judged(a_camera()), uuid4()
    first = decide(olga, capture, "cut", now, token=token)
    DefectClass.objects.filter(code="cut").update(active=False)
    assert isinstance(first, Decided)
    assert decide(olga, capture, "cut", now, token=token) == Replayed(first.label)


def test_a_hidden_item_is_not_fetched_by_who_was_never_asked(olga: Person, now: datetime) -> None:
    item = put(judged(a_camera(), "good", 0.01), Kind.AUDIT, now)
    assert not queue.take_back(olga, item, now)
    flagged = judged(a_camera(), "hole")
    assert queue.take_back(olga, ReviewItem.objects.get(capture=flagged), now)
