"""`/review/`: what waits for people, what they decided, what overkill costs, how far people and model agree."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.http import Http404
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from inspections import shifts
from inspections.agreement import Agreement, agreement
from inspections.backlog import Backlog, backlogs
from inspections.counted import bounds_of, step_of
from inspections.decisions import Agreed, Cost, Decided, blind_pairs, decided, overkill_cost, with_the_model
from inspections.models import Line, Person
from inspections.pages import when
from inspections.pages.access import PersonRequest, lines_of, page
from inspections.pages.change_words import more, per_length
from inspections.pages.durations import duration_words
from inspections.pages.live import live
from inspections.pages.overview import class_names
from inspections.pages.periods import between_words, percent, rounded
from inspections.pages.plots import Cell, Plot, Series, Spot, Stretch, Table, over_time
from inspections.pages.when_asked import THIS_SHIFT, absolute
from inspections.pages.when_words import run_words, span_words
from inspections.quality import against_each_other
from inspections.review.blind import withheld
from inspections.spans import Run, Span

SHIFTS_UP_TO = timedelta(days=8)
HOUR = timedelta(hours=1)
KAPPA_DAYS = 28


@dataclass(frozen=True)
class Before:
    """Decisions and good images sent in the period compared with, and how far they went from there to now."""

    decisions: int
    decisions_change: str
    images: int
    images_change: str
    minutes: str


@dataclass(frozen=True)
class LineRow:
    """One line: what waits now, and what was decided in the period."""

    line: Line
    backlog: Backlog
    age: str
    decisions: int
    cost: Cost
    minutes: str
    queue_url: str
    report_url: str
    before: "Before | None"


@dataclass(frozen=True)
class ShiftRow:
    """One run of a shift, as far as it lies in the period."""

    words: str
    url: str
    decisions: int
    an_hour: str
    cost: Cost
    minutes: str


@dataclass(frozen=True)
class ClassRow:
    """The model's class, and how often people said the same."""

    name: str
    seen: int
    seen_share: str
    blind: int
    blind_share: str
    blind_between: str
    seen_before: str
    blind_before: str


@page
def review(request: PersonRequest) -> HttpResponseBase:
    """Review in numbers, for the lines of this person or one of them."""
    now = timezone.now()
    wanted = wanted_of(request, now)
    asked, every, lines, runs, found = wanted.when, wanted.every, wanted.lines, wanted.runs, wanted.found
    before, scale = wanted.before, wanted.scale
    names, cost, blind = class_names(), overkill_cost(found.groups), agreement(blind_pairs(found.groups))
    context = {
        "when": asked,
        "lines": every,
        "line": lines[0] if len(lines) == 1 and len(every) > 1 else None,
        "rows": line_rows(wanted, now),
        "decided": found,
        "before": before_of(found, before, scale),
        "before_cut": before is not None and before.cut,
        "is_scaled": scale != 1,
        "cost": cost,
        "minutes": _minutes(cost),
        "plot": plot(wanted),
        "shifts": shift_rows(found, runs, asked.span),
        "too_long_for_shifts": asked.span.length > SHIFTS_UP_TO,
        "classes": class_rows(found, names, before),
        "blind": blind,
        "blind_kappa": kappa_words(blind),
        "people": people_agree(request.user, now),
        "kappa_days": KAPPA_DAYS,
        "report_url": f"{reverse('report-shift')}?{asked.query}",
        "csv_url": f"{reverse('review-csv')}?{wanted.query}",
    }
    template, part = "inspections/review.html", "inspections/_review.html"
    return live(request, template, part, context, status=asked.status, moving=asked.moving and not asked.errors)


@dataclass(frozen=True)
class Reviewed:
    """What an address asks of the statistics: when, of which lines, and what was decided there and then."""

    when: when.When
    every: Sequence[Line]  # that the reader may choose from
    lines: Sequence[Line]
    runs: Sequence[Run]
    found: Decided
    before: Decided | None  # in the period compared with

    @property
    def scale(self) -> float:
        """Of a count of the period compared with, where that is not as long."""
        return per_length(self.when.span, self.when.compare) if self.when.compare else 1.0

    def url(self, since: datetime, until: datetime) -> str:
        """This page of a part of the period: who decided what, of which lines."""
        one = {"line": self.lines[0].slug} if len(self.lines) == 1 else {}
        return f"{reverse('review')}?{urlencode({**absolute(Span(since, until, '')), **one})}"

    @property
    def query(self) -> str:
        """The same, on another address."""
        one = urlencode({"line": self.lines[0].slug}) if len(self.lines) == 1 else ""
        return "&".join(part for part in (self.when.query, one) if part)


def wanted_of(request: PersonRequest, now: datetime) -> Reviewed:
    asked = when.chosen(request, now, default=THIS_SHIFT)
    every = lines_of(request.user)
    lines, runs = _chosen(every, request.GET.get("line", "")), _runs(asked.span)
    ids, secret, other = [line.pk for line in lines], withheld(request.user), asked.compare
    found = decided(ids, _bounds(asked.span, runs), secret)
    before = decided(ids, _bounds(other, ()), secret) if other else None
    return Reviewed(asked, every, lines, runs, found, before)


def _chosen(lines: Sequence[Line], slug: str) -> list[Line]:
    found = [line for line in lines if slug in ("", line.slug)]
    if slug and not found:
        raise Http404
    return found


def _runs(span: Span) -> list[Run]:
    return shifts.between(span.since, span.until) if span.length <= SHIFTS_UP_TO else []


def _bounds(span: Span, runs: Sequence[Run]) -> list[datetime]:
    """Steps of the plot, cut where shifts begin and end."""
    steps = bounds_of(span.since, span.until, max(step_of(span.length), HOUR), timezone.get_current_timezone())
    edges = {at for run in runs for at in (run.since, run.until) if span.since < at < span.until}
    return sorted({*steps, *edges})


# --- rows ---------------------------------------------------------------------------------------------------------


def line_rows(wanted: Reviewed, now: datetime) -> list[LineRow]:
    waiting = backlogs([line.pk for line in wanted.lines])
    return [_line_row(line, waiting.get(line.pk, Backlog()), wanted, now) for line in wanted.lines]


def before_of(found: Decided, before: Decided | None, scale: float) -> Before | None:
    if before is None:
        return None
    now, cost = overkill_cost(found.groups), overkill_cost(before.groups)
    return Before(
        decisions=before.count,
        decisions_change=more(found.count, before.count, scale),
        images=cost.images,
        images_change=more(now.images, cost.images, scale),
        minutes=_minutes(cost),
    )


def _line_row(line: Line, backlog: Backlog, wanted: Reviewed, now: datetime) -> LineRow:
    found, before = wanted.found.of_line(line.pk), wanted.before
    cost = overkill_cost(found.groups)
    return LineRow(
        line=line,
        backlog=backlog,
        age=duration_words((now - backlog.oldest).total_seconds()) if backlog.oldest else "–",
        decisions=found.count,
        cost=cost,
        minutes=_minutes(cost),
        queue_url=f"{reverse('queue')}?{urlencode({'line': line.slug})}",
        report_url=f"{reverse('report-line', args=[line.slug])}?{wanted.when.query}",
        before=before_of(found, before.of_line(line.pk) if before else None, wanted.scale),
    )


def shift_rows(found: Decided, runs: Sequence[Run], span: Span) -> list[ShiftRow]:
    """Latest first."""
    rows = []
    for run in reversed(runs):
        inside = found.between(run.since, run.until)
        cost = overkill_cost(inside.groups)
        url = f"?when=shift-{run.hours.number}-{run.day:%Y-%m-%d}"
        an_hour = inside.count / hours_within(run, span)
        rows.append(ShiftRow(run_words(run), url, inside.count, rounded(an_hour, 1), cost, _minutes(cost)))
    return rows


def hours_within(run: Run, span: Span) -> float:
    """Of this shift, those that lie in the period."""
    return (min(run.until, span.until) - max(run.since, span.since)) / HOUR


def class_rows(found: Decided, names: dict[str, str], before: Decided | None) -> list[ClassRow]:
    old = {one.model: one for one in with_the_model(before.groups)} if before else {}
    return [_class_row(one, names, old.get(one.model)) for one in with_the_model(found.groups)]


def _class_row(one: Agreed, names: dict[str, str], old: Agreed | None) -> ClassRow:
    return ClassRow(
        name=names.get(one.model, one.model),
        seen=one.seen,
        seen_share=_share(one.seen_agreed, one.seen),
        blind=one.blind,
        blind_share=_share(one.blind_agreed, one.blind),
        blind_between=between_words(one.blind_between),
        seen_before=_share(old.seen_agreed, old.seen) if old else "–",
        blind_before=_share(old.blind_agreed, old.blind) if old else "–",
    )


def _share(part: int, whole: int) -> str:
    return percent(part / whole if whole else None)


def _minutes(cost: Cost) -> str:
    return "–" if cost.minutes is None else duration_words(60 * cost.minutes)


def kappa_words(found: Agreement) -> str:
    """Kappa with its interval; a dash where it is undefined."""
    if found.kappa is None or found.between is None:
        return "–"
    told = {"low": rounded(found.between.low, 2), "high": rounded(found.between.high, 2)}
    return f"{rounded(found.kappa, 2)} ({_('%(low)s to %(high)s') % told})"


def people_agree(person: Person, now: datetime) -> dict[str, Any] | None:
    """Operators with each other, over the last weeks; for managers, as the page of agreement is."""
    if not person.sees_every_line:
        return None
    readings = against_each_other(now - timedelta(days=KAPPA_DAYS), now)
    found = agreement(pair for one in readings if (pair := one.pair))
    return {"agreement": found, "kappa": kappa_words(found), "raw": percent(found.raw)}


# --- the plot -----------------------------------------------------------------------------------------------------


def plot(wanted: Reviewed) -> Plot:
    """Decisions an hour, step by step; those of the period compared with where they would lie in this one."""
    found, span, runs = wanted.found, wanted.when.span, wanted.runs
    steps = [(since, until, found.between(since, until).count) for since, until in steps_of(found.bounds)]
    rows = [
        [
            Cell(span_words(since, until), wanted.url(since, until)),
            Cell(rounded(count, 0), wanted.url(since, until) if count else "", count),
            Cell(rounded(count / hours_of(since, until), 1), value=count / hours_of(since, until)),
        ]
        for since, until, count in steps
    ]
    return Plot(
        key="decisions",
        title=_("Decisions an hour"),
        words=_("How many answers people gave, as a number an hour."),
        kind="series",
        data=over_time(
            [Series(_("Decisions an hour"), _spots(wanted, found, span.length)), *_series_before(wanted)],
            span.since,
            span.until,
            unit="",
            stretches=[Stretch(run.since, run.until, run.hours.name) for run in runs],
        ),
        table=Table((_("Time"), _("Decisions"), _("An hour")), rows),
        empty="" if found.count else _("Nobody decided anything in this period."),
    )


def _spots(wanted: Reviewed, found: Decided, length: timedelta, moved: timedelta = timedelta(0)) -> list[Spot]:
    """Of so much from the beginning on."""
    steps = [(since, until) for since, until in steps_of(found.bounds) if since - found.bounds[0] < length]
    counts = [(since, until, found.between(since, until).count) for since, until in steps]
    return [
        Spot(since + moved, count / hours_of(since, until), _words(since, until, count), wanted.url(since, until))
        for since, until, count in counts
    ]


def _series_before(wanted: Reviewed) -> list[Series]:
    other, span = wanted.when.compare, wanted.when.span
    if other is None or wanted.before is None:
        return []
    return [Series(other.words, _spots(wanted, wanted.before, span.length, span.since - other.since), beside=True)]


def steps_of(bounds: Sequence[datetime]) -> list[tuple[datetime, datetime]]:
    return list(zip(bounds, bounds[1:], strict=False))


def hours_of(since: datetime, until: datetime) -> float:
    return (until - since) / HOUR


def _words(since: datetime, until: datetime, count: int) -> str:
    told = {"time": span_words(since, until), "n": rounded(count / hours_of(since, until), 1), "count": count}
    return _("%(time)s: %(n)s an hour, %(count)d decisions") % told
