"""One line over a period: which way its rate goes and why. Everything is read from rollups, and every figure opens."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from inspections import charting
from inspections.counted import Classes, Place, bounds_of, by_place, by_step, step_of, total, whole_hours
from inspections.escape import ENOUGH, Escape
from inspections.models import Capture, HourlyCount, Line, Status
from inspections.models.defect_class import GOOD, held_for
from inspections.overkill import overkill
from inspections.pages import when
from inspections.pages.access import PersonRequest, line_of, page
from inspections.pages.change_words import more, per_length, points
from inspections.pages.desk import ICONS, trouble_of
from inspections.pages.held import held_in
from inspections.pages.line_cameras import camera_rows
from inspections.pages.line_marks import MOST_MARKS, marks_of, shifts_of
from inspections.pages.line_plots import Frame, by_anomalies, classes_plot, heat_plot, pareto_plot
from inspections.pages.line_rate import rate_plot
from inspections.pages.live import live
from inspections.pages.notices import notices
from inspections.pages.overview import class_names, no_class
from inspections.pages.periods import between_words, grouped, percent
from inspections.pages.when import When
from inspections.pages.worklist import Show
from inspections.quality import WEEK, Calendar, histories
from inspections.rates import HOUR, Tally
from inspections.review.blind import withheld
from inspections.spans import Span
from inspections.standing import standings
from inspections.watching import WatchedLine

STRIP = 12
FAILED_SHOWN = 12
QUICK, SLOW = 5, 60  # seconds between two looks: a long period moves slowly
LONG = timedelta(days=2)
QUALITY_WEEKS = 4


@page
def line(request: PersonRequest, slug: str) -> HttpResponseBase:
    """One line: rate, defects, places, cameras, model, and what review says of it."""
    now = timezone.now()
    found = line_of(request.user, slug)
    names, asked = class_names(), when.chosen(request, now)
    code = request.GET.get("class", "")
    wrong = no_class(code, names)
    context = {
        **context_of(found, asked, "" if wrong else code, names, now),
        **captures_of(found, asked.span, "" if wrong else code, withheld(request.user), now),
        "notices": notices(request.user, [found], now),
        "wrong": wrong,
        **tables_of(found, asked, "" if wrong else code),
        "every": QUICK if asked.span.length <= LONG else SLOW,
    }
    return live(
        request,
        "inspections/line.html",
        "inspections/_line.html",
        context,
        status=400 if wrong else asked.status,
        moving=asked.moving and not wrong and not asked.errors,
    )


def tables_of(line: Line, asked: When, code: str) -> dict[str, str]:
    """Where the tables of this page are files."""
    own = {"class": code} if code else {}
    query = "&".join(part for part in (asked.query, urlencode(own)) if part)
    return {"tables_url": f"{reverse('line', args=[line.slug])}tables/", "tables_query": query}


def context_of(line: WatchedLine, asked: When, code: str, names: dict[str, str], now: datetime) -> dict[str, Any]:
    """All that is read from rollups."""
    span, zone = asked.span, timezone.get_current_timezone()
    step = step_of(span.length)
    bounds = bounds_of(span.since, span.until, step, zone)
    steps = by_step(line.pk, bounds)
    other = asked.compare
    before = by_step(line.pk, [other.since, other.until]) if other else None
    hours = whole_hours(span.since, span.until)
    place_bounds = bounds_of(*hours, max(step, HOUR), zone, HOUR)
    places = by_place(line.pk, place_bounds)
    scale = per_length(span, other) if other else 1.0
    with charting.breaks_once(span.since, now):
        marks = marks_of(line, span)
        frame = Frame(line, span.since, span.until, names, marks, shifts_of(span), _choose(line, code), scale)
        (standing,) = standings([line], now)
        rate = rate_plot(frame, charting.chart_of(line, code), other, now)
    return {
        "line": line,
        "when": asked,
        "standing": standing,
        "icon": ICONS[standing.state],
        "trouble": trouble_of(standing, now),
        "figures": figures_of(frame, steps, before),
        "chips": chips_of(line, steps, code, names, asked),
        "rate": rate,
        "happened_most": len(marks) == MOST_MARKS,
        "pareto": pareto_plot(frame, steps, before),
        "classes": classes_plot(frame, steps, bounds),
        "width": heat_plot(frame, places, place_bounds),
        "cameras": camera_rows(frame, places, *hours, now, places_before(line, other)),
        "held": held_in(line, span, now),
        "is_over": span.until < now,
        "quality": quality_of(line, span),
        "code": code,
    }


def places_before(line: Line, other: Span | None) -> list[Place] | None:
    return by_place(line.pk, list(whole_hours(other.since, other.until))) if other else None


def _choose(line: Line, code: str) -> str:
    """The page without its period."""
    return reverse("line", args=[line.slug]) + (f"?{urlencode({'class': code})}" if code else "")


# --- figures ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Figures:
    """The period in numbers, `old` those of the period compared with. Counts change as if both were equally long."""

    tally: Tally
    anomalies_url: str
    flagged_url: str
    judged_url: str
    old: Tally | None = None
    scale: float = 1.0

    @property
    def rate(self) -> str:
        return percent(self.tally.rate)

    @property
    def is_scaled(self) -> bool:
        return self.old is not None and self.scale != 1

    @property
    def before(self) -> dict[str, tuple[str, str]]:
        """By the figure's name: what it was, and the change."""
        if self.old is None:
            return {}
        names = ("anomalies", "judged", "flagged", "failed")
        pairs = ((name, getattr(self.tally, name), getattr(self.old, name)) for name in names)
        counts = {name: (grouped(old), more(now, old, self.scale)) for name, now, old in pairs}
        return {"rate": (percent(self.old.rate), points(self.tally, self.old)), **counts}


def figures_of(frame: Frame, steps: Sequence[Classes], before: Sequence[Classes] | None) -> Figures:
    span = frame.since, frame.until
    urls = frame.url(*span), frame.shown_url(Show.FLAGGED, *span), frame.shown_url(Show.JUDGED, *span)
    return Figures(total(steps), *urls, None if before is None else total(before), frame.scale)


@dataclass(frozen=True)
class Chip:
    """A class to chart; the first is the anomaly rate."""

    name: str
    url: str
    is_chosen: bool


def chips_of(line: Line, steps: Sequence[Classes], code: str, names: dict[str, str], asked: When) -> list[Chip]:
    """The classes of the period, most anomalies first, and the chosen one though it has none."""
    codes = [one for one, _tally in by_anomalies(steps) if one != GOOD and one in names]
    codes += [code] if code and code not in codes else []
    address = reverse("line", args=[line.slug])

    def url(chosen: str) -> str:
        query = "&".join(part for part in (asked.query, urlencode({"class": chosen}) if chosen else "") if part)
        return f"{address}?{query}"

    return [
        Chip(_("All anomalies"), url(""), not code),
        *(Chip(names.get(one, one), url(one), one == code) for one in codes),
    ]


# --- review -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Quality:
    """Escape rate and overkill of some weeks, each with its interval; empty where review says too little."""

    since: datetime
    until: datetime
    escape: str
    escape_between: str
    overkill: str
    overkill_between: str
    answered: int  # audits
    flags_answered: int
    enough = ENOUGH


def quality_of(line: Line, span: Span) -> Quality:
    """Of the four weeks that end with the period's last day: less says too little."""
    return quality_by_line([line.pk], span)[line.pk]


def quality_by_line(line_ids: Sequence[int], span: Span) -> dict[int, Quality]:
    """The same of several lines, in as many queries."""
    last = timezone.localtime(span.until - timedelta(seconds=1)).date()
    calendar = Calendar(last)
    weeks = len(calendar.bounds) // WEEK - QUALITY_WEEKS
    found = histories(line_ids, calendar, QUALITY_WEEKS)
    return {line_id: _quality(one.stretch(weeks, QUALITY_WEEKS).escape, calendar) for line_id, one in found.items()}


def _quality(found: Escape, calendar: Calendar) -> Quality:
    over = overkill(found)
    said = None if found.is_wide else found.rate
    return Quality(
        since=calendar.since(QUALITY_WEEKS),
        until=calendar.until - timedelta(seconds=1),
        escape="" if said is None else percent(said),
        escape_between=between_words(found.between),
        overkill="" if over is None else percent(over.rate),
        overkill_between="" if over is None else between_words(over.between),
        answered=found.answered,
        flags_answered=found.flagged.answered,
    )


# --- captures -----------------------------------------------------------------------------------------------------


def captures_of(line: Line, span: Span, code: str, secret: set[UUID], now: datetime) -> dict[str, Any]:
    """The latest of the line, and of the period where that is over; its latest flagged, and what failed in it."""
    return {
        "latest": latest(line, span if span.until < now else None),
        "flagged": latest_flagged(line, span, code, secret),
        "failed": latest_failed(line, span),
        "secret": secret,
    }


def latest(line: Line, span: Span | None) -> list[Capture]:
    rows = Capture.objects.filter(line=line).select_related("defect_class", "label__person")
    rows = rows.filter(counted_at__gte=span.since, counted_at__lt=span.until) if span else rows
    return list(rows.order_by("-counted_at", "-id")[:STRIP])


def latest_flagged(line: Line, span: Span, code: str, secret: set[UUID]) -> list[Capture]:
    """Without what the reader is being asked blind."""
    rows = Capture.objects.filter(line=line, flagged=True, counted_at__gte=span.since, counted_at__lt=span.until)
    if code:
        rows = rows.filter(held_for(code))
    rows = rows.exclude(pk__in=secret) if secret else rows
    return list(rows.select_related("defect_class", "label__person").order_by("-counted_at", "-id")[:STRIP])


def latest_failed(line: Line, span: Span) -> list[Capture]:
    """The newest failures of the period. The rollup names the hours that have one, so that hardly more than one is
    read: only the period's first and last hour may have all of theirs outside it."""
    hours = HourlyCount.objects.filter(line=line, hour__gt=span.since - HOUR, hour__lt=span.until, failed__gt=0)
    for hour in hours.order_by("-hour").values_list("hour", flat=True)[:2]:
        since, until = max(hour, span.since), min(hour + HOUR, span.until)
        rows = Capture.objects.filter(line=line, counted_at__gte=since, counted_at__lt=until, status=Status.FAILED)
        if found := list(rows.select_related("camera").order_by("-counted_at", "-id")[:FAILED_SHOWN]):
            return found
    return []
