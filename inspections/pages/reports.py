"""The printed reports, as PDF for managers: a shift's, of every line or one, and a line's; with `class`, of that class
its charts and images. Each is in the audit log."""

from collections.abc import Sequence
from uuid import UUID

from django.core.exceptions import BadRequest
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from inspections.models import AuditEvent
from inspections.pages import when
from inspections.pages.access import PersonRequest, for_managers, line_of, page
from inspections.pages.history import name_of
from inspections.pages.overview import class_names, no_class
from inspections.pages.report_figures import figures, previous, worst
from inspections.pages.report_line import line_part
from inspections.pages.report_paper import About, end, new_sheet, summary, worst_part
from inspections.pages.when_asked import LAST_SHIFT
from inspections.paper.looks import PAGE
from inspections.review.blind import withheld
from inspections.watching import WatchedLine, watched_lines

ROOM = 0.6 * PAGE[1]  # a line begins on a page of its own, unless the one before ends near the top of the page


@page
def shift_report(request: PersonRequest) -> HttpResponseBase:
    """Of every line, or of the one that `line` names; the last shift where no period is asked for."""
    for_managers(request.user)
    slug = request.GET.get("line", "")
    lines = list(watched_lines(request.user).filter(slug=slug) if slug else watched_lines(request.user))
    if slug and not lines:
        raise Http404
    words = str(lines[0]) if slug else _("all")
    return _report(request, lines, _("Shift report"), words, f"shift{f'-{slug}' if slug else ''}")


@page
def line_report(request: PersonRequest, slug: str) -> HttpResponseBase:
    line = line_of(request.user, slug)
    for_managers(request.user)
    return _report(request, [line], _("Line report: %(line)s") % {"line": line}, str(line), slug)


def _report(
    request: PersonRequest, lines: Sequence[WatchedLine], title: str, words: str, name: str
) -> HttpResponseBase:
    now, names, code = timezone.now(), class_names(), request.GET.get("class", "")
    if wrong := no_class(code, names):
        raise BadRequest(wrong)
    asked = when.chosen(request, now, default=LAST_SHIFT)
    if asked.errors:
        return render(request, "inspections/report_refused.html", {"when": asked, "title": title}, status=400)
    about = About(
        title, asked.span, asked.compare or previous(asked.span), words, request.user, now, names.get(code, "")
    )
    pdf = _pdf(about, lines, withheld(request.user), names, code)
    noted = {"since": f"{asked.span.since:%Y-%m-%dT%H:%MZ}", "until": f"{asked.span.until:%Y-%m-%dT%H:%MZ}"}
    subject = f"report {name}"
    noted |= {"class": code} if code else {}
    AuditEvent.note(request.user, "export", subject, now, **noted, lines=[line.slug for line in lines])
    local = timezone.localtime(asked.span.since)
    return HttpResponse(
        pdf,
        content_type="application/pdf",
        headers={
            "Content-Disposition": f'inline; filename="selvedge-{name}-{local:%Y-%m-%d-%H%M}.pdf"',
            "X-Content-Type-Options": "nosniff",
        },
    )


def _pdf(about: About, lines: Sequence[WatchedLine], secret: set[UUID], names: dict[str, str], code: str) -> bytes:
    every = figures(lines, about.span, about.compare, secret, about.now, code)
    found = worst(every, secret)
    sheet = new_sheet(about)
    several = len(every) > 1
    if several:
        summary(sheet, every, names)
        worst_part(sheet, found, names, with_line=True, charted=about.charted)
    for one in every:
        if several:
            sheet.unless_room(ROOM)
        line_part(sheet, one, names, with_name=several)
    if not several:
        worst_part(sheet, found, names, with_line=False, charted=about.charted)
    end(sheet)
    return sheet.pdf(about.title, name_of(about.person))
