"""Trainings and their snapshots as rows, and labelled captures that a real one can learn from."""

from typing import Any

import numpy as np
from django.utils import timezone
from PIL import Image

from inspections.models import Base, JobState, Purpose, Snapshot, TrainingRun
from tests.cast import encoded

CLASSES = ["good", "hole"]
COUNTS = {"train": {"good": 40, "hole": 20}, "val": {"good": 8, "hole": 4}}


def a_snapshot(name: str = "S1", **fields: Any) -> Snapshot:
    values = {
        "purpose": Purpose.TRAIN, "digest": name.ljust(64, "0"), "created_at": timezone.now(), "classes": CLASSES,
        "counts": COUNTS, "sources": {side: dict.fromkeys(CLASSES, 2) for side in COUNTS}, **fields,
    }  # fmt: skip
    return Snapshot.objects.get_or_create(name=name, defaults=values)[0]


def a_training(state: JobState = JobState.WAITING, **fields: Any) -> TrainingRun:
    now = timezone.now()
    values = {
        "snapshot": fields.pop("snapshot", None) or a_snapshot(), "base": Base.SCRATCH, "network": "resnet8v1",
        "preset": "quick", "asked_at": now, "state": state, "why": "button", **fields,
    }  # fmt: skip
    if state in (JobState.DONE, JobState.FAILED, JobState.CANCELLED):
        values.setdefault("started_at", now)
        values.setdefault("finished_at", now)
    return TrainingRun.objects.create(**values)


def a_picture(code: str, roll: int, number: int) -> bytes:
    """Cloth of a light of its own; a hole is white."""
    rng = np.random.default_rng([roll, number, len(code)])
    coarse = rng.normal(0, 30, (8, 8)).repeat(8, 0).repeat(8, 1)
    pixels = 120 + coarse + rng.normal(0, 10, (64, 64))
    if code == "hole":
        pixels[20:44, 20:44] = 250
    return encoded(Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)))
