"""`/models/<name>/gate/`: what the gate found, rule by rule, and the golden images behind each number."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from inspections import gate
from inspections.models import Capture, GateReport, ModelVersion, Role
from inspections.pages.access import PersonRequest, deed, for_admins, page
from inspections.pages.live import live
from inspections.pages.model import version_of
from inspections.pages.model_figures import SIDES, Row, golden_matrix, row_of
from inspections.pages.overview import class_names
from inspections.review.blind import withheld
from inspections.snapshots import Refused

MOST_SHOWN = 60
TITLES = {
    "bundle": gettext_lazy("Loads and answers its probe"),
    "weights": gettext_lazy("Weights are numbers"),
    "lacking": gettext_lazy("Knows every class in use"),
    "outside": gettext_lazy("Names no other class"),
    "golden": gettext_lazy("Golden set"),
    "leak": gettext_lazy("Not trained on golden images"),
    "copies": gettext_lazy("Keeps no golden image"),
    "recall": gettext_lazy("%(name)s recognised no worse"),
    "new": gettext_lazy("%(name)s recognised, which is new"),
    "critical": gettext_lazy("%(name)s recognised, which is critical"),
    "overkill": gettext_lazy("Overkill"),
    "calibration": gettext_lazy("Calibration"),
    "engines": gettext_lazy("Engines agree"),
    "latency": gettext_lazy("Latency"),
    "shadow": gettext_lazy("Shadow"),
}


@page
def of_model(request: PersonRequest, name: str) -> HttpResponseBase:
    return shown(request, version_of(request.user, name))


def shown(request: PersonRequest, version: ModelVersion, refused: str = "", status: int = 200) -> HttpResponseBase:
    """The latest report, or its moving part."""
    report = GateReport.objects.filter(version=version).select_related("champion", "golden", "override_by").first()
    names = class_names()
    context: dict[str, Any] = {
        "version": version,
        "report": report,
        "refused": refused,
        "may_override": request.user.role == Role.ADMIN,
        "least": gate.LEAST_REASON,
        **(_found(request, report, names) if report else {}),
    }
    moving = bool(report and report.is_live)
    return live(request, "inspections/gate.html", "inspections/_gate.html", context, status=status, moving=moving)


def _found(request: PersonRequest, report: GateReport, names: dict[str, str]) -> dict[str, Any]:
    measured = report.measured or {}
    new = golden_matrix(report, "challenger", str(report.version), names)
    old = golden_matrix(report, "champion", str(report.champion), names)
    return {
        "rules": [{**rule, "title": _title(rule, names)} for rule in report.rules],
        "failed": sum(rule["passed"] is False for rule in report.rules),
        "unmeasured": sum(rule["passed"] is None for rule in report.rules),
        "matrices": [one for one in (new, old) if one],
        "by_class": by_class(measured, names),
        "compared": measured.get("compared"),
        "latency_ms": measured.get("latency_ms"),
        **_images(request, report, names),
    }


def _title(rule: dict[str, Any], names: dict[str, str]) -> str:
    title = str(TITLES.get(rule["name"], rule["name"]))
    return title % {"name": names.get(rule["subject"], rule["subject"])} if rule["subject"] else title


def by_class(measured: dict[str, Any], names: dict[str, str]) -> list[Row]:
    """Recall of each class: the challenger's, and the champion's under it."""
    found = []
    for code in measured.get("recall", {}):
        for side in ("challenger", "champion"):
            part = ((measured.get(side) or {}).get("per_class") or {}).get(code)
            if part and part["support"]:
                ends = part["interval"]["recall"]
                more = {"support": part["support"], "is_challenger": side == "challenger"}
                found.append(row_of(names.get(code, code), part["recall"], ends, **more))
    return found


def _images(request: PersonRequest, report: GateReport, names: dict[str, str]) -> dict[str, Any]:
    """Those of the cell that the address names; without what the reader is being asked blind."""
    truth, said, side = (request.GET.get(name, "") for name in ("truth", "said", "of"))
    if side not in SIDES or not truth:
        return {}
    place = SIDES[side][0]
    keys = [UUID(answer[0]) for answer in report.answers or [] if answer[1] == truth and answer[place] == said]
    secret = withheld(request.user)
    wanted = [key for key in keys if key not in secret]
    rows = Capture.objects.filter(pk__in=wanted[:MOST_SHOWN]).select_related(
        "defect_class", "line", "roll", "label__person"
    )
    who = str(report.version if side == "challenger" else report.champion)
    values = {"who": who, "said": names.get(said, said), "truth": names.get(truth, truth)}
    return {
        "images": list(rows.order_by("id")),
        "more": max(len(wanted) - MOST_SHOWN, 0),
        "images_title": _("%(truth)s, and %(who)s says %(said)s") % values,
    }


@deed
def ask(request: PersonRequest, name: str) -> HttpResponseBase:
    version = version_of(request.user, name)
    found = gate.ask(version, request.user, timezone.now())
    if isinstance(found, Refused):
        return shown(request, version, found.reason, status=409)
    return HttpResponseRedirect(reverse("gate", args=[version.name]))


@deed
def override(request: PersonRequest, name: str) -> HttpResponseBase:
    """An admin lets a version through in spite of its report."""
    for_admins(request.user)
    version = version_of(request.user, name)
    report = gate.standing(version)
    if report is None:
        return shown(request, version, _("There is no report to override."), status=409)
    if request.POST.get("report", str(report.pk)) != str(report.pk):
        return shown(
            request, version, _("There is a newer report than the one that you saw. Read it first."), status=409
        )
    found = gate.override(report, request.user, timezone.now(), request.POST.get("reason", ""))
    if isinstance(found, Refused):
        return shown(request, version, found.reason, status=409)
    messages.info(request, _("Overridden. It can be promoted against this golden set and this champion."))
    return HttpResponseRedirect(reverse("gate", args=[version.name]))
