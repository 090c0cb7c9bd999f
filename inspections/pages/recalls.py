"""Recalls: ask for one, with a preview of how many captures it means, and see those that were asked for."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from inspections.models import Line, ModelVersion, Recall, Roll, State
from inspections.pages.access import PersonRequest, deed, for_managers, page
from inspections.pages.flagged import CHOICE
from inspections.pages.live import live
from inspections.quality import day_start
from inspections.second_looks import ask
from inspections.second_looks.recalling import MOST, Wanted, preview
from inspections.snapshots import Refused

TEMPLATE, PART = "inspections/recalls.html", "inspections/_recalls.html"
SHOWN = 50
ROLLS_OFFERED = 40
DAY = {"invalid": gettext_lazy("This is no day. Write it like 2026-11-22.")}


class Asking(forms.Form):
    """Which version, and which captures: of rolls, or of days."""

    version = forms.ModelChoiceField(
        label=gettext_lazy("Version"),
        queryset=ModelVersion.objects.exclude(state=State.REJECTED).filter(broken="").defer("spec"),
        to_field_name="name",
        empty_label=None,
        error_messages=CHOICE,
        widget=forms.Select(attrs={"class": "form-select"}),
    )
    line = forms.ModelChoiceField(
        label=gettext_lazy("Line"),
        queryset=Line.objects.all(),
        to_field_name="slug",
        required=False,
        empty_label=gettext_lazy("All lines"),
        error_messages=CHOICE,
        widget=forms.Select(attrs={"class": "form-select"}),
    )
    rolls = forms.CharField(
        label=gettext_lazy("Rolls, by their codes, one a line or with commas"),
        required=False,
        max_length=8000,
        widget=forms.Textarea(attrs={"rows": 2, "autocomplete": "off"}),
    )
    first = forms.DateField(label=gettext_lazy("or from day"), required=False, error_messages=DAY)
    last = forms.DateField(label=gettext_lazy("to day"), required=False, error_messages=DAY)

    def __init__(self, data: Mapping[str, Any] | None, **options: Any) -> None:
        super().__init__(data, label_suffix="", **options)
        for name in ("first", "last"):
            self.fields[name].widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})

    def wanted(self) -> Wanted:
        found = self.cleaned_data
        first, last = found["first"], found["last"]
        return Wanted(
            version=found["version"],
            rolls=tuple(dict.fromkeys(filter(None, (code.strip() for code in _codes(found["rolls"]))))),
            since=day_start(first) if first else None,
            until=day_start(last + timedelta(days=1)) if last else None,
            line=found["line"],
        )


def _codes(text: str) -> list[str]:
    return text.replace("\r", "\n").replace(",", "\n").split("\n")


@require_http_methods(["GET", "HEAD", "POST"])
def recalls(request: HttpRequest) -> HttpResponseBase:
    return _ask(request) if request.method == "POST" else _list(request)


@page
def _list(request: PersonRequest) -> HttpResponseBase:
    """Those that were asked for; with a choice in the address, how many captures it means."""
    for_managers(request.user)
    if not request.GET:
        return _shown(request, Asking(None, initial={"version": ModelVersion.objects.filter(is_default=True).first()}))
    form = Asking(request.GET)
    if not form.is_valid():
        return _shown(request, form, status=400)
    count = preview(form.wanted(), timezone.now())
    if isinstance(count, Refused):
        return _shown(request, form, objection=str(count.reason))
    return _shown(request, form, count=count)


@deed
def _ask(request: PersonRequest) -> HttpResponseBase:
    """Ask for the recall that was previewed."""
    for_managers(request.user)
    form = Asking(request.POST)
    if not form.is_valid():
        return _shown(request, form, status=400)
    outcome = ask(form.wanted(), request.user, timezone.now())
    if isinstance(outcome, Refused):
        return _shown(request, form, objection=str(outcome.reason), status=409)
    return HttpResponseRedirect(reverse("recall", args=[outcome.pk]))


def _shown(
    request: PersonRequest, form: Asking, count: int | None = None, objection: str = "", status: int = 200
) -> HttpResponseBase:
    rows = list(Recall.objects.select_related("version", "line", "asked_by").defer("version__spec")[:SHOWN])
    context = {
        "form": form,
        "count": count,
        "objection": objection,
        "recalls": rows,
        "most": MOST,
        "codes": Roll.objects.order_by("-id").values_list("code", flat=True)[:ROLLS_OFFERED],
    }
    return live(request, TEMPLATE, PART, context, status=status, moving=any(row.is_live for row in rows))
