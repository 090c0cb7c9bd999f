"""Whether what the cameras send has moved away from what the version in force met in its first days."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from math import isfinite
from typing import Any
from uuid import UUID

import numpy as np

from inspections.drift import FIRST, RECENT, drift
from inspections.ids import id_at
from inspections.models import Camera, Capture, Line, ModelVersion, Verdict
from inspections.models.plant import BY_HAND
from inspections.turns import in_force_since
from workers.reckonings.embeddings import AT_ONCE, Beat
from workers.stored import in_parts

SLICES = 24  # of each period, so that a day is met as a whole and not its first minutes
OF_SLICE = 250  # the newest ids of each
MOST = 2_000  # images a side and camera

Values = dict[str, list[float]]  # measure -> values


def reckon(now: datetime, beat: Beat) -> dict[str, Any]:
    """Per line: its version, since when it is in force, and per camera each measure's drift."""
    default = ModelVersion.objects.filter(is_default=True).first()
    lines = Line.objects.select_related("version").order_by("pk")
    return {"lines": [_of_line(line, version, now, beat) for line in lines if (version := line.version or default)]}


def _of_line(line: Line, version: ModelVersion, now: datetime, beat: Beat) -> dict[str, Any]:
    since = in_force_since(line) or version.installed_at
    cameras = Camera.objects.filter(line=line).exclude(slug__in=BY_HAND).order_by("pk")
    told = {"line": line.pk, "version": version.name, "since": since.isoformat()}
    return {**told, "cameras": [_of_camera(camera, version, since, now, beat) for camera in cameras]}


def _of_camera(camera: Camera, version: ModelVersion, since: datetime, now: datetime, beat: Beat) -> dict[str, Any]:
    beat()
    recent_from = now - RECENT
    reference = _values(version, _sample(camera, since, min(since + FIRST, recent_from)))
    beat()
    recent = _values(version, _sample(camera, max(since, recent_from), now))
    found = {name: drift(values, recent[name]) for name, values in reference.items()}
    return {
        "camera": camera.pk,
        "measures": {
            name: {"n": one.reference, "m": one.recent, "psi": _short(one.psi), "beyond": _short(one.beyond_chance)}
            for name, one in found.items()
        },
    }


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _sample(camera: Camera, since: datetime, until: datetime) -> list[UUID]:
    """At most MOST captures that came in between, spread over the period. Ids tell when, so this reads one index."""
    if until <= since:
        return []
    step = (until - since) / SLICES
    bounds = [id_at(since + step * number) for number in range(SLICES + 1)]
    rows = Capture.objects.filter(camera=camera).order_by("-id").values_list("pk", flat=True)
    found = [
        key
        for low, high in zip(bounds, bounds[1:], strict=False)
        for key in rows.filter(pk__gte=low, pk__lt=high)[:OF_SLICE]
    ]
    return found if len(found) <= MOST else [found[len(found) * place // MOST] for place in range(MOST)]


def _values(version: ModelVersion, keys: Sequence[UUID]) -> Values:
    """What its effective verdicts of these say, each measure without what was not measured."""
    values: Values = {"brightness": [], "focus": [], "anomaly_score": [], "entropy": []}
    for row in _rows(version, keys):
        for name, value in zip(values, row, strict=True):
            if value is not None and isfinite(value):
                values[name].append(value)
    return values


def _rows(version: ModelVersion, keys: Sequence[UUID]) -> Iterator[tuple[float | None, ...]]:
    for some in in_parts(keys, AT_ONCE):
        rows = Verdict.objects.filter(capture__in=some, effective=True, version=version)
        told = rows.values_list("evidence__brightness", "evidence__focus", "anomaly_score", "evidence__probabilities")
        for brightness, focus, score, packed in told:
            yield brightness, focus, score, None if packed is None else _entropy(bytes(packed))


def _entropy(packed: bytes) -> float:
    """In nats, of the probabilities that were kept."""
    chances = np.frombuffer(packed, dtype="<f4").astype(np.float64)
    return float(-(chances * np.log(np.maximum(chances, 1e-12))).sum())
