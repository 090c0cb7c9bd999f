"""A training whose worker is killed goes on at its last epoch, and whatever becomes of it nothing is left behind."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import sleep
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
from django.db import connection
from django.utils import timezone

from inspections import retraining
from inspections.models import Base, JobState, ModelVersion, Origin, TrainingRun
from inspections.snapshots import make_golden
from tests import cast
from tests.judged import judged
from tests.labelled import a_roll, an_answer
from tests.processes import ROOT, clean_environment, is_gone, wait_for
from tests.trainings import a_picture
from workers.training import work

pytestmark = [pytest.mark.stack, pytest.mark.django_db(transaction=True, serialized_rollback=True)]
ROLLS = 8
WORK = "import django; django.setup(); from workers.training import work; work()"
# A worker as it is run, told by itself to train.
CELERY = """
import django; django.setup()
from celery.signals import worker_ready
from workers.app import app
ring = lambda **_: app.send_task("workers.train", queue="train")
worker_ready.connect(ring)
app.worker_main(["worker", "--queues", "train", "--concurrency", "2", "--without-gossip", "--without-mingle"])
"""
EPOCHS, ENDLESS = 100, 100_000
QUICK = {"size": 32, "batch": 8, "precision": "fp32"}


@pytest.fixture
def run(settings: Any) -> TrainingRun:
    """A training of many short epochs that nobody has begun."""
    return asked(settings, EPOCHS)


@pytest.fixture
def endless(settings: Any) -> TrainingRun:
    """One that does not end by itself while a test looks elsewhere."""
    return asked(settings, ENDLESS)


def asked(settings: Any, epochs: int) -> TrainingRun:
    settings.TRAIN_LEAST_IMAGES = 2
    mara, camera = cast.mara(), cast.a_camera()
    for roll in range(ROLLS):
        for code in ("good", "hole"):
            for number in range(2):
                capture = judged(camera, "good", 0.01, data=a_picture(code, roll, number), roll=a_roll(f"R{roll}"))
                an_answer(mara, capture, code)
    ModelVersion.objects.update(is_default=False)
    found = retraining.ask(
        mara, timezone.now(), base=Base.SCRATCH, network="resnet8v1", preset="quick", classes=("good", "hole"),
        knobs={**QUICK, "epochs": epochs}, why="button",
    )  # fmt: skip
    assert isinstance(found, TrainingRun), found
    return found


@contextlib.contextmanager
def a_worker(settings: Any, code: str = WORK, **more: str) -> Iterator[subprocess.Popen[bytes]]:
    """A training worker on this test's database, files and models."""
    values = connection.settings_dict
    address = f"sqlite:///{values['NAME']}"
    if connection.vendor == "postgresql":
        address = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{values['NAME']}").geturl()
    environment = clean_environment(
        DATA=str(settings.DATA), DATABASE_URL=address, TRAININGS=str(settings.TRAININGS), BUNDLES=str(settings.BUNDLES),
        MEDIA_ROOT=str(settings.MEDIA_ROOT), TRAIN_NICE="1", DJANGO_SETTINGS_MODULE="qc_site.settings",
        **{"TRAIN_LEASE_S": "2", **more},
    )  # fmt: skip
    started = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=environment)
    try:
        yield started
    finally:
        started.kill()
        started.wait()


def read(run: TrainingRun) -> TrainingRun:
    run.refresh_from_db()
    return run


def learning(worker: subprocess.Popen[bytes]) -> list[psutil.Process]:
    try:
        return list(filter(_learns, psutil.Process(worker.pid).children(recursive=True)))
    except psutil.NoSuchProcess:
        return []


def the_child(worker: subprocess.Popen[bytes]) -> psutil.Process:
    return next(iter(wait_for(lambda: learning(worker), what="the child")))


def _learns(process: psutil.Process) -> bool:
    """One that is dead but not yet fetched by its worker does not."""
    try:
        return "ml" in process.cmdline()
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return False


def test_a_killed_worker_costs_one_epoch_and_its_child_dies_with_it(run: TrainingRun, settings: Any) -> None:
    with a_worker(settings) as worker:
        wait_for(lambda: len(read(run).history) >= 2, 60, "the second epoch")
        child = the_child(worker)
        assert child.nice() == 1
        worker.kill()
        wait_for(lambda: is_gone(child.pid), what="the end of the child")
    assert read(run).state == JobState.RUNNING
    known = len(run.history)
    assert known < EPOCHS
    wait_for(lambda: TrainingRun.objects.claimable(timezone.now()).exists(), what="the end of the lease")
    make_golden(run.asked_by, timezone.now())
    with a_worker(settings) as worker:
        assert worker.wait(120) == 0
    assert (read(run).state, run.reason) == (JobState.DONE, ""), run.log
    epochs = [entry["epoch"] for entry in run.history]
    assert epochs[-1] == EPOCHS
    assert len(epochs) - EPOCHS <= 1, "at most one epoch was learnt twice"
    assert run.version
    assert (run.version.origin, run.version.snapshot, run.version.classes) == (
        Origin.TRAINED, run.snapshot, ["good", "hole"],
    )  # fmt: skip
    assert run.version.folder.is_dir()
    assert list(Path(settings.TRAININGS).glob("*")) == []
    assert run.slot is None


def test_a_worker_that_is_asked_to_end_hands_it_back_at_once(endless: TrainingRun, settings: Any) -> None:
    """Nobody waits for its lease, which is long here, nor counts a death."""
    with a_worker(settings, CELERY, BROKER_URL="memory://", TRAIN_LEASE_S="900") as worker:
        wait_for(lambda: len(read(endless).history) >= 2, 60, "the second epoch")
        child = the_child(worker)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(90) == 0
    assert is_gone(child.pid)
    assert (read(endless).state, endless.attempts) == (JobState.RUNNING, 0)
    assert TrainingRun.objects.claimable(timezone.now()).get() == endless
    assert (Path(settings.TRAININGS) / str(endless.pk) / "checkpoints").is_dir()
    retraining.cancel(endless, endless.asked_by, timezone.now())
    work()
    assert (read(endless).state, endless.slot) == (JobState.CANCELLED, None)
    assert list(Path(settings.TRAININGS).glob("*")) == []


def test_cancelling_ends_the_process_and_leaves_nothing(endless: TrainingRun, settings: Any) -> None:
    with a_worker(settings) as worker:
        wait_for(lambda: len(read(endless).history) >= 1, 60, "the first epoch")
        child = the_child(worker)
        retraining.cancel(endless, endless.asked_by, timezone.now())
        assert worker.wait(90) == 0
    assert is_gone(child.pid)
    assert (read(endless).state, endless.version, endless.slot) == (JobState.CANCELLED, None, None)
    assert list(Path(settings.TRAININGS).glob("*")) == []


def test_a_child_that_is_killed_again_and_again_is_given_up_with_its_words(endless: TrainingRun, settings: Any) -> None:
    with a_worker(settings, MAX_ATTEMPTS="2") as worker:
        while worker.poll() is None:  # also where one lived long enough for an epoch, which counts anew
            for child in learning(worker):
                with contextlib.suppress(psutil.NoSuchProcess):
                    child.kill()
            sleep(0.02)
        assert worker.returncode == 0
    assert read(endless).state == JobState.FAILED
    assert "died 2 times" in endless.reason
    assert "SIGKILL" in endless.reason
    assert list(Path(settings.TRAININGS).glob("*")) == []
