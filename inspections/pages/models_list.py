"""`/models/`: every version with its state, where it is in force and how good it is; bundles are uploaded here."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from inspections import changes
from inspections.models import GateReport, Line, ModelVersion, VersionChange
from inspections.pages.access import PersonRequest, deed, for_admins, for_managers, page
from inspections.pages.live import live
from inspections.pages.model_figures import Row, held_out, row_of
from inspections.snapshots import Refused
from inspections.uploading import add_uploaded

SHOWN = 100
CHANGES_SHOWN = 12
FORM_OVERHEAD = 64 * 1024


@dataclass(frozen=True)
class VersionRow:
    """One version. `report`: its latest gate report. `where`: the lines that it judges as their own."""

    version: ModelVersion
    where: list[str]
    quality: Row | None
    report: GateReport | None


@dataclass(frozen=True)
class Scope:
    """The mill or a line with a version of its own: what is in force there, and what a rollback leads to."""

    line: Line | None
    version: ModelVersion | None
    earlier: ModelVersion | None


@page
def models(request: PersonRequest) -> HttpResponseBase:
    for_managers(request.user)
    return shown(request)


def shown(request: PersonRequest, refused: str = "", status: int = 200) -> HttpResponseBase:
    """The list, or its moving part; `refused`: why something that was asked for was not done."""
    asked = changes.checking()
    context = {
        "rows": version_rows(),
        "changes": latest_changes(),
        "scopes": scopes(),
        "refused": refused,
        "most_mb": settings.MODEL_UPLOAD_BYTES // (1024 * 1024),
    }
    moving = bool(asked) or GateReport.objects.live().exists()
    return live(request, "inspections/models.html", "inspections/_models.html", context, status=status, moving=moving)


def version_rows() -> list[VersionRow]:
    """Newest first; what is in force stands there whatever its age."""
    versions = list(ModelVersion.objects.select_related("parent", "snapshot", "installed_by").defer("parent__spec"))
    where: dict[int, list[str]] = {}
    for line in Line.objects.exclude(version=None).order_by("slug"):
        where.setdefault(line.version_id or 0, []).append(str(line))
    reports = latest_reports([one.pk for one in versions])
    kept = [one for place, one in enumerate(versions) if place < SHOWN or one.is_default or one.pk in where]
    return [VersionRow(one, where.get(one.pk, []), _quality(one), reports.get(one.pk)) for one in kept]


def latest_reports(versions: Sequence[int]) -> dict[int, GateReport]:
    found: dict[int, GateReport] = {}
    for report in GateReport.objects.filter(version__in=versions).defer("answers", "measured").order_by("id"):
        found[report.version_id] = report
    return found


def _quality(version: ModelVersion) -> Row | None:
    found = held_out(version)
    value = (found or {}).get("macro_f1")
    return None if found is None or value is None else row_of("", value, found.get("interval", {}).get("macro_f1"))


def scopes() -> list[Scope]:
    """The mill, and the lines that do not follow it or did so."""
    own = Line.objects.exclude(version=None).select_related("version").order_by("slug")
    default = ModelVersion.objects.filter(is_default=True).first()
    return [
        Scope(None, default, changes.earlier()),
        *(Scope(line, line.version, changes.earlier(line)) for line in own),
    ]


def latest_changes() -> list[VersionChange]:
    rows = VersionChange.objects.select_related("version", "previous", "line", "asked_by")
    return list(rows.defer("version__spec", "previous__spec")[:CHANGES_SHOWN])


@csrf_exempt  # a body is bounded before anybody parses it in search of a token; `_take` asks for the token
def upload(request: HttpRequest) -> HttpResponseBase:
    """Take a bundle as a zip, from an admin."""
    declared = request.META.get("CONTENT_LENGTH") or "0"
    is_endless = "chunked" in request.headers.get("Transfer-Encoding", "").lower()
    if is_endless or not declared.isdigit() or int(declared) > settings.MODEL_UPLOAD_BYTES + FORM_OVERHEAD:
        words = _("A bundle may have at most %(most)d bytes, and its upload must say its length.")
        return HttpResponse(words % {"most": settings.MODEL_UPLOAD_BYTES}, status=413, content_type="text/plain")
    return _take(request)


@csrf_protect
@deed
def _take(request: PersonRequest) -> HttpResponseBase:
    for_admins(request.user)
    file = request.FILES.get("bundle")
    if not isinstance(file, UploadedFile) or file.file is None:
        return shown(request, _("Choose the bundle's zip."), status=400)
    found = add_uploaded(file.file, request.user, timezone.now())
    if isinstance(found, Refused):
        return shown(request, found.reason, status=400)
    words = _("This bundle is here already.") if found.was_here else _("It is here, and a worker is looking at it.")
    messages.info(request, words)
    return HttpResponseRedirect(reverse("model", args=[found.version.name]))
