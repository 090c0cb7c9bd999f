"""The escape rate of each line: over a period, week by week, and the escapes that the blind audit found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, Self

from django import forms
from django.conf import settings
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.http import urlencode
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from inspections.escape import ENOUGH, Escape
from inspections.models import Capture, Line, Person
from inspections.pages.access import PersonRequest, lines_of, page
from inspections.pages.charts import flagged_url
from inspections.pages.dots import DotChart, Estimate, Whisker, common_top, dot_chart, lying
from inspections.pages.flagged import CHOICE
from inspections.pages.live import live
from inspections.pages.periods import ESCAPE_PERIODS, Filters, between_words, grouped, percent, period_of, refused
from inspections.quality import WEEK, WEEKS, Calendar, History, Stretch, histories
from inspections.review.blind import withheld

MOST_FOUND = 60


class LineFilters(Filters):
    """Lines come from what this person may see, so that others' lines do not exist."""

    def __init__(self, data: Mapping[str, Any], lines: Sequence[Line], today: date) -> None:
        super().__init__(data, ESCAPE_PERIODS, today)
        self.lines = lines
        self.fields["line"] = forms.ChoiceField(
            label=_("Line"),
            choices=[("", _("All lines")), *((line.slug, str(line)) for line in lines)],
            required=False,
            error_messages=CHOICE,
            widget=forms.Select(attrs={"class": "form-select"}),
        )

    @property
    def chosen(self) -> list[Line]:
        return [line for line in self.lines if self.cleaned_data["line"] in ("", line.slug)]


@dataclass(frozen=True)
class Counts:
    """Of a stretch, as a table writes them. Made here: a template takes ten times as long, and a page has hundreds."""

    passed: str
    answered: str
    waiting: str
    found: str
    flagged: str
    defects: str

    @classmethod
    def of(cls, now: Stretch) -> Self:
        one, flagged = now.escape, now.escape.flagged
        return cls(*map(grouped, (one.passed, one.answered, now.waiting, one.found, flagged.flagged, flagged.defects)))


@dataclass(frozen=True)
class LineRow:
    """One line: the chosen period, and the eight weeks up to its end."""

    line: Line
    now: Stretch
    weeks: tuple["WeekRow", ...]
    chart: DotChart
    whisker: Whisker
    flagged_url: str

    @property
    def escape(self) -> Escape:
        return self.now.escape

    @property
    def counts(self) -> Counts:
        return Counts.of(self.now)

    @property
    def has_audits(self) -> bool:
        return any(week.now.escape.answered or week.now.waiting for week in self.weeks)

    @property
    def uncovered(self) -> float:
        """Percent of the pass volume on days without an answered audit."""
        return 0.0 if self.escape.audited is None else 100 * (1 - self.escape.audited.covered)

    @property
    def headline(self) -> str:
        """The rate; where no escape was found, how large it may be at most: a large zero would promise too much."""
        if self.escape.rate == 0 and self.escape.between is not None:
            return f"≤ {percent(self.escape.between.high)}"
        return self.rate

    @property
    def rate(self) -> str:
        return percent(self.escape.rate)

    @property
    def between(self) -> str:
        return between_words(self.escape.between)


@dataclass(frozen=True)
class WeekRow:
    first: date
    last: date
    now: Stretch
    url: str
    flagged_url: str

    @property
    def words(self) -> str:
        return _span(self.first, self.last)

    @property
    def rate(self) -> str:
        return percent(self.now.escape.rate)

    @property
    def between(self) -> str:
        return between_words(self.now.escape.between)

    @property
    def counts(self) -> Counts:
        return Counts.of(self.now)


@page
def escape(request: PersonRequest) -> HttpResponseBase:
    """The escape rate of each line of this person, over a period and week by week."""
    lines = lines_of(request.user)
    form = LineFilters(request.GET, lines, timezone.localdate())
    if not form.is_valid():
        return refused(request, form, "escape")
    rows = line_rows(form)
    period = period_of(form.cleaned_data["until"], form.weeks, form.today)
    found, more = found_escapes(rows, request.user)
    context = {
        "form": form,
        "rows": rows,
        "lines": lines,
        "period": period,
        "found": found,
        "more": more,
        "enough": ENOUGH,
        "has_audits": any(row.has_audits for row in rows),
        "one_in": round(1 / settings.AUDIT_SHARE) if settings.AUDIT_SHARE > 0 else None,
    }
    return live(request, "inspections/escape.html", "inspections/_escape.html", context)


def line_rows(form: LineFilters) -> list[LineRow]:
    """All charts on one scale."""
    calendar = Calendar(form.cleaned_data["until"])
    every = histories([line.pk for line in form.chosen], calendar)
    parts = [_parts(line, every[line.pk], calendar, form) for line in form.chosen]
    estimates = [one for _line, _now, _weeks, drawn in parts for one in drawn]
    highs = [drawn[-1].high for _line, _now, _weeks, drawn in parts if drawn[-1].high is not None]
    top = common_top(estimates, min(highs, default=1.0))
    return [_line_row(*part, top, calendar, form) for part in parts]


Parts = tuple[Line, Stretch, tuple[WeekRow, ...], list[Estimate]]


def _parts(line: Line, history: History, calendar: Calendar, form: LineFilters) -> Parts:
    """The line, its period, its weeks, and what is drawn: the weeks, then the period."""
    weeks = tuple(_week(line, history, calendar, number) for number in range(WEEKS))
    now = history.stretch(WEEKS - form.weeks, form.weeks)
    drawn = [_estimate(week.now, _short(week.first), week.words, week.url) for week in weeks]
    name = str(form.periods[form.cleaned_data["period"]][1])
    period = _estimate(now, name, name, flagged_url(line, **_flagged_span(calendar, form.weeks)))
    return line, now, weeks, [*drawn, period]


def _week(line: Line, history: History, calendar: Calendar, number: int) -> WeekRow:
    back = WEEKS - number
    first = calendar.first_day(back)
    last = first + timedelta(days=WEEK - 1)
    wanted = {"line": line.slug, "period": "7d", "until": f"{last:%Y-%m-%d}"}
    since, until = calendar.bounds[WEEK * number], calendar.bounds[WEEK * (number + 1)]
    url = f"{reverse('escape')}?{urlencode(wanted)}"
    return WeekRow(first, last, history.stretch(number), url, flagged_url(line, **_times(since, until)))


def _line_row(
    line: Line,
    now: Stretch,
    weeks: tuple[WeekRow, ...],
    drawn: list[Estimate],
    top: int,
    calendar: Calendar,
    form: LineFilters,
) -> LineRow:
    words = _("Escape rate of %(line)s by week and over the period, with 95 %% intervals.") % {"line": line}
    return LineRow(
        line=line,
        now=now,
        weeks=weeks,
        chart=dot_chart(drawn[:-1], drawn[-1], top, f"{words} {drawn[-1].words}."),
        whisker=lying(now.escape.rate, now.escape.between),
        flagged_url=flagged_url(line, **_flagged_span(calendar, form.weeks)),
    )


def _flagged_span(calendar: Calendar, weeks: int) -> dict[str, str]:
    return _times(calendar.since(weeks), calendar.until)


def _times(since: datetime, until: datetime) -> dict[str, str]:
    return {"since": f"{since:%Y-%m-%dT%H:%M:%SZ}", "until": f"{until:%Y-%m-%dT%H:%M:%SZ}"}


def _short(day: date) -> str:
    return _day_words(day, get_language())


@lru_cache(maxsize=1000)
def _day_words(day: date, _language: str | None) -> str:
    """Kept, because all lines of a page name the same few days."""
    return date_format(day, "j M")


def _span(first: date, last: date) -> str:
    return f"{_short(first)} – {_short(last)}"


def _estimate(now: Stretch, label: str, span: str, url: str) -> Estimate:
    found = now.escape
    return Estimate(
        value=None if found.rate is None else 100 * found.rate,
        low=None if found.between is None else 100 * found.between.low,
        high=None if found.between is None else 100 * found.between.high,
        label=label,
        words=f"{span}: {estimate_words(found)}",
        url=url,
        is_wide=found.is_wide,
    )


def estimate_words(found: Escape) -> str:
    if found.between is None:
        return _("no answered audit")
    if found.rate is None:
        return _("between %(between)s") % {"between": between_words(found.between)}
    return _("%(rate)s, between %(between)s") % {"rate": percent(found.rate), "between": between_words(found.between)}


def found_escapes(rows: Sequence[LineRow], person: Person) -> tuple[list[Capture], int]:
    """The newest, and how many more there are; without those that this person is being asked about."""
    kept_back = withheld(person)
    keys = [key for row in rows for key in row.now.found if key not in kept_back]
    found = Capture.objects.filter(pk__in=sorted(keys, reverse=True)[:MOST_FOUND])
    shown = list(found.select_related("defect_class", "line", "roll", "label__person").order_by("-counted_at", "-id"))
    return shown, len(keys) - len(shown)
