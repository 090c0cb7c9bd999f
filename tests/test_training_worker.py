"""The training worker: what it lays out, which command it runs, what it reads back, and how each end is told."""

import csv
import errno
import json
import threading
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from django.core.files.storage import default_storage
from django.db import connection
from django.db.utils import OperationalError
from django.test import Client
from django.utils import timezone

from inspections import registry, retraining
from inspections.models import (
    Base,
    Camera,
    GateReport,
    Insight,
    InsightKind,
    JobState,
    ModelVersion,
    Origin,
    Person,
    TrainingRun,
    VerdictEvidence,
)
from inspections.snapshots import make_golden
from ml.inspector import Inspector
from tests import cast
from tests.bundles import small_bundle
from tests.labelled import a_mill_of_labels, an_answer
from tests.mill import posted
from tests.trainings import a_picture, a_training
from workers import inspectors, training
from workers.judging import drain
from workers.learning import command, data, embeddings, following, told
from workers.learning.folder import WorkFolder, folder_of, held, remove_left_behind
from workers.learning.images import lay_out
from workers.learning.outcomes import Cancelled, Failed, Lost
from workers.training import work

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def few_are_enough(settings: Any) -> None:
    settings.TRAIN_LEAST_IMAGES = 2
    settings.TRAIN_NICE = 0  # a busy machine shall not hold the tests up


@pytest.fixture
def mara() -> Person:
    return cast.mara()


def asked(by: Person, **fields: Any) -> TrainingRun:
    values: dict[str, Any] = {"base": Base.SCRATCH, "network": "resnet8v1", "preset": "quick", **fields}
    found = retraining.ask(by, timezone.now(), classes=("good", "hole"), why="button", **values)
    assert isinstance(found, TrainingRun), found
    return found


def a_version(tmp_path: Path) -> ModelVersion:
    return registry.add(small_bundle(tmp_path / "small"), timezone.now())


def words_of(run: TrainingRun) -> dict[str, str]:
    """The options of its command by name."""
    first, *rest = command.of(run, folder_of(run))
    found, name = {"command": first}, ""
    for word in rest:
        name = word if word.startswith("--") else name
        found[name] = "" if word == name else word
    return found


def ended(run: TrainingRun) -> TrainingRun:
    run.refresh_from_db()
    assert run.slot is None
    assert not folder_of(run).path.exists()
    return run


# --- what is laid out -------------------------------------------------------------------------------------------


def test_the_images_lie_beside_a_manifest_with_their_sides_and_weights(mara: Person, tmp_path: Path) -> None:
    a_mill_of_labels(mara)
    run, counted = asked(mara), []
    assert lay_out(run.snapshot, tmp_path / "data", with_split=True, tick=counted.append) == 10
    rows = manifest(tmp_path / "data")
    assert {row["split"] for row in rows} == {"train", "val"}
    assert {row["weight"] for row in rows} == {"1.0"}
    assert {row["camera"] for row in rows} == {"loom-1/left"}
    assert len({row["source"] for row in rows}) == 5, "the sixth roll is golden"
    stored = {Path(default_storage.path(one.path)).read_bytes() for one in capture_files(run)}
    assert {(tmp_path / "data" / row["path"]).read_bytes() for row in rows} == stored
    assert counted == [0]


def manifest(folder: Path) -> list[dict[str, str]]:
    with (folder / "manifest.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def capture_files(run: TrainingRun) -> Any:
    return [row.capture for row in run.snapshot.rows.filter(side__in=("train", "val")).select_related("capture")]


@pytest.mark.django_db(transaction=True)
def test_images_are_laid_out_while_cameras_post(mara: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lease is renewed in between, and others write meanwhile."""
    a_mill_of_labels(mara)
    run = asked(mara)
    monkeypatch.setattr("workers.learning.images.TICK", 2)

    def somebody_writes(number: int) -> None:
        Camera.objects.update(client=f"client {number}")
        connection.close()

    def tick(number: int) -> None:
        writer = threading.Thread(target=somebody_writes, args=(number,))
        writer.start()
        writer.join()
        run.renew(timezone.now() + timedelta(seconds=30))

    assert lay_out(run.snapshot, tmp_path / "data", with_split=True, tick=tick) == 10
    assert Camera.objects.get(slug="left").client == "client 8"


def test_without_links_files_are_copied_and_what_is_gone_is_left_out(
    mara: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_mill_of_labels(mara)
    run = asked(mara)
    gone = capture_files(run)[0]
    default_storage.delete(gone.path)

    def refuses(*_: Any) -> None:
        raise OSError(errno.EXDEV, "another disk")

    monkeypatch.setattr("workers.learning.images.os.link", refuses)
    assert lay_out(run.snapshot, tmp_path / "data", with_split=False, tick=lambda _: None) == 9
    rows = manifest(tmp_path / "data")
    assert {row["split"] for row in rows} == {""}
    assert str(gone.pk) not in str(rows)


# --- the command ------------------------------------------------------------------------------------------------


def test_from_scratch_takes_the_input_of_the_version_in_force(mara: Person, tmp_path: Path, settings: Any) -> None:
    settings.TRAIN_THREADS = 2
    registry.put_in_force(a_version(tmp_path))
    words = words_of(a_training(knobs={"epochs": 3, "amp": False, "resize_mixed": True, "stem": "standard"}))
    told_to = {
        name: words.get(name) for name in ("command", "--size", "--channels", "--epochs", "--threads", "--classes")
    }
    assert list(told_to.values()) == ["train", "64", "1", "3", "2", "good,hole"]
    assert "--no-amp" in words
    assert "--resize-mixed" in words
    assert "--weights" not in words


def test_from_a_version_takes_its_weights_and_its_stem(tmp_path: Path) -> None:
    version = a_version(tmp_path)
    words = words_of(a_training(base=Base.ACTIVE, base_version=version))
    assert (words["--weights"], words["--stem"]) == (str(version.folder), "none")


def test_head_only_takes_the_bundle_embeddings_and_images(tmp_path: Path) -> None:
    run = a_training(base=Base.HEAD, base_version=a_version(tmp_path))
    words, folder = words_of(run), folder_of(run)
    assert words["command"] == "head"
    assert (words["--embeddings"], words["--manifest"]) == (str(folder.embeddings), str(folder.manifest))


def test_a_head_on_a_bundle_of_other_names_is_told_what_the_mill_calls_them(tmp_path: Path) -> None:
    bundle = small_bundle(tmp_path / "named", classes=("good", "perforation", "slash"))
    version = registry.add(bundle, timezone.now(), class_map={"perforation": "hole", "slash": "cut"})
    words = words_of(a_training(base=Base.HEAD, base_version=version))
    assert words["--base-classes"] == "good,hole,cut"
    assert "--base-classes" not in words_of(a_training(base=Base.HEAD, base_version=a_version(tmp_path)))


@pytest.mark.parametrize(
    ("preset", "knobs", "is_so"),
    [("best", {}, True), ("best", {"calibrate": "validation"}, False), ("quick", {}, False)],
)
def test_a_recipe_that_makes_its_own_folds_is_given_no_sides(preset: str, knobs: dict[str, Any], is_so: bool) -> None:
    assert retraining.Wish.of(a_training(preset=preset, knobs={**knobs, "size": 64})).calibrates_on_folds is is_so


# --- what is read back ------------------------------------------------------------------------------------------


def test_what_the_process_tells_becomes_columns(tmp_path: Path) -> None:
    folder = WorkFolder(tmp_path)
    assert told.told(folder) == {"history": [], "log": ""}
    folder.progress.write_text(
        json.dumps(
            {"stage": "training", "epoch": 2, "epochs": 5, "batch": 1, "batches": 9, "share": 1.7, "eta_s": None}
        )
    )
    folder.log.write_text('{"epoch": 1, "loss": 0.5}\n{"epoch": 2, "lo')
    folder.said.write_bytes(b"first\n" + b"x" * 9000 + b"\nlast \0 words\xff\n")
    found = told.told(folder)
    assert (found["epoch"], found["batches"], found["share_done"], found["eta_s"]) == (2, 9, 1.0, None)
    assert found["history"] == [{"epoch": 1, "loss": 0.5}], "the last line is still being written"
    assert found["log"] == "last  words\ufffd\n"
    assert told.last_words(folder.said) == "last  words\ufffd"


def test_a_folder_has_one_worker_at_a_time(settings: Any) -> None:
    folder = folder_of(a_training())
    with held(folder) as first, held(folder) as second:
        assert (first, second) == (True, False)
    with held(folder) as again:
        assert again


def test_a_run_that_another_worker_still_holds_is_left_alone(mara: Person) -> None:
    run = a_training()
    with held(folder_of(run)):
        work()
    run.refresh_from_db()
    assert (run.state, run.attempts) == (JobState.RUNNING, 0)


def test_a_run_that_somebody_else_has_taken_over_is_lost(mara: Person) -> None:
    a_training()
    mine = TrainingRun.objects.claim(timezone.now(), timezone.now(), slot=1)
    assert following.tell(mine, folder_of(mine)) == JobState.RUNNING
    later = timezone.now() + training.timedelta(minutes=5)
    assert TrainingRun.objects.claim(later, later)
    assert following.tell(mine, folder_of(mine)) == ""


def test_a_database_that_is_away_for_a_moment_is_asked_again(mara: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    a_training()
    mine = TrainingRun.objects.claim(timezone.now(), timezone.now(), slot=1)
    closed: list[int] = []

    def away(*_: Any, **__: Any) -> None:
        raise OperationalError("the server closed the connection")

    with monkeypatch.context() as patch:
        patch.setattr(TrainingRun, "renew", away)
        patch.setattr("workers.learning.following.connection.close", lambda: closed.append(1))
        assert following.tell(mine, folder_of(mine)) is None
    assert closed == [1]
    assert following.tell(mine, folder_of(mine)) == JobState.RUNNING


# --- ends -------------------------------------------------------------------------------------------------------


def test_one_training_in_the_mill(mara: Person) -> None:
    busy = a_training(JobState.RUNNING, slot=1, lease_until=timezone.now() + training.timedelta(minutes=1))
    other = a_training()
    work()
    other.refresh_from_db()
    assert (busy.state, other.state) == (JobState.RUNNING, JobState.WAITING)


@pytest.mark.any_database
def test_bad_data_fails_with_the_words_of_the_program(mara: Person) -> None:
    a_mill_of_labels(mara)
    run = asked(mara, knobs={"stem": "standard", "size": 32})
    TrainingRun.objects.filter(pk=run.pk).update(network="resnet9v1")
    work()
    assert (ended(run).state, run.attempts) == (JobState.FAILED, 1)
    assert run.reason.startswith("there is no network 'resnet9v1'")
    assert run.reason in run.log


def test_a_disk_that_fills_up_is_told_and_nothing_is_left(mara: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    a_mill_of_labels(mara)
    run = asked(mara)

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("workers.learning.images.os.link", full)
    monkeypatch.setattr("workers.learning.images.shutil.copyfileobj", full)
    work()
    assert ended(run).reason == "The disk was full. Nothing of this training is left on it."


def test_a_disk_that_is_too_full_for_last_words_is_told_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program had nowhere to write why it broke off."""
    folder = WorkFolder(tmp_path)
    folder.said.write_text("")
    assert following._outcome(1, folder) == Failed("The training program broke off: 1")
    monkeypatch.setattr("workers.learning.following.shutil.disk_usage", lambda _path: SimpleNamespace(free=0))
    assert following._outcome(1, folder) == Failed("The disk was full. Nothing of this training is left on it.")


def test_a_cancelled_one_whose_worker_was_lost_is_ended(mara: Person) -> None:
    run = a_training(JobState.CANCELLING, slot=1)
    folder_of(run).path.mkdir(parents=True)
    work()
    assert ended(run).state == JobState.CANCELLED


def test_what_a_killed_worker_left_behind_is_removed(settings: Any) -> None:
    run = a_training(JobState.DONE)
    folder_of(run).path.mkdir(parents=True)
    (settings.TRAININGS / "notes.txt").write_text("not ours")
    work()
    assert [path.name for path in settings.TRAININGS.iterdir()] == ["notes.txt"]


def test_a_training_that_begins_while_another_worker_tidies_keeps_its_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    settled = a_training(JobState.DONE)
    folder_of(settled).path.mkdir(parents=True)
    begun: list[TrainingRun] = []

    def asked_a_moment_before() -> Any:
        found = list(TrainingRun.objects.filter(state=JobState.RUNNING).values_list("pk", flat=True))
        begun.append(a_training(JobState.RUNNING, slot=1))
        folder_of(begun[0]).path.mkdir()
        return TrainingRun.objects.filter(pk__in=found)

    monkeypatch.setattr(TrainingRun.objects, "live", asked_a_moment_before)
    remove_left_behind()
    assert not folder_of(settled).path.exists()
    assert folder_of(begun[0]).path.exists()


def finished(run: TrainingRun) -> None:
    """Its program has ended and left a bundle, and its worker was killed before it could say so."""
    folder_of(run).path.mkdir(parents=True)
    small_bundle(folder_of(run).out, classes=("good", "hole"), centres=(128.0, 250.0))
    TrainingRun.objects.filter(pk=run.pk).update(state=JobState.RUNNING, slot=1, attempts=1)


def test_a_worker_that_is_killed_after_the_programs_end_costs_no_training(mara: Person) -> None:
    a_mill_of_labels(mara)
    run = asked(mara)
    finished(run)
    work()
    assert (ended(run).state, run.reason) == (JobState.DONE, "")
    assert run.version


def test_one_that_was_taken_over_at_its_very_end_is_not_trained_again(
    mara: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_mill_of_labels(mara)
    run = asked(mara)
    finished(run)
    add = registry.add

    def slow(*args: Any, **fields: Any) -> ModelVersion:
        TrainingRun.objects.update(lease=uuid4(), lease_until=timezone.now() + timedelta(minutes=1))
        return add(*args, **fields)

    monkeypatch.setattr(registry, "add", slow)
    work()
    assert folder_of(run).out.exists()
    monkeypatch.undo()
    TrainingRun.objects.update(lease_until=None)
    work()
    assert ended(run).state == JobState.DONE


def test_a_disk_that_is_full_at_the_registry_ends_it_in_words(mara: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    a_mill_of_labels(mara)
    run = asked(mara)
    finished(run)

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("inspections.registry.shutil.copyfile", full)
    work()
    assert "disk was full" in ended(run).reason
    assert not ModelVersion.objects.filter(origin=Origin.TRAINED).exists()


@pytest.mark.parametrize("state", [JobState.CANCELLING, JobState.CANCELLED])
def test_what_is_cancelled_while_its_images_are_looked_at_stops_there(
    mara: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: JobState
) -> None:
    a_mill_of_labels(mara)
    run = asked(mara, base=Base.HEAD, base_version=a_version(tmp_path))
    monkeypatch.setattr("workers.learning.embeddings.inspector_for", lambda _: pytest.fail)
    TrainingRun.objects.update(state=state)
    assert isinstance(embeddings.write(run, tmp_path / "kept.npz"), Cancelled | Lost)
    folder_of(run).path.mkdir(parents=True)
    assert isinstance(data.prepare(run, folder_of(run)), Cancelled | Lost)
    assert not folder_of(run).data.exists()


def test_where_the_training_libraries_are_missing_it_fails_at_once(
    mara: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_mill_of_labels(mara)
    run = asked(mara)
    monkeypatch.setattr("workers.learning.data.find_spec", lambda name: None)
    work()
    assert "libraries are not installed" in ended(run).reason


# --- head only, for real ----------------------------------------------------------------------------------------


@pytest.fixture
def starter(settings: Any) -> ModelVersion:
    inspectors.forget()
    version = registry.add(settings.STARTER_BUNDLE, timezone.now())
    registry.put_in_force(version)
    return version


@pytest.mark.any_database
def test_a_head_is_learnt_on_kept_embeddings_and_becomes_a_candidate_at_the_gate(
    mara: Person, posting: Client, starter: ModelVersion
) -> None:
    captures = []
    for roll in range(8):
        for code in ("good", "hole"):
            captures.append(posted(posting, a_picture(code, roll, 0), roll=f"R{roll}"))
    drain()
    for number, capture in enumerate(captures):
        capture.refresh_from_db()
        an_answer(mara, capture, ("good", "hole")[number % 2])
    make_golden(mara, timezone.now())
    run = asked(mara, base=Base.HEAD, base_version=starter)
    lacking = run.snapshot.rows.filter(side="train").first().capture  # type: ignore[union-attr]
    VerdictEvidence.objects.filter(verdict__capture=lacking).delete()
    work()
    assert (ended(run).state, run.reason) == (JobState.DONE, ""), run.log
    version = run.version
    assert version
    assert (version.classes, version.parent, version.snapshot) == (["good", "hole"], starter, run.snapshot)
    assert GateReport.objects.get().version == version
    assert Insight.objects.get().kind == InsightKind.LABELS
    hole = Inspector.load(version.folder, device="cpu").judge([embeddings.Item(a_picture("hole", 99, 1))])[0]
    assert max(hole.probabilities, key=hole.probabilities.get) == "hole"  # type: ignore[union-attr, arg-type]


def test_embeddings_of_another_width_are_made_anew(
    mara: Person, posting: Client, starter: ModelVersion, tmp_path: Path
) -> None:
    for roll in range(4):
        for code in ("good", "hole"):
            capture = posted(posting, a_picture(code, roll, 0), roll=f"R{roll}")
            drain()
            capture.refresh_from_db()
            an_answer(mara, capture, code)
    VerdictEvidence.objects.update(embedding=np.zeros(4, dtype="<f2").tobytes())
    run = asked(mara, base=Base.HEAD, base_version=starter)
    assert embeddings.write(run, tmp_path / "kept.npz") is None
    with np.load(tmp_path / "kept.npz") as kept:
        assert kept["embedding"].dtype == np.float16
        assert kept["embedding"].shape == (len(kept["label"]), starter.spec["embedding_size"])
        assert set(kept["side"]) == {"train", "val"}
        assert kept["embedding"].any()
