"""The gate refuses what is worse, leaked, corrupt, unsound or of other classes, and says why; and lets good through."""

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from inspections import gate, gate_rules
from inspections.models import (
    AuditEvent,
    Comparison,
    DefectClass,
    GateReport,
    JobState,
    ModelVersion,
    Person,
    Purpose,
    Side,
    Snapshot,
    State,
)
from inspections.snapshots import Refused
from tests import cast, gates
from tests.bundles import CENTRES, CLASSES, NOT_A_NUMBER, cloth
from tests.cast import a_camera
from tests.gates import a_golden_set, a_snapshot, failed, golden_images, held, registered
from tests.judged import a_capture, judged
from workers import assessing, contest

pytestmark = pytest.mark.django_db
SWAPPED = (CENTRES[0], CENTRES[2], CENTRES[1])  # calls every hole a cut and every cut a hole


@pytest.fixture
def mara(db: None) -> Person:
    return cast.mara()


@pytest.fixture
def golden(mara: Person) -> Snapshot:
    gates.three_classes()
    return a_golden_set(mara)


@pytest.fixture
def champion(tmp_path: Path, golden: Snapshot) -> ModelVersion:
    return gates.in_force(tmp_path)


def test_an_equal_challenger_passes_and_the_look_is_counted(
    tmp_path: Path, champion: ModelVersion, golden: Snapshot, mara: Person
) -> None:
    report = held(registered(tmp_path, 1), mara)
    assert (report.state, report.passed, failed(report)) == (JobState.DONE, True, {})
    golden.refresh_from_db()
    assert (golden.looks, len(report.answers)) == (1, 36)
    assert report.measured["compared"]["mcnemar"] == {"b": 0, "c": 0, "p": 1.0}
    assert AuditEvent.objects.get(action="gate").subject == f"model {report.version}"


def test_a_worse_model_is_refused_class_by_class(tmp_path: Path, champion: ModelVersion) -> None:
    report = held(registered(tmp_path, 1, centres=SWAPPED))
    assert report.passed is False
    assert {"recall cut", "recall hole"} <= set(failed(report))
    assert "recall 0.000, the champion's 1.000" in failed(report)["recall hole"]
    assert report.measured["compared"]["mcnemar"]["b"] == 24
    assert report.measured["compared"]["macro_f1"]["high"] < 0


def test_a_critical_class_has_a_floor_of_its_own(tmp_path: Path, golden: Snapshot) -> None:
    """A champion that is as bad does not lower it."""
    gates.in_force(tmp_path, 0, centres=SWAPPED)
    DefectClass.objects.filter(code="hole").update(critical=True)
    assert "critical hole" in failed(held(registered(tmp_path, 1, centres=SWAPPED)))


def test_overkill_has_a_ceiling(tmp_path: Path, champion: ModelVersion) -> None:
    report = held(registered(tmp_path, 1, threshold=0.0))
    assert list(failed(report)) == ["overkill"]
    assert "1.000; at most 0.050" in failed(report)["overkill"]


def test_one_that_was_trained_on_golden_images_is_refused(
    tmp_path: Path, champion: ModelVersion, golden: Snapshot, mara: Person
) -> None:
    capture = golden.rows.first().capture  # type: ignore[union-attr]
    leaked = a_snapshot(mara, [("good", "another roll", capture)], Side.TRAIN, name="S1")
    report = held(registered(tmp_path, 1, snapshot=leaked))
    assert "trained on 1 golden images" in failed(report)["leak"]


@pytest.mark.parametrize("side", [Side.TRAIN, Side.VAL])
def test_so_is_one_that_saw_other_images_of_their_sources(
    tmp_path: Path, champion: ModelVersion, mara: Person, side: Side
) -> None:
    other = a_capture(a_camera(), data=cast.a_png(7))
    leaked = a_snapshot(mara, [("good", "good-0", other)], side, name="S1")
    assert "1 sources of golden images: good-0" in failed(held(registered(tmp_path, 1, snapshot=leaked)))["leak"]


def test_so_is_one_that_saw_a_second_copy_of_a_golden_file(
    tmp_path: Path, champion: ModelVersion, mara: Person
) -> None:
    copy = a_capture(a_camera("loom-2"), data=golden_images()[0][2])
    leaked = a_snapshot(mara, [("good", "elsewhere", copy)], Side.TRAIN, name="S1")
    assert "leak" in failed(held(registered(tmp_path, 1, snapshot=leaked)))


def test_a_leak_is_inherited_with_the_weights(
    tmp_path: Path, champion: ModelVersion, golden: Snapshot, mara: Person
) -> None:
    capture = golden.rows.first().capture  # type: ignore[union-attr]
    leaked = a_snapshot(mara, [("good", "another roll", capture)], Side.TRAIN, name="S1")
    clean = a_snapshot(mara, [("good", "clean roll", a_capture(a_camera()))], Side.TRAIN, name="S2")
    parent = registered(tmp_path, 1, snapshot=leaked)
    assert "leak" in failed(held(registered(tmp_path, 2, snapshot=clean, parent=parent)))
    assert held(registered(tmp_path, 3, snapshot=clean)).passed


def test_an_uploaded_bundle_that_learnt_golden_images_is_caught_by_what_it_keeps(
    tmp_path: Path, champion: ModelVersion
) -> None:
    learnt = [data for _code, _source, data in golden_images()][:12]
    report = held(registered(tmp_path, 1, learnt=learnt))
    assert list(failed(report)) == ["copies"]
    assert "12 of 36 golden images are among" in failed(report)["copies"]


def test_it_is_caught_too_in_one_that_began_with_its_weights(
    tmp_path: Path, champion: ModelVersion, mara: Person
) -> None:
    """A new head keeps other cloth, and its trunk remembers."""
    leaky = registered(tmp_path, 1, learnt=[data for _code, _source, data in golden_images()][:12])
    clean = a_snapshot(mara, [("good", "clean roll", a_capture(a_camera()))], Side.TRAIN, name="S1")
    report = held(registered(tmp_path, 2, snapshot=clean, parent=leaky))
    assert list(failed(report)) == ["copies"]
    assert f"began with the weights of {leaky}, which keeps 12 of 36" in failed(report)["copies"]
    shutil.rmtree(leaky.folder)
    assert "cannot be told apart or read" in failed(held(registered(tmp_path, 3, parent=leaky)))["copies"]


@pytest.mark.parametrize(
    "change", [{"code": "new", "name": "Snag", "active": True}, {"code": "hole", "name": "Hole", "critical": True}]
)
def test_a_class_that_came_into_use_or_became_critical_since_closes_it(
    tmp_path: Path, champion: ModelVersion, change: dict[str, Any]
) -> None:
    version = registered(tmp_path, 1)
    assert held(version).passed
    assert gate.objection(version) == ""
    DefectClass.objects.update_or_create(code=change["code"], defaults=change)
    assert f"Since its report {change['name']} came into use" in gate.objection(version)


def test_limits_that_were_changed_since_close_it(tmp_path: Path, champion: ModelVersion, settings: Any) -> None:
    version = registered(tmp_path, 1)
    assert held(version).passed
    settings.GATE_SHADOW = 500
    assert "limits have changed" in gate.objection(version)


def test_figures_that_are_no_numbers_are_told_as_not_measured(tmp_path: Path, mara: Person) -> None:
    """No database keeps a NaN, so such a report could never be ended."""
    gates.three_classes()
    gates.in_force(tmp_path, 0)
    black = [(code, f"{code}-1", a_capture(a_camera(), data=cloth(NOT_A_NUMBER))) for code in CLASSES]
    a_snapshot(mara, black, Side.GOLDEN, name="G1", purpose=Purpose.GOLDEN)
    report = held(registered(tmp_path, 1))
    assert (report.state, report.passed) == (JobState.DONE, False)
    assert report.measured["leak"]["copies"]["nearest"] is None


def test_the_lease_is_renewed_between_all_that_takes_long(
    tmp_path: Path, champion: ModelVersion, golden: Snapshot
) -> None:
    """Large images, tile by tile, take seconds each."""
    new, old = contest.opened(registered(tmp_path, 1)), contest.opened(champion)
    assert not isinstance(new, contest.Unloadable) and not isinstance(old, contest.Unloadable)
    beats: list[int] = []
    contest.hold(new, old, contest.golden_rows(golden)[:3], lambda: beats.append(1))
    assert len(beats) == 4


def test_other_images_among_what_it_keeps_are_no_leak(tmp_path: Path, champion: ModelVersion) -> None:
    assert held(registered(tmp_path, 1, learnt=[cast.a_png(seed) for seed in range(12)])).passed


def test_a_corrupt_bundle_is_refused_without_a_look(tmp_path: Path, champion: ModelVersion, golden: Snapshot) -> None:
    version = registered(tmp_path, 1)
    graph = version.folder / "graph.onnx"
    graph.write_bytes(graph.read_bytes()[:-9])
    report = held(version)
    assert "does not load: graph.onnx is not the file that was packed" in failed(report)["bundle"]
    golden.refresh_from_db()
    assert golden.looks == 0


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_refused(tmp_path: Path, champion: ModelVersion, value: float) -> None:
    spoilt = {"layer1.conv": np.array([0.5, value], np.float32)}
    assert "NaN weights: layer1.conv" in failed(held(registered(tmp_path, 1, weights=spoilt)))["weights"]


def test_one_that_lacks_a_class_that_the_mill_uses_is_refused(tmp_path: Path, champion: ModelVersion) -> None:
    DefectClass.objects.create(code="snag", name="Snag")
    assert "lacks classes that the mill uses: Snag" in failed(held(registered(tmp_path, 1)))["lacking"]


def test_one_that_names_a_class_outside_the_taxonomy_is_refused(tmp_path: Path, champion: ModelVersion) -> None:
    strange = registered(tmp_path, 1, classes=("good", "hole", "dragon"))
    assert "outside the taxonomy: Dragon" in failed(held(strange))["outside"]


def test_one_that_judges_too_slowly_is_refused(tmp_path: Path, champion: ModelVersion, settings: Any) -> None:
    settings.GATE_LATENCY_MS = 0.0
    report = held(registered(tmp_path, 1))
    assert list(failed(report)) == ["latency"]
    assert "at most 0 ms is allowed" in failed(report)["latency"]


def test_a_further_class_is_welcome_and_held_to_its_own_floor(tmp_path: Path, mara: Person) -> None:
    gates.three_classes()
    gates.in_force(tmp_path, 0, classes=("good", "hole"), centres=(128.0, 250.0))
    a_golden_set(mara)
    report = held(registered(tmp_path, 1))
    assert (report.passed, failed(report)) == (True, {})
    (rule,) = [rule for rule in report.rules if rule["name"] == "new"]
    assert (rule["subject"], rule["figure"], rule["limit"]) == ("cut", 1.0, 0.5)
    blind = held(registered(tmp_path, 2, centres=(CENTRES[0], CENTRES[1], 5000.0)))
    assert "new cut" in failed(blind)


def test_a_class_without_golden_images_is_not_measured_and_blocks(tmp_path: Path, mara: Person) -> None:
    gates.three_classes()
    gates.in_force(tmp_path)
    a_golden_set(mara, classes=("good", "hole"))
    report = held(registered(tmp_path, 1))
    assert report.passed is False
    assert failed(report) == {"recall cut": "Cut: no golden image, so it is not measured."}
    assert [rule["passed"] for rule in report.rules if rule["subject"] == "cut"] == [None]


def test_without_a_golden_set_the_report_says_so_and_blocks(tmp_path: Path, db: None) -> None:
    gates.three_classes()
    gates.in_force(tmp_path)
    report = held(registered(tmp_path, 1))
    assert (report.passed, report.golden) == (False, None)
    assert failed(report)["golden"] == "There is no golden set to hold it against."
    assert {rule["name"]: rule["passed"] for rule in report.rules}["bundle"] is True


def test_golden_images_that_are_gone_block(tmp_path: Path, champion: ModelVersion, golden: Snapshot) -> None:
    default_storage.delete(golden.rows.first().capture.path)  # type: ignore[union-attr]
    assert failed(held(registered(tmp_path, 1)))["golden"].startswith("1 golden images cannot be read any more")


def test_a_champion_that_does_not_load_holds_nobody_back(tmp_path: Path, champion: ModelVersion) -> None:
    (champion.folder / "graph.onnx").write_bytes(b"")
    report = held(registered(tmp_path, 1))
    assert (report.passed, report.measured["champion"]) == (True, None)
    assert {rule["name"] for rule in report.rules if rule["subject"]} == {"new"}


def test_a_shadow_is_asked_for_where_the_settings_do(tmp_path: Path, champion: ModelVersion, settings: Any) -> None:
    settings.GATE_SHADOW = 2
    version = registered(tmp_path, 1)
    assert "judged 0 live captures; 2 are asked" in failed(held(version))["shadow"]
    for agrees in (True, False):
        compared(version, champion, agrees)
    assert "1 disagreements in shadow were not looked at" in failed(held(version))["shadow"]
    Comparison.objects.update(seen_at=timezone.now())
    assert held(version).passed


def compared(version: ModelVersion, champion: ModelVersion, agrees: bool) -> None:
    capture = judged(a_camera())
    hole = DefectClass.objects.get(code="hole")
    Comparison.objects.create(
        capture=capture, version=version, champion=champion, verdict=capture.verdicts.get(), line=capture.line,
        counted_at=capture.counted_at, before=hole, after=hole if agrees else None, before_flagged=True,
        after_flagged=True, agrees=agrees,
    )  # fmt: skip


# --- asking, losing, overriding ----------------------------------------------------------------------------------


def test_one_that_is_measured_is_not_measured_twice_at_once(tmp_path: Path, champion: ModelVersion) -> None:
    version, now = registered(tmp_path, 1), timezone.now()
    assert gate.ask(version, None, now) == gate.ask(version, None, now)
    assert GateReport.objects.count() == 1


def test_the_one_in_force_and_one_that_was_rejected_are_not_measured(tmp_path: Path, champion: ModelVersion) -> None:
    rejected = registered(tmp_path, 1)
    ModelVersion.objects.filter(pk=rejected.pk).update(state=State.REJECTED, rejected_for="too slow on loom 3")
    rejected.refresh_from_db()
    for version, reason in ((champion, "is in force"), (rejected, "too slow on loom 3")):
        refused = gate.ask(version, None, timezone.now())
        assert isinstance(refused, Refused)
        assert reason in refused.reason


def test_a_lost_worker_is_followed_by_another_and_a_deadly_one_by_nobody(
    tmp_path: Path, champion: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = gate.ask(registered(tmp_path, 1), None, timezone.now())
    assert isinstance(report, GateReport)
    for _death in range(3):
        assert assessing.claim() == report
        assert assessing.claim() is None
        GateReport.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assessing.work()
    report.refresh_from_db()
    assert (report.state, report.reason) == (JobState.FAILED, "3 attempts ended without an answer")


def test_a_worker_that_is_asked_to_end_hands_its_report_back(
    tmp_path: Path, champion: ModelVersion, golden: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = gate.ask(registered(tmp_path, 1), None, timezone.now())
    assert isinstance(report, GateReport)
    looked = iter([False])  # before it takes the report; from then on it is asked to end
    with monkeypatch.context() as patch:
        patch.setattr("workers.stopping.is_asked", lambda: next(looked, True))
        assessing.work()
    report.refresh_from_db()
    assert (report.state, report.attempts) == (JobState.RUNNING, 0)
    assessing.work()
    report.refresh_from_db()
    assert (report.state, report.attempts) == (JobState.DONE, 1)


def test_a_report_that_was_taken_over_is_written_by_its_new_owner_alone(
    tmp_path: Path, champion: ModelVersion, golden: Snapshot
) -> None:
    gate.ask(registered(tmp_path, 1), None, timezone.now())
    slow = assessing.claim()
    assert slow
    GateReport.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assessing.work()
    assessing.assess(slow)
    golden.refresh_from_db()
    assert golden.looks == 1


def test_an_engine_that_dies_is_a_failed_report_with_its_reason(
    tmp_path: Path, champion: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(self: Any, images: Any) -> None:
        raise RuntimeError("the engine died")

    monkeypatch.setattr("ml.golden.Witness.see", dies)
    report = held(registered(tmp_path, 1))
    assert (report.state, report.reason, report.passed) == (JobState.FAILED, "the engine died", None)
    assert "the engine died" in gate.objection(report.version)


def test_an_admin_lets_one_through_with_a_written_reason(tmp_path: Path, champion: ModelVersion) -> None:
    ada, report = cast.ada(), held(registered(tmp_path, 1, centres=SWAPPED))
    assert "The gate failed" in gate.objection(report.version)
    assert isinstance(gate.override(report, ada, timezone.now(), "because"), Refused)
    found = gate.override(report, ada, timezone.now(), "Loom 3 makes no holes")
    assert isinstance(found, GateReport)
    assert gate.objection(report.version) == ""
    row = AuditEvent.objects.get(action="gate-override")
    assert (row.person, row.detail["reason"]) == (ada, "Loom 3 makes no holes")
    assert "recall" in row.detail["failed"]


def test_a_report_is_worth_nothing_against_another_golden_set_or_champion(
    tmp_path: Path, champion: ModelVersion, mara: Person
) -> None:
    version = registered(tmp_path, 1)
    assert "not held against the golden set yet" in gate.objection(version)
    held(version)
    assert gate.objection(version) == ""
    a_golden_set(mara)
    assert "golden set has changed" in gate.objection(version)
    held(version)
    gates.in_force(tmp_path, 5)
    assert "against another version" in gate.objection(version)


def test_what_was_not_measured_is_no_pass() -> None:
    assert gate_rules.verdict([gate_rules.Rule("a", True, "")])
    assert not gate_rules.verdict([gate_rules.Rule("a", True, ""), gate_rules.Rule("b", None, "")])
