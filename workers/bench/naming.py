"""What provisional classes cost a batch of 32: written with none, one and ten of them standing, in turn.

`python -m workers.bench.naming OUT` in a scratch DATA; `manage.py bench --provisional` does that.
"""

import json
import sys
import time
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from statistics import mean, median
from typing import Any
from uuid import uuid4

import numpy as np

from workers.bench.look_alikes import SIZE, Floats, embeddings

BATCH, WARM, ROUNDS = 32, 5, 150
STANDING = (0, 1, 10)
NEW = "new-{}"


def batches() -> list[dict[str, Any]]:
    """For each number of classes: milliseconds to write a batch, and of these to name; medians of alternating turns.
    `named`: how many of a batch a prototype took, on average: each becomes a question of the queue as well."""
    from django.core.management import call_command
    from django.utils import timezone

    call_command("migrate", verbosity=0)
    rows = np.concatenate(list(embeddings(BATCH * (ROUNDS + WARM) * len(STANDING))))
    _mill(rows[:50], timezone.now())
    took: dict[int, list[tuple[float, float, int]]] = {number: [] for number in STANDING}
    for turn in range(ROUNDS + WARM):
        for place, number in enumerate(STANDING):
            start = (turn * len(STANDING) + place) * BATCH
            found = _write(number, rows[start : start + BATCH], timezone.now())
            if turn >= WARM:
                took[number].append(found)
    return [
        {
            "classes": number,
            "write": median(write for write, _name, _named in found),
            "name": median(name for _write, name, _named in found),
            "named": mean(named for _write, _name, named in found),
        }
        for number, found in took.items()
    ]


def _mill(rows: Floats, now: datetime) -> None:
    """A line, a version, and ten provisional classes whose prototypes take about what lies nearest to one image."""
    from inspections.models import (
        Camera,
        ClassPrototype,
        DefectClass,
        Line,
        ModelVersion,
        Person,
        ProvisionalClass,
        Stage,
    )
    from inspections.models.provisional import packed
    from workers.bench.pages_mill import CLASSES

    line = Line.objects.create(slug="line-1", name="Line 1")
    Camera.objects.create(line=line, slug="camera-1")
    spec = {"classes": CLASSES, "embedding_size": SIZE}
    version = ModelVersion.objects.create(name="2026.11.1", digest=sha256(b"1").hexdigest(), is_default=True, spec=spec)
    maker = Person.objects.create_user("mara")
    for number in range(max(STANDING)):
        added = DefectClass.objects.create(code=NEW.format(number), name=f"New {number}", provisional=True)
        one = ProvisionalClass.objects.create(defect_class=added, stage=Stage.TAKEN_BACK, made_by=maker, made_at=now)
        one.lines.add(line)
        ClassPrototype.objects.create(
            provisional=one, version=version, centre=packed(rows[number]), radius=0.6, rivals=packed(rows[20:26]),
            examples=5, made_at=now,
        )  # fmt: skip


def _write(standing: int, rows: Floats, now: datetime) -> tuple[float, float, int]:
    """One batch, with so many classes standing; milliseconds to write it, those to name it, how many were named."""
    from inspections.models import DefectClass, ModelVersion, ProvisionalClass, Stage
    from workers import naming
    from workers.recording import record

    names = [NEW.format(number) for number in range(standing)]
    ProvisionalClass.objects.update(stage=Stage.TAKEN_BACK)
    ProvisionalClass.objects.filter(defect_class__code__in=names).update(stage=Stage.STANDS)
    version = ModelVersion.objects.get()
    captures, answers = _judged(rows, now)
    classes = {row.code: row for row in DefectClass.objects.all()}
    began = time.perf_counter()
    taken = naming.named(version, captures, answers, classes)
    named = time.perf_counter()
    if record(version, captures, answers, now + timedelta(seconds=1)) != BATCH:
        raise SystemExit("not all of a batch were written")
    return (time.perf_counter() - named) * 1000, (named - began) * 1000, len(taken)


def _judged(rows: Floats, now: datetime) -> tuple[list[Any], list[Any]]:
    """Captures whose lease is ours, and what the network said of them: good."""
    from inspections.ids import id_at
    from inspections.models import Camera, Capture
    from ml.answers import Judgement
    from workers.bench.pages_mill import CLASSES

    camera, lease = Camera.objects.select_related("line").get(), uuid4()
    captures = Capture.objects.bulk_create(
        Capture(
            id=id_at(now), line=camera.line, camera=camera, captured_at=now, received_at=now, counted_at=now,
            sha256=b"", bytes=1, width=64, height=64, suffix="png", lease=lease,
            lease_until=now + timedelta(minutes=1),
        )
        for _row in rows
    )  # fmt: skip
    probabilities = dict.fromkeys(CLASSES, 0.02) | {"good": 0.9}
    answers = [
        Judgement(
            label="good", confidence=0.9, anomaly_score=0.1, flagged=False, probabilities=probabilities,
            threshold=0.2, embedding=row.astype(np.float16), heatmap=np.zeros((8, 8), np.uint8), warnings=(),
            brightness=128.0, focus=90.0, tiles=None,
        )
        for row in rows
    ]  # fmt: skip
    return list(captures), answers


def main() -> None:
    import os

    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "qc_site.settings")
    django.setup()
    Path(sys.argv[1]).write_text(json.dumps(batches()))


if __name__ == "__main__":
    main()
