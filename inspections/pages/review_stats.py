"""`/review/`: what waits for people, what they decided, what overkill costs, how far people and model agree."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from inspections.agreement import FEW, Agreement, agreement
from inspections.backlog import Backlog, backlogs
from inspections.decisions import Agreed, Cost, blind_pairs, overkill_cost, with_the_model
from inspections.models import Line, Person
from inspections.pages.access import PersonRequest, page
from inspections.pages.decisions_list import Same, Which
from inspections.pages.durations import duration_words
from inspections.pages.live import live
from inspections.pages.overview import class_names
from inspections.pages.periods import between_words, percent, rounded
from inspections.pages.plots import Cell, Plot, Series, Spot, Stretch, Table, over_time
from inspections.pages.review_asked import SHIFTS_UP_TO, Asked, asked_of
from inspections.pages.review_parts import Before, Part, before_of, minutes_words, shift_rows, steps, steps_of
from inspections.pages.when_words import span_words
from inspections.quality import against_each_other

KAPPA_DAYS = 28


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
    list_url: str
    images_url: str
    before: Before | None


@dataclass(frozen=True)
class Answers:
    """How many there were, what share of them was the model's; and the lists of both, where they hold any."""

    count: int
    share: str
    url: str
    same_url: str


NONE = Answers(0, "–", "", "")


@dataclass(frozen=True)
class ClassRow:
    """The model's class, and how often people said the same."""

    name: str
    seen: Answers
    blind: Answers
    blind_between: str
    seen_before: Answers
    blind_before: Answers

    @property
    def pairs(self) -> tuple[tuple[Answers, Answers], ...]:
        """In sight and blind, each with those before."""
        return (self.seen, self.seen_before), (self.blind, self.blind_before)


@page
def review(request: PersonRequest) -> HttpResponseBase:
    """Review in numbers, for the lines of this person or one of them."""
    now = timezone.now()
    wanted = asked_of(request, now)
    asked, every, lines, found = wanted.when, wanted.every, wanted.lines, wanted.found
    before, scale = wanted.before, wanted.scale
    names, cost, blind = class_names(), overkill_cost(found.groups), agreement(blind_pairs(found.groups))
    context = {
        "when": asked,
        "lines": every,
        "line": lines[0] if len(lines) == 1 and len(every) > 1 else None,
        "rows": line_rows(wanted, now),
        "decided": found,
        "before": before_of(found, before, scale, wanted.decisions_before()),
        "before_cut": before is not None and before.cut,
        "is_scaled": scale != 1,
        "cost": cost,
        "cost_url": wanted.decisions_url(which=Which.OVERKILL),
        "minutes": minutes_words(cost),
        "plot": plot(wanted),
        "shifts": shift_rows(wanted),
        "too_long_for_shifts": asked.span.length > SHIFTS_UP_TO,
        "classes": class_rows(wanted, names),
        "blind": blind,
        "blind_words": blind_words(blind),
        "blind_url": wanted.decisions_url(which=Which.BLIND),
        "people": people_agree(request.user, now),
        "kappa_days": KAPPA_DAYS,
        "report_url": f"{reverse('report-shift')}?{wanted.query}",
        "csv_url": f"{reverse('review-csv')}?{wanted.query}",
    }
    template, part = "inspections/review.html", "inspections/_review.html"
    return live(request, template, part, context, status=asked.status, moving=asked.moving and not asked.errors)


# --- rows ---------------------------------------------------------------------------------------------------------


def line_rows(wanted: Asked, now: datetime) -> list[LineRow]:
    waiting = backlogs([line.pk for line in wanted.lines])
    return [_line_row(line, waiting.get(line.pk, Backlog()), wanted, now) for line in wanted.lines]


def _line_row(line: Line, backlog: Backlog, wanted: Asked, now: datetime) -> LineRow:
    found, old = wanted.found.of_line(line.pk), wanted.before.of_line(line.pk) if wanted.before else None
    cost = overkill_cost(found.groups)
    return LineRow(
        line=line,
        backlog=backlog,
        age=duration_words((now - backlog.oldest).total_seconds()) if backlog.oldest else "–",
        decisions=found.count,
        cost=cost,
        minutes=minutes_words(cost),
        queue_url=f"{reverse('queue')}?{urlencode({'line': line.slug})}",
        report_url=f"{reverse('report-line', args=[line.slug])}?{wanted.when.query}",
        list_url=wanted.decisions_url(line=line.slug),
        images_url=wanted.decisions_url(line=line.slug, which=Which.OVERKILL),
        before=before_of(found, old, wanted.scale, wanted.decisions_before(line=line.slug)),
    )


def class_rows(wanted: Asked, names: dict[str, str]) -> list[ClassRow]:
    old = {one.model: one for one in with_the_model(wanted.before.groups)} if wanted.before else {}
    return [_class_row(wanted, one, names, old.get(one.model)) for one in with_the_model(wanted.found.groups)]


def _class_row(wanted: Asked, one: Agreed, names: dict[str, str], old: Agreed | None) -> ClassRow:
    seen, blind = ({"which": str(which), "model": one.model} for which in (Which.SEEN, Which.BLIND))
    return ClassRow(
        name=names.get(one.model, one.model),
        seen=_answers(one.seen, one.seen_agreed, partial(wanted.decisions_url, **seen)),
        blind=_answers(one.blind, one.blind_agreed, partial(wanted.decisions_url, **blind)),
        blind_between=between_words(one.blind_between),
        seen_before=_answers(old.seen, old.seen_agreed, partial(wanted.decisions_before, **seen)) if old else NONE,
        blind_before=_answers(old.blind, old.blind_agreed, partial(wanted.decisions_before, **blind)) if old else NONE,
    )


def _answers(count: int, agreed: int, url: Callable[..., str]) -> Answers:
    return Answers(count, _share(agreed, count), url(), url(same=Same.YES) if agreed else "")


def _share(part: int, whole: int) -> str:
    return percent(part / whole if whole else None)


def kappa_words(found: Agreement) -> str:
    """Kappa with its interval; a dash where it is undefined."""
    if found.kappa is None or found.between is None:
        return "–"
    told = {"low": rounded(found.between.low, 2), "high": rounded(found.between.high, 2)}
    return f"{rounded(found.kappa, 2)} ({_('%(low)s to %(high)s') % told})"


def blind_words(found: Agreement) -> str:
    """Kappa of people and the model; below FEW answers its interval says little, so it is not told."""
    n = found.pairs
    if found.is_few:
        words = ngettext(
            "Kappa of the %(n)d blind answer: not enough data, %(few)d are needed.",
            "Kappa of the %(n)d blind answers: not enough data, %(few)d are needed.",
            n,
        )
        return words % {"n": n, "few": FEW}
    return _("Kappa of the %(n)s blind answers: %(kappa)s.") % {"n": rounded(n, 0), "kappa": kappa_words(found)}


def people_agree(person: Person, now: datetime) -> dict[str, Any] | None:
    """Operators with each other, over the last weeks; for managers, as the page of agreement is."""
    if not person.sees_every_line:
        return None
    readings = against_each_other(now - timedelta(days=KAPPA_DAYS), now)
    found = agreement(pair for one in readings if (pair := one.pair))
    return {"agreement": found, "kappa": kappa_words(found), "raw": percent(found.raw)}


# --- the plot -----------------------------------------------------------------------------------------------------


def plot(wanted: Asked) -> Plot:
    """Decisions an hour, step by step; those of the period compared with where they would lie in this one."""
    span, pairs, compared = wanted.when.span, steps(wanted), wanted.before is not None
    head = (_("Time"), _("Decisions"), _("An hour"), *([_("An hour, before")] if compared else []))
    return Plot(
        key="decisions",
        title=_("Decisions an hour"),
        words=_("How many answers people gave, as a number an hour."),
        kind="series",
        data=over_time(
            [Series(_("Decisions an hour"), _spots(wanted, [one for one, _other in pairs])), *_series_before(wanted)],
            span.since,
            span.until,
            unit="",
            stretches=[Stretch(run.since, run.until, run.hours.name) for run in wanted.runs],
        ),
        table=Table(head, [_plot_row(wanted, one, other, compared) for one, other in pairs]),
        empty="" if wanted.found.count else _("Nobody decided anything in this period."),
    )


def _plot_row(wanted: Asked, one: Part, other: Part | None, compared: bool) -> list[Cell]:
    count = one.decided.count
    row = [
        Cell(span_words(one.since, one.until), wanted.url(one.since, one.until)),
        Cell(rounded(count, 0), _opened(wanted, one), count),
        Cell(rounded(one.an_hour, 1), value=one.an_hour),
    ]
    if not compared:
        return row
    if other is None:
        return [*row, Cell("–")]
    return [*row, Cell(rounded(other.an_hour, 1), _opened(wanted, other), other.an_hour)]


def _opened(wanted: Asked, part: Part) -> str:
    """Its decisions; for whoever may not see them, the page of this part. Nothing opens nothing."""
    if not part.decided.count:
        return ""
    return wanted.decisions_of(part.decided, part.since, part.until) or wanted.url(part.since, part.until)


def _spots(wanted: Asked, parts: Iterable[Part], moved: timedelta = timedelta(0)) -> list[Spot]:
    return [Spot(one.since + moved, one.an_hour, _words(one), _opened(wanted, one)) for one in parts]


def _series_before(wanted: Asked) -> list[Series]:
    other, length = wanted.when.compare, wanted.when.span.length
    if other is None or wanted.before is None:
        return []
    parts = [one for one in steps_of(wanted.before) if one.since - other.since < length]
    return [Series(other.words, _spots(wanted, parts, wanted.moved), beside=True)]


def _words(one: Part) -> str:
    told = {"time": span_words(one.since, one.until), "n": rounded(one.an_hour, 1), "count": one.decided.count}
    return _("%(time)s: %(n)s an hour, %(count)d decisions") % told
