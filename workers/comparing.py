"""What a second look found becomes rows: a verdict without effect and its comparison with the one in force.

Never touched: rollups, the capture, its flag and the queue.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import F

from inspections.models import (
    Capture,
    Comparison,
    DefectClass,
    ModelVersion,
    Recall,
    SecondLook,
    Verdict,
    VerdictEvidence,
)
from ml.answers import Judgement, Undecodable
from workers.looks import count_dropped, hold_recalls
from workers.recording import evidence_of, verdict_of


@dataclass(frozen=True)
class Looked:
    """One look and its answer; None where the version had judged it before, or its file is gone."""

    look: SecondLook
    answer: Judgement | Undecodable | None


def write_down(version: ModelVersion, done: Sequence[Looked], each_ms: float, now: datetime) -> int:
    """Store what was found for the looks whose lease is still ours, in one short transaction; how many were compared.

    A look without a verdict at its end is counted as dropped.
    """
    classes = {row.code: row for row in DefectClass.objects.all()}
    with transaction.atomic():
        held = _still_held([one.look for one in done])
        mine = [one for one in done if one.look.pk in held]
        _store(version, mine, classes, each_ms, now)
        said = _said([one.look.capture_id for one in mine])
        compared = [one.look for one in mine if (one.look.capture_id, version.pk) in said.by]
        Comparison.objects.bulk_create(
            [row for look in compared if (row := _comparison(look, said)) is not None], ignore_conflicts=True
        )
        SecondLook.objects.filter(pk__in=held).delete()
        _count(compared)
        count_dropped([one.look for one in mine if one.look not in compared])
    return len(compared)


def _still_held(looks: Sequence[SecondLook]) -> set[int]:
    """Locks the rows, after their recalls, and tells which ones nobody has taken over, or cancelled, meanwhile."""
    rows = SecondLook.objects.filter(pk__in=hold_recalls(looks), lease=looks[0].lease) if looks else None
    return set() if rows is None else set(rows.order_by("pk").select_for_update().values_list("pk", flat=True))


def _store(
    version: ModelVersion, done: Sequence[Looked], classes: Mapping[str, DefectClass], each_ms: float, now: datetime
) -> None:
    """Verdicts that stand beside, with their evidence. One that came in between from elsewhere stays as it is."""
    fresh: list[tuple[Verdict, Judgement]] = []
    for one in done:
        if isinstance(one.answer, Judgement):
            verdict = verdict_of(version, one.look.capture, one.answer, classes, now)
            verdict.effective, verdict.latency_ms = False, each_ms
            fresh.append((verdict, one.answer))
    Verdict.objects.bulk_create([verdict for verdict, _ in fresh], ignore_conflicts=True)
    stored = set(Verdict.objects.filter(pk__in=[verdict.pk for verdict, _ in fresh]).values_list("pk", flat=True))
    VerdictEvidence.objects.bulk_create(
        [evidence_of(version, verdict, answer) for verdict, answer in fresh if verdict.pk in stored]
    )


@dataclass(frozen=True)
class _Said:
    """Verdicts by capture and version, the ones in force by capture, and who has labelled it when."""

    by: Mapping[tuple[UUID, int], Verdict]
    in_force: Mapping[UUID, Verdict]
    labelled: Mapping[UUID, tuple[int, datetime]]


def _said(captures: Sequence[UUID]) -> _Said:
    rows = list(Verdict.objects.filter(capture__in=captures))
    labelled = Capture.objects.filter(pk__in=captures, label__isnull=False)
    return _Said(
        {(row.capture_id, row.version_id): row for row in rows},
        {row.capture_id: row for row in rows if row.effective},
        {key: (by, at) for key, by, at in labelled.values_list("pk", "label__person_id", "label__at")},
    )


def _comparison(look: SecondLook, said: _Said) -> Comparison | None:
    """What its network said beside what the network in force had said; None where that was the same version. Somebody
    who has labelled the capture has looked at it."""
    before, after = said.in_force.get(look.capture_id), said.by[look.capture_id, look.version_id]
    if before is None or before.version_id == after.version_id:
        return None
    before_class, before_flagged = before.said_by_network
    seen_by, seen_at = said.labelled.get(look.capture_id, (None, None))
    return Comparison(
        capture=look.capture,
        version_id=look.version_id,
        champion_id=before.version_id,
        recall_id=look.recall_id,
        verdict=after,
        line_id=look.capture.line_id,
        roll_id=look.capture.roll_id,
        counted_at=look.capture.counted_at,
        before_id=before_class,
        after_id=after.defect_class_id,
        before_flagged=before_flagged,
        after_flagged=after.flagged,
        seen_by_id=seen_by,
        seen_at=seen_at,
        agrees=(before_class, before_flagged) == (after.defect_class_id, after.flagged),
    )


def _count(compared: Sequence[SecondLook]) -> None:
    for recall in {look.recall_id for look in compared if look.recall_id is not None}:
        count = sum(look.recall_id == recall for look in compared)
        Recall.objects.filter(pk=recall).update(done=F("done") + count)
