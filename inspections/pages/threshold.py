"""`/lines/<slug>/threshold/`: which threshold is in force, what another would mean, and setting it."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from inspections import registry, thresholds
from inspections.models import Line, ModelVersion, ThresholdChange
from inspections.pages.access import PersonRequest, deed, for_managers, line_of, page
from inspections.pages.history import name_of
from inspections.pages.live import live
from inspections.pages.threshold_form import Change, WhatIf
from inspections.pages.threshold_words import Figure, figures, lacking, plots, written
from inspections.scores import Weighed, weigh
from inspections.snapshots import Refused
from inspections.thresholds import Already, Stale
from inspections.what_if import Meaning, by_budget, by_cost, meaning

CHANGES_SHOWN = 20
UNSET = 0.5  # looked at where no model in force has a threshold


@dataclass(frozen=True)
class Suggestion:
    """A threshold that somebody may want; `value` None: there is none, `words` say why."""

    words: str
    value: str = ""
    query: str = ""


@dataclass(frozen=True)
class State:
    """What holds on a line. `value` None: no model in force has a threshold."""

    line: Line
    version: ModelVersion | None
    own: float | None  # the model's

    @property
    def value(self) -> float | None:
        return self.own if self.line.threshold is None else self.line.threshold

    @property
    def written(self) -> str:
        return "–" if self.value is None else written(self.value)

    @property
    def own_written(self) -> str:
        return "–" if self.own is None else written(self.own)


@require_http_methods(["GET", "HEAD", "POST"])
def threshold(request: HttpRequest, slug: str) -> HttpResponseBase:
    return _set(request, slug) if request.method == "POST" else _look(request, slug)


@page
def _look(request: PersonRequest, slug: str) -> HttpResponseBase:
    line = line_of(request.user, slug)
    form = WhatIf(request.GET)
    if not form.is_valid():
        context = {"line": line, "form": form, "refused": True, "address": request.path}
        part = partial(live, request, "inspections/threshold.html", "inspections/_threshold.html", context)
        return part(status=400, moving=False)
    confirming = form.cleaned_data["step"] == "set"
    if confirming:
        for_managers(request.user)
    return _shown(request, line, form, confirming=confirming)


@deed
def _set(request: PersonRequest, slug: str) -> HttpResponseBase:
    """Keep a threshold, for a reason, unless somebody else moved it since the page was opened."""
    line = line_of(request.user, slug)
    for_managers(request.user)
    form = Change(request.POST)
    if not form.is_valid():
        return _again(request, line, form, status=400)
    said = form.cleaned_data
    found = thresholds.change(line, said["threshold"], said["expected"], request.user, said["reason"], timezone.now())
    if isinstance(found, Stale):
        return _again(request, found.line, form, status=409, objection=_meanwhile(found))
    if isinstance(found, Refused):
        return _again(request, line, form, status=400, objection=found.reason)
    messages.success(request, _told(found, line))
    return HttpResponseRedirect(reverse("threshold", args=[slug]))


def _told(found: ThresholdChange | Already, line: Line) -> str:
    if isinstance(found, Already):
        return _("%(value)s is in force.") % {"value": state_of(found.line).written}
    words = _("The threshold of %(line)s is %(value)s from the next batch on. What was judged before keeps its flag.")
    line.threshold = found.new
    return words % {"line": line, "value": state_of(line).written}


def _again(request: PersonRequest, line: Line, form: Change, *, status: int, objection: str = "") -> HttpResponseBase:
    """The same question, with what was written and what is wrong with it."""
    said = form.data.get("threshold", "")
    asked = WhatIf({"threshold": said, "own": "" if said else "1"})
    if not asked.is_valid():
        asked = WhatIf({})
        asked.is_valid()
    return _shown(request, line, asked, confirming=True, change=form, objection=objection, status=status)


def _meanwhile(found: Stale) -> str:
    if found.latest is None or found.latest.person is None:
        return _("Somebody moved it meanwhile. Look at what holds now, then confirm again or leave it.")
    words = _("%(person)s moved it meanwhile: “%(reason)s”. Look at what holds now, then confirm again or leave it.")
    return words % {"person": name_of(found.latest.person), "reason": found.latest.reason}


def state_of(line: Line) -> State:
    version = registry.in_force(line)
    return State(line, version, thresholds.own(version))


def _shown(
    request: PersonRequest, line: Line, form: WhatIf, *, confirming: bool, status: int = 200, **more: Any
) -> HttpResponseBase:
    state = state_of(line)
    weighed = weigh(line, timezone.now())
    chosen = looked_at(state, form)
    then = meaning(weighed.evidence, chosen)
    now = then if chosen == state.value or state.value is None else meaning(weighed.evidence, state.value)
    changes = list(ThresholdChange.objects.filter(line=line).select_related("person")[:CHANGES_SHOWN])
    query = {"cost": f"{form.cleaned_data['cost']:g}", "budget": _given(form)}
    context = {
        "line": line,
        "form": form,
        "state": state,
        "stamp": thresholds.stamp(line),
        "weighed": weighed,
        "chosen_plain": f"{chosen:.4f}".rstrip("0").rstrip("."),
        "chosen_written": written(chosen),
        "is_other": chosen != state.value,
        "to_own": bool(form.cleaned_data["own"]),
        "figures": _figures(weighed, state, now, then),
        "lacking": lacking(weighed),
        "says_anything": bool(weighed.evidence.sample),
        "suggestions": suggestions(weighed, form, query),
        "changes": changes,
        **set_back(changes),
        "set_query": urlencode({**query, "threshold": f"{chosen:g}", "step": "set"}),
        "tables_url": f"{request.path}tables/",
        "tables_query": urlencode({**query, "threshold": f"{chosen:g}"}),
        "confirming": confirming,
        "change": more.pop("change", None) or Change(),
        **more,
    }
    if not confirming and not request.htmx:
        context["plots"] = plots(weighed.evidence, state.value, chosen, f"?{urlencode(query)}&threshold=")
    return live(request, "inspections/threshold.html", "inspections/_threshold.html", context, status=status)


def set_back(changes: list[ThresholdChange]) -> dict[str, str]:
    """The change that takes the latest one back."""
    if not changes:
        return {}
    before = changes[0].old
    reason = _("Set back: %(reason)s") % {"reason": changes[0].reason}
    return {"back_plain": "" if before is None else repr(before), "back_reason": reason[: thresholds.MOST_REASON]}


def looked_at(state: State, form: WhatIf) -> float:
    """What is looked at: the address's, else what is in force."""
    said: float | None = state.own if form.cleaned_data["own"] else form.cleaned_data["threshold"]
    if said is not None:
        return said
    return UNSET if state.value is None else state.value


def _figures(weighed: Weighed, state: State, now: Meaning, then: Meaning) -> list[Figure]:
    return figures(weighed.evidence, None if state.value is None else now, then)


def _given(form: WhatIf) -> str:
    said = form.cleaned_data["budget"]
    return "" if said is None else f"{said:g}"


def suggestions(weighed: Weighed, form: WhatIf, query: dict[str, str]) -> list[Suggestion]:
    """By cost, and by budget where one is given."""
    cost, budget = form.cleaned_data["cost"], form.cleaned_data["budget"]
    words = _("An escape costs as much as %(n)s good images looked at: flag from this probability of a defect on.")
    found = [_suggested(words % {"n": f"{cost:g}"}, round(by_cost(1, cost), 4), query)]
    if budget is not None:
        value = by_budget(weighed.evidence, budget)
        told = {"n": f"{budget:g}"}
        if value is None:
            words = _("No threshold flags %(n)s an hour or fewer: what is unknown is flagged at any threshold.")
            found.append(Suggestion(words % told))
        else:
            found.append(_suggested(_("The lowest with at most %(n)s flags an hour.") % told, value, query))
    return found


def _suggested(words: str, value: float, query: dict[str, str]) -> Suggestion:
    return Suggestion(words, written(value), urlencode({**query, "threshold": f"{value:g}"}))
