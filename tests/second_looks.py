"""Second looks and recalls as rows, without a bundle."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from inspections.models import Capture, Comparison, DefectClass, ModelVersion, Recall, State, Verdict
from inspections.second_looks.shadowing import forget
from tests.judged import a_version


def a_challenger(name: str = "2026.11.2", **fields: Any) -> ModelVersion:
    """A candidate; its bundle is a name only."""
    return a_version(name, **{"state": State.CANDIDATE, "is_default": False, **fields})


def in_shadow(name: str = "2026.11.2") -> ModelVersion:
    forget()
    return a_challenger(name, state=State.SHADOW, shadow_share=1.0, shadow_since=timezone.now())


def a_recall(version: ModelVersion | None = None, **fields: Any) -> Recall:
    """Of the last day."""
    now = timezone.now()
    values = {"since": now - timedelta(days=1), "until": now, "asked_at": now, "total": 1, **fields}
    return Recall.objects.create(version=version or a_challenger(), **values)


def compared(
    capture: Capture,
    after: str = "cut",
    *,
    flagged: bool = True,
    version: ModelVersion | None = None,
    recall: Recall | None = None,
) -> Comparison:
    """What a challenger said of a judged capture, beside what the version in force said."""
    version = version or a_challenger()
    before = Verdict.objects.get(capture=capture, effective=True)
    found = DefectClass.objects.filter(code=after).first()
    verdict, _made = Verdict.objects.get_or_create(
        capture=capture,
        version=version,
        defaults={
            "effective": False, "defect_class": found, "threshold": 0.2, "flagged": flagged,
            "judged_at": timezone.now(), "latency_ms": 5.0,
        },
    )  # fmt: skip
    return Comparison.objects.create(
        capture=capture,
        version=version,
        champion=before.version,
        recall=recall,
        verdict=verdict,
        line=capture.line,
        roll=capture.roll,
        counted_at=capture.counted_at,
        before=before.defect_class,
        after=found,
        before_flagged=before.flagged,
        after_flagged=flagged,
        agrees=(before.defect_class_id, before.flagged) == (found.pk if found else None, flagged),
    )
