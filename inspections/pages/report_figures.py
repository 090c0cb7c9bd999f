"""What a printed report says of one line over one period: the figures of the line's page, by the same functions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Count, F
from django.utils import timezone

from inspections import charting
from inspections.counted import Classes, bounds_of, by_steps, step_of, total
from inspections.decisions import Cost, Decided, decided, overkill_cost
from inspections.models import (
    Alarm,
    Baseline,
    Capture,
    Chart,
    Line,
    ModelVersion,
)
from inspections.models.defect_class import GOOD, held_for
from inspections.pages.change_words import per_length
from inspections.pages.held import Threshold, thresholds_of, versions_of
from inspections.pages.line import Quality, quality_by_line
from inspections.pages.line_marks import marks_by_line, newest_of_each
from inspections.pages.line_plots import by_anomalies, in_pareto
from inspections.pages.line_rate import in_deviations, points_of
from inspections.pages.plots import Mark
from inspections.rates import HOUR, Tally
from inspections.spans import Span
from inspections.watching import WatchedLine, data_until

WORST = 8
READ_FOR_WORST = 5_000  # flagged captures, the newest of all lines
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
    baselines: tuple[Baseline, ...]  # that the drawn limits come from, the earliest first
    marks: tuple[Mark, ...]
    alarms: tuple[Alarm, ...]
    alarm_count: int
    versions: tuple[ModelVersion, ...]  # that judged in the period, the earliest first
    thresholds: tuple[Threshold, ...]  # in force in it, and whether it was the line's own
    quality: Quality
    cost: Cost
    decisions: Decided
    until: datetime | None  # everything until then is judged
    code: str = ""  # the class whose rate is drawn; empty: all anomalies
    scale: float = 1.0  # of a count of the period compared with, where that is not as long

    @property
    def pareto(self) -> list[tuple[str, Tally]]:
        return in_pareto(by_anomalies(self.steps))

    @property
    def of_class(self) -> Tally:
        """The anomalies of the class that is drawn, among all that was judged."""
        return Tally(judged=self.now.judged, anomalies=total(self.steps, self.code).anomalies)


def figures(
    lines: Sequence[WatchedLine], span: Span, compare: Span, secret: set[UUID], now: datetime, code: str = ""
) -> list[LineFigures]:
    """Of each line; with the chart of one class where `code` names it. The number of queries grows neither with history
    nor with the lines, but for lines whose chart looks back before the period.

    What is normal is drawn as it was known at the period's end: a paper stays as it was, whatever is confirmed later.
    """
    ids = [line.pk for line in lines]
    bounds = bounds_of(span.since, span.until, max(step_of(span.length), HOUR), timezone.get_current_timezone())
    steps, before = by_steps(ids, bounds), by_steps(ids, [compare.since, compare.until])
    chosen = charting.charts_of(ids, code)
    charts = {line.pk: chosen.get(line.pk) or Chart(line=line, defect_class=code) for line in lines}
    with charting.breaks_once(span.since, now):
        drawn = points_of(list(charts.values()), span.since, span.until, now, confirmed_until=span.until)
        marks = marks_by_line(ids, span)
    raised = alarms_of(ids, span)
    versions = versions_of(ids, span)
    thresholds = thresholds_of(lines, versions, span)
    quality, decisions = quality_by_line(ids, span), decided(ids, [span.since, span.until], secret)

    def of_line(line: WatchedLine) -> LineFigures:
        points, step = drawn[line.pk]
        own = decisions.of_line(line.pk)
        return LineFigures(
            line=line,
            span=span,
            now=total(steps[line.pk]),
            before=total(before[line.pk]),
            steps=tuple(steps[line.pk]),
            bounds=tuple(bounds),
            points=tuple(points),
            in_deviations=in_deviations(charts[line.pk], points, step),
            baselines=_baselines(points),
            marks=tuple(marks[line.pk]),
            alarms=raised.shown[line.pk],
            alarm_count=raised.counts[line.pk],
            versions=versions[line.pk],
            thresholds=thresholds[line.pk],
            quality=quality[line.pk],
            cost=overkill_cost(own.groups),
            decisions=own,
            until=data_until(line),
            code=code,
            scale=per_length(span, compare),
        )

    return [of_line(line) for line in lines]


def _baselines(points: Sequence[charting.Point]) -> tuple[Baseline, ...]:
    return tuple({point.baseline.pk: point.baseline for point in points if point.baseline}.values())


@dataclass(frozen=True)
class Raised:
    """Alarms of a period by line: the newest, and how many there were."""

    shown: dict[int, tuple[Alarm, ...]]
    counts: dict[int, int]


def alarms_of(line_ids: Sequence[int], span: Span) -> Raised:
    rows = Alarm.objects.filter(line__in=line_ids, raised_at__gte=span.since, raised_at__lt=span.until)
    shown: dict[int, list[Alarm]] = {line_id: [] for line_id in line_ids}
    for alarm in newest_of_each(rows.select_related("rule", "acknowledged_by", "resolved_by"), MOST_ALARMS):
        shown[alarm.line_id].append(alarm)
    counts = dict(rows.order_by().values_list("line_id").annotate(Count("pk")))
    return Raised(
        {line_id: tuple(some) for line_id, some in shown.items()},
        {line_id: counts.get(line_id, 0) for line_id in line_ids},
    )


def previous(span: Span) -> Span:
    """The period of the same length before it."""
    return Span(span.since - span.length, span.since, "")


def worst(every: Sequence[LineFigures], secret: set[UUID]) -> Worst:
    """Highest severity first, as in the queue, of the class that is drawn; without what people call good, and what the
    reader is asked blind.

    Only as many of the newest are looked through as the counts say can be: one query, however long the period.
    """
    if not every:
        return Worst((), cut=False)
    span, since = every[0].span, _from_where(every)
    lines = [one.line for one in every]
    rows = Capture.objects.filter(line__in=lines, flagged=True, counted_at__gte=since, counted_at__lt=span.until)
    rows = rows.exclude(label__isnull=False, defect_class__code=GOOD).exclude(pk__in=secret)
    if code := every[0].code:
        rows = rows.filter(held_for(code))
    # By a sum, not by the column: its index holds all of history, and would be walked until enough lie in the period.
    found = rows.select_related("line", "defect_class", "label").order_by((F("severity") + 0.0).desc(), "id")
    found = found.prefetch_related("roll")  # not joined: PostgreSQL would read every roll there is
    return Worst(tuple(found[:WORST]), cut=since > span.since)


def _from_where(every: Sequence[LineFigures]) -> datetime:
    """The earliest step's begin after which no more were flagged than can be looked through; the last step is always
    read."""
    since, flagged = every[0].bounds[-2], 0
    for place in reversed(range(len(every[0].bounds) - 1)):
        flagged += sum(total([one.steps[place]]).flagged for one in every)
        if flagged > READ_FOR_WORST:
            break
        since = every[0].bounds[place]
    return since


def to_action(alarm: Alarm) -> timedelta | None:
    """From the first sign to the first action of a person."""
    return None if alarm.acted_at is None else alarm.acted_at - alarm.since
