"""The words of the command that carries out a run."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from inspections.models import Base, ModelVersion, TrainingRun
from workers.learning.folder import WorkFolder

SWITCHES = frozenset({"resize_mixed", "homogenise", "leave_twins"})  # options without a `--no-`
SIZE, CHANNELS = 64, 3  # where no version says what the cameras send


def of(run: TrainingRun, folder: WorkFolder) -> list[str]:
    """Without the interpreter and `-m ml`."""
    told: dict[str, Any] = {
        "classes": ",".join(run.snapshot.classes),
        "out": folder.out,
        "log": folder.log,
        "progress": folder.progress,
        "name": f"training-{run.pk}",
        "licence": run.snapshot.licence,
    }
    if run.base == Base.HEAD:
        assert run.base_version
        kept: dict[str, Any] = {
            "base": run.base_version.folder,
            "embeddings": folder.embeddings,
            "manifest": folder.manifest,
        }
        if run.base_version.class_map:  # the labels name the mill's codes, and the bundle has names of its own
            kept["base_classes"] = ",".join(run.base_version.classes)
        return ["head", *_options({**kept, **told, "threads": settings.TRAIN_THREADS, "resize_mixed": True})]
    learnt = {"manifest": folder.manifest, "work": folder.checkpoints}
    return ["train", *_options({**_network(run), **told, **learnt, "leave_twins": True})]


def _network(run: TrainingRun) -> dict[str, Any]:
    """What is trained and how. A trunk fits only the network that it was learnt in, at the size it was learnt at."""
    shape = _input_of(run)
    found = {
        "network": run.network,
        "preset": run.preset,
        "threads": settings.TRAIN_THREADS,
        "leave_twins": True,  # rolls woven alike must not stop a training; what nearly equals it measures nothing
        **shape,
        **run.knobs,
    }
    if run.base == Base.ACTIVE:
        assert run.base_version
        found |= {"weights": run.base_version.folder, "stem": run.base_version.spec.get("stem", "standard")}
    return found


def _input_of(run: TrainingRun) -> dict[str, Any]:
    """The input of the version it starts from, else of the one in force: the cameras are the same."""
    version = run.base_version or ModelVersion.objects.filter(is_default=True).first()
    shape: Mapping[str, Any] = version.spec.get("input", {}) if version else {}
    found = {
        "size": shape.get("width", SIZE),
        "channels": shape.get("channels", CHANNELS),
        "large": shape.get("large", "resize"),
        "max_tiles": shape.get("max_tiles", 64),
    }
    return {**found, "homogenise": True} if shape.get("homogenise") is not None else found


def _options(values: Mapping[str, Any]) -> list[str]:
    words: list[str] = []
    for name, value in values.items():
        flag = name.replace("_", "-")
        if value is True:
            words.append(f"--{flag}")
        elif value is False:
            words += [] if name in SWITCHES else [f"--no-{flag}"]
        elif value != "":
            words += [f"--{flag}", str(value)]
    return words
