"""`/models/<name>/`: one version's card, and what can be done with it."""

from typing import Any

from django.contrib import messages
from django.http import FileResponse, Http404, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from inspections import changes, gate
from inspections.lineage import learned_from
from inspections.models import (
    AuditEvent,
    Base,
    ChangeState,
    GateReport,
    JobState,
    Line,
    ModelVersion,
    Person,
    TrainingRun,
    VersionChange,
)
from inspections.pages.access import PersonRequest, deed, for_managers, page
from inspections.pages.curves import charts
from inspections.pages.live import live
from inspections.pages.model_figures import held_out, matrix_of, per_class, reliability, summary
from inspections.pages.models_list import shown as list_shown
from inspections.pages.overview import class_names
from inspections.snapshots import Refused
from inspections.trials import trial_of
from inspections.uploading import packed
from ml.bundle import BundleError

LATEST = 8


def version_of(person: Person, name: str) -> ModelVersion:
    """For managers and admins; 404 where there is none of that name."""
    for_managers(person)
    return get_object_or_404(ModelVersion.objects.select_related("parent", "snapshot", "installed_by"), name=name)


@page
def model(request: PersonRequest, name: str) -> HttpResponseBase:
    return shown(request, version_of(request.user, name))


def shown(request: PersonRequest, version: ModelVersion, refused: str = "", status: int = 200) -> HttpResponseBase:
    """The card, or its moving part; `refused`: why something that was asked for was not done."""
    own = VersionChange.objects.filter(version=version).select_related("line", "asked_by", "previous")
    latest = list(own.defer("previous__spec")[:LATEST])
    report = gate.standing(version)
    context: dict[str, Any] = {
        "version": version,
        "latest": latest,
        "report": report,
        "failed": [] if report is None else [rule for rule in report.rules if not rule["passed"]],
        "objection": changes.objection_to(version),
        "in_force": [str(line) for line in Line.objects.filter(version=version)],
        "lines": Line.objects.order_by("slug"),
        "refused": refused,
        **figures_of(version),
    }
    moving = any(one.state == ChangeState.CHECKING for one in latest) or bool(report and report.is_live)
    return live(request, "inspections/model.html", "inspections/_model.html", context, status=status, moving=moving)


def figures_of(version: ModelVersion) -> dict[str, Any]:
    """What stands on the card and does not move."""
    names, found = class_names(), held_out(version)
    training = TrainingRun.objects.filter(version=version).first()
    judged, side = measured_as(version)
    return {
        "summary": summary(found),
        "held_out": found,
        "per_class": per_class(found, names, version.code_of),
        "matrix": matrix_of(version, found, names),
        "reliability": reliability(judged, side),
        "golden_summary": summary((judged.measured or {}).get(side)) if judged else [],
        "judged": judged,
        "charts": charts(training.history, training.epochs, of_tries=training.base == Base.HEAD) if training else [],
        "training": training,
        "engine": version.spec.get("engine", {}).get("finding") or {},
        "classes": [names.get(code, code) for code in version.classes],
        "children": list(version.children.values_list("name", flat=True)),
        "learned": learned_from(version),
        "trial": trial_of(version),
    }


def measured_as(version: ModelVersion) -> tuple[GateReport | None, str]:
    """The latest report that has this version's answers, and on which side."""
    done = GateReport.objects.filter(state=JobState.DONE, answers__isnull=False).select_related("golden")
    done = done.order_by("-id")
    own = done.filter(version=version).exclude(answers=[]).first()
    if own is not None:
        return own, "challenger"
    return done.filter(champion=version).exclude(answers=[]).first(), "champion"


@deed
def promote(request: PersonRequest, name: str) -> HttpResponseBase:
    version = version_of(request.user, name)
    line = line_in(request)
    found = changes.promote(version, request.user, timezone.now(), request.POST.get("reason", ""), line)
    if isinstance(found, Refused):
        return shown(request, version, found.reason, status=409)
    messages.info(request, _("It is being checked: it must load and answer its probe."))
    return HttpResponseRedirect(reverse("model", args=[version.name]))


@deed
def roll_back(request: PersonRequest) -> HttpResponseBase:
    """For the mill or a line, back to what was in force before."""
    for_managers(request.user)
    found = changes.roll_back(request.user, timezone.now(), request.POST.get("reason", ""), line_in(request))
    if isinstance(found, Refused):
        return list_shown(request, found.reason, status=409)
    messages.info(request, _("Going back to %(version)s: it is being checked.") % {"version": found.version})
    return HttpResponseRedirect(reverse("models"))


@deed
def reject(request: PersonRequest, name: str) -> HttpResponseBase:
    version = version_of(request.user, name)
    found = changes.reject(version, request.user, timezone.now(), request.POST.get("reason", ""))
    if isinstance(found, Refused):
        return shown(request, version, found.reason, status=409)
    messages.info(request, _("It is rejected, and will not be promoted."))
    return HttpResponseRedirect(reverse("model", args=[version.name]))


@page
def download(request: PersonRequest, name: str) -> HttpResponseBase:
    """The bundle as a zip."""
    version = version_of(request.user, name)
    try:
        file = packed(version)
    except BundleError as problem:
        raise Http404(_("The files of this version are not whole.")) from problem
    AuditEvent.note(request.user, "model-download", f"model {version}", timezone.now())
    return FileResponse(file, as_attachment=True, filename=f"model-{version.name}.zip", content_type="application/zip")


def line_in(request: PersonRequest) -> Line | None:
    """The line that a form names; None is the mill."""
    slug = request.POST.get("line", "")
    return get_object_or_404(Line, slug=slug) if slug else None
