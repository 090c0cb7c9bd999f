"""A list of what to label next, and comparisons of a challenger, written as the workers write them."""

from datetime import datetime, timedelta
from itertools import count
from typing import Any

import numpy as np
from django.utils import timezone

from inspections.models import Camera, Capture, Comparison, DefectClass, ModelVersion, State, TeachPick, Verdict, Why
from tests.cast import a_png
from tests.judged import a_capture, a_judgement, a_version, judged
from workers.recording import record

_seeds = count(5000)  # of images: no two have the same bytes


def passed(camera: Camera, seed: int = 0, at: datetime | None = None) -> Capture:
    """An image that the model let through."""
    return judged(camera, "good", 0.01, at=at, data=a_png(seed))


def listed(*captures: Capture, why: Why = Why.MARGIN) -> list[TeachPick]:
    """The list, in this order."""
    return [
        TeachPick.objects.create(
            capture=capture, line_id=capture.line_id, rank=rank, why=why, margin=0.05, first="hole", second="cut",
            distance=0.4, made_at=timezone.now(),
        )
        for rank, capture in enumerate(captures)
    ]  # fmt: skip


def a_challenger(name: str = "2026.11.2") -> ModelVersion:
    return a_version(name, state=State.SHADOW, is_default=False)


def compared(capture: Capture, after: str = "hole", *, flagged: bool = True, agrees: bool = False) -> Comparison:
    """What the challenger says of it beside the verdict in force."""
    challenger, before = a_challenger(), Verdict.objects.get(capture=capture, effective=True)
    found = DefectClass.objects.get(code=after)
    beside = Verdict.objects.create(
        capture=capture, version=challenger, effective=False, defect_class=found, threshold=0.2, flagged=flagged,
        judged_at=timezone.now(), latency_ms=1,
    )  # fmt: skip
    return Comparison.objects.create(
        capture=capture, version=challenger, champion=before.version, verdict=beside, line_id=capture.line_id,
        counted_at=capture.counted_at, before=before.defect_class, after=found, before_flagged=before.flagged,
        after_flagged=flagged, agrees=agrees,
    )  # fmt: skip


def seen_as(
    camera: Camera, axis: int, label: str = "good", score: float = 0.01, at: datetime | None = None, **fields: Any
) -> Capture:
    """A judged image whose embedding lies near one of eight axes."""
    embedding = np.random.default_rng(axis).normal(0, 0.02, 8)
    embedding[axis] += 1
    capture = a_capture(camera, at, data=a_png(next(_seeds)), **fields)
    said = a_judgement(label, score, embedding=embedding.astype(np.float16))
    record(a_version(), [capture], [said], capture.received_at + timedelta(seconds=1))
    return capture
