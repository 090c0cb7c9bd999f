"""Promotion, rollback and fallback: asked, checked, and made in one move, for the mill or for one line."""

import threading
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from inspections import changes, gate, registry
from inspections.models import (
    AuditEvent,
    Capture,
    ChangeKind,
    ChangeState,
    DefectClass,
    Line,
    ModelVersion,
    Person,
    State,
    Status,
    Verdict,
    VersionChange,
)
from inspections.snapshots import Refused
from tests import cast, gates, mill
from tests.bundles import CUT, HOLE, cloth
from tests.cast import a_line, signed_in
from tests.gates import a_golden_set, held, registered
from workers import changing, inspectors, rechecking
from workers.judging import drain, judge_once

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_engine_of_another_test() -> None:
    inspectors.forget()


@pytest.fixture
def mara(db: None) -> Person:
    return cast.mara()


@pytest.fixture
def first(tmp_path: Path, db: None) -> ModelVersion:
    """In force since the beginning."""
    gates.three_classes()
    version = registered(tmp_path, 0)
    changes.install(version, None, timezone.now())
    return version


@pytest.fixture
def second(tmp_path: Path, first: ModelVersion) -> ModelVersion:
    """An equal one whose gate stands open."""
    version = registered(tmp_path, 1)
    gates.a_report(version)
    return version


def promoted(version: ModelVersion, by: Person | None = None, line: Line | None = None) -> VersionChange:
    change = changes.promote(version, by, timezone.now(), "it is better", line)
    assert isinstance(change, VersionChange), change
    changing.work()
    change.refresh_from_db()
    return change


def rolled_back(line: Line | None = None) -> VersionChange:
    change = changes.roll_back(None, timezone.now(), "it is worse", line)
    assert isinstance(change, VersionChange), change
    changing.work()
    change.refresh_from_db()
    return change


def states() -> dict[str, str]:
    return dict(ModelVersion.objects.values_list("name", "state"))


def spoil(version: ModelVersion) -> None:
    """As a bad disk does."""
    graph = version.folder / "graph.onnx"
    graph.write_bytes(graph.read_bytes()[:-9])
    inspectors.forget()


# --- promotion ---------------------------------------------------------------------------------------------------


def test_the_pointer_moves_only_after_the_check_and_both_states_with_it(
    first: ModelVersion, second: ModelVersion, mara: Person
) -> None:
    change = changes.promote(second, mara, timezone.now(), "fewer false alarms")
    assert isinstance(change, VersionChange)
    assert (change.state, registry.in_force()) == (ChangeState.CHECKING, first)
    changing.work()
    assert registry.in_force() == second
    assert states() == {first.name: State.RETIRED, second.name: State.ACTIVE}
    change.refresh_from_db()
    assert (change.state, change.previous, change.gate) == (ChangeState.ACTIVE, first, gate.standing(second))
    row = AuditEvent.objects.get(action="promote", person=mara)
    assert (row.subject, row.detail) == (f"model {second}", {"reason": "fewer false alarms"})


def test_a_bundle_that_got_spoilt_meanwhile_is_refused_and_the_old_one_serves(
    first: ModelVersion, second: ModelVersion, posting: Client
) -> None:
    change = changes.promote(second, None, timezone.now(), "it is better")
    spoil(second)
    changing.work()
    assert isinstance(change, VersionChange)
    change.refresh_from_db()
    assert change.state == ChangeState.REFUSED
    assert "graph.onnx is not the file that was packed" in change.answer
    assert mill.judged(posting, cloth()).verdicts.get().version == first


def test_the_very_first_version_needs_no_gate(tmp_path: Path, db: None) -> None:
    gates.three_classes()
    version = registered(tmp_path, 0)
    promoted(version)
    assert registry.in_force() == version


def test_what_did_not_pass_the_gate_is_not_even_asked_about(tmp_path: Path, first: ModelVersion) -> None:
    unmeasured, failed = registered(tmp_path, 2), registered(tmp_path, 3)
    held(failed)
    for version, reason in ((unmeasured, "was not held against"), (failed, "no golden set")):
        refused = changes.promote(version, None, timezone.now(), "because")
        assert isinstance(refused, Refused)
        assert reason in refused.reason
    assert VersionChange.objects.filter(version__in=[unmeasured, failed]).count() == 0


@pytest.mark.parametrize("end", ["retired", "deleted"])
def test_a_class_that_was_given_up_since_stops_it(first: ModelVersion, second: ModelVersion, end: str) -> None:
    gone = DefectClass.objects.filter(code="cut")
    gone.update(active=False) if end == "retired" else gone.delete()
    refused = changes.promote(second, None, timezone.now(), "it is better")
    assert isinstance(refused, Refused)
    name = "Cut" if end == "retired" else "cut"  # who deletes a class deletes its name too
    assert f"{name}, which the mill does not use" in refused.reason


def test_a_class_that_is_given_up_while_it_is_checked_stops_it_too(first: ModelVersion, second: ModelVersion) -> None:
    changes.promote(second, None, timezone.now(), "it is better")
    DefectClass.objects.filter(code="cut").update(active=False)
    changing.work()
    assert registry.in_force() == first
    assert "does not use" in VersionChange.objects.latest("id").answer


def test_a_line_whose_expected_shares_are_of_other_classes_stops_it(first: ModelVersion, second: ModelVersion) -> None:
    """Otherwise its captures would wait for ever."""
    a_line("loom-9", shares={"good": 0.9, "stain": 0.1})
    refused = changes.promote(second, None, timezone.now(), "it is better")
    assert isinstance(refused, Refused)
    assert "loom-9" in refused.reason


def test_it_stops_a_rollback_too(tmp_path: Path, first: ModelVersion) -> None:
    other = registered(tmp_path, 1, classes=("good", "hole"), centres=(128.0, 250.0))
    changes.install(other, None, timezone.now())
    a_line("loom-9", shares={"good": 0.9, "hole": 0.1})
    refused = changes.roll_back(None, timezone.now(), "it is worse")
    assert isinstance(refused, Refused)
    assert "loom-9" in refused.reason


def test_without_a_reason_or_beside_another_change_nothing_is_asked(first: ModelVersion, second: ModelVersion) -> None:
    now = timezone.now()
    assert isinstance(changes.promote(second, None, now, " "), Refused)
    assert isinstance(changes.promote(first, None, now, "again"), Refused)
    assert isinstance(changes.promote(second, None, now, "it is better"), VersionChange)
    refused = changes.promote(second, None, now, "quick")
    assert isinstance(refused, Refused)
    assert "Another change is being checked" in refused.reason


# --- lines and rollback ------------------------------------------------------------------------------------------


def test_a_canary_judges_one_line_and_then_the_mill(first: ModelVersion, second: ModelVersion, posting: Client) -> None:
    line, elsewhere = a_line(), cast.with_key(cast.a_camera("loom-2"))
    promoted(second, line=line)
    assert mill.judged(posting, cloth()).verdicts.get().version == second
    assert mill.judged(elsewhere, cloth()).verdicts.get().version == first
    assert states() == {first.name: State.ACTIVE, second.name: State.ACTIVE}
    promoted(second)
    line.refresh_from_db()
    assert (line.version, registry.in_force()) == (None, second)
    assert mill.judged(elsewhere, cloth(seed=1)).verdicts.get().version == second


def test_a_line_with_a_version_of_its_own_takes_no_other_that_was_never_held_against_it(
    first: ModelVersion, second: ModelVersion, tmp_path: Path
) -> None:
    line, third = a_line(), registered(tmp_path, 3)
    gates.a_report(third)
    promoted(second, line=line)
    refused = changes.promote(third, None, timezone.now(), "it is better", Line.objects.get())
    assert isinstance(refused, Refused)
    assert f"judges by {second}" in refused.reason
    rolled_back(Line.objects.get())
    promoted(third, line=Line.objects.get())


def test_a_line_goes_back_to_what_the_mill_has(first: ModelVersion, second: ModelVersion) -> None:
    line = a_line()
    promoted(second, line=line)
    change = rolled_back(line)
    line.refresh_from_db()
    assert (change.version, line.version) == (first, None)
    assert states()[second.name] == State.RETIRED
    assert isinstance(changes.roll_back(None, timezone.now(), "again", line), Refused)


def test_each_rollback_goes_one_further_back(tmp_path: Path, first: ModelVersion) -> None:
    versions = [registered(tmp_path, seed) for seed in (1, 2)]
    for version in versions:
        changes.install(version, None, timezone.now())
    assert rolled_back().version == versions[0]
    assert rolled_back().version == first
    refused = changes.roll_back(None, timezone.now(), "further")
    assert isinstance(refused, Refused)
    assert refused.reason == "Nothing else was in force before."


def test_a_promotion_after_a_rollback_is_rolled_back_to_where_it_began(
    tmp_path: Path, first: ModelVersion, second: ModelVersion
) -> None:
    promoted(second)
    rolled_back()
    third = registered(tmp_path, 3)
    changes.install(third, None, timezone.now())
    assert changes.earlier() == first


def test_a_rollback_checks_first_as_well(first: ModelVersion, second: ModelVersion) -> None:
    promoted(second)
    spoil(first)
    change = rolled_back()
    assert (change.state, registry.in_force()) == (ChangeState.REFUSED, second)


def test_a_rollback_does_not_ask_the_gate(first: ModelVersion, second: ModelVersion, mara: Person) -> None:
    promoted(second)
    a_golden_set(mara)
    assert rolled_back().state == ChangeState.ACTIVE


def test_a_rollback_that_was_asked_twice_goes_back_once(tmp_path: Path, first: ModelVersion) -> None:
    """Else the second would empty the stack: nothing to go back to any more."""
    versions = [registered(tmp_path, seed) for seed in (1, 2)]
    for version in versions:
        changes.install(version, None, timezone.now())
    again = VersionChange(kind=ChangeKind.ROLLBACK, version=versions[0], asked_at=timezone.now(), reason="it is worse")
    again.save()
    second = changes.settle(again, "", timezone.now())
    third = VersionChange.objects.create(kind=ChangeKind.ROLLBACK, version=versions[0], asked_at=timezone.now())
    assert second.state == ChangeState.ACTIVE
    assert "in force there already" in changes.settle(third, "", timezone.now()).answer
    assert changes.earlier() == first


def test_what_was_rejected_while_it_was_checked_does_not_come_back(
    first: ModelVersion, second: ModelVersion, mara: Person
) -> None:
    promoted(second)
    change = changes.roll_back(None, timezone.now(), "it is worse")
    assert isinstance(change, VersionChange)
    assert isinstance(changes.reject(first, mara, timezone.now(), "never again"), ModelVersion)
    changing.work()
    change.refresh_from_db()
    assert (change.state, registry.in_force()) == (ChangeState.REFUSED, second)
    assert "never again" in change.answer


def test_a_bundle_that_kills_its_checker_does_not_stand_in_the_way_for_ever(
    first: ModelVersion, second: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    long_ago = timezone.now() - changes.UNDECIDED * 2
    change = changes.promote(second, None, long_ago, "it is better")
    monkeypatch.setattr("workers.changing.decide", lambda _: pytest.fail("it would be loaded once more"))
    changing.work()
    assert isinstance(change, VersionChange)
    change.refresh_from_db()
    assert (change.state, registry.in_force()) == (ChangeState.REFUSED, first)
    assert "not decided in time" in change.answer


def test_verdicts_keep_the_version_that_made_them(first: ModelVersion, second: ModelVersion, posting: Client) -> None:
    before = mill.judged(posting, cloth(HOLE, seed=1))
    promoted(second)
    after = mill.judged(posting, cloth(CUT, seed=2))
    rolled_back()
    assert [capture.verdicts.get().version for capture in (before, after)] == [first, second]


# --- fallback ----------------------------------------------------------------------------------------------------


def test_a_spoilt_bundle_in_force_falls_back_and_nothing_is_lost(
    first: ModelVersion, second: ModelVersion, posting: Client, mara: Person
) -> None:
    promoted(second)
    spoil(second)
    capture = mill.posted(posting, cloth())
    judge_once()
    drain()
    capture.refresh_from_db()
    assert (capture.status, capture.verdicts.get().version) == (Status.JUDGED, first)
    change = VersionChange.objects.latest("id")
    assert (change.kind, change.state, change.version) == (ChangeKind.FALLBACK, ChangeState.ACTIVE, first)
    assert "is not the file that was packed" in change.reason
    client = signed_in(mara)
    text = client.get("/").content.decode()
    assert f"{second} is spoilt, and {first} judges the mill instead" in text
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert f"fallen back to from {second}" in str(ready.json()["checks"])


def test_the_alarm_ends_when_somebody_changes_the_version(
    tmp_path: Path, first: ModelVersion, second: ModelVersion, mara: Person
) -> None:
    promoted(second)
    spoil(second)
    inspectors.inspector_for(second)
    assert len(changes.fallen_back([])) == 1
    changes.install(registered(tmp_path, 5), None, timezone.now())
    assert "is spoilt" not in signed_in(mara).get("/").content.decode()
    assert changes.fallen_back([]) == []


def test_a_spoilt_canary_falls_back_on_its_line_alone(first: ModelVersion, second: ModelVersion) -> None:
    line = a_line()
    promoted(second, line=line)
    spoil(second)
    inspectors.inspector_for(second)
    line.refresh_from_db()
    assert (line.version, registry.in_force()) == (None, first)


def test_a_canarys_fallback_is_told_until_the_line_or_the_mill_it_follows_moves_on(
    tmp_path: Path, first: ModelVersion, second: ModelVersion
) -> None:
    line, mara = a_line(), cast.mara()
    promoted(second, line=line)
    spoil(second)
    inspectors.inspector_for(second)
    told = f"{second} is spoilt, and {first} judges {line} instead"
    assert told in signed_in(mara).get("/").content.decode()
    changes.install(registered(tmp_path, 5), None, timezone.now())
    assert "is spoilt" not in signed_in(mara).get("/").content.decode()


def test_what_a_lines_class_shares_do_not_fit_is_no_place_to_fall_to(
    tmp_path: Path, first: ModelVersion, posting: Client
) -> None:
    """Its captures would wait for ever beside a version that can judge them."""
    other = registered(tmp_path, 1, classes=("good", "hole", "snag"))
    last = registered(tmp_path, 2)
    for version in (other, last):
        changes.install(version, None, timezone.now())
    Line.objects.update(shares={"good": 0.9, "hole": 0.05, "cut": 0.05})
    capture = mill.posted(posting, cloth())
    spoil(last)
    judge_once()
    drain()
    capture.refresh_from_db()
    assert (registry.in_force(), capture.status) == (first, Status.JUDGED)


def test_where_every_one_leaves_a_line_waiting_the_others_go_on(tmp_path: Path, first: ModelVersion) -> None:
    last = registered(tmp_path, 2, classes=("good", "hole", "snag"))
    changes.install(last, None, timezone.now())
    Line.objects.create(slug="loom-9", shares={"good": 0.9, "hole": 0.05, "snag": 0.05})
    spoil(last)
    inspectors.inspector_for(last)
    assert registry.in_force() == first


def test_a_line_alone_does_not_fall_to_what_would_not_judge_it(tmp_path: Path, first: ModelVersion) -> None:
    line = a_line()
    own = registered(tmp_path, 2, classes=("good", "hole", "snag"))
    changes.install(own, None, timezone.now(), line)
    Line.objects.filter(pk=line.pk).update(shares={"good": 0.9, "hole": 0.05, "snag": 0.05})
    spoil(own)
    inspectors.inspector_for(own)
    line.refresh_from_db()
    assert line.version == own


def test_one_that_did_not_load_once_is_looked_at_again_and_the_notice_says_so(
    first: ModelVersion, second: ModelVersion, mara: Person
) -> None:
    """As after a disk that was away for a minute."""
    promoted(second)
    whole = (second.folder / "graph.onnx").read_bytes()
    spoil(second)
    inspectors.inspector_for(second)
    rechecking.work()
    second.refresh_from_db()
    assert "is not the file that was packed" in second.broken
    (second.folder / "graph.onnx").write_bytes(whole)
    rechecking.work()
    second.refresh_from_db()
    assert second.broken == ""
    text = signed_in(mara).get("/flagged/").content.decode()
    assert f"{second} did not load, and {first} judges the mill instead" in text
    assert "It loads again: promote it" in text


def test_what_is_in_force_is_left_to_its_judges(first: ModelVersion) -> None:
    ModelVersion.objects.filter(pk=first.pk).update(broken="no GPU here")
    rechecking.work()
    first.refresh_from_db()
    assert first.broken == "no GPU here"


def test_with_nothing_to_fall_back_to_captures_wait_and_the_pages_say_so(
    first: ModelVersion, posting: Client, mara: Person
) -> None:
    spoil(first)
    capture = mill.judged(posting, cloth())
    assert (capture.status, capture.attempts) == (Status.PENDING, 0)
    assert "could not be loaded" in signed_in(mara).get("/").content.decode()


def test_a_chain_of_spoilt_ones_falls_to_the_last_that_is_whole(
    tmp_path: Path, first: ModelVersion, posting: Client
) -> None:
    middle, last = registered(tmp_path, 1), registered(tmp_path, 2)
    for version in (middle, last):
        changes.install(version, None, timezone.now())
    for version in (middle, last):
        spoil(version)
    judge_once()
    mill.posted(posting, cloth())
    judge_once()
    assert registry.in_force() == first


def test_a_disk_that_is_away_for_a_moment_changes_nothing(
    first: ModelVersion, second: ModelVersion, posting: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    promoted(second)
    inspectors.forget()

    def away(*args: Any, **more: Any) -> Any:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr("ml.inspector.bundle.verify", away)
        capture = mill.judged(posting, cloth())
    assert (capture.status, registry.in_force()) == (Status.PENDING, second)


# --- marks -------------------------------------------------------------------------------------------------------


def test_the_chart_of_a_line_is_marked_where_another_version_took_over(
    first: ModelVersion, second: ModelVersion, mara: Person
) -> None:
    line, other = a_line(), a_line("loom-2")
    promoted(second, line=line)
    text = signed_in(mara).get(f"/lines/{line.slug}/").content.decode()
    assert f"{second} on this line (promotion)" in text
    assert str(second) not in signed_in(mara).get(f"/lines/{other.slug}/").content.decode()


# --- many at once ------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_however_many_workers_check_it_it_happens_once(tmp_path: Path) -> None:
    gates.three_classes()
    changes.install(registered(tmp_path, 0), None, timezone.now())
    version = registered(tmp_path, 1)
    gates.a_report(version)
    change = changes.promote(version, None, timezone.now(), "it is better")
    assert isinstance(change, VersionChange), change
    in_threads(changing.work, 4)
    assert VersionChange.objects.filter(state=ChangeState.ACTIVE).count() == 2
    assert ModelVersion.objects.filter(is_default=True).get() == version
    spoil(version)
    in_threads(lambda: changes.fall_back(version, "spoilt", timezone.now()), 4)
    assert VersionChange.objects.filter(kind=ChangeKind.FALLBACK).count() == 1


def in_threads(work: Any, count: int) -> None:
    errors: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001  a thread's fault must be seen
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors, errors


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_under_load_no_capture_fails_and_no_verdict_is_of_an_unknown_version(tmp_path: Path) -> None:
    """Two judges, and a manager who promotes and rolls back all the while."""
    gates.three_classes()
    first, second = registered(tmp_path, 0), registered(tmp_path, 1)
    changes.install(first, None, timezone.now())
    changes.install(second, None, timezone.now())
    posting = cast.with_key(cast.a_camera())
    for seed in range(60):
        mill.posted(posting, cloth(seed=seed))
    for version in (first, second):
        assert inspectors.inspector_for(version)  # loaded once, before the race
    stop = threading.Event()

    def judge() -> None:
        while not stop.is_set():
            drain()

    def swap() -> None:
        for number in range(6):
            changes.install((first, second)[number % 2], None, timezone.now())
        while Capture.objects.filter(status=Status.PENDING).exists():
            stop.wait(0.05)
        stop.set()

    threads = [threading.Thread(target=_closing(work)) for work in (judge, judge, swap)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert set(Capture.objects.values_list("status", flat=True)) == {Status.JUDGED}
    assert set(Verdict.objects.values_list("version", flat=True)) <= {first.pk, second.pk}
    assert Verdict.objects.filter(effective=True).count() == 60


def _closing(work: Any) -> Any:
    def run() -> None:
        try:
            work()
        finally:
            connection.close()

    return run
