"""What is on the screen as a file, for managers: captures, a line's rates, alarms. Each is written in the log,
with its filters and its rows; one that would be too long is refused in words, never cut."""

import heapq
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import BadRequest
from django.db import transaction
from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from inspections.models import AuditEvent, Line
from inspections.models.defect_class import GOOD, UNKNOWN, suspect
from inspections.pages import when
from inspections.pages.access import PersonRequest, for_managers, line_of, lines_of, page
from inspections.pages.alarm_list import Filters as AlarmFilters
from inspections.pages.alarm_list import period_of as when_raised
from inspections.pages.csv_file import MOST_ROWS, Value, csv_file, highest_first
from inspections.pages.flagged import Filters
from inspections.pages.flagged import period_of as when_taken
from inspections.pages.overview import class_names
from inspections.pages.rate_rows import By, Stretch, spans_of, stretches
from inspections.pages.when import When
from inspections.pages.worklist import Order, Wanted, of_every_line, of_line
from inspections.review.blind import withheld

OF_CAPTURE = (
    "camera__slug", "roll__code", "position_m", "offset_mm", "captured_at", "received_at",
    "defect_class__code", "flagged", "anomaly_score", "label__defect_class__code", "label__person__username",
    "warnings",
)  # fmt: skip
OF_ALARM = (
    "line__slug", "rule__name", "rule__kind", "rule__critical", "key", "words", "since", "last_at", "signs", "state",
    "acknowledged_at", "acknowledged_by__username", "note", "acted_at", "resolved_at", "resolved_by__username",
    "outcome",
)  # fmt: skip


@page
def flagged(request: PersonRequest) -> HttpResponseBase:
    """The captures that the list's filters leave, in its order; without what the reader is asked blind."""
    for_managers(request.user)
    now = timezone.now()
    form = Filters(request.GET, lines_of(request.user), class_names())
    refuse_wrong(form)
    asked = refuse_no_period(when_taken(request, now))
    wanted = form.wanted(asked, withheld(request.user))
    note_export(request, wanted.show.value, now, _fitting(of_every_line(wanted)))
    head = (
        _("Counted at"), _("Capture"), _("Address"), _("Line"), _("Camera"), _("Roll"), _("Position (m)"),
        _("From the left edge (mm)"), _("Taken at"), _("Received at"), _("Class"), _("Anomaly score"), _("Severity"),
        _("Label"), _("Labelled by"), _("Warnings"),
    )  # fmt: skip
    return csv_file(f"{wanted.show.value}-{day_of(now)}", head, _captures(request, wanted))


def _captures(request: PersonRequest, wanted: Wanted) -> Iterator[tuple[Value, ...]]:
    """Each line by its own index, merged: one that starts with the line cannot sort across lines."""
    names = class_names()
    of_lines = [_of_line(wanted, line) for line in wanted.lines]
    for value, key, line, other, *more in heapq.merge(*of_lines, key=lambda row: row[:2], reverse=True):
        address = request.build_absolute_uri(reverse("capture", args=[key]))
        at, severity = (value, other) if wanted.order is Order.NEW else (other, value)
        camera, roll, position, offset, taken, received, code, is_flagged, score, label, who, warnings = more
        called = suspect() if is_flagged and code == GOOD and not who else names[code or UNKNOWN]
        yield (
            at, key, address, line, camera, roll, position, offset, taken, received, called, score,
            severity, names[label] if label else "", who, warnings,
        )  # fmt: skip


def _of_line(wanted: Wanted, line: Line) -> Iterator[tuple[Any, ...]]:
    rows: QuerySet[Any] = of_line(wanted, line)
    field, other = ("counted_at", "severity") if wanted.order is Order.NEW else ("severity", "counted_at")
    for value, key, *more in highest_first(rows, field, (other, *OF_CAPTURE)):
        yield value, key, str(line), *more


@page
def rates(request: PersonRequest, slug: str) -> HttpResponseBase:
    """A line's counts and rates over the chosen period, by slot, hour, day or shift."""
    for_managers(request.user)
    now = timezone.now()
    line = line_of(request.user, slug)
    chosen = refuse_no_period(when.chosen(request, now))
    asked = request.GET.get("by", By.HOUR)
    if asked not in By.values:
        raise BadRequest(_("Rates are counted by slot, hour, day or shift."))
    by, names = By(asked), class_names()
    note_export(request, f"line {line.slug}", now, sum(1 for _one in spans_of(chosen.span, by)))
    head = (
        _("From"), _("To"), _("Day or shift"), _("Judged"), _("Flagged"), _("Anomalies"), _("Anomaly rate"),
        _("Defects"), _("Failed"), *(_("Anomalies: %(name)s") % {"name": name} for name in names.values()),
    )  # fmt: skip
    return csv_file(f"rates-{line.slug}-{day_of(now)}", head, _rates(stretches(line, chosen.span, by), list(names)))


def _rates(found: Iterator[Stretch], codes: list[str]) -> Iterator[tuple[Value, ...]]:
    for one in found:
        total = one.total
        counts = (total.judged, total.flagged, total.anomalies, total.rate, total.defects, total.failed)
        yield one.span.since, one.span.until, one.span.words, *counts, *(one.classes.get(code, 0) for code in codes)


@page
def alarms(request: PersonRequest) -> HttpResponseBase:
    """The alarms that the list's filters leave, with their whole story, newest first."""
    for_managers(request.user)
    now = timezone.now()
    form = AlarmFilters(request.GET, lines_of(request.user))
    refuse_wrong(form)
    every: QuerySet[Any] = form.wanted(refuse_no_period(when_raised(request, now)))
    note_export(request, "alarms", now, _fitting(every))
    head = (
        _("Raised at"), _("Alarm"), _("Line"), _("Rule"), _("Kind"), _("Critical"), _("About"), _("What was seen"),
        _("First sign"), _("Last sign"), _("Signs"), _("State"), _("Acknowledged at"), _("Acknowledged by"), _("Note"),
        _("First action at"), _("Resolved at"), _("Resolved by"), _("Outcome"), _("Minutes to the first action"),
    )  # fmt: skip
    return csv_file(f"alarms-{day_of(now)}", head, map(_alarm, highest_first(every, "raised_at", OF_ALARM)))


def _alarm(row: tuple[Any, ...]) -> tuple[Value, ...]:
    since, acted = row[2 + OF_ALARM.index("since")], row[2 + OF_ALARM.index("acted_at")]
    return (*row, None if acted is None else round((acted - since).total_seconds() / 60, 1))


def refuse_no_period(asked: When) -> When:
    if asked.errors:
        raise BadRequest(" ".join(asked.errors))
    return asked


def refuse_wrong(form: forms.Form) -> None:
    if not form.is_valid():
        raise BadRequest(" ".join(str(error) for errors in form.errors.values() for error in errors))


def _fitting(rows: QuerySet[Any]) -> int:
    """How many there are; 400 where these are more than a file holds."""
    found = rows.order_by()[: MOST_ROWS + 1].count()
    if found > MOST_ROWS:
        most = number_format(MOST_ROWS, force_grouping=True)
        raise BadRequest(
            _("A file holds at most %(most)s rows. Choose a shorter period, or one line.") % {"most": most}
        )
    return found


def note_export(request: PersonRequest, subject: str, now: datetime, rows: int) -> None:
    with transaction.atomic():
        AuditEvent.note(request.user, "export", subject, now, filters=request.GET.dict(), rows=rows)


def day_of(now: datetime) -> str:
    return f"{timezone.localtime(now):%Y-%m-%d}"
