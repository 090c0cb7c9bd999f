"""Captures and what was said of them, written as the product writes them, without a model."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import numpy as np
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from inspections import tally
from inspections.models import Camera, Capture, DefectClass, ModelVersion, State, Status
from ml.answers import UNKNOWN, Judgement, Undecodable
from tests.cast import a_png
from workers.recording import record

CLASSES = ["good", "color", "cut", "hole", "thread", "metal_contamination"]


def a_version(name: str = "2026.11.1", **fields: Any) -> ModelVersion:
    """A version that is in force; its bundle is a name only."""
    values = {"state": State.ACTIVE, "is_default": True, "spec": {"classes": CLASSES}, **fields}
    digest = sha256(name.encode()).hexdigest()
    return ModelVersion.objects.get_or_create(name=name, defaults={"digest": digest, **values})[0]


def a_capture(camera: Camera, at: datetime | None = None, data: bytes | None = None, **fields: Any) -> Capture:
    """A capture that waits, its file in storage; `at` is when it was taken and received."""
    data = a_png() if data is None else data
    at = at or timezone.now()
    values = {
        "line": camera.line,
        "captured_at": at,
        "received_at": at,
        "counted_at": at,
        "sha256": sha256(data).digest(),
        "bytes": len(data),
        "width": 64,
        "height": 64,
        "suffix": "png",
        **fields,
    }
    capture = Capture.objects.create(camera=camera, **values)
    default_storage.save(capture.path, ContentFile(data))
    return capture


def probabilities_of(label: str, score: float) -> dict[str, float]:
    """P(good) = 1 - score, most of the rest on the label."""
    others = [code for code in CLASSES if code not in ("good", label)]
    rest = score if label in ("good", UNKNOWN) else 0.1 * score
    found = {"good": 1 - score, **dict.fromkeys(others, rest / len(others))}
    return found if label in ("good", UNKNOWN) else {**found, label: 0.9 * score}


def a_judgement(label: str, score: float | None, threshold: float = 0.2, **fields: Any) -> Judgement:
    hot = np.zeros((8, 8), dtype=np.uint8)
    hot[2:5, 3:6] = 255
    values: dict[str, Any] = {
        "label": label,
        "confidence": score,
        "anomaly_score": score,
        "flagged": label == UNKNOWN or score is None or score >= threshold,
        "probabilities": None if score is None else probabilities_of(label, score),
        "threshold": threshold,
        "embedding": np.zeros(4, dtype=np.float16),
        "heatmap": hot,
        "warnings": (),
        "brightness": 128.0,
        "focus": 90.0,
        "tiles": None,
    }
    return Judgement(**{**values, **fields})


def judged(
    camera: Camera, label: str = "hole", score: float | None = 0.98, at: datetime | None = None, **fields: Any
) -> Capture:
    """A capture with its verdict, evidence and rollups; what the verdict does not know goes to the row."""
    said = {name: fields.pop(name) for name in ("warnings", "tiles", "heatmap", "threshold") if name in fields}
    capture = a_capture(camera, at, **fields)
    record(a_version(), [capture], [a_judgement(label, score, **said)], capture.received_at + timedelta(seconds=1))
    return capture


def failed(camera: Camera, reason: str = "the image cannot be decoded", at: datetime | None = None) -> Capture:
    capture = a_capture(camera, at)
    record(a_version(), [capture], [Undecodable(reason)], timezone.now())
    return capture


def many_judged(
    camera: Camera, count: int, at: datetime, label: str = "good", score: float = 0.01, step: timedelta = timedelta(0)
) -> Sequence[Capture]:
    """Rows alone, no files and no evidence: for histories."""
    found = DefectClass.objects.get(code=label)
    flagged = score >= 0.2
    rows = [
        Capture(
            line=camera.line,
            camera=camera,
            captured_at=at + step * number,
            received_at=at + step * number,
            counted_at=at + step * number,
            sha256=b"",
            bytes=1,
            width=64,
            height=64,
            suffix="png",
            status=Status.JUDGED,
            defect_class=found,
            anomaly_score=score,
            flagged=flagged,
            anomaly=flagged,
            severity=score,
        )
        for number in range(count)
    ]
    tally.add(tally.Counted.of(row, label, flagged=flagged) for row in rows)
    return Capture.objects.bulk_create(rows, batch_size=500)
