"""The review statistics as a file: by line, by shift, by class, or over time, as the page shows them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.core.exceptions import BadRequest
from django.db.models import TextChoices
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _

from inspections.backlog import Backlog, backlogs
from inspections.decisions import overkill_cost, with_the_model
from inspections.pages.access import PersonRequest, for_managers, page
from inspections.pages.csv_file import Value, csv_file
from inspections.pages.exports import day_of, note_export
from inspections.pages.overview import class_names
from inspections.pages.review_stats import Reviewed, hours_of, hours_within, steps_of, wanted_of
from inspections.pages.when_words import run_words


class By(TextChoices):
    LINE = "line"
    SHIFT = "shift"
    CLASS = "class"
    TIME = "time"


@dataclass(frozen=True)
class Told:
    """One of the page's tables."""

    head: tuple[str, ...]
    rows: Iterator[tuple[Value, ...]]


@page
def as_csv(request: PersonRequest) -> HttpResponseBase:
    """What the page counts over the chosen period, `by` line if not told otherwise. More decisions than the page can
    read are refused in words, never cut."""
    for_managers(request.user)
    now, asked = timezone.now(), request.GET.get("by", By.LINE)
    wanted = wanted_of(request, now)
    if wanted.when.errors:
        raise BadRequest(" ".join(wanted.when.errors))
    if asked not in By.values:
        raise BadRequest(_("Decisions are counted by line, shift, class or time."))
    if wanted.found.cut:
        raise BadRequest(_("There are more decisions in this period than can be counted. Choose a shorter one."))
    told = _BY[By(asked)](wanted)
    rows = list(told.rows)  # some dozens: steps, shifts, lines or classes
    note_export(request, f"review by {asked}", now, len(rows))
    return csv_file(f"review-{asked}-{day_of(now)}", told.head, rows)


def _by_line(wanted: Reviewed) -> Told:
    head = (
        _("Line"), _("Waiting now"), _("More wait than were counted"), _("Oldest since"), _("Decisions"),
        _("Good images sent"), _("Minutes spent on them"),
    )  # fmt: skip
    waiting = backlogs([line.pk for line in wanted.lines])

    def rows() -> Iterator[tuple[Value, ...]]:
        for line in wanted.lines:
            queue, own = waiting.get(line.pk, Backlog()), wanted.found.of_line(line.pk)
            cost = overkill_cost(own.groups)
            yield str(line), queue.count, queue.is_more, queue.oldest, own.count, cost.images, cost.minutes

    return Told(head, rows())


def _by_shift(wanted: Reviewed) -> Told:
    """Latest first, as on the page."""
    head = (
        _("From"), _("To"), _("Shift"), _("Decisions"), _("An hour"), _("Good images sent"), _("Minutes spent on them"),
    )  # fmt: skip
    span = wanted.when.span

    def rows() -> Iterator[tuple[Value, ...]]:
        for run in reversed(wanted.runs):
            inside = wanted.found.between(run.since, run.until)
            cost, an_hour = overkill_cost(inside.groups), inside.count / hours_within(run, span)
            ends = max(run.since, span.since), min(run.until, span.until)
            yield *ends, run_words(run), inside.count, an_hour, cost.images, cost.minutes

    return Told(head, rows())


def _by_class(wanted: Reviewed) -> Told:
    head = (
        _("The model said"), _("Answers, in sight of it"), _("The same"), _("Answers, blind"), _("The same, blind"),
        _("Blind, at least"), _("Blind, at most"),
    )  # fmt: skip
    names = class_names()

    def rows() -> Iterator[tuple[Value, ...]]:
        for one in with_the_model(wanted.found.groups):
            between = one.blind_between
            ends = (between.low, between.high) if between else (None, None)
            yield names.get(one.model, one.model), one.seen, one.seen_agreed, one.blind, one.blind_agreed, *ends

    return Told(head, rows())


def _by_time(wanted: Reviewed) -> Told:
    def rows() -> Iterator[tuple[Value, ...]]:
        for since, until in steps_of(wanted.found.bounds):
            count = wanted.found.between(since, until).count
            yield since, until, count, count / hours_of(since, until)

    return Told((_("From"), _("To"), _("Decisions"), _("An hour")), rows())


_BY: dict[By, Callable[[Reviewed], Told]] = {
    By.LINE: _by_line,
    By.SHIFT: _by_shift,
    By.CLASS: _by_class,
    By.TIME: _by_time,
}
