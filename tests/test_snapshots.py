"""Snapshots: which labelled captures are frozen, on which side, and why others are left out."""

from datetime import datetime
from hashlib import sha256
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.db.models import ProtectedError
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inspections import snapshots
from inspections.models import (
    AuditEvent,
    Capture,
    DefectClass,
    How,
    Kind,
    KnownAnswer,
    LeftOut,
    Person,
    Quarantine,
    Side,
    Snapshot,
    SnapshotRow,
    SourceSide,
)
from inspections.review.undoing import undo
from inspections.snapshots import Refused, candidates, freezing, previewing
from inspections.snapshots.sides import deal
from tests import cast
from tests.audits import asked
from tests.cast import a_camera
from tests.judged import failed, judged
from tests.labelled import a_mill_of_labels, an_answer, labelled

pytestmark = pytest.mark.django_db
NOW = timezone.now()


@pytest.fixture
def olga() -> Person:
    return cast.olga()


@pytest.fixture
def mara() -> Person:
    return cast.mara()


def frozen(by: Person | None = None, **options: Any) -> Snapshot:
    found = snapshots.freeze(by, timezone.now(), **options)
    assert isinstance(found, Snapshot), found
    return found


def golden(by: Person) -> Snapshot:
    found = snapshots.make_golden(by, timezone.now())
    assert isinstance(found, Snapshot), found
    return found


def reason_of(capture: Capture, **options: Any) -> str:
    """Why it is left out of a snapshot that is made now; empty where it trains or validates."""
    return SnapshotRow.objects.get(snapshot=frozen(**options), capture=capture).reason


def refused(found: Snapshot | Refused) -> str:
    assert isinstance(found, Refused), found
    return found.reason


# --- what is in it --------------------------------------------------------------------------------------------------


def test_a_snapshot_holds_every_labelled_capture_once_and_nothing_unlabelled(mara: Person) -> None:
    said = a_mill_of_labels(mara)
    judged(a_camera())
    found = frozen(mara)
    assert set(found.rows.values_list("capture", flat=True)) == {capture.pk for capture in said}
    assert (found.name, found.classes, found.created_by) == ("S1", ["good", "hole"], mara)


def test_its_counts_are_those_of_its_rows(mara: Person) -> None:
    a_mill_of_labels(mara, rolls=9)
    found = frozen(mara)
    for side in (Side.TRAIN, Side.VAL):
        for code in found.classes:
            rows = found.rows.filter(side=side, defect_class__code=code)
            assert found.counts[side][code] == rows.count()
            assert found.sources[side][code] == rows.values("source").distinct().count()
    assert found.left_out == {"golden": found.rows.filter(side=Side.OUT).count()}


def test_a_mill_of_nine_rolls_trains_validates_and_keeps_some_for_the_golden_set(mara: Person) -> None:
    a_mill_of_labels(mara, rolls=20)
    frozen(mara)
    sides = SourceSide.objects.values_list("side", flat=True)
    assert {side: list(sides).count(side) for side in ("train", "val", "golden")} == {
        "train": 14,
        "val": 3,
        "golden": 3,
    }


def test_the_source_is_the_roll_else_the_camera_and_the_utc_hour(mara: Person) -> None:
    at = datetime.fromisoformat("2026-11-20T23:59:30+01:00")
    a_mill_of_labels(mara)
    on_roll = labelled(mara, "good", "R-77", at=at)
    without = labelled(mara, "good", at=at)
    sources = dict(frozen(mara).rows.values_list("capture", "source"))
    assert sources[on_roll.pk] == "R-77"
    assert sources[without.pk] == "camera loom-1/left 2026-11-20T22"


def test_labels_weigh_by_how_they_were_given(mara: Person, settings: Any) -> None:
    settings.LABEL_WEIGHT_BULK = 0.25
    a_mill_of_labels(mara)
    some = {how: labelled(mara, "good", "R0", how=how) for how in (How.SINGLE, How.BULK, How.BLIND, How.IMPORT)}
    found = frozen(mara)
    weights = {how: found.rows.get(capture=capture).weight for how, capture in some.items()}
    assert weights == {How.SINGLE: 1, How.BULK: 0.25, How.BLIND: 1, How.IMPORT: 1}
    assert found.weights["bulk"] == 0.25


def test_the_digest_is_that_of_the_rows_and_changes_with_any_of_them(mara: Person) -> None:
    said = a_mill_of_labels(mara)
    found = frozen(mara)
    lines = [
        f"{row.capture_id} {bytes(row.capture.sha256).hex()} {row.defect_class.code} {row.side} {row.weight:g}\n"
        for row in found.rows.exclude(side="out").select_related("capture", "defect_class").order_by("capture_id")
    ]
    assert found.digest == sha256("".join(lines).encode()).hexdigest()
    trains = found.rows.filter(side=Side.TRAIN, defect_class__code="good").first()
    an_answer(mara, trains.capture, "hole")
    assert frozen(mara).digest != found.digest
    assert len(said) == found.rows.count()


def test_where_nothing_changed_the_newest_is_the_answer(mara: Person) -> None:
    a_mill_of_labels(mara)
    first = frozen(mara)
    assert frozen(mara) == first
    labelled(mara, "good", "R0")
    assert frozen(mara).name == "S2"


def test_it_is_in_the_audit_log(mara: Person) -> None:
    a_mill_of_labels(mara)
    found = frozen(mara)
    (event,) = AuditEvent.objects.filter(action="snapshot")
    assert (event.person, event.subject, event.detail["digest"]) == (mara, "snapshot S1", found.digest)


def test_the_licence_of_what_was_imported_goes_with_it(mara: Person) -> None:
    a_mill_of_labels(mara)
    roll = Capture.objects.filter(label__isnull=False, roll__code="R0").first().roll
    roll.licence = "CC BY-NC-SA 4.0"
    roll.save()
    SourceSide.objects.create(source="R0", side="train", at=NOW)
    assert frozen(mara).licence == "CC BY-NC-SA 4.0"


def test_nothing_that_it_holds_can_be_deleted(mara: Person) -> None:
    (capture, *_rest) = a_mill_of_labels(mara)
    frozen(mara)
    capture.refresh_from_db()
    for one in (capture, capture.label):
        with pytest.raises(ProtectedError):
            one.delete()


# --- what is left out -------------------------------------------------------------------------------------------------


@pytest.fixture
def one(mara: Person) -> Capture:
    """A labelled capture of a roll that trains, in a mill that can be frozen."""
    a_mill_of_labels(mara)
    frozen(mara)
    train = SourceSide.objects.filter(side="train").order_by("source").first()
    return labelled(cast.olga(), "hole", train.source)


def test_what_nobody_doubts_trains(one: Capture) -> None:
    assert reason_of(one) == ""


def test_somebody_unsure_after_the_label_keeps_it_out_until_somebody_is_sure(one: Capture, mara: Person) -> None:
    unsure = an_answer(mara, one, None)
    assert reason_of(one) == LeftOut.UNSURE
    undo(mara, unsure, timezone.now())
    assert reason_of(one) == ""
    an_answer(mara, one, None)
    an_answer(mara, one, "hole")
    assert reason_of(one) == ""


def test_a_label_given_in_knowledge_of_another_overrules_it(one: Capture) -> None:
    an_answer(cast.otto(), one, "cut")
    assert reason_of(one) == ""
    assert SnapshotRow.objects.filter(capture=one).latest("id").defect_class.code == "cut"


def test_a_blind_answer_of_another_class_conflicts_until_somebody_decides_in_knowledge(
    one: Capture, mara: Person
) -> None:
    an_answer(cast.otto(), one, "cut", How.BLIND)
    assert reason_of(one) == LeftOut.CONFLICTING
    an_answer(mara, one, "cut")
    assert reason_of(one) == ""


def test_a_second_reading_that_disagrees_conflicts_until_a_manager_who_sees_it_decides(
    one: Capture, mara: Person
) -> None:
    otto = cast.otto()
    item = asked(one, Kind.SECOND, NOW, otto, against=one.label)
    an_answer(otto, one, "cut", How.BLIND, beside=True, item=item)
    assert reason_of(one) == LeftOut.CONFLICTING
    an_answer(Person.objects.get(username="olga"), one, "hole")
    assert reason_of(one) == LeftOut.CONFLICTING
    an_answer(mara, one, "hole")
    assert reason_of(one) == ""


def test_a_second_reading_that_agrees_changes_nothing(one: Capture) -> None:
    otto = cast.otto()
    item = asked(one, Kind.SECOND, NOW, otto, against=one.label)
    an_answer(otto, one, "hole", How.BLIND, beside=True, item=item)
    assert reason_of(one) == ""


def test_a_wrong_answer_to_a_control_item_speaks_against_the_person_and_not_the_label(one: Capture) -> None:
    otto = cast.otto()
    item = asked(one, Kind.CONTROL, NOW, otto, truth=DefectClass.objects.get(code="hole"))
    an_answer(otto, one, "cut", How.BLIND, beside=True, item=item)
    assert reason_of(one) == ""


@pytest.mark.parametrize(("known", "reason"), [("hole", ""), ("cut", LeftOut.CONFLICTING)])
def test_a_known_answer_settles_it(one: Capture, mara: Person, known: str, reason: str) -> None:
    an_answer(cast.otto(), one, None)
    found = DefectClass.objects.get(code=known)
    KnownAnswer.objects.create(capture=one, line=one.line, defect_class=found, person=mara, at=NOW)
    assert reason_of(one) == reason


def test_a_retired_class_trains_nothing(one: Capture, mara: Person) -> None:
    other = labelled(mara, "cut", one.roll.code)  # type: ignore[union-attr]
    DefectClass.objects.filter(code="cut").update(active=False)
    assert reason_of(other) == LeftOut.RETIRED


def test_a_class_that_was_not_chosen_is_left_out(one: Capture, mara: Person) -> None:
    other = labelled(mara, "cut", one.roll.code)  # type: ignore[union-attr]
    assert reason_of(other, classes=["good", "hole"]) == LeftOut.CLASS
    assert reason_of(other) == ""


def test_what_could_not_be_judged_and_what_lost_its_file_is_left_out(one: Capture, mara: Person) -> None:
    broken = failed(a_camera())
    an_answer(mara, broken, "hole")
    assert reason_of(broken) == LeftOut.FAILED
    default_storage.delete(one.path)
    assert reason_of(one) == LeftOut.MISSING


def test_the_same_bytes_on_another_side_are_kept_there_alone(one: Capture, mara: Person) -> None:
    golden_roll = SourceSide.objects.filter(side="golden").first()
    with default_storage.open(one.path) as file:
        data = file.read()
    copy = judged(a_camera(), data=data, roll=Capture.objects.filter(roll__code=golden_roll.source).first().roll)
    an_answer(mara, copy, "hole")
    assert reason_of(one) == LeftOut.DUPLICATE
    assert reason_of(copy) == LeftOut.GOLDEN


def a_copy(person: Person, of: Capture, code: str, roll: Any) -> Capture:
    """The same bytes once more, on this roll, with this label."""
    with default_storage.open(of.path) as file:
        copy = judged(a_camera(), data=file.read(), roll=roll)
    an_answer(person, copy, code)
    return copy


def test_the_same_bytes_labelled_two_classes_are_a_disagreement(one: Capture, mara: Person) -> None:
    copy = a_copy(mara, one, "cut", one.roll)
    assert (reason_of(one), reason_of(copy)) == (LeftOut.CONFLICTING, LeftOut.CONFLICTING)
    an_answer(mara, copy, "hole")
    assert (reason_of(one), reason_of(copy)) == ("", "")


def test_a_known_answer_settles_it_for_all_copies(one: Capture, mara: Person) -> None:
    copy = a_copy(mara, one, "cut", one.roll)
    found = DefectClass.objects.get(code="hole")
    KnownAnswer.objects.create(capture=one, line=one.line, defect_class=found, person=mara, at=NOW)
    assert (reason_of(one), reason_of(copy)) == ("", LeftOut.CONFLICTING)


@pytest.mark.parametrize("later", ["unsure", "undone", "other class"])
def test_what_a_golden_set_holds_never_trains_as_a_copy_whatever_becomes_of_its_label(
    one: Capture, mara: Person, later: str
) -> None:
    source = SourceSide.objects.filter(side="golden").first().source
    copy = a_copy(mara, one, "hole", Capture.objects.filter(roll__code=source).first().roll)
    assert golden(mara).rows.filter(capture=copy, side="golden").exists()
    if later == "undone":
        copy.refresh_from_db()
        undo(mara, copy.label, timezone.now())
    else:
        an_answer(cast.otto(), copy, None if later == "unsure" else "cut", How.BLIND)
    assert reason_of(one) in {LeftOut.DUPLICATE, LeftOut.CONFLICTING}


def test_quarantined_labels_train_nothing_while_it_stands_or_as_a_trial(one: Capture, mara: Person) -> None:
    olga = Person.objects.get(username="olga")
    stands = Quarantine.objects.create(person=olga, reason="new here", by=mara, at=NOW)
    assert reason_of(one) == LeftOut.QUARANTINED
    stands.lifted_at, stands.lifted_by = timezone.now(), mara
    stands.save()
    assert reason_of(one) == ""
    trial = frozen(mara, without=stands)
    assert trial.without == stands
    assert trial.rows.get(capture=one).reason == LeftOut.QUARANTINED


def test_a_quarantine_that_is_imposed_while_a_snapshot_is_made_holds_in_it(
    one: Capture, mara: Person, monkeypatch: Any
) -> None:
    def read_and_then() -> Any:
        found = candidates.read()
        olga = Person.objects.get(username="olga")
        Quarantine.objects.get_or_create(person=olga, defaults={"reason": "new here", "by": mara, "at": NOW})
        return found

    monkeypatch.setattr(freezing, "read", read_and_then)
    assert reason_of(one) == LeftOut.QUARANTINED


# --- refused ---------------------------------------------------------------------------------------------------------


def test_nothing_labelled_one_class_no_good_and_one_source_are_refused_in_words(mara: Person) -> None:
    def told(**options: Any) -> str:
        return refused(snapshots.freeze(mara, timezone.now(), **options))

    assert "No labelled image" in told()
    labelled(mara, "good", "R1")
    assert "All images to train on are “good”" in told()
    labelled(mara, "hole", "R1")
    assert "Nothing to validate on" in told()
    assert "no class nonsense" in told(classes=["good", "nonsense"])
    assert "“good” must be among" in told(classes=["hole", "cut"])
    assert "two classes" in told(classes=["good"])
    labelled(mara, "good", "R2")
    assert "is of class Thread" in told(classes=["good", "hole", "thread"])
    DefectClass.objects.filter(code="thread").update(active=False)
    assert "Retired" in told(classes=["good", "thread"])
    assert not Snapshot.objects.exists()
    assert not SourceSide.objects.exists()
    assert not AuditEvent.objects.filter(action="snapshot").exists()


# --- sides ------------------------------------------------------------------------------------------------------------


def test_a_class_of_three_sources_has_one_on_each_side_of_two_trains_and_validates_of_one_trains() -> None:
    classes = {1: {"a", "b", "c"}, 2: {"d", "e"}, 3: {"f"}}
    sides = deal(classes, {})
    assert sorted(sides[source] for source in classes[1]) == ["golden", "train", "val"]
    assert sorted(sides[source] for source in classes[2]) == ["train", "val"]
    assert sides["f"] == "train"


def test_the_sides_follow_the_shares_and_do_not_depend_on_the_order_of_reading() -> None:
    names = [f"roll {number}" for number in range(400)]
    sides = deal({1: names}, {})
    assert {side: list(sides.values()).count(side) for side in set(sides.values())} == {
        "train": 280, "val": 60, "golden": 60,
    }  # fmt: skip
    assert deal({1: reversed(names)}, {}) == sides


HISTORIES = st.lists(
    st.tuples(st.integers(0, 7), st.sampled_from(["good", "hole", "cut"]), st.booleans(), st.booleans()),
    min_size=4,
    max_size=14,
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(HISTORIES)
def test_over_any_history_no_source_ever_stands_on_two_sides(
    mara: Person, history: list[tuple[int, str, bool, bool]]
) -> None:
    with transaction.atomic():
        for roll, code, freezes, goldens in history:
            labelled(mara, code, f"H{roll}")
            if freezes:
                snapshots.freeze(mara, timezone.now())
            if goldens:
                snapshots.make_golden(mara, timezone.now())
        stands = set(SnapshotRow.objects.exclude(side="out").values_list("source", "side"))
        fixed = dict(SourceSide.objects.values_list("source", "side"))
        transaction.set_rollback(True)
    assert len({source for source, _side in stands}) == len(stands)
    assert all(fixed[source] == side for source, side in stands)


def test_a_copy_of_what_has_trained_that_comes_later_is_left_out_of_the_golden_set(one: Capture, mara: Person) -> None:
    """Else every version that learnt it, and all that begin with their weights, would be called leaked for ever."""
    assert frozen(mara).rows.get(capture=one).side == "train"
    source = SourceSide.objects.filter(side="golden").first().source
    copy = a_copy(mara, one, "hole", Capture.objects.filter(roll__code=source).first().roll)
    preview, _free = previewing.of_golden(timezone.now())
    row = golden(mara).rows.get(capture=copy)
    assert (row.side, row.reason) == ("out", LeftOut.DUPLICATE)
    assert preview.snapshot.left_out == {LeftOut.DUPLICATE: 1}


# --- the golden set ------------------------------------------------------------------------------------------------


def test_the_golden_set_is_made_of_the_golden_sources_and_never_trains(mara: Person) -> None:
    a_mill_of_labels(mara, rolls=9)
    first = golden(mara)
    assert (first.name, first.parent, first.counts) == ("G1", None, {"golden": {"good": 1, "hole": 1}})
    trains = frozen(mara)
    mine = set(first.rows.values_list("capture", flat=True))
    assert {row.reason for row in trains.rows.filter(capture__in=mine)} == {LeftOut.GOLDEN}
    assert snapshots.newest_golden() == first


def test_the_next_version_holds_what_was_labelled_since_and_knows_the_one_before(mara: Person) -> None:
    a_mill_of_labels(mara, rolls=9)
    first = golden(mara)
    assert "Nothing has changed since G1" in refused(snapshots.make_golden(mara, timezone.now()))
    source = SourceSide.objects.filter(side="golden").first().source
    labelled(mara, "cut", source)
    second = golden(mara)
    assert (second.name, second.parent) == ("G2", first)
    assert second.counts["golden"] == {"good": 1, "hole": 1, "cut": 1}
    assert first.rows.count() == 2


def test_an_empty_golden_set_is_refused_with_what_to_do(mara: Person) -> None:
    a_mill_of_labels(mara, rolls=2)
    assert "third source" in refused(snapshots.make_golden(mara, timezone.now()))
    assert not SourceSide.objects.exists()


def test_a_source_is_given_to_it_only_while_it_has_never_trained(mara: Person) -> None:
    a_mill_of_labels(mara, rolls=6)
    frozen(mara)
    labelled(mara, "cut", "NEW")
    assert snapshots.extend_golden(mara, ["NEW"], timezone.now()) == ["NEW"]
    assert golden(mara).counts["golden"]["cut"] == 1
    assert SourceSide.objects.get(source="NEW").side == "golden"
    trained = SourceSide.objects.filter(side="train").first().source

    def told(*sources: str) -> str:
        found = snapshots.extend_golden(mara, sources, timezone.now())
        assert isinstance(found, Refused)
        return found.reason

    assert "stood in a training snapshot" in told(trained)
    assert "already" in told("NEW")
    assert "Nothing labelled is of R-none" in told("R-none")
    assert "Choose" in told()
    (event,) = AuditEvent.objects.filter(action="golden-sources")
    assert event.detail["sources"] == ["NEW"]


# --- since then ---------------------------------------------------------------------------------------------------


def test_new_labels_are_the_new_ones_and_the_changed_ones(mara: Person) -> None:
    assert snapshots.new_labels_since(None) == 0
    said = a_mill_of_labels(mara)
    assert snapshots.new_labels_since(None) == len(said)
    found = frozen(mara)
    assert snapshots.new_labels_since(found) == 0
    labelled(mara, "good", "R0")
    an_answer(mara, said[0], "hole")
    assert snapshots.new_labels_since(found) == 2


@pytest.mark.skipif(connection.vendor != "sqlite", reason="reads SQLite's plan")
def test_what_still_stands_of_a_snapshot_is_read_without_its_captures(mara: Person) -> None:
    a_mill_of_labels(mara)
    found = frozen(mara)
    with CaptureQueriesContext(connection) as queries:
        snapshots.new_labels_since(found)
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {queries[-1]['sql']}")
        plan = " ".join(str(row[-1]) for row in cursor.fetchall())
    assert "COVERING INDEX capture_of_label" in plan


def test_freezing_takes_as_many_queries_for_many_as_for_few(mara: Person) -> None:
    def queries(rolls: int) -> int:
        a_mill_of_labels(mara, rolls)
        with CaptureQueriesContext(connection) as found:
            frozen(mara)
        return len(found)

    few = queries(4)
    assert queries(30) == few


def test_a_weight_of_nothing_is_told_before_anything_starts(settings: Any) -> None:
    assert "selvedge.E006" not in {message.id for message in run_checks()}
    settings.LABEL_WEIGHT_BULK = 0.0
    assert "selvedge.E006" in {message.id for message in run_checks()}
