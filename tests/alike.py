"""Captures whose embeddings lie at an angle of the tests' choosing: how far two are apart is then known."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import cos, sin
from pathlib import Path

import numpy as np
from django.core.files.storage import default_storage
from django.utils import timezone
from numpy.typing import NDArray

from inspections import tally
from inspections.ids import id_at
from inspections.look_alikes import files
from inspections.models import Camera, Capture, DefectClass, ModelVersion, Status, Verdict, VerdictEvidence
from tests.cast import a_camera
from tests.judged import a_version

SIZE = 8


def turned(angle: float) -> NDArray[np.float16]:
    """Two of these are 2 sin(half the difference) apart."""
    return np.array([cos(angle), sin(angle), *[0.0] * (SIZE - 2)], dtype=np.float16)


def apart(angle: float) -> float:
    return 2 * sin(abs(angle) / 2)


def seen(
    *angles: float,
    camera: Camera | None = None,
    at: datetime | None = None,
    version: ModelVersion | None = None,
    code: str = "hole",
) -> list[Capture]:
    """Captures that this version judged then, one for each angle; a minute ago unless told."""
    return planted([turned(angle) for angle in angles], camera, at, version, code)


def planted(
    embeddings: Sequence[NDArray[np.floating]] | NDArray[np.floating],
    camera: Camera | None = None,
    at: datetime | None = None,
    version: ModelVersion | None = None,
    code: str = "hole",
    *,
    effective: bool = True,
) -> list[Capture]:
    """Rows as the judge writes them, without pictures, and with the ids of that time."""
    camera, version = camera or a_camera(), version or a_version()
    at = at or timezone.now() - timedelta(minutes=1)
    found = DefectClass.objects.get(code=code)
    captures = [
        Capture(
            id=id_at(at + timedelta(milliseconds=number)), line=camera.line, camera=camera, captured_at=at,
            received_at=at, counted_at=at, sha256=b"", bytes=1, width=64, height=64, suffix="png",
            status=Status.JUDGED, defect_class=found, anomaly_score=0.9, flagged=True, severity=0.9,
        )
        for number in range(len(embeddings))
    ]  # fmt: skip
    Capture.objects.bulk_create(captures)
    if effective:
        tally.add(tally.Counted.of(capture, code, flagged=True) for capture in captures)
    says(version, captures, embeddings, at, effective=effective)
    return captures


def says(
    version: ModelVersion,
    captures: Sequence[Capture],
    embeddings: Sequence[NDArray[np.floating]] | NDArray[np.floating],
    at: datetime,
    *,
    effective: bool = False,
) -> None:
    """What this version said of them then, beside the others or in force."""
    verdicts = [
        Verdict(
            id=id_at(at + timedelta(milliseconds=number)), capture=capture, version=version, effective=effective,
            defect_class_id=capture.defect_class_id, anomaly_score=0.9, threshold=0.2, flagged=True, judged_at=at,
            latency_ms=1,
        )
        for number, capture in enumerate(captures)
    ]  # fmt: skip
    Verdict.objects.bulk_create(verdicts)
    VerdictEvidence.objects.bulk_create(
        VerdictEvidence(
            verdict=verdict, embedding=np.asarray(row, dtype="<f2").tobytes(), heatmap=b"", heatmap_rows=0,
            heatmap_cols=0,
        )
        for verdict, row in zip(verdicts, embeddings, strict=True)
    )  # fmt: skip


def index_files(version: ModelVersion, ending: str = files.BASE) -> list[Path]:
    """The files of this version's index that end so, oldest first."""
    folder = files.folder_of(version.digest)
    return [Path(default_storage.path(f"{folder}/{name}")) for name in files.names(folder) if name.endswith(ending)]
