"""The review statistics as a file: by line, by shift, by class, or over time, as the page shows them. Where the page
compares, the figures of the other period stand in columns of their own."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.core.exceptions import BadRequest
from django.db.models import TextChoices
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _

from inspections.backlog import Backlog, backlogs
from inspections.decisions import Agreed, Decided, overkill_cost, with_the_model
from inspections.pages.access import PersonRequest, for_managers, page
from inspections.pages.csv_file import Value, csv_file
from inspections.pages.exports import day_of, note_export
from inspections.pages.overview import class_names
from inspections.pages.review_asked import Asked, asked_of
from inspections.pages.review_parts import Part, changes, shift_words, shifts, steps

Row = tuple[Value, ...]


class By(TextChoices):
    LINE = "line"
    SHIFT = "shift"
    CLASS = "class"
    TIME = "time"


@dataclass(frozen=True)
class Told:
    """One of the page's tables."""

    head: tuple[str, ...]
    rows: Iterator[Row]


@page
def as_csv(request: PersonRequest) -> HttpResponseBase:
    """What the page counts over the chosen period, `by` line if not told otherwise. More decisions than the page can
    read are refused in words, never cut."""
    for_managers(request.user)
    now, asked = timezone.now(), request.GET.get("by", By.LINE)
    wanted = asked_of(request, now)
    if wanted.when.errors:
        raise BadRequest(" ".join(wanted.when.errors))
    if asked not in By.values:
        raise BadRequest(_("Decisions are counted by line, shift, class or time."))
    if wanted.found.cut:
        raise BadRequest(_("There are more decisions in this period than can be counted. Choose a shorter one."))
    if wanted.before and wanted.before.cut:
        raise BadRequest(_("There are more decisions in the period compared with than can be counted. Choose another."))
    told = _BY[By(asked)](wanted)
    rows = list(told.rows)  # some dozens: steps, shifts, lines or classes
    note_export(request, f"review by {asked}", now, len(rows))
    return csv_file(f"review-{asked}-{day_of(now)}", told.head, rows)


def _by_line(asked: Asked) -> Told:
    head = (
        _("Line"), _("Waiting now"), _("More wait than were counted"), _("Oldest since"), _("Decisions"),
        _("Good images sent"), _("Minutes spent on them"), *_head_before(asked),
    )  # fmt: skip
    waiting = backlogs([line.pk for line in asked.lines])

    def rows() -> Iterator[Row]:
        for line in asked.lines:
            queue, own = waiting.get(line.pk, Backlog()), asked.found.of_line(line.pk)
            old = asked.before.of_line(line.pk) if asked.before else None
            waits = queue.count, queue.is_more, queue.oldest
            yield str(line), *waits, *_decided(own), *_before(own, old, asked.scale)

    return Told(head, rows())


def _by_shift(asked: Asked) -> Told:
    """Latest first, as on the page."""
    beside = (_("Compared with"), _("An hour, before")) if asked.before else ()
    head = (
        _("From"), _("To"), _("Shift"), _("Decisions"), _("An hour"), _("Good images sent"), _("Minutes spent on them"),
        *beside, *_head_before(asked),
    )  # fmt: skip

    def rows() -> Iterator[Row]:
        for one, other in shifts(asked):
            count, images, minutes = _decided(one.decided)
            found: Row = (one.since, one.until, shift_words(one), count, one.an_hour, images, minutes)
            if not asked.before:
                yield found
            elif other is None:
                yield *found, *[None] * (len(head) - len(found))
            else:
                old = _before(one.decided, other.decided, one.hours / other.hours)
                yield *found, shift_words(other), other.an_hour, *old

    return Told(head, rows())


def _decided(found: Decided) -> Row:
    cost = overkill_cost(found.groups)
    return found.count, cost.images, cost.minutes


def _head_before(asked: Asked) -> tuple[str, ...]:
    if not asked.before:
        return ()
    return (
        _("Decisions before"), _("Decisions, change"), _("Good images sent before"), _("Good images sent, change"),
        _("Minutes spent on them before"),
    )  # fmt: skip


def _before(found: Decided, old: Decided | None, scale: float) -> Row:
    """Changes are shares of what there was, as if both were equally long."""
    if old is None:
        return ()
    count, images, minutes = _decided(old)
    counts, sent = changes(found, old, scale)
    return count, counts, images, sent, minutes


def _by_class(asked: Asked) -> Told:
    counted = (_("Answers, in sight of it"), _("The same"), _("Answers, blind"), _("The same, blind"))
    old = {one.model: one for one in with_the_model(asked.before.groups)} if asked.before else {}
    before = [_("%(figure)s, before") % {"figure": name} for name in counted] if asked.before else []
    head = (_("The model said"), *counted, _("Blind, at least"), _("Blind, at most"), *before)
    names = class_names()

    def rows() -> Iterator[Row]:
        for one in with_the_model(asked.found.groups):
            between = one.blind_between
            ends = (between.low, between.high) if between else (None, None)
            was = _agreed(old.get(one.model) or Agreed(one.model, 0, 0, 0, 0)) if asked.before else ()
            yield names.get(one.model, one.model), *_agreed(one), *ends, *was

    return Told(head, rows())


def _agreed(one: Agreed) -> Row:
    return one.seen, one.seen_agreed, one.blind, one.blind_agreed


def _by_time(asked: Asked) -> Told:
    head = (_("From"), _("To"), _("Decisions"), _("An hour"))
    beside = (_("From, before"), _("To, before"), _("Decisions before"), _("An hour, before")) if asked.before else ()

    def rows() -> Iterator[Row]:
        for one, other in steps(asked):
            old = _step(other) if other else (None,) * len(beside)
            yield *_step(one), *(old if beside else ())

    return Told((*head, *beside), rows())


def _step(one: Part) -> Row:
    return one.since, one.until, one.decided.count, one.an_hour


_BY: dict[By, Callable[[Asked], Told]] = {
    By.LINE: _by_line,
    By.SHIFT: _by_shift,
    By.CLASS: _by_class,
    By.TIME: _by_time,
}
