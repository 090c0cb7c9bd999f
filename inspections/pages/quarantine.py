"""`/quarantine/`: whose labels train nothing, why, and how many those are. For managers and admins."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from inspections import quarantines
from inspections.models import Camera, Person, Quarantine
from inspections.pages.access import PersonRequest, deed, for_managers, page
from inspections.pages.flagged import CHOICE
from inspections.pages.history import name_of
from inspections.quarantines import Wanted
from inspections.snapshots import Refused
from inspections.snapshots.bars import Bar

MOST = 200
DAY = {"invalid": gettext_lazy("This is no day. Write it like 2026-11-22.")}


class _Names(forms.ModelChoiceField):  # type: ignore[type-arg]  # no generic where it runs
    def label_from_instance(self, obj: Any) -> str:
        return name_of(obj) if isinstance(obj, Person) else str(obj)


def _choice(label: Any, rows: Any, name: str, empty: Any) -> _Names:
    return _Names(
        rows, label=label, required=False, empty_label=empty, to_field_name=name, error_messages=CHOICE,
        widget=forms.Select(attrs={"class": "form-select"}),
    )  # fmt: skip


def _day(label: Any) -> forms.DateField:
    widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    return forms.DateField(label=label, required=False, error_messages=DAY, widget=widget)


class About(forms.Form):
    """What a quarantine would keep back; all of it may stand in the address."""

    person = _choice(
        gettext_lazy("Labels of"), Person.objects.order_by("username"), "username", gettext_lazy("Anybody")
    )
    camera = _choice(
        gettext_lazy("On captures of"), Camera.objects.select_related("line"), "pk", gettext_lazy("Any camera")
    )
    first_day = _day(gettext_lazy("Labelled from"))
    last_day = _day(gettext_lazy("Up to, that day included"))

    @property
    def wanted(self) -> Wanted:
        found = self.cleaned_data
        return Wanted(found["person"], found["camera"], found["first_day"], found["last_day"])


@dataclass(frozen=True)
class Row:
    """One quarantine as the page shows it."""

    quarantine: Quarantine
    what: str
    by: str
    labels: int


@require_http_methods(["GET", "HEAD", "POST"])
def quarantine(request: HttpRequest) -> HttpResponseBase:
    return _impose(request) if request.method == "POST" else _show(request)


@page
def _show(request: PersonRequest) -> HttpResponseBase:
    for_managers(request.user)
    form = About(request.GET if request.GET else None, label_suffix="")
    if not form.is_bound:
        return _shown(request, form)
    if not form.is_valid():
        return _shown(request, form, status=400)
    objection = quarantines.objection_to(form.wanted, timezone.localdate())
    preview = None if objection else quarantines.touched(form.wanted.bar)
    return _shown(request, form, objection=objection, preview=preview)


@deed
def _impose(request: PersonRequest) -> HttpResponseBase:
    for_managers(request.user)
    form = About(request.POST, label_suffix="")
    if not form.is_valid():
        return _shown(request, form, status=400)
    reason = request.POST.get("reason", "")
    found = quarantines.impose(request.user, form.wanted, reason, timezone.now())
    if isinstance(found, Refused):
        preview = quarantines.touched(form.wanted.bar)
        return _shown(request, form, objection=found.reason, preview=preview, reason=reason, status=400)
    messages.success(request, _("It stands. The next snapshot is made without these labels."))
    return HttpResponseRedirect(reverse("quarantines"))


@deed
def lift(request: PersonRequest, quarantine: int) -> HttpResponseBase:
    for_managers(request.user)
    found = get_object_or_404(Quarantine, pk=quarantine)
    if quarantines.lift(request.user, found, timezone.now()):
        messages.success(request, _("Lifted. The next snapshot may use these labels again."))
    else:
        messages.info(request, _("Somebody had lifted it before."))
    return HttpResponseRedirect(reverse("quarantines"))


def _shown(request: PersonRequest, form: About, *, status: int = 200, **more: Any) -> HttpResponseBase:
    found = Quarantine.objects.select_related("person", "camera__line", "by", "lifted_by")[:MOST]
    rows = [_row(one) for one in found]
    context: Mapping[str, Any] = {
        "form": form,
        "standing": [row for row in rows if row.quarantine.lifted_at is None],
        "lifted": [row for row in rows if row.quarantine.lifted_at],
        **more,
        "preview_sum": sum(count for _name, count in more.get("preview") or ()),
    }
    return render(request, "inspections/quarantine.html", dict(context), status=status)


def _row(one: Quarantine) -> Row:
    stands = one.lifted_at is None
    return Row(one, what_of(one), name_of(one.by), Bar.of(one).labels().count() if stands else 0)


def what_of(one: Quarantine) -> str:
    """In words: whose labels, of which camera, of which days."""
    who = _("labels of %(person)s") % {"person": name_of(one.person)} if one.person else _("all labels")
    where = _("on captures of %(camera)s") % {"camera": one.camera} if one.camera else ""
    return " ".join(part for part in (who, where, _days(one)) if part)


def _days(one: Quarantine) -> str:
    if one.first_day is None:
        return ""
    if one.last_day in {None, one.first_day}:
        return _("given on %(day)s") % {"day": date_format(one.first_day, "j M Y")}
    return _("given from %(first)s to %(last)s") % {
        "first": date_format(one.first_day, "j M Y"),
        "last": date_format(one.last_day, "j M Y"),
    }
