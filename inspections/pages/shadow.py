"""A challenger's shadow: how far it agrees with the champion, where not, and the buttons to start and stop it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from inspections.models import Line, ModelVersion, SecondLook, State
from inspections.pages.access import PersonRequest, deed, for_managers, lines_of, page
from inspections.pages.comparison_charts import By, Chart, bounds_of, chart, top_of
from inspections.pages.comparisons import Filters, Part, by_class, by_line, matrix_table, rows_of
from inspections.pages.live import live
from inspections.pages.overview import class_names
from inspections.pages.periods import percent
from inspections.review.blind import withheld
from inspections.second_looks import start_shadow, stop_shadow
from inspections.second_looks.figures import Group, total
from inspections.second_looks.reading import apart, groups
from inspections.snapshots import Refused

TEMPLATE, PART = "inspections/shadow.html", "inspections/_shadow.html"
SHARES = (100, 50, 25, 10, 5)  # percent


class ShadowFilters(Filters):
    """And by which time the charts go."""

    def __init__(self, data: Any, lines: Sequence[Line], names: dict[str, str]) -> None:
        data = data.copy()
        data.setdefault("by", By.HOUR)
        super().__init__(data, lines, names, (_("Champion says"), _("Challenger says")))
        self.fields["by"] = forms.ChoiceField(label=_("Charts"), choices=By.choices, widget=forms.RadioSelect)


@dataclass(frozen=True)
class Charted:
    """A class or a line with its sums and its small chart."""

    part: Part
    chart: Chart


@page
def shadow(request: PersonRequest, name: str) -> HttpResponseBase:
    """The page of one version's shadow, for managers."""
    for_managers(request.user)
    return _shown(request, version_of(name))


@deed
def start(request: PersonRequest, name: str) -> HttpResponseBase:
    """Let it judge a share of live captures from now on."""
    for_managers(request.user)
    version = version_of(name)
    outcome = start_shadow(version, _share(request.POST.get("share", "")), request.user, timezone.now())
    if isinstance(outcome, Refused):
        return _shown(request, version, str(outcome.reason), status=409)
    messages.success(request, _("%(name)s judges in shadow now.") % {"name": outcome.name})
    return HttpResponseRedirect(reverse("shadow", args=[outcome.name]))


@deed
def stop(request: PersonRequest, name: str) -> HttpResponseBase:
    """It is a candidate again."""
    for_managers(request.user)
    version = version_of(name)
    outcome = stop_shadow(version, request.user, timezone.now())
    if isinstance(outcome, Refused):
        return _shown(request, version, str(outcome.reason), status=409)
    messages.success(request, _("The shadow of %(name)s has ended. What it said stays.") % {"name": outcome.name})
    return HttpResponseRedirect(reverse("shadow", args=[outcome.name]))


def version_of(name: str) -> ModelVersion:
    return get_object_or_404(ModelVersion, name=name)


def _share(text: str) -> float:
    """Of a number of percent; 0, which is refused, where it is none."""
    return int(text) / 100 if text.isascii() and text.isdigit() and len(text) <= 3 else 0.0


def _shown(request: PersonRequest, version: ModelVersion, objection: str = "", status: int = 200) -> HttpResponseBase:
    lines, names = lines_of(request.user), class_names()
    form = ShadowFilters(request.GET, lines, names)
    is_valid = form.is_valid()
    context: dict[str, Any] = {
        "version": version,
        "form": form,
        "is_valid": is_valid,
        "objection": objection,
        "shares": SHARES,
        "usual_share": round(100 * settings.SHADOW_SHARE),
        "share": round(100 * version.shadow_share),
        "in_shadow": ModelVersion.objects.filter(state=State.SHADOW).exclude(pk=version.pk).first(),
        **(_figures(request, version, form, lines, names) if is_valid else {}),
    }
    moving = is_valid and version.state == State.SHADOW and not request.GET.get("after")
    return live(request, TEMPLATE, PART, context, status=status if is_valid else 400, moving=moving)


def _figures(
    request: PersonRequest, version: ModelVersion, form: ShadowFilters, lines: Sequence[Line], names: dict[str, str]
) -> dict[str, Any]:
    wanted = form.wanted(version, None, withheld(request.user))
    by = By(form.cleaned_data["by"])
    bounds = bounds_of(by, timezone.now())
    found = groups(wanted, bounds)
    listed = apart(wanted, form.cleaned_data["after"])
    return {
        "total": (sums := total(found)),
        "agreement": percent(sums.agreement),
        "chart": chart(found, by, bounds, top_of([found], len(bounds) - 1), _("all that is chosen")),
        "by": by,
        "classes": _charted(by_class(found, names), by, bounds),
        "by_lines": _charted(by_line(found, lines), by, bounds),
        "matrix": matrix_table(found, names),
        "apart": listed,
        "rows": rows_of(listed, names),
        "is_first": form.cleaned_data["after"] is None,
        "waiting": SecondLook.objects.filter(version=version, recall=None).count(),
        "most": settings.SHADOW_MOST,
    }


def _charted(parts: Sequence[Part], by: By, bounds: Sequence[Any]) -> list[Charted]:
    """All on one scale."""
    every: list[Sequence[Group]] = [part.groups for part in parts]
    top = top_of(every, len(bounds) - 1)
    return [Charted(part, chart(part.groups, by, bounds, top, part.name)) for part in parts]
