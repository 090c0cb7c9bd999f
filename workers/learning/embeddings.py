"""The embeddings that a head learns from: those kept with the base version's verdicts; what lacks one is judged now."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from inspections.models import Capture, ModelVersion, Side, SnapshotRow, TrainingRun
from ml.answers import Item, Judgement
from workers.inspectors import inspector_for
from workers.learning.following import ended_meanwhile
from workers.learning.outcomes import Ended, Failed
from workers.reckonings.embeddings import kept
from workers.stored import in_parts, stored

BATCH = 8  # between two of them the lease is renewed: large images, tile by tile, take seconds each

Found = dict[object, NDArray[np.float16]]  # capture -> (D,)


def write(run: TrainingRun, path: Path) -> Failed | Ended | None:
    """`embedding` float16 (N, D), `label`, `source`, `side` (N,) str, `weight` float32 (N,); nothing is pickled."""
    version = run.base_version
    assert version
    rows = list(
        SnapshotRow.objects.filter(snapshot_id=run.snapshot_id, side__in=(Side.TRAIN, Side.VAL))
        .select_related("capture", "defect_class")
        .order_by("pk")
    )
    found = _kept(version, rows)
    missing = [row.capture for row in rows if row.capture_id not in found]
    if missing and (ended := _judge(run, version, missing, found)):
        return ended
    used = [row for row in rows if row.capture_id in found]
    if not used:
        return Failed(_("None of the labelled images can be read."))
    _save(path, used, found)
    return None


def _save(path: Path, rows: Sequence[SnapshotRow], found: Found) -> None:
    part = path.with_suffix(".part.npz")
    np.savez(
        part,
        embedding=np.stack([found[row.capture_id] for row in rows]),
        label=np.array([row.defect_class.code for row in rows]),
        source=np.array([row.source for row in rows]),
        side=np.array([str(row.side) for row in rows]),
        weight=np.array([row.weight for row in rows], dtype=np.float32),
    )
    part.replace(path)


def _kept(version: ModelVersion, rows: Sequence[SnapshotRow]) -> Found:
    """Those of another width than the version's are not its own, and are made anew."""
    there = kept(version, [row.capture_id for row in rows], lambda: None)
    return dict(zip(there.keys, there.embeddings, strict=True))


def _judge(run: TrainingRun, version: ModelVersion, captures: Sequence[Capture], found: Found) -> Failed | Ended | None:
    inspector = inspector_for(version)
    if inspector is None:
        return Failed(
            _("Version %(version)s does not load, so there is nothing to build a head on.") % {"version": version}
        )
    done = 0
    for some in in_parts(captures, BATCH):
        stage = _("Judging images for their embeddings")
        if ended := ended_meanwhile(run, stage=stage, batch=done, batches=len(captures)):
            return ended
        read = [(capture, data) for capture in some if (data := stored(capture.path))]
        for (capture, _data), answer in zip(
            read, inspector.judge([Item(data) for _capture, data in read]), strict=True
        ):
            if isinstance(answer, Judgement) and np.isfinite(answer.embedding).all():
                found[capture.pk] = answer.embedding.astype(np.float16)
        done += len(some)
    return None
