"""What a printed report says of one line over one period: the figures of the line's page, by the same functions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from inspections import charting, thresholds
from inspections.counted import Classes, bounds_of, by_step, step_of, total
from inspections.decisions import Cost, Decided, decided, overkill_cost
from inspections.models import (
    Alarm,
    Baseline,
    Capture,
    ChangeState,
    Line,
    ModelVersion,
    ThresholdChange,
    VersionChange,
)
from inspections.models.defect_class import GOOD
from inspections.pages.line import Quality, quality_of
from inspections.pages.line_marks import marks_of
from inspections.pages.line_plots import by_anomalies
from inspections.pages.line_rate import points_of
from inspections.pages.plots import Mark
from inspections.rates import HOUR, Tally
from inspections.spans import Span
from inspections.watching import WatchedLine, data_until

WORST = 8
READ_FOR_WORST = 5_000  # flagged captures, the newest
MOST_ALARMS = 30


@dataclass(frozen=True)
class Worst:
    """The worst flagged of a period. `cut`: there were more flagged than are looked through."""

    captures: tuple[Capture, ...]
    cut: bool


@dataclass(frozen=True)
class LineFigures:
    """One line over one period, beside the period that it is compared with."""

    line: Line
    span: Span
    now: Tally
    before: Tally
    steps: tuple[Classes, ...]
    bounds: tuple[datetime, ...]
    points: tuple[charting.Point, ...]
    in_deviations: bool
    baseline: Baseline | None
    marks: tuple[Mark, ...]
    alarms: tuple[Alarm, ...]
    alarm_count: int
    versions: tuple[ModelVersion, ...]  # that judged in the period, the earliest first
    thresholds: tuple[tuple[float | None, bool], ...]  # in force in it, and whether it was the line's own
    quality: Quality
    cost: Cost
    decisions: Decided
    until: datetime | None  # everything until then is judged

    @property
    def pareto(self) -> list[tuple[str, Tally]]:
        return by_anomalies(self.steps)


def figures(line: WatchedLine, span: Span, compare: Span, secret: set[UUID], now: datetime) -> LineFigures:
    """The number of queries does not grow with history."""
    bounds = bounds_of(span.since, span.until, max(step_of(span.length), HOUR), timezone.get_current_timezone())
    steps = by_step(line.pk, bounds)
    chart = charting.chart_of(line)
    points, step = points_of(chart, span.since, span.until, now)
    alarms = Alarm.objects.filter(line=line, raised_at__gte=span.since, raised_at__lt=span.until)
    versions = _versions(line, span)
    decisions = decided([line.pk], [span.since, span.until], secret)
    return LineFigures(
        line=line,
        span=span,
        now=total(steps),
        before=total(by_step(line.pk, [compare.since, compare.until])),
        steps=tuple(steps),
        bounds=tuple(bounds),
        points=tuple(points),
        in_deviations=not step and chart.kind in {"ewma", "cusum"},
        baseline=charting.standing(chart, now),
        marks=tuple(marks_of(line, span)),
        alarms=tuple(alarms.select_related("rule", "acknowledged_by", "resolved_by")[:MOST_ALARMS]),
        alarm_count=alarms.count(),
        versions=tuple(versions),
        thresholds=tuple(_thresholds(line, versions[-1] if versions else None, span)),
        quality=quality_of(line, span),
        cost=overkill_cost(decisions.groups),
        decisions=decisions,
        until=data_until(line),
    )


def _versions(line: Line, span: Span) -> list[ModelVersion]:
    """Read backwards from what is in force now: each change knows what was in force in its scope before it."""
    rows = VersionChange.objects.filter(Q(line=None) | Q(line=line), state=ChangeState.ACTIVE)
    rows = rows.filter(decided_at__gte=span.since).select_related("version", "previous")
    mills = ModelVersion.objects.filter(is_default=True).first()
    own = line.version
    found: list[ModelVersion | None] = []
    for change in rows.order_by("-decided_at", "-id"):
        if change.decided_at and change.decided_at < span.until:
            found.append(own or mills)
        if change.line_id is None:
            mills = change.previous
        else:
            own = change.previous
    return [*dict.fromkeys(one for one in reversed([*found, own or mills]) if one)]


def _thresholds(line: Line, version: ModelVersion | None, span: Span) -> list[tuple[float | None, bool]]:
    """In the same way; where it is the model's, that of the period's last version."""
    now, found = line.threshold, []
    for change in ThresholdChange.objects.filter(line=line, at__gte=span.since).order_by("-at", "-id"):
        if change.at < span.until:
            found.append(now)
        now = change.old
    held = dict.fromkeys(reversed([*found, now]))
    return [(thresholds.own(version) if one is None else one, one is not None) for one in held]


def previous(span: Span) -> Span:
    """The period of the same length before it."""
    return Span(span.since - span.length, span.since, "")


def worst(lines: Sequence[Line], span: Span, secret: set[UUID]) -> Worst:
    """Highest severity first, as in the queue; without what people call good, and what the reader is asked blind."""
    found: list[tuple[float, UUID]] = []
    cut = False
    for line in lines:
        rows = Capture.objects.filter(line=line, flagged=True, counted_at__gte=span.since, counted_at__lt=span.until)
        newest = rows.order_by("-counted_at", "-id")[: READ_FOR_WORST + 1]
        of_line = list(newest.values_list("severity", "id", "label_id", "defect_class__code"))
        cut = cut or len(of_line) > READ_FOR_WORST
        found += [
            (severity, key)
            for severity, key, label, code in of_line[:READ_FOR_WORST]
            if key not in secret and not (label and code == GOOD)
        ]
    keys = [key for _severity, key in sorted(found, key=lambda one: (-one[0], one[1]))[:WORST]]
    captures = Capture.objects.select_related("line", "defect_class", "roll", "label").in_bulk(keys)
    return Worst(tuple(captures[key] for key in keys if key in captures), cut)


def to_action(alarm: Alarm) -> timedelta | None:
    """From the first sign to the first action of a person."""
    return None if alarm.acted_at is None else alarm.acted_at - alarm.since
