"""The work folder of a run: one worker at a time, and nothing of it is left once the run has ended."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from inspections.models import TrainingRun


@dataclass(frozen=True)
class WorkFolder:
    """What lies where."""

    path: Path

    @property
    def data(self) -> Path:
        return self.path / "data"  # there once it is whole

    @property
    def manifest(self) -> Path:
        return self.data / "manifest.csv"

    @property
    def embeddings(self) -> Path:
        return self.path / "embeddings.npz"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def out(self) -> Path:
        return self.path / "bundle"

    @property
    def progress(self) -> Path:
        return self.path / "progress.json"

    @property
    def log(self) -> Path:
        return self.path / "epochs.jsonl"

    @property
    def said(self) -> Path:
        return self.path / "said.log"

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)


def folder_of(run: TrainingRun) -> WorkFolder:
    return WorkFolder(settings.TRAININGS / str(run.pk))


@contextmanager
def held(folder: WorkFolder) -> Iterator[bool]:
    """Whether the folder is ours alone. A frozen worker still holds it, so nobody begins beside its child."""
    settings.TRAININGS.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(settings.TRAININGS / f"{folder.path.name}.lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        ours = _locked(handle)
        if ours:
            folder.path.mkdir(exist_ok=True)
        yield ours
    finally:
        os.close(handle)


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def remove_left_behind() -> None:
    """Folders whose run has ended: its worker was killed between its last word and the tidying."""
    if not settings.TRAININGS.is_dir():
        return
    found = list(settings.TRAININGS.iterdir())  # before the question: what begins meanwhile is not in it
    live = {str(key) for key in TrainingRun.objects.live().values_list("pk", flat=True)}
    for path in found:
        name = path.name.removesuffix(".lock")
        if name.isdigit() and name not in live:
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
