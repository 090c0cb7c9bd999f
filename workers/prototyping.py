"""Provisional classes beside judging: prototypes for a version that lacks them, and what was taken back is finished."""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

import numpy as np
import structlog
from django.db import IntegrityError, transaction
from django.utils import timezone

from inspections import new_class
from inspections.models import Capture, ModelVersion, ProvisionalClass, Status
from inspections.new_class.known import Known
from inspections.new_class.prototypes import lacking, make, wanted_by
from ml.prototypes import Floats
from workers.inspectors import inspector_for
from workers.reckonings.embeddings import joined

EXAMPLES = 100  # the newest of the class
OTHERS = 50  # the newest of each other class
LOOKED_THROUGH = 4_000  # labelled captures, for those
JUDGED_NOW = 400  # images that the version has not judged yet

log = structlog.get_logger(__name__)


def work() -> None:
    """All that waits. A second run is harmless."""
    new_class.carry_on(timezone.now())
    for one, version in lacking():
        _make(one, version)


def prepare(version: ModelVersion) -> None:
    """Before it comes into force: what it does not know itself gets a prototype among its embeddings."""
    for one in wanted_by(version):
        _make(one, version)


def _make(one: ProvisionalClass, version: ModelVersion) -> None:
    if inspector_for(version) is None:  # it does not load just now; a prototype of nothing would stand for ever
        return
    assert one.defect_class is not None
    mine = _labelled(one.defect_class.code)
    others = _others(one.defect_class.code)
    keys = list(mine)
    found = joined(version, [*keys, *others], JUDGED_NOW, lambda: None, compared=True)
    rows = {key: embedding.astype(np.float64) for key, embedding in zip(found.keys, found.embeddings, strict=True)}
    examples = _stacked([rows[key] for key in keys if key in rows])
    there = [key for key in others if key in rows]
    known = Known(there, _stacked([rows[key] for key in there]), [others[key] for key in there])
    with suppress(IntegrityError), transaction.atomic():  # another worker made it at this moment
        made = make(one, version, examples, known, timezone.now())
        log.info("prototype-made", name=one.defect_class.code, version=version.name, problem=made.problem)


def _labelled(code: str) -> dict[UUID, str]:
    rows = Capture.objects.filter(label__defect_class__code=code, status=Status.JUDGED).order_by("-id")
    return dict.fromkeys(rows.values_list("pk", flat=True)[:EXAMPLES], code)


def _others(code: str) -> dict[UUID, str]:
    """An even share of the other classes, by their effective labels."""
    rows = Capture.objects.filter(label__isnull=False, status=Status.JUDGED).exclude(label__defect_class__code=code)
    counts: Counter[str] = Counter()
    found: dict[UUID, str] = {}
    for key, said in rows.order_by("-id").values_list("pk", "label__defect_class__code")[:LOOKED_THROUGH]:
        counts[said] += 1
        if counts[said] <= OTHERS:
            found[key] = said
    return found


def _stacked(rows: Sequence[Floats]) -> Floats:
    return np.stack(rows) if rows else np.empty((0, 1))
