"""What judged lines in a period: versions and thresholds, the earliest first; the same on pages and on paper."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from inspections import registry, thresholds
from inspections.models import Line, ModelVersion, ThresholdChange
from inspections.pages.threshold_words import written
from inspections.spans import Span
from inspections.turns import held

Threshold = tuple[float | None, bool]  # the second: it is the line's own


def versions_of(line_ids: Sequence[int], span: Span) -> dict[int, tuple[ModelVersion, ...]]:
    every = held(line_ids, span.since, span.until)
    known = ModelVersion.objects.in_bulk({key for keys in every.values() for key in keys})
    return {line_id: tuple(known[key] for key in keys) for line_id, keys in every.items()}


def thresholds_of(
    lines: Sequence[Line], versions: Mapping[int, Sequence[ModelVersion]], span: Span
) -> dict[int, tuple[Threshold, ...]]:
    """Read backwards from what is in force now; where it is the model's, that of the period's last version."""
    rows = ThresholdChange.objects.filter(line__in=lines, at__gte=span.since).order_by("-at", "-id")
    by_line: dict[int, list[ThresholdChange]] = {line.pk: [] for line in lines}
    for change in rows:
        by_line[change.line_id].append(change)
    return {line.pk: _thresholds_of(line, by_line[line.pk], versions[line.pk], span) for line in lines}


def _thresholds_of(
    line: Line, changes: Sequence[ThresholdChange], versions: Sequence[ModelVersion], span: Span
) -> tuple[Threshold, ...]:
    now, found = line.threshold, []
    for change in changes:
        if change.at < span.until:
            found.append(now)
        now = change.old
    held = dict.fromkeys(reversed([*found, now]))
    last = versions[-1] if versions else None
    return tuple((thresholds.own(last) if one is None else one, one is not None) for one in held)


def threshold_words(value: float | None, is_own: bool) -> str:
    whose = _("the line’s own") if is_own else _("the model’s")
    return "–" if value is None else f"{written(value)} ({whose})"


@dataclass(frozen=True)
class Held:
    """What judged one line in a period; `now`: what does, where the period is not over."""

    versions: tuple[ModelVersion, ...]
    thresholds: tuple[str, ...]
    now: ModelVersion | None = None
    is_own: bool = False  # what judges now is this line's own version


def held_in(line: Line, span: Span, now: datetime) -> Held:
    versions = versions_of([line.pk], span)
    told = tuple(threshold_words(*one) for one in thresholds_of([line], versions, span)[line.pk])
    if span.until < now:
        return Held(versions[line.pk], told)
    return Held(versions[line.pk], told, registry.in_force(line), line.version_id is not None)
