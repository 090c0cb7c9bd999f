"""`/training/<id>/`: one training while it runs, and what became of it."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from inspections import retraining
from inspections.models import Base, JobState, Person, TrainingRun
from inspections.pages.access import PersonRequest, deed, for_managers, page
from inspections.pages.curves import charts
from inspections.pages.durations import duration_words
from inspections.pages.live import live
from inspections.pages.overview import class_names
from inspections.pages.training import images_of, took

PATIENCE = timedelta(seconds=30)  # waiting longer, it says that perhaps nobody listens
SPOKEN_ETA_S = 5  # of a shorter rest nothing is said


@page
def training(request: PersonRequest, training: int) -> HttpResponseBase:
    """How far it is, its curves and its words; polled while it lives."""
    run = run_of(request.user, training)
    context = {
        "run": run,
        "percent": int(100 * run.share_done),
        "eta": duration_words(run.eta_s) if run.eta_s is not None and run.eta_s >= SPOKEN_ETA_S else "",
        "nobody_came": run.state == JobState.WAITING and timezone.now() - run.asked_at > PATIENCE,
        "is_left": run.lease_until is not None and run.lease_until < timezone.now(),
        "images": images_of(run),
        "took": took(run),
        "charts": charts(run.history, run.epochs, of_tries=run.base == Base.HEAD),
        "classes": class_counts(run),
        "figures": figures_of(run),
    }
    return live(request, "inspections/training_run.html", "inspections/_training_run.html", context, moving=run.is_live)


@require_http_methods(["GET", "HEAD", "POST"])
def training_cancel(request: HttpRequest, training: int) -> HttpResponseBase:
    return _cancel(request, training) if request.method == "POST" else _confirm(request, training)


@page
def _confirm(request: PersonRequest, key: int) -> HttpResponseBase:
    run = run_of(request.user, key)
    return render(request, "inspections/training_cancel.html", {"run": run})


@deed
def _cancel(request: PersonRequest, key: int) -> HttpResponseBase:
    run = run_of(request.user, key)
    refused = retraining.cancel(run, request.user, timezone.now())
    if refused:
        messages.info(request, refused.reason)
    return HttpResponseRedirect(reverse("training", args=[run.pk]))


def run_of(person: Person, key: int) -> TrainingRun:
    """403 for whoever may not train, 404 where there is none."""
    for_managers(person)
    found = TrainingRun.objects.select_related("snapshot", "version", "base_version", "asked_by")
    run: TrainingRun | None = found.filter(pk=key).first() if key < 2**15 else None
    if run is None:
        raise Http404
    return run


def class_counts(run: TrainingRun) -> list[tuple[str, int, int]]:
    """Name, images that train, images that validate."""
    names = class_names()
    train, val = (run.snapshot.counts.get(side, {}) for side in ("train", "val"))
    return [(names.get(code, code), train.get(code, 0), val.get(code, 0)) for code in run.snapshot.classes]


def figures_of(run: TrainingRun) -> list[tuple[str, Any]]:
    """Held-out macro-F1 and its interval, where the bundle tells them."""
    held = (run.version.spec.get("metrics") or {}).get("held_out") if run.version else None
    if not held:
        return []
    names = (
        ("macro_f1", _("Macro-F1, unknown is wrong")), ("macro_f1_top_class", _("Macro-F1 of the likeliest class")),
        ("escape_rate", _("Escape rate")), ("overkill", _("Overkill")), ("unknown_rate", _("Called unknown")),
    )  # fmt: skip
    return [(name, held[key]) for key, name in names if isinstance(held.get(key), int | float)]
