"""`/snapshots/`: the frozen lists, and what the next one would hold. For managers and admins."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from inspections import snapshots
from inspections.models import DefectClass, Purpose, Quarantine, Snapshot
from inspections.pages.access import PersonRequest, deed, for_managers, page
from inspections.pages.overview import class_names
from inspections.pages.snapshot_tables import Table, table_of
from inspections.snapshots import Refused, previewing

SHOWN = 50


@dataclass(frozen=True)
class Row:
    snapshot: Snapshot
    table: Table


@page
def page_of_snapshots(request: PersonRequest) -> HttpResponseBase:
    """The newest lists, those that train apart from those of the golden set."""
    for_managers(request.user)
    names = class_names()
    found = Snapshot.objects.select_related("created_by", "without", "parent")
    context = {
        "training": [Row(one, table_of(one, names)) for one in found.filter(purpose=Purpose.TRAIN)[:SHOWN]],
        "golden": [Row(one, table_of(one, names)) for one in found.filter(purpose=Purpose.GOLDEN)[:SHOWN]],
        "quarantined": Quarantine.objects.filter(lifted_at=None).count(),
    }
    return render(request, "inspections/snapshots.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponseBase:
    return _make(request) if request.method == "POST" else _preview(request)


@page
def _preview(request: PersonRequest) -> HttpResponseBase:
    for_managers(request.user)
    return _shown(request, request.GET.getlist("classes"))


@deed
def _make(request: PersonRequest) -> HttpResponseBase:
    for_managers(request.user)
    classes = request.POST.getlist("classes")
    before = Snapshot.objects.filter(purpose=Purpose.TRAIN).count()
    note = request.POST.get("note", "")
    found = snapshots.freeze(request.user, timezone.now(), classes or None, note=note)
    if isinstance(found, Refused):
        return _shown(request, classes, refused=found.reason, note=note, status=409)
    is_new = Snapshot.objects.filter(purpose=Purpose.TRAIN).count() > before
    words = _("%(name)s is made.") if is_new else _("Nothing has changed since %(name)s, so this is it.")
    messages.success(request, words % {"name": found.name})
    return HttpResponseRedirect(reverse("snapshot", args=[found.name]))


def _shown(request: PersonRequest, classes: list[str], *, status: int = 200, **more: Any) -> HttpResponseBase:
    preview = previewing.of_training(timezone.now(), classes or None)
    active = list(DefectClass.objects.filter(active=True))
    names = class_names()
    context = {
        "preview": preview,
        "table": table_of(preview.snapshot, names),
        "lacking": [names[code] for codes in preview.without.values() for code in codes],
        "choices": [(one, one.code in (classes or preview.snapshot.classes)) for one in active],
        **more,
    }
    return render(request, "inspections/snapshot_new.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def golden(request: HttpRequest) -> HttpResponseBase:
    return _golden_deed(request) if request.method == "POST" else _golden(request)


@page
def _golden(request: PersonRequest) -> HttpResponseBase:
    for_managers(request.user)
    return _golden_shown(request)


@deed
def _golden_deed(request: PersonRequest) -> HttpResponseBase:
    """Make the next version, or first give it some sources: the form's button says which."""
    for_managers(request.user)
    if request.POST.get("do") == "extend":
        return _extend(request)
    note = request.POST.get("note", "")
    found = snapshots.make_golden(request.user, timezone.now(), note)
    if isinstance(found, Refused):
        return _golden_shown(request, refused=found.reason, note=note, status=409)
    messages.success(request, _("%(name)s is made. Models are held against it from now on.") % {"name": found.name})
    return HttpResponseRedirect(reverse("snapshot", args=[found.name]))


def _extend(request: PersonRequest) -> HttpResponseBase:
    found = snapshots.extend_golden(request.user, request.POST.getlist("sources"), timezone.now())
    if isinstance(found, Refused):
        return _golden_shown(request, refused=found.reason, status=409)
    messages.success(request, _("Given to the golden set: %(names)s. They never train.") % {"names": ", ".join(found)})
    return HttpResponseRedirect(reverse("snapshot-golden"))


def _golden_shown(request: PersonRequest, *, status: int = 200, **more: Any) -> HttpResponseBase:
    preview, free = previewing.of_golden(timezone.now())
    names = class_names()
    context = {
        "preview": preview,
        "table": table_of(preview.snapshot, names),
        "lacking": [names[code] for codes in preview.without.values() for code in codes],
        "free": [
            (one.name, ", ".join(f"{names.get(code, code)} {count}" for code, count in one.counts.items()))
            for one in free.sources
        ],
        "more_free": free.count - len(free.sources),
        **more,
    }
    return render(request, "inspections/snapshot_golden.html", context, status=status)
