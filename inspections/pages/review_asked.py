"""What an address asks of the review statistics, and what was decided there and then."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.http import Http404
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from inspections import shifts
from inspections.counted import bounds_of, step_of
from inspections.decisions import Decided, decided
from inspections.models import Line
from inspections.pages import when
from inspections.pages.access import PersonRequest, lines_of
from inspections.pages.change_words import per_length
from inspections.pages.when_asked import THIS_SHIFT, absolute
from inspections.rates import HOUR
from inspections.review.blind import withheld
from inspections.spans import Run, Span

SHIFTS_UP_TO = timedelta(days=8)


@dataclass(frozen=True)
class Asked:
    """When, of which lines, and what was decided there and then."""

    when: when.When
    every: Sequence[Line]  # that the reader may choose from
    lines: Sequence[Line]
    runs: Sequence[Run]
    found: Decided
    runs_before: Sequence[Run]  # of the period compared with, as far as this one reaches
    before: Decided | None
    opens: bool  # the reader may see decisions one by one

    @property
    def scale(self) -> float:
        """Of a count of the period compared with, where that is not as long."""
        return per_length(self.when.span, self.when.compare) if self.when.compare else 1.0

    @property
    def moved(self) -> timedelta:
        """How far the period compared with lies back."""
        return self.when.span.since - self.when.compare.since if self.when.compare else timedelta(0)

    @property
    def of_line(self) -> dict[str, str]:
        """As an address names the one line, where it is one."""
        return {"line": self.lines[0].slug} if len(self.lines) == 1 else {}

    def url(self, since: datetime, until: datetime) -> str:
        """This page, of a part of the period."""
        return f"{reverse('review')}?{urlencode({**absolute(Span(since, until, '')), **self.of_line})}"

    def decisions_url(self, **narrowed: str) -> str:
        """The list of the decisions that the period counts, or of some of them; it stays as it was counted."""
        return self.decisions_of(self.found, self.when.span.since, self.when.span.until, **narrowed)

    def decisions_before(self, **narrowed: str) -> str:
        """The same of the period compared with; empty where there is none."""
        other = self.when.compare
        return self.decisions_of(self.before, other.since, other.until, **narrowed) if other and self.before else ""

    def decisions_of(self, counted: Decided, since: datetime, until: datetime, **narrowed: str) -> str:
        """The same of a part of what was counted; empty for whoever may not open it."""
        if not self.opens:
            return ""
        times = {"since": _written(max(since, counted.first)), "until": _written(until)}
        return f"{reverse('decisions')}?{urlencode({**self.of_line, **times, **narrowed})}"

    @property
    def query(self) -> str:
        """The same, on another address."""
        return "&".join(part for part in (self.when.query, urlencode(self.of_line)) if part)


def asked_of(request: PersonRequest, now: datetime) -> Asked:
    asked = when.chosen(request, now, default=THIS_SHIFT)
    every = lines_of(request.user)
    lines, secret = _chosen(every, request.GET.get("line", "")), withheld(request.user)
    ids, span, other = [line.pk for line in lines], asked.span, asked.compare
    runs = _runs(span)
    found = decided(ids, _bounds(span, runs), secret)
    runs_before = _runs(Span(other.since, min(other.until, other.since + span.length), "")) if other and runs else []
    before = decided(ids, _bounds(other, runs_before), secret) if other else None
    return Asked(asked, every, lines, runs, found, runs_before, before, request.user.sees_every_line)


def _written(at: datetime) -> str:
    return f"{at.astimezone(UTC).replace(tzinfo=None).isoformat()}Z"


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
