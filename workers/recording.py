"""What was judged becomes rows: verdicts, evidence, the capture's summary and the rollups, in one short transaction."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
from django.db import connection, transaction

from inspections import tally
from inspections.models import Capture, DefectClass, Label, ModelVersion, Status, Verdict, VerdictEvidence
from inspections.models.defect_class import UNKNOWN
from inspections.review.asking import ask_about
from inspections.second_looks import note_fresh
from ml.answers import Judgement, Undecodable
from workers import naming

Answer = Judgement | Undecodable
# One prepared statement for all rows: `bulk_update` would spend more time on building SQL than a CPU does on judging.
_SUMMARISE = f"""
UPDATE {Capture._meta.db_table} SET status = %s, failure = %s, warnings = %s, defect_class_id = %s, anomaly_score = %s,
  flagged = %s, anomaly = %s, severity = %s, lease = NULL, lease_until = NULL WHERE id = %s
"""  # noqa: S608  the table's name is ours


def record(version: ModelVersion, captures: Sequence[Capture], answers: Sequence[Answer], now: datetime) -> int:
    """Store the answers for the captures whose lease is still ours; returns how many were."""
    classes = {row.code: row for row in DefectClass.objects.all()}
    wanted = naming.named(version, captures, answers, classes)
    with transaction.atomic():
        held = _still_held(captures)
        said = _labelled(held, classes)
        by_prototype = naming.still_standing({key: one for key, one in wanted.items() if key in held})
        pairs = [(c, _named(a, by_prototype.get(c.pk))) for c, a in zip(captures, answers, strict=True) if c.pk in held]
        judged = [(c, a) for c, a in pairs if isinstance(a, Judgement)]
        verdicts = [verdict_of(version, c, a, classes, now) for c, a in judged]
        if by_prototype:
            _note_prototypes(verdicts, by_prototype, _network_said(captures, answers), classes)
        Verdict.objects.bulk_create(verdicts)
        VerdictEvidence.objects.bulk_create(
            [evidence_of(version, v, a) for v, (_, a) in zip(verdicts, judged, strict=True)]
        )
        for capture, answer in pairs:
            _summarise(capture, answer, classes, said.get(capture.pk))
        counted = [_counted(c, a, labelled=c.pk in said) for c, a in pairs]
        with connection.cursor() as cursor:
            rows = zip(pairs, counted, strict=True)
            cursor.executemany(_SUMMARISE, [_summary_of(capture, one.is_anomaly) for (capture, _), one in rows])
        tally.add(counted)
        ask_about([capture for capture, _ in judged if capture.flagged and capture.pk not in said], now)
        note_fresh([capture for capture, _ in judged], now)
    return len(pairs)


def _network_said(captures: Sequence[Capture], answers: Sequence[Answer]) -> dict[UUID, str]:
    return {c.pk: a.label for c, a in zip(captures, answers, strict=True) if isinstance(a, Judgement)}


def _note_prototypes(
    verdicts: Sequence[Verdict],
    by_prototype: Mapping[UUID, naming.Naming],
    said: Mapping[UUID, str],
    classes: Mapping[str, DefectClass],
) -> None:
    """Which prototype named it, and what the network had said."""
    for verdict in verdicts:
        if one := by_prototype.get(verdict.capture_id):
            verdict.prototype_id, verdict.model_class = one.pk, classes.get(said[verdict.capture_id])


def _named(answer: Answer, one: naming.Naming | None) -> Answer:
    """Called by the prototype that takes it, and always flagged; how sure the network was is of another class."""
    if one is None or not isinstance(answer, Judgement):
        return answer
    return replace(answer, label=one.code, flagged=True, confidence=None)


def _still_held(captures: Sequence[Capture]) -> dict[UUID, UUID | None]:
    """Locks the rows and tells which ones nobody has taken over meanwhile, each with its effective label."""
    lease = captures[0].lease
    rows = Capture.objects.filter(pk__in=[c.pk for c in captures], lease=lease, status=Status.PENDING)
    return dict(rows.order_by("pk").select_for_update().values_list("pk", "label_id"))


def _labelled(held: Mapping[UUID, UUID | None], classes: Mapping[str, DefectClass]) -> dict[UUID, DefectClass]:
    """What a person said before the model did: an imported image comes with its label, and that stays."""
    labels = [label for label in held.values() if label]
    if not labels:
        return {}
    known = {one.pk: one for one in classes.values()}
    rows = Label.objects.filter(pk__in=labels).values_list("capture_id", "defect_class_id")
    return {capture: known[key] for capture, key in rows if key}


def verdict_of(
    version: ModelVersion, capture: Capture, answer: Judgement, classes: Mapping[str, DefectClass], now: datetime
) -> Verdict:
    return Verdict(
        capture=capture,
        version=version,
        defect_class=classes.get(answer.label),
        confidence=answer.confidence,
        anomaly_score=answer.anomaly_score,
        threshold=answer.threshold,
        flagged=answer.flagged,
        judged_at=now,
        latency_ms=(now - capture.received_at).total_seconds() * 1000,
    )


def evidence_of(version: ModelVersion, verdict: Verdict, answer: Judgement) -> VerdictEvidence:
    probabilities = answer.probabilities
    in_order = None if probabilities is None else [probabilities[code] for code in version.classes]
    rows, cols = answer.heatmap.shape
    return VerdictEvidence(
        verdict=verdict,
        probabilities=None if in_order is None else np.asarray(in_order, dtype="<f4").tobytes(),
        embedding=answer.embedding.astype("<f2").tobytes(),
        texture=None if answer.texture is None else answer.texture.astype("<f2").tobytes(),
        heatmap=zlib.compress(answer.heatmap.tobytes(), level=1),
        heatmap_rows=rows,
        heatmap_cols=cols,
        brightness=answer.brightness,
        focus=answer.focus,
        tiles=asdict(answer.tiles) if answer.tiles else None,
    )


def _summarise(
    capture: Capture, answer: Answer, classes: Mapping[str, DefectClass], labelled: DefectClass | None
) -> None:
    """What every list reads of the answer, on the capture itself."""
    capture.defect_class = labelled
    if isinstance(answer, Undecodable):
        capture.status, capture.failure = Status.FAILED, answer.reason[:200]
        return
    found = classes.get(answer.label)
    capture.status, capture.defect_class = Status.JUDGED, labelled or found
    capture.anomaly_score, capture.flagged = answer.anomaly_score, answer.flagged
    # What a prototype names is told first: of a class that the network does not know its score says nothing.
    score = 1.0 if answer.anomaly_score is None or (found and found.provisional) else answer.anomaly_score
    capture.severity = score + (1.0 if found and found.critical else 0.0)
    capture.warnings = ",".join(dict.fromkeys((*capture.warning_list, *answer.warnings)))[:120]


def _summary_of(capture: Capture, is_anomaly: bool) -> tuple[Any, ...]:
    return (
        int(capture.status), capture.failure, capture.warnings, capture.defect_class_id, capture.anomaly_score,
        capture.flagged, is_anomaly, capture.severity, Capture._meta.pk.get_db_prep_value(capture.pk, connection),
    )  # fmt: skip


def _counted(capture: Capture, answer: Answer, *, labelled: bool) -> tally.Counted:
    if isinstance(answer, Undecodable):
        return tally.Counted.of(capture)
    code = capture.defect_class.code if capture.defect_class else UNKNOWN
    return tally.Counted.of(capture, code, flagged=answer.flagged, labelled=labelled)
