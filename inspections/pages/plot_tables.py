"""The tables of pages as files, for managers: the very table that stands behind a plot, with the page's filters."""

from collections.abc import Sequence
from datetime import datetime

from django.core.exceptions import BadRequest
from django.http import Http404
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _

from inspections.pages import when
from inspections.pages.access import PersonRequest, for_managers, line_of, page
from inspections.pages.csv_file import Value, csv_file
from inspections.pages.desk import camera_words, trouble_of
from inspections.pages.exports import day_of, note_export, refuse_wrong
from inspections.pages.line import context_of
from inspections.pages.line_cameras import CameraRow
from inspections.pages.overview import class_names, no_class
from inspections.pages.plots import Table
from inspections.pages.threshold import looked_at, state_of
from inspections.pages.threshold_form import WhatIf
from inspections.pages.threshold_words import plots
from inspections.scores import weigh
from inspections.standing import Standing, standings
from inspections.watching import watched_lines

Head = Sequence[str]
Rows = Sequence[Sequence[Value]]
OF_LINE = ("rate", "pareto", "classes", "width")  # its plots


@page
def of_line(request: PersonRequest, slug: str, table: str) -> HttpResponseBase:
    """A plot's table, or the cameras', over the chosen period and class."""
    for_managers(request.user)
    now, line = timezone.now(), line_of(request.user, slug)
    asked, names, code = when.chosen(request, now), class_names(), request.GET.get("class", "")
    if wrong := [*asked.errors, *filter(None, [no_class(code, names)])]:
        raise BadRequest(" ".join(wrong))
    if table not in (*OF_LINE, "cameras"):
        raise Http404
    context = context_of(line, asked, code, names, now)
    if table == "cameras":
        return _file(request, f"{line.slug}-cameras", *_cameras(context["cameras"]), now)
    return _table(request, f"{line.slug}-{table}", context[table].table, now)


def _cameras(rows: Sequence[CameraRow]) -> tuple[Head, Rows]:
    head = [_("Camera"), _("Judged"), _("Anomalies"), _("Rate"), _("95 %, at least"), _("95 %, at most")]
    compared = any(row.before is not None for row in rows)
    return [*head, _("Rate before")] if compared else head, [_camera(row, compared) for row in rows]


def _camera(row: CameraRow, compared: bool) -> list[Value]:
    ends = (row.between.low, row.between.high) if row.between else (None, None)
    found = [row.seen.camera.slug, row.tally.judged, row.tally.anomalies, row.tally.rate, *ends]
    return [*found, row.before.rate if row.before else None] if compared else found


@page
def of_threshold(request: PersonRequest, slug: str, plot: str) -> HttpResponseBase:
    """What other thresholds would have meant, beside the one that is looked at."""
    for_managers(request.user)
    now, line = timezone.now(), line_of(request.user, slug)
    form = WhatIf(request.GET)
    refuse_wrong(form)
    state = state_of(line)
    every = plots(weigh(line, now).evidence, state.value, looked_at(state, form), "")
    table = next((one.table for one in every if one.key == plot), None)
    if table is None:
        raise Http404
    return _table(request, f"{line.slug}-threshold-{plot}", table, now)


@page
def of_lines(request: PersonRequest) -> HttpResponseBase:
    """The overview: every line as it stands now, worst first."""
    for_managers(request.user)
    now = timezone.now()
    names, found = class_names(), standings(list(watched_lines(request.user)), now)
    head = (
        _("Line"), _("State"), _("Rate now"), _("Anomalies"), _("Judged"), _("Lower limit"), _("Upper limit"),
        _("Leading defect now"), _("Its anomalies"), _("Since"), _("Trouble"), _("Seen by"), _("Cameras"),
        _("Data until"), _("To review"), _("More wait than were counted"), _("Oldest since"),
    )  # fmt: skip
    return _file(request, "lines", head, [_line(one, names, now) for one in found], now)


def _line(one: Standing, names: dict[str, str], now: datetime) -> list[Value]:
    tally, limits, trouble, waits = one.now.tally, one.now.limits, trouble_of(one, now), one.backlog
    ends = (limits.lower, limits.upper) if limits else (None, None)
    leading = names.get(one.now.leading, one.now.leading), one.now.leading_count
    words = (trouble.words, trouble.seen) if trouble else ("", "")
    return [
        str(one.line), str(one.state.label), tally.rate, tally.anomalies, tally.judged, *ends, *leading, one.since,
        *words, camera_words(one), one.until, waits.count, waits.is_more, waits.oldest,
    ]  # fmt: skip


def _table(request: PersonRequest, name: str, table: Table, now: datetime) -> HttpResponseBase:
    rows = [[cell.text if cell.value is None else cell.value for cell in row] for row in table.rows]
    return _file(request, name, table.head, rows, now)


def _file(request: PersonRequest, name: str, head: Head, rows: Rows, now: datetime) -> HttpResponseBase:
    note_export(request, f"table {name}", now, len(rows))
    return csv_file(f"{name}-{day_of(now)}", head, rows)
