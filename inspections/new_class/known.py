"""Captures whose class is known, with the embeddings that one version kept: what a new class is held against."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import ceil
from uuid import UUID

import numpy as np

from inspections import look_alikes
from inspections.models import Capture, ModelVersion, Side, SnapshotRow, Status, Verdict
from inspections.models.defect_class import GOOD, UNKNOWN
from inspections.snapshots import newest_golden
from ml.prototypes import Rows, distances, prototype

MOST = 4_000  # labelled captures that are read
GOOD_WANTED = 10  # labelled good ones; where there are fewer, captures that the model passed stand in
BORROWED = 200
MAY_BE_NEW = 0.1  # of those, or ten of few: nobody has looked at them, and what no model knows is passed as good
AT_ONCE = 500


@dataclass(frozen=True)
class Known:
    """keys (N), embeddings (N, D), codes (N): the class that is known of each."""

    keys: Sequence[UUID]
    embeddings: Rows
    codes: Sequence[str]

    def without(self, keys: Collection[UUID]) -> "Known":
        kept = [row for row, key in enumerate(self.keys) if key not in keys]
        return Known([self.keys[row] for row in kept], self.embeddings[kept], [self.codes[row] for row in kept])

    def __add__(self, other: "Known") -> "Known":
        """Each capture once, as this one knows it."""
        more = other.without(set(self.keys))
        if not more.keys or not self.keys:
            return self if self.keys else more
        together = np.concatenate([self.embeddings, more.embeddings])
        return Known([*self.keys, *more.keys], together, [*self.codes, *more.codes])


def labelled(version: ModelVersion) -> Known:
    keys, embeddings, codes = look_alikes.labelled_embeddings(version, MOST)
    return Known(list(keys), embeddings, list(codes))


def golden(version: ModelVersion) -> tuple[str, int, Known]:
    """The newest golden set's name, how many captures it holds, and those that this version has judged."""
    found = newest_golden()
    rows = SnapshotRow.objects.filter(snapshot=found, side=Side.GOLDEN, defect_class__active=True)
    codes = dict(rows.values_list("capture_id", "defect_class__code")) if found else {}
    return (found.name if found else ""), len(codes), of(version, codes)


def passed(version: ModelVersion, examples: Rows, without: Collection[UUID]) -> Known:
    """The newest captures that this version passed as good and nobody has labelled: almost all of them are good. The
    part that is most like the examples is left out, as it may be of their class."""
    rows = Capture.objects.filter(status=Status.JUDGED, flagged=False, label=None, defect_class__code=GOOD)
    keys = list(rows.order_by("-id").values_list("pk", flat=True)[: BORROWED + len(without)])
    found = of(version, dict.fromkeys(keys, GOOD)).without(without)
    if not found.keys:
        return found
    far = distances(found.embeddings, prototype(examples)[None])[:, 0]
    nearest = np.argsort(far)[: max(ceil(MAY_BE_NEW * len(far)), min(10, len(far) // 4))]
    return found.without({found.keys[row] for row in nearest})


def of(version: ModelVersion, codes: dict[UUID, str]) -> Known:
    """Those of these captures of which this version kept an embedding."""
    found = look_alikes.embeddings_of(version, list(codes)) if codes else {}
    keys = list(found)
    embeddings = np.stack([found[key] for key in keys]) if keys else np.empty((0, 1))
    return Known(keys, embeddings, [codes[key] for key in keys])


def said_by(version: ModelVersion, keys: Sequence[UUID]) -> dict[UUID, str]:
    """What its network said of each."""
    found: dict[UUID, str] = {}
    for start in range(0, len(keys), AT_ONCE):
        rows = Verdict.objects.filter(version=version, capture__in=keys[start : start + AT_ONCE])
        for row in rows.select_related("defect_class", "model_class"):
            said = row.model_class if row.prototype_id else row.defect_class
            found[row.capture_id] = said.code if said else UNKNOWN
    return found
