"""`/shifts/`: who works when. Everybody reads; managers and admins make, change and delete."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from inspections import shift_keeping, spans
from inspections.pages.access import PersonRequest, deed, for_managers, page
from inspections.pages.shift_forms import ShiftForm, days_words, length_words
from inspections.pages.when_words import run_words
from inspections.shift_keeping import Meanwhile, stamp
from inspections.shifts import every_hours
from inspections.snapshots import Refused
from inspections.spans import WEEK, Hours

HOLES_SHOWN = 4


@dataclass(frozen=True)
class Row:
    """One shift on the page, with the form to change it where the reader may."""

    hours: Hours
    days: str
    length: str
    stamp: str
    is_on: bool
    last: str  # when it ended last, in words
    form: ShiftForm | None
    is_open: bool


@require_http_methods(["GET", "HEAD", "POST"])
def shifts(request: HttpRequest) -> HttpResponseBase:
    return _make(request) if request.method == "POST" else _list(request)


@page
def _list(request: PersonRequest) -> HttpResponseBase:
    return _shown(request, _blank())


@deed
def _make(request: PersonRequest) -> HttpResponseBase:
    for_managers(request.user)
    form = ShiftForm(_zone(), data=request.POST)
    if not form.is_valid():
        return _shown(request, form, status=400)
    made = shift_keeping.make(form.hours, request.user, timezone.now())
    if isinstance(made, Refused):
        return _shown(request, _with(form, made), status=400)
    messages.success(request, _("The shift “%(name)s” is kept.") % {"name": made.name})
    return _to_shift(made.pk)


@deed
def three(request: PersonRequest) -> HttpResponseBase:
    """Three shifts of eight hours, for a mill that has none."""
    for_managers(request.user)
    refused = shift_keeping.make_three(_zone(), request.user, timezone.now())
    if refused:
        return _shown(request, _blank(), objection=refused.reason, status=409)
    messages.success(request, _("Three shifts are kept. Change what is different in your mill."))
    return HttpResponseRedirect(reverse("shifts"))


@deed
def change(request: PersonRequest, shift: int) -> HttpResponseBase:
    """Keep what the form says, unless somebody else changed it since the form was opened."""
    for_managers(request.user)
    hours = next((one for one in every_hours() if one.number == shift), None)
    form = ShiftForm(_zone(), hours, request.POST)
    if hours and not form.is_valid():
        return _shown(request, _blank(), {shift: form}, status=400)
    seen = request.POST.get("seen", "")
    kept = shift_keeping.change(shift, form.hours, seen, request.user, timezone.now()) if hours else Meanwhile()
    if isinstance(kept, Meanwhile):
        return _meanwhile(request)
    if isinstance(kept, Refused):
        return _shown(request, _blank(), {shift: _with(form, kept)}, status=400)
    messages.success(request, _("The shift “%(name)s” is kept.") % {"name": kept.name})
    return _to_shift(shift)


@deed
def delete(request: PersonRequest, shift: int) -> HttpResponseBase:
    for_managers(request.user)
    was = shift_keeping.delete(shift, request.POST.get("seen", ""), request.user, timezone.now())
    if isinstance(was, Meanwhile):
        return _meanwhile(request)
    messages.success(request, _("The shift “%(name)s” is deleted.") % {"name": was})
    return HttpResponseRedirect(reverse("shifts"))


def _zone() -> str:
    return timezone.get_current_timezone_name()


def _blank() -> ShiftForm:
    return ShiftForm(_zone())


def _with(form: ShiftForm, refused: Refused) -> ShiftForm:
    """The form with what stands in its way."""
    form.add_error(refused.field or None, refused.reason)
    return form


def _meanwhile(request: PersonRequest) -> HttpResponseBase:
    words = _("Somebody changed or deleted this shift meanwhile. Nothing was kept; this is how the shifts are now.")
    return _shown(request, _blank(), objection=words, status=409)


def _to_shift(number: int) -> HttpResponseRedirect:
    return HttpResponseRedirect(f"{reverse('shifts')}#shift-{number}")


# --- what is shown ------------------------------------------------------------------------------------------------


def _shown(
    request: PersonRequest,
    new: ShiftForm,
    changed: Mapping[int, ShiftForm] | None = None,
    objection: str = "",
    status: int = 200,
) -> HttpResponseBase:
    """`changed`: by number, the form that somebody sent and that could not be kept."""
    now, every, may_change = timezone.now(), every_hours(), request.user.sees_every_line
    context = {
        "rows": _rows(every, changed or {}, may_change, now),
        "holes": _holes(every, now),
        "new": new,
        "is_new_open": new.is_bound,
        "objection": objection,
        "may_change": may_change,
        "zones": sorted(spans.known_zones()) if may_change else (),
    }
    return render(request, "inspections/shifts.html", context, status=status)


def _rows(every: Sequence[Hours], changed: Mapping[int, ShiftForm], may_change: bool, now: datetime) -> list[Row]:
    on = spans.running(every, now)
    return [
        Row(
            hours=hours,
            days=days_words(hours.days),
            length=length_words(hours),
            stamp=stamp(hours),
            is_on=on is not None and on.hours == hours,
            last=next((run_words(run) for run in spans.ended([hours], now)), ""),
            form=changed.get(hours.number) or (ShiftForm(_zone(), hours) if may_change else None),
            is_open=hours.number in changed,
        )
        for hours in every
    ]


def _holes(every: Sequence[Hours], now: datetime) -> list[str]:
    """When no shift works, in the seven days to come."""
    if not every:
        return []
    found = spans.holes(every, spans.mark_after(now), spans.mark_after(now) + WEEK)
    words = [" – ".join(date_format(timezone.localtime(moment), "D H:i") for moment in hole) for hole in found]
    return words if len(words) <= HOLES_SHOWN else [*words[:HOLES_SHOWN], "…"]
