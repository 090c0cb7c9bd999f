"""Hidden items: how many, of what, and that every image the model passed is as likely to be drawn as any other."""

import random
from collections import Counter
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from django.utils import timezone

from inspections.escape import next_hour
from inspections.ids import made_at
from inspections.models import DefectClass, Kind, KnownAnswer, Label, Person, ReviewItem, Shift
from inspections.review import drawing, queue
from inspections.review.answers import decide
from inspections.review.shifts import shift_start
from tests import cast
from tests.cast import a_camera, a_line
from tests.judged import judged, many_judged

pytestmark = pytest.mark.django_db
EVERY = queue.Order.WORST


@pytest.fixture(autouse=True)
def only_audits(settings: Any) -> None:
    settings.AUDIT_SHARE = 0.05


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def olga(db: None) -> Person:
    return cast.olga()


def wanted() -> queue.Wanted:
    return queue.Wanted((a_line("loom-1"),))


def kinds(person: Person, rounds: int, now: datetime, seed: int = 0) -> Counter[str]:
    """What this person is shown when each image is answered at once."""
    chance, found = random.Random(seed), Counter[str]()
    for _ in range(rounds):
        for item in queue.take(person, wanted(), 1, now, chance):
            found[item.kind] += 1
            item.closed_at = now
            item.save()
    return found


def flagged(count: int, now: datetime) -> None:
    rows = many_judged(a_camera(), count, now, "hole", 0.9)
    ReviewItem.objects.bulk_create(
        [
            ReviewItem(capture=row, line_id=row.line_id, rank=row.severity, counted_at=row.counted_at, created_at=now)
            for row in rows
        ]
    )


def test_one_in_twenty_is_an_image_that_the_model_passed(olga: Person, now: datetime) -> None:
    flagged(400, now)
    many_judged(a_camera(), 400, now - timedelta(hours=2))
    shown = kinds(olga, 400, now)
    assert set(shown) == {"flagged", "audit"}
    assert 0.02 <= shown["audit"] / 400 <= 0.08  # 2.7 standard deviations about 0.05


def test_the_share_of_audits_is_a_setting(olga: Person, now: datetime, settings: Any) -> None:
    settings.AUDIT_SHARE = 0.5
    flagged(100, now)
    many_judged(a_camera(), 200, now - timedelta(hours=2))
    assert 35 <= kinds(olga, 100, now)["audit"] <= 65


def test_audits_follow_the_volume_of_line_and_hour(olga: Person, now: datetime, settings: Any) -> None:
    settings.AUDIT_SHARE = 0.9
    flagged(40, now)
    many_judged(a_camera(), 600, now - timedelta(hours=5))
    many_judged(a_camera(), 200, now - timedelta(hours=9))
    kinds(olga, 100, now)
    drawn = Counter(ReviewItem.objects.filter(kind=Kind.AUDIT).values_list("counted_at", flat=True))
    by_hour = [count for _at, count in sorted(drawn.items())]
    assert by_hour[1] / by_hour[0] == pytest.approx(3, abs=0.2)


def test_within_an_hour_each_image_is_as_likely_as_any_other(now: datetime) -> None:
    """Also one that stands alone in time: draws by the clock would favour it."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    lonely = many_judged(a_camera(), 1, hour + timedelta(minutes=50))[0]
    crowd = many_judged(a_camera(), 9, hour, step=timedelta(seconds=1))
    chance = random.Random(1)
    stratum = (lonely.line_id, hour)
    drawn = Counter(drawing._anyone_of(stratum, chance).pk for _ in range(2000))  # type: ignore[union-attr]
    assert set(drawn) == {lonely.pk, *(row.pk for row in crowd)}
    assert all(140 <= count <= 260 for count in drawn.values())  # 4.5 standard deviations about 200


def test_what_somebody_has_labelled_already_is_part_of_the_sample_and_nobody_is_asked(
    olga: Person, now: datetime, settings: Any
) -> None:
    settings.AUDIT_SHARE = 0.9
    before = now - timedelta(hours=2)
    capture = judged(a_camera(), "good", 0.01, at=before)
    decide(cast.mara(), capture, "hole", now)
    flagged(5, now)
    assert set(kinds(olga, 5, now)) == {"flagged"}
    audit = ReviewItem.objects.get(kind=Kind.AUDIT)
    assert (audit.capture, audit.closed_at is not None) == (capture, True)


def test_an_audit_that_nobody_answered_comes_back_before_another_is_drawn(
    olga: Person, now: datetime, settings: Any
) -> None:
    settings.AUDIT_SHARE = 0.9
    flagged(2, now)
    many_judged(a_camera(), 50, now - timedelta(hours=2))
    chance = random.Random(3)
    first = queue.take(olga, wanted(), 1, now, chance)[0]
    assert first.kind == Kind.AUDIT
    queue.release(olga, now)
    oscar = cast.a_person("oscar", cast.Role.OPERATOR, a_line())
    again = queue.take(oscar, wanted(), 1, now, random.Random(3))[0]
    assert again.pk == first.pk


def test_where_nothing_flagged_waits_drawn_audits_are_still_asked(olga: Person, now: datetime) -> None:
    capture = judged(a_camera(), "good", 0.01)
    ReviewItem.objects.create(
        capture=capture, line=capture.line, kind=Kind.AUDIT, blind=True, counted_at=now, created_at=now
    )
    assert [item.kind for item in queue.take(olga, wanted(), 4, now)] == [Kind.AUDIT]


def test_known_answers_are_mixed_in_and_never_for_who_knows_them(olga: Person, now: datetime, settings: Any) -> None:
    settings.AUDIT_SHARE, settings.CONTROL_SHARE = 0.0, 0.5
    flagged(20, now)
    capture = judged(a_camera(), "good", 0.01)
    hole = DefectClass.objects.get(code="hole")
    KnownAnswer.objects.create(capture=capture, line=capture.line, defect_class=hole, person=olga, at=now)
    assert set(kinds(olga, 5, now)) == {"flagged"}
    oscar = cast.a_person("oscar", cast.Role.OPERATOR, a_line())
    while not (items := [i for i in queue.take(oscar, wanted(), 4, now) if i.kind == Kind.CONTROL]):
        queue.release(oscar, now)
    assert (items[0].capture, items[0].truth) == (capture, hole)
    decide(oscar, capture, "cut", now)
    assert kinds(oscar, 10, now)["control"] == 0


def test_second_readings_are_of_what_others_answered(olga: Person, now: datetime, settings: Any) -> None:
    settings.AUDIT_SHARE, settings.SECOND_SHARE = 0.0, 0.9
    oscar = cast.a_person("oscar", cast.Role.OPERATOR, a_line())
    first = judged(a_camera(), "hole")
    decide(oscar, first, "cut", now)
    flagged(5, now)
    assert "second" not in kinds(oscar, 3, now, seed=5)
    found = Counter[str]()
    for seed in range(40):
        found += kinds(olga, 1, now + timedelta(minutes=1), seed)
        if found["second"]:
            break
    item = ReviewItem.objects.get(kind=Kind.SECOND)
    assert item.against == Label.objects.get(person=oscar)


def test_a_hidden_item_has_the_rank_of_its_place_and_the_time_of_its_capture(
    olga: Person, now: datetime, settings: Any
) -> None:
    settings.AUDIT_SHARE = 0.9
    flagged(3, now)
    capture = judged(a_camera(), "good", 0.01, at=now - timedelta(hours=2))
    item = queue.take(olga, wanted(), 1, now, random.Random(3))[0]
    assert (item.capture_id, item.rank, item.blind) == (capture.pk, 0.9, True)
    assert made_at(item.pk) - made_at(capture.pk) < timedelta(hours=-1)  # the test's capture was made just now


def test_a_part_of_the_queue_that_is_narrowed_to_a_class_has_nothing_blind(
    olga: Person, now: datetime, settings: Any
) -> None:
    settings.AUDIT_SHARE, settings.BLIND_SHARE = 0.9, 1.0
    judged(a_camera(), "hole")
    many_judged(a_camera(), 50, now - timedelta(hours=2))
    narrow = queue.Wanted((a_line("loom-1"),), EVERY, "hole")
    assert queue.take(olga, narrow, 4, now) == []


def test_blindness_is_drawn_once_for_a_share_of_what_is_flagged(now: datetime, settings: Any) -> None:
    settings.BLIND_SHARE = 1.0
    assert ReviewItem.objects.get(capture=judged(a_camera())).blind
    settings.BLIND_SHARE = 0.0
    assert not ReviewItem.objects.get(capture=judged(a_camera())).blind


def test_the_next_hour_keeps_proportion_and_never_draws_more_than_there_is() -> None:
    chance = random.Random(0)
    passed, drawn = {"a": 3, "b": 1}, Counter[str]()
    for _ in range(4):
        drawn[next_hour(passed, drawn, chance) or ""] += 1
    assert drawn == {"a": 3, "b": 1}
    assert next_hour(passed, drawn, chance) is None
    assert next_hour({}, {}, chance) is None


@pytest.mark.parametrize(
    ("clock", "start"),
    [("07:10", "06:00"), ("05:59", "22:00"), ("06:00", "06:00"), ("23:30", "22:00")],
)
def test_a_shift_begins_at_the_last_of_its_times(settings: Any, clock: str, start: str) -> None:
    settings.SHIFTS = ["06:00", "14:00", "22:00"]
    now = timezone.make_aware(datetime.fromisoformat(f"2026-11-22T{clock}"))
    found = shift_start(now)
    assert f"{timezone.localtime(found):%H:%M}" == start
    assert timedelta(0) <= now - found < timedelta(hours=8)


def test_a_shift_that_the_mill_has_defined_goes_before_the_setting(settings: Any) -> None:
    settings.SHIFTS = ["06:00"]
    Shift.objects.create(name="Late", starts=time(13), ends=time(21), days=[7], zone="UTC")
    now = datetime(2026, 11, 22, 14, tzinfo=UTC)  # a Sunday
    assert shift_start(now) == datetime(2026, 11, 22, 13, tzinfo=UTC)
    assert shift_start(now + timedelta(days=1)) == datetime(2026, 11, 23, 6, tzinfo=UTC)
