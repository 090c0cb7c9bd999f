"""`/training/`: what speaks for a training, the form that asks for one, and those that were."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from inspections import retraining
from inspections.models import Base, JobState, Quarantine, TrainingRun
from inspections.pages.access import PersonRequest, deed, for_managers, page
from inspections.pages.durations import duration_words
from inspections.pages.live import live
from inspections.pages.training_form import Order, class_choices, filled, not_yet
from inspections.snapshots import Refused, foresee

PAGE, PART = "inspections/training.html", "inspections/_training_page.html"
SHOWN = 50


@dataclass(frozen=True)
class RunRow:
    """A training in the list."""

    run: TrainingRun
    took: str
    images: int


@require_http_methods(["GET", "HEAD", "POST"])
def trainings(request: HttpRequest) -> HttpResponseBase:
    return _ask(request) if request.method == "POST" else _list(request)


@page
def _list(request: PersonRequest) -> HttpResponseBase:
    for_managers(request.user)
    again = _named(request.GET.get("again"), TrainingRun)
    without = _named(request.GET.get("without"), Quarantine)
    first = filled(again, without)
    return _shown(request, Order(initial=first), first["classes"], without=without)


@deed
def _ask(request: PersonRequest) -> HttpResponseBase:
    """Ask for the training that the form describes; a refusal comes back with the form as it was."""
    for_managers(request.user)
    form = Order(request.POST)
    chosen = request.POST.getlist("classes")
    if not form.is_valid():
        return _shown(request, form, chosen, status=400)
    wish, without = form.wish, form.cleaned_data["without"]
    why = "button" if without is None else f"button, without quarantine {without.pk}"
    found = retraining.ask(
        request.user, timezone.now(), base=wish.base, network=wish.network, preset=wish.preset, knobs=wish.knobs,
        classes=wish.classes, base_version=wish.base_version, without=without, why=why,
    )  # fmt: skip
    if isinstance(found, Refused):
        return _shown(request, form, chosen, without=without, refused=found.reason, status=409)
    return HttpResponseRedirect(reverse("training", args=[found.pk]))


def _shown(
    request: PersonRequest, form: Order, chosen: list[str] | None, *, status: int = 200, **more: Any
) -> HttpResponseBase:
    rows = run_rows()
    found = foresee(timezone.now(), more.get("without"))
    choices = class_choices(chosen, found)
    drift = retraining.drift_told()
    context: Mapping[str, Any] = {
        "form": form,
        "choices": choices,
        "not_yet": not_yet(choices),
        "counted_at": found.at,
        "lasted": lasted(rows),
        "suggestions": retraining.suggestions(drift),
        "drift": drift,
        "rows": rows,
        "live": next((row.run for row in rows if row.run.is_live), None),
        **more,
    }
    return live(request, PAGE, PART, context, status=status, moving=context["live"] is not None)


def run_rows() -> list[RunRow]:
    """The latest trainings."""
    found = TrainingRun.objects.select_related("snapshot", "version", "base_version", "asked_by")
    light = found.defer("history", "log", "version__spec", "base_version__spec")[:SHOWN]
    return [RunRow(run, took(run), images_of(run)) for run in light]


def took(run: TrainingRun) -> str:
    if run.started_at is None or run.finished_at is None:
        return ""
    return duration_words((run.finished_at - run.started_at).total_seconds())


def images_of(run: TrainingRun) -> int:
    """Images that it trains and validates on."""
    return sum(sum(run.snapshot.counts.get(side, {}).values()) for side in ("train", "val"))


def lasted(rows: list[RunRow]) -> list[tuple[str, RunRow]]:
    """For each base, the latest training that was done: what one may expect."""
    done = {row.run.base: row for row in reversed(rows) if row.run.state == JobState.DONE and row.took}
    return [(str(Base(base).label), row) for base, row in sorted(done.items())]


def _named(text: str | None, kind: type[Any]) -> Any:
    """What an address names by its number; 404 where there is no such thing."""
    if not text:
        return None
    found = kind.objects.filter(pk=int(text)).first() if text.isascii() and text.isdigit() and len(text) < 6 else None
    if found is None:
        raise Http404
    return found
