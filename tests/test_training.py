"""When a training is asked for, refused, cancelled, and what starts one by itself."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from inspections import bell, retraining, snapshots
from inspections.models import (
    AuditEvent,
    Base,
    DefectClass,
    Insight,
    InsightKind,
    JobState,
    ModelVersion,
    Person,
    Quarantine,
    Side,
    Snapshot,
    TrainingRun,
)
from inspections.snapshots import Refused
from tests import cast
from tests.labelled import a_mill_of_labels, labelled
from tests.mill import install
from tests.trainings import a_training

pytestmark = pytest.mark.django_db
SCRATCH: dict[str, Any] = {"base": Base.SCRATCH, "network": "resnet8v1", "preset": "quick", "why": "button"}


@pytest.fixture(autouse=True)
def few_are_enough(settings: Any) -> None:
    settings.TRAIN_LEAST_IMAGES = 2


@pytest.fixture
def mara() -> Person:
    return cast.mara()


def asked(by: Person | None, **fields: Any) -> TrainingRun | Refused:
    return retraining.ask(by, timezone.now(), **{**SCRATCH, "classes": ["hole", "good"], **fields})


def refusal(by: Person | None, **fields: Any) -> str:
    found = asked(by, **fields)
    assert isinstance(found, Refused)
    assert not TrainingRun.objects.live().exists()
    return found.reason


def done(run: TrainingRun | Refused) -> TrainingRun:
    assert isinstance(run, TrainingRun)
    TrainingRun.objects.filter(pk=run.pk).update(state=JobState.DONE, finished_at=timezone.now())
    return run


# --- asking -----------------------------------------------------------------------------------------------------


def test_asking_freezes_the_labels_writes_it_down_and_rings(
    mara: Person, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    rung: list[str] = []
    monkeypatch.setattr(bell._ringer, "ring", rung.append)
    a_mill_of_labels(mara)
    with django_capture_on_commit_callbacks(execute=True):
        run = asked(mara, knobs={"epochs": 2})
    assert isinstance(run, TrainingRun)
    assert (run.state, run.snapshot.name, run.snapshot.classes) == (JobState.WAITING, "S1", ["good", "hole"])
    assert set(run.snapshot.counts) == {Side.TRAIN, Side.VAL}
    row = AuditEvent.objects.get(action="train")
    assert (row.person, row.subject, row.detail["snapshot"]) == (mara, f"training {run.pk}", "S1")
    assert bell.TRAIN in rung


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"classes": ["good"]}, "two classes"),
        ({"classes": ["hole", "cut"]}, "“good” must be among"),
        ({"classes": ["good", "nonsense"]}, "no class nonsense"),
        ({"classes": ["good", "hole", "thread"]}, "No image to train on is of class Thread"),
        ({"network": "resnet9v1"}, "nearest: resnet8v1"),
        ({"network": "siamese"}, "python -m ml metric pack"),
        ({"preset": "nonsense"}, "no preset 'nonsense'"),
        ({"knobs": {"rate": -1.0}}, "rate must be above 0"),
        ({"knobs": {"nonsense": 1}}, "nonsense"),
        ({"knobs": {"size": 4}}, "input size"),
        ({"preset": "finetune"}, "goes on from trained weights"),
        ({"base": Base.HEAD}, "no version to start from"),
        ({"base": Base.ACTIVE}, "no version to start from"),
    ],
)
def test_what_cannot_become_a_model_is_refused_before_anything_is_spent(
    mara: Person, fields: dict[str, Any], reason: str
) -> None:
    a_mill_of_labels(mara)
    assert reason in refusal(mara, **fields)


def test_a_retired_class_is_refused(mara: Person) -> None:
    a_mill_of_labels(mara)
    DefectClass.objects.filter(code="hole").update(active=False)
    assert "Retired" in refusal(mara)


def test_a_class_with_too_few_images_is_named_with_its_count(mara: Person) -> None:
    a_mill_of_labels(mara)
    labelled(mara, "cut", "R0")
    labelled(mara, "cut", "R1")
    assert "Cut (1); each class needs 2" in refusal(mara, classes=["good", "hole", "cut"])


def test_labels_of_one_roll_leave_nothing_to_validate_on(mara: Person) -> None:
    a_mill_of_labels(mara, rolls=1)
    assert "Nothing to validate on" in refusal(mara)


def test_a_full_disk_is_told_before(mara: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    a_mill_of_labels(mara)
    full = type("Usage", (), {"free": 10_000_000})
    monkeypatch.setattr("inspections.retraining.objections.shutil.disk_usage", lambda _path: full)
    assert "The disk is too full" in refusal(mara)


def test_a_lean_installation_says_so(mara: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inspections.retraining.objections.find_spec", lambda name: None)
    assert "lean installation" in refusal(mara)


def test_one_at_a_time(mara: Person) -> None:
    a_mill_of_labels(mara)
    first = asked(mara)
    assert isinstance(first, TrainingRun)
    for second in (asked(cast.ada()), asked(mara, preset="best")):
        assert isinstance(second, Refused)
        assert f"Training {first.pk} has not ended: one at a time." in second.reason


def test_who_presses_twice_finds_the_training_that_the_first_press_asked_for(mara: Person) -> None:
    a_mill_of_labels(mara)
    first = asked(mara, knobs={"epochs": 3})
    assert isinstance(first, TrainingRun)
    TrainingRun.objects.update(state=JobState.RUNNING)
    assert asked(mara, knobs={"epochs": 3}, classes=["good", "hole"]) == first
    assert isinstance(asked(mara, knobs={"epochs": 4}), Refused)
    assert TrainingRun.objects.count() == 1
    assert AuditEvent.objects.filter(action="train").count() == 1


def test_two_presses_at_the_same_moment_are_one(mara: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    a_mill_of_labels(mara)
    freeze, inner = snapshots.freeze, []

    def slow(*args: Any, **fields: Any) -> Any:
        monkeypatch.setattr(snapshots, "freeze", freeze)
        inner.append(asked(mara))  # the first press, while the second one's labels were frozen
        return freeze(*args, **fields)

    monkeypatch.setattr(snapshots, "freeze", slow)
    assert [asked(mara)] == inner
    assert TrainingRun.objects.count() == 1


@pytest.mark.parametrize(
    "fields", [{"asked_at": timezone.now() - timedelta(minutes=5)}, {"state": JobState.CANCELLING}]
)
def test_the_same_wish_later_or_after_a_cancel_is_another_one(mara: Person, fields: dict[str, Any]) -> None:
    a_mill_of_labels(mara)
    asked(mara)
    TrainingRun.objects.update(**fields)
    assert isinstance(asked(mara), Refused)


def test_two_who_ask_at_the_same_moment_get_one(mara: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    a_mill_of_labels(mara)
    freeze = snapshots.freeze

    def slow(*args: Any, **fields: Any) -> Any:
        found = freeze(*args, **fields)
        a_training(snapshot=found)  # somebody else's, while ours was frozen
        return found

    monkeypatch.setattr(snapshots, "freeze", slow)
    found = asked(mara)
    assert isinstance(found, Refused)
    assert "one at a time" in found.reason
    assert TrainingRun.objects.count() == 1


def test_a_class_of_one_roll_trains_unless_the_recipe_makes_folds(mara: Person) -> None:
    a_mill_of_labels(mara)
    for _number in range(3):
        labelled(mara, "cut", "R100")
    classes = ["good", "hole", "cut"]
    assert "one roll has all images of Cut" in refusal(mara, preset="best", classes=classes)
    run = asked(mara, classes=classes)
    assert isinstance(run, TrainingRun)
    assert (run.snapshot.counts["train"]["cut"], run.snapshot.counts["val"].get("cut")) == (3, None)


def test_images_of_several_sizes_must_be_wanted(mara: Person) -> None:
    a_mill_of_labels(mara)
    for roll in ("R0", "R1", "R2", "R3", "R4", "R5"):
        labelled(mara, "good", roll, width=128, height=128)
    assert "64 × 64, 128 × 128" in refusal(mara)
    assert isinstance(asked(mara, knobs={"resize_mixed": True}), TrainingRun)


def test_no_change_no_training(mara: Person) -> None:
    a_mill_of_labels(mara)
    first = done(asked(mara))
    assert f"Nothing has changed since training {first.pk}" in refusal(mara)
    done(asked(mara, preset="cloth"))
    assert isinstance(asked(mara, preset="quick"), TrainingRun)


def test_a_new_label_is_a_change(mara: Person) -> None:
    a_mill_of_labels(mara)
    done(asked(mara))
    for number in range(6):
        labelled(mara, "hole", f"R{number}")
    run = asked(mara)
    assert isinstance(run, TrainingRun)
    assert run.snapshot.name == "S2"


def test_a_quarantine_that_is_tried_keeps_its_labels_back(mara: Person) -> None:
    a_mill_of_labels(mara)
    olga = cast.olga()
    labelled(olga, "hole", "R0")
    tried = Quarantine.objects.create(person=olga, reason="new here", by=mara, at=timezone.now())
    run = asked(mara, without=tried)
    assert isinstance(run, TrainingRun)
    assert run.snapshot.left_out["quarantined"] == 1


def test_only_the_same_network_goes_on_from_a_version(mara: Person, tmp_path: Path) -> None:
    a_mill_of_labels(mara)
    version = install(tmp_path)
    assert "is a corner" in refusal(mara, base=Base.ACTIVE, base_version=version)
    for file in version.folder.iterdir():
        file.unlink()
    assert "damaged or gone" in refusal(mara, base=Base.HEAD, base_version=version)


# --- cancelling -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (JobState.WAITING, JobState.CANCELLED),
        (JobState.RUNNING, JobState.CANCELLING),
        (JobState.CANCELLING, JobState.CANCELLING),
    ],
)
def test_cancelling_ends_it_or_asks_its_worker_to(mara: Person, before: JobState, after: JobState) -> None:
    run = a_training(before)
    assert retraining.cancel(run, mara, timezone.now()) is None
    assert run.state == after


def test_what_has_ended_is_not_cancelled(mara: Person) -> None:
    run = a_training(JobState.DONE)
    found = retraining.cancel(run, mara, timezone.now())
    assert isinstance(found, Refused)
    assert run.state == JobState.DONE
    assert AuditEvent.objects.count() == 0


# --- policy -----------------------------------------------------------------------------------------------------


def test_by_default_nothing_starts_by_itself(mara: Person) -> None:
    a_mill_of_labels(mara)
    assert retraining.due(timezone.now()) is None
    assert retraining.start_when_due(timezone.now()) is None


def test_so_many_new_labels_start_one_and_it_says_why(mara: Person, settings: Any, tmp_path: Path) -> None:
    settings.TRAIN_AFTER_LABELS = 12
    install(tmp_path)
    a_mill_of_labels(mara, rolls=5)
    assert retraining.due(timezone.now()) is None
    for code in ("good", "hole"):
        labelled(mara, code, "R5")
    run = retraining.start_when_due(timezone.now())
    assert isinstance(run, TrainingRun)
    assert (run.why, run.asked_by, run.base) == ("policy: 12 new labels", None, Base.HEAD)
    assert retraining.due(timezone.now()) is None, "one is live"
    TrainingRun.objects.update(state=JobState.FAILED)
    assert retraining.due(timezone.now()) is None, "one that failed is not tried again without new labels"


def test_the_policy_repeats_the_last_settings_on_the_version_in_force(
    mara: Person, settings: Any, tmp_path: Path
) -> None:
    settings.TRAIN_AFTER_LABELS = 1
    version = install(tmp_path)
    DefectClass.objects.exclude(code__in=("good", "hole")).update(active=False)
    a_mill_of_labels(mara)
    older = ModelVersion.objects.create(name="older", digest="0" * 64, spec={"classes": ["good"]})
    done(a_training(base=Base.HEAD, network="corner", base_version=older, asked_at=timezone.now() - timedelta(days=1)))
    run = retraining.start_when_due(timezone.now())
    assert isinstance(run, TrainingRun)
    assert (run.base, run.base_version) == (Base.HEAD, version)


def test_it_suggests_new_labels_and_classes_and_starts_nothing(mara: Person, tmp_path: Path, settings: Any) -> None:
    install(tmp_path)
    a_mill_of_labels(mara, rolls=10)
    labelled(mara, "thread", "R0")
    assert [one.words for one in retraining.suggestions()] == ["21 labels, and nothing was trained on them yet."]
    labelled(mara, "thread", "R1")
    words = [one.words for one in retraining.suggestions()]
    assert words[1] == "“Thread” has 2 labelled images, and the version in force does not know it."
    assert not TrainingRun.objects.exists()
    assert not Snapshot.objects.exists()


def test_classes_that_are_taken_for_one_another_are_named(mara: Person) -> None:
    body = {"pairs": [{"first": "cut", "second": "thread", "count": 7, "share": 0.2, "captures": []}]}
    Insight.objects.create(kind=InsightKind.LABELS, asked_at=timezone.now(), state=JobState.DONE, body=body)
    assert [one.words for one in retraining.suggestions()] == [
        "“Cut” and “Thread” are taken for one another: label more of both before the next one."
    ]


# --- the command ------------------------------------------------------------------------------------------------


def test_the_command_asks_as_the_page_does(mara: Person, capsys: pytest.CaptureFixture[str]) -> None:
    a_mill_of_labels(mara)
    ModelVersion.objects.all().update(is_default=False)
    options = ("--base", "scratch", "--network", "resnet20v1", "--preset", "quick", "--knob", "epochs=2", "--json")
    call_command("train", *options)
    run = TrainingRun.objects.get()
    assert (run.knobs, run.why, run.snapshot.classes) == ({"epochs": 2}, "command", ["good", "hole"])
    told = json.loads(capsys.readouterr().out)
    assert (told["training"], told["state"], told["snapshot"]) == (run.pk, "waiting", "S1")


def test_the_command_refuses_in_words_with_code_2() -> None:
    with pytest.raises(CommandError, match="No labelled image is free") as refused:
        call_command("train", "--base", "scratch", "--classes", "good,hole")
    assert refused.value.returncode == 2
    with pytest.raises(CommandError, match="no model version nonsense"):
        call_command("train", "--from", "nonsense")


def test_the_command_waits_for_the_end_and_a_failure_is_its_exit_code(
    mara: Person, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    a_mill_of_labels(mara)

    def a_worker_fails_it(_seconds: float) -> None:
        TrainingRun.objects.update(state=JobState.FAILED, reason="no luck")

    monkeypatch.setattr("workers.management.commands.train.time.sleep", a_worker_fails_it)
    with pytest.raises(SystemExit) as ended:
        call_command("train", "--base", "scratch", "--preset", "quick", "--wait")
    assert ended.value.code == 1
    assert "failed: no luck" in capsys.readouterr().out
