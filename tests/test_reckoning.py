"""Reckonings by rows: what a worker makes of kept embeddings, and what it says where there is too little."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from django.utils import timezone

from inspections import teaching
from inspections.models import (
    AuditEvent,
    Camera,
    Capture,
    Insight,
    InsightKind,
    JobState,
    Kind,
    KnownAnswer,
    Label,
    Line,
    Person,
    ReviewItem,
    Roll,
    TeachPick,
    Why,
)
from inspections.review import queue
from tests import cast
from tests.audits import asked, said
from tests.cast import a_camera
from tests.judged import a_version
from tests.teaching import seen_as
from workers import reckoning

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, 14, 20, tzinfo=UTC)


@pytest.fixture
def olga() -> Person:
    return cast.olga()


def reckoned(kind: InsightKind = InsightKind.TEACH) -> Insight:
    insight = teaching.ask(kind, timezone.now())
    reckoning.work()
    insight.refresh_from_db()
    return insight


def picks() -> list[TeachPick]:
    return list(TeachPick.objects.order_by("rank"))


def labelled(person: Person, camera: Camera, code: str, axis: int, roll: str) -> Capture:
    capture = seen_as(camera, axis, roll=Roll.objects.get_or_create(code=roll)[0])
    said(person, capture, code, timezone.now())
    return capture


# --- what to label next --------------------------------------------------------------------------------------------


def test_the_list_takes_hesitation_novelty_and_chance_and_says_why(camera: Camera, olga: Person, settings: Any) -> None:
    settings.TEACH_LIST = 10
    labelled(olga, camera, "good", 0, "R1")
    sure = [seen_as(camera, 0) for _ in range(8)]
    torn = [seen_as(camera, axis, "hole", 0.52) for axis in (1, 2, 3, 4, 5, 6) for _ in range(4)]
    strange = seen_as(camera, 7, "hole", 0.99)
    insight = reckoned()
    found = {pick.capture_id: pick for pick in picks()}
    assert (insight.state, insight.body["picks"]) == (JobState.DONE, 10)
    margin = {key for key, pick in found.items() if pick.why == Why.MARGIN}
    unsure = [number for number, capture in enumerate(torn) if capture.pk in margin]
    assert [number // 4 for number in unsure] == [0, 1, 2, 3, 4, 5], "one of each kind"
    one = found[torn[unsure[0]].pk]
    assert (one.why, {one.first, one.second}) == (Why.MARGIN, {"good", "hole"})
    assert one.margin == pytest.approx(0.01, abs=0.01)
    assert found[strange.pk].why == Why.NOVELTY
    assert found[strange.pk].distance == pytest.approx(np.sqrt(2), abs=0.1)
    assert sum(found[capture.pk].why == Why.RANDOM for capture in sure if capture.pk in found) == 2


def test_labelled_and_blind_images_are_left_out_and_a_flagged_one_in_the_queue_is_not(
    camera: Camera, olga: Person
) -> None:
    labelled(olga, camera, "hole", 1, "R1")
    asked(seen_as(camera, 2), Kind.AUDIT, NOW)
    waiting = seen_as(camera, 3, "hole", 0.9)
    reckoned()
    assert [pick.capture_id for pick in picks()] == [waiting.pk]


def test_every_line_has_its_share_however_much_another_makes(camera: Camera, monkeypatch: pytest.MonkeyPatch) -> None:
    from workers.reckonings import teach

    monkeypatch.setattr(teach, "MOST", 8)
    for number in range(12):
        seen_as(camera, number % 8, at=NOW + timedelta(seconds=number))
    quiet = [seen_as(a_camera("loom-2"), axis, at=NOW - timedelta(days=1)) for axis in (1, 2)]
    reckoned()
    assert {pick.capture_id for pick in picks()} >= {capture.pk for capture in quiet}
    assert len(picks()) == 4 + 2


def test_a_line_with_a_version_of_its_own_is_reckoned_with_that_version(camera: Camera) -> None:
    seen_as(camera, 1)
    own = a_version("of-loom-2", is_default=False)
    Line.objects.filter(pk=a_camera("loom-2").line_id).update(version=own)
    seen_as(a_camera("loom-2"), 2)
    insight = reckoned()
    assert len(picks()) == 2, "it takes the version that judged, where its own did not"
    assert [group["version"] for group in insight.body["groups"]] == ["2026.11.1"] * 2


def test_a_new_list_replaces_the_old_and_closes_questions_that_are_on_it_no_more(
    camera: Camera, olga: Person, settings: Any
) -> None:
    settings.TEACH_LIST = 1
    seen_as(camera, 1, "hole", 0.5)
    ReviewItem.objects.all().delete()
    reckoned()
    (item,) = queue.take(olga, queue.Wanted((camera.line,), queue.Order.TEACH), 4, timezone.now())
    queue.release(olga, timezone.now())
    labelled(olga, camera, "cut", 2, "R1")
    Capture.objects.filter(pk=item.capture_id).update(status=2)
    seen_as(camera, 3, "hole", 0.5)
    reckoned()
    assert [pick.capture_id for pick in picks()] != [item.capture_id]
    item.refresh_from_db()
    assert item.closed_at is not None


def test_a_mill_without_images_has_an_empty_list_and_no_failure() -> None:
    assert (reckoned().state, picks()) == (JobState.DONE, [])


# --- what the labels tell ------------------------------------------------------------------------------------------


def some_labels(person: Person, camera: Camera) -> list[Capture]:
    """Good on axis 0 and holes on axis 1, six rolls of each, three images a roll."""
    return [
        labelled(person, camera, code, axis, f"{code}-{roll}")
        for axis, code in enumerate(("good", "hole"))
        for roll in range(6)
        for _ in range(3)
    ]


def test_curves_a_wrong_label_and_the_confused_pair(camera: Camera, olga: Person) -> None:
    some_labels(olga, camera)
    wrong = labelled(olga, camera, "hole", 0, "good-1")
    body = reckoned(InsightKind.LABELS).body
    assert [(one["code"], one["labels"], one["problem"]) for one in body["curves"]] == [
        ("good", 18, ""),
        ("hole", 19, ""),
    ]
    assert all(one["next"]["low"] <= one["next"]["gain"] <= one["next"]["high"] for one in body["curves"])
    first = body["suspects"][0]
    assert (first["capture"], first["given"], first["opinion"]) == (str(wrong.pk), "hole", "good")
    assert (body["labels"], body["read"]) == (37, 37)


def test_a_known_answer_is_never_suspected(camera: Camera, olga: Person) -> None:
    some_labels(olga, camera)
    odd = labelled(olga, camera, "hole", 0, "good-1")
    good = Label.objects.filter(defect_class__code="hole").first()
    assert good is not None
    KnownAnswer.objects.create(
        capture=odd, line=camera.line, defect_class=good.defect_class, person=cast.mara(), at=NOW
    )
    body = reckoned(InsightKind.LABELS).body
    assert str(odd.pk) not in [one["capture"] for one in body["suspects"]]


def test_without_labels_it_says_so_and_does_not_fail(camera: Camera) -> None:
    a_version()
    insight = reckoned(InsightKind.LABELS)
    assert (insight.state, insight.body["labels"], insight.body["curves"]) == (JobState.DONE, 0, [])


def test_one_class_alone_is_no_curve(camera: Camera, olga: Person) -> None:
    for roll in range(4):
        labelled(olga, camera, "good", 0, f"R{roll}")
    (curve,) = reckoned(InsightKind.LABELS).body["curves"]
    assert (curve["problem"], curve["points"], curve["next"]) == ("one-class", [], None)


# --- the row -------------------------------------------------------------------------------------------------------


def test_one_of_a_kind_is_under_way_and_a_person_s_asking_is_audited() -> None:
    mara = cast.mara()
    first = teaching.ask(InsightKind.TEACH, NOW)
    assert teaching.ask(InsightKind.TEACH, NOW, mara) == first
    assert teaching.ask(InsightKind.LABELS, NOW) != first
    assert AuditEvent.objects.get().action == "reckon"
    reckoning.work()
    assert teaching.ask(InsightKind.TEACH, NOW) != first


def test_one_that_killed_its_worker_again_and_again_is_given_up() -> None:
    insight = teaching.ask(InsightKind.TEACH, NOW)
    Insight.objects.update(attempts=3)
    reckoning.work()
    insight.refresh_from_db()
    assert insight.state == JobState.FAILED
    assert "3 attempts" in insight.reason


def test_a_worker_that_is_asked_to_end_hands_it_back(camera: Camera, monkeypatch: pytest.MonkeyPatch) -> None:
    seen_as(camera, 1)
    insight = teaching.ask(InsightKind.TEACH, NOW)
    looked = iter([False])  # before it takes it; from then on it is asked to end
    with monkeypatch.context() as patch:
        patch.setattr("workers.stopping.is_asked", lambda: next(looked, True))
        reckoning.work()
    insight.refresh_from_db()
    assert (insight.state, insight.attempts) == (JobState.RUNNING, 0)
    reckoning.work()
    insight.refresh_from_db()
    assert (insight.state, insight.attempts) == (JobState.DONE, 1)


def test_who_lost_the_row_writes_nothing(camera: Camera, monkeypatch: pytest.MonkeyPatch) -> None:
    seen_as(camera, 1)
    insight = teaching.ask(InsightKind.TEACH, NOW)

    def lost(*_: Any) -> Any:
        Insight.objects.filter(pk=insight.pk).update(lease=None, state=JobState.CANCELLED)
        return [], {}

    monkeypatch.setattr("workers.reckonings.teach.reckon", lost)
    TeachPick.objects.create(capture=seen_as(camera, 2), line=camera.line, rank=0, why=Why.MARGIN, made_at=NOW)
    reckoning.work()
    insight.refresh_from_db()
    assert (insight.state, len(picks())) == (JobState.CANCELLED, 1)


def test_old_ones_are_forgotten(camera: Camera, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reckoning, "KEPT", 2)
    for _ in range(4):
        reckoned()
    assert Insight.objects.count() == 2
