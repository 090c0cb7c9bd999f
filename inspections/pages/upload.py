"""Manual upload: a person posts pictures through the camera `manual` that each line owns, as any camera would.

The name of a picture is its SHA-256: sent twice, by a double click or after a lost answer, it is one capture.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.files.uploadedfile import UploadedFile
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods

from inspections import intake
from inspections.api.problems import problem
from inspections.api.serializers import UploadFields
from inspections.api.uploads import bound, image_bytes
from inspections.images import Refused
from inspections.models import Line, Person
from inspections.outage import Outage, outage_of
from inspections.pages.access import PersonRequest, lines_of, page
from inspections.pages.legible import has_control_characters

FIELDS = ("roll", "position_m", "mm_per_px")
KINDS = "image/jpeg,image/png,image/webp,image/tiff,image/bmp"
MOST_WAITING = 50  # files in the page's own queue
PASSING = (OperationalError, InterfaceError, OSError)  # what `outage_of` may know


@dataclass(frozen=True)
class Result:
    """What became of one file, in words. `url` is the capture's page where there is a capture."""

    name: str
    state: str  # accepted, duplicate, refused, or later
    words: str
    status: int
    kind: str = ""
    url: str = ""
    retry_after: int | None = None


@require_http_methods(["GET", "HEAD", "POST"])
@csrf_exempt  # a body must be bounded before anybody parses it in search of a token; `_take` asks for the token
def upload(request: HttpRequest) -> HttpResponse:
    """The page, and where it posts: one file a request by script, several by the plain form."""
    if request.method != "POST":
        return cast("HttpResponse", _show(request))
    if not request.user.is_authenticated:
        ended = _("The session has ended. Sign in again.")
        if _by_script(request):
            return problem(request, 401, "not-authenticated", ended)
        messages.warning(request, _("You were signed out: nothing was done."))
        return redirect_to_login(request.get_full_path())
    if refused := bound(request):
        return _answer(cast("PersonRequest", request), [_refusal("", refused)])
    return _take(cast("PersonRequest", request))


@page
def _show(request: PersonRequest) -> HttpResponse:
    lines = lines_of(request.user)
    wanted = request.GET.get("line", "")
    if wanted and wanted not in {line.slug for line in lines}:
        raise Http404
    return _page(request, lines, {"line": wanted})


@csrf_protect
def _take(request: PersonRequest) -> HttpResponse:
    """Each file by itself: one that is refused keeps no other back."""
    if request.POST.get("person", request.user.get_username()) != request.user.get_username():
        detail = _("Somebody else is signed in here now. This picture was not sent.")
        return _answer(request, [_refusal("", Refused(409, "other-person", detail))])
    if has_control_characters(request.POST):
        detail = _("There are characters in the fields that nobody can type. Nothing was kept.")
        return _answer(request, [_refusal("", Refused(400, "bad-request", detail))])
    line = Line.objects.seen_by(request.user).filter(slug=request.POST.get("line", "")).first()
    if line is None:
        detail = _("Choose the line that the pictures are of.")
        return _answer(request, [_refusal("", Refused(400, "line-missing", detail))])
    fields = UploadFields(data={name: value for name in FIELDS if (value := request.POST.get(name, "").strip())})
    if not fields.is_valid():
        return _answer(request, [_refusal("", Refused(400, "bad-request", _wrong(fields.errors)))])
    files = cast("Sequence[UploadedFile[Any] | None]", request.FILES.getlist("image") or [None])
    return _answer(request, [_one(request.user, line, file, fields.validated_data) for file in files])


def _one(person: Person, line: Line, file: UploadedFile[Any] | None, fields: Mapping[str, Any]) -> Result:
    name = (file.name if file else "") or ""
    data = image_bytes({"image": file}, "")
    if isinstance(data, Refused):
        return _refusal(name, data)
    now = timezone.now()
    known = {**fields, "capture_id": hashlib.sha256(data).hexdigest()}
    try:
        camera = line.manual_camera()
        result = intake.accept(camera, data, known, now, by=person)
    except PASSING as error:
        if (outage := outage_of(error)) is None:
            raise
        return _later(name, outage)
    if isinstance(result, Refused):
        return _refusal(name, result)
    assert not isinstance(result, intake.Conflict)  # one name, one picture
    with suppress(OperationalError, InterfaceError):  # the picture is safe
        camera.saw(now)
    url = result.capture.get_absolute_url()
    if isinstance(result, intake.Duplicate):
        return Result(name, "duplicate", _("This picture is here already; nothing was added."), 200, url=url)
    return Result(name, "accepted", _("Taken. It is judged like any other."), 201, url=url)


def _later(name: str, outage: Outage) -> Result:
    words = {
        507: _("The storage is full. Nothing was kept of this picture; try again later."),
        503: _("This cannot be taken right now. Nothing was kept of this picture; try again."),
    }
    return Result(name, "later", words[outage.status], outage.status, kind=outage.kind, retry_after=outage.retry_after)


def _refusal(name: str, refused: Refused) -> Result:
    return Result(name, "refused", _words(refused), refused.status, kind=refused.kind)


def _words(refused: Refused) -> str:
    words = {
        "too-large": _("Larger than %(most)d MB.") % {"most": most_megabytes()},
        "image-missing": _("There is no picture in it: the file is empty, or none was chosen."),
        "unsupported-image": _("Not a picture that is taken here: JPEG, PNG, WebP, TIFF or BMP."),
        "image-undecodable": _("The picture is damaged: it cannot be read to its end."),
        "too-many-pixels": _("More than %(most)g megapixels.") % {"most": settings.MAX_IMAGE_PIXELS / 1e6},
        "image-too-small": _("Too small: each side needs at least 16 pixels."),
        "body-incomplete": _("It did not arrive whole. Try it again."),
        "image-too-narrow": _("Too narrow: one side is more than 64 times the other."),
    }
    return words.get(refused.kind, refused.detail)


def _wrong(fields: Iterable[str]) -> str:
    """What each of these fields takes."""
    words = {
        "roll": _("Roll: at most 64 letters, digits and signs."),
        "position_m": _("Position: a number from 0 on."),
        "mm_per_px": _("Scale: a number above 0."),
    }
    return " ".join(words[field] for field in fields)


def most_megabytes() -> int:
    return int(settings.MAX_IMAGE_BYTES // (1024 * 1024))


def _by_script(request: HttpRequest) -> bool:
    return "application/json" in request.headers.get("Accept", "")


def _answer(request: PersonRequest, results: Sequence[Result]) -> HttpResponse:
    if _by_script(request):
        return _to_script(request, results[0])
    taken = any(result.state in {"accepted", "duplicate"} for result in results)
    # A body that is too large was never read: what it named is not known.
    sent = {} if results[0].kind == "too-large" and not results[0].name else request.POST
    shown = {name: sent.get(name, "") for name in ("line", *FIELDS)}
    return _page(request, lines_of(request.user), shown, results, 200 if taken else results[0].status)


def _to_script(request: PersonRequest, result: Result) -> HttpResponse:
    if result.state in {"accepted", "duplicate"}:
        body = {"state": result.state, "words": result.words, "url": result.url}
        return JsonResponse(body, status=result.status)
    # `words` are for the page to show: a `detail` that comes from elsewhere is for developers.
    words, wait = result.words, result.retry_after
    return problem(request, result.status, result.kind, words, retry_after=wait, words=words)


def _page(
    request: PersonRequest,
    lines: Sequence[Line],
    sent: Mapping[str, str],
    results: Sequence[Result] = (),
    status: int = 200,
) -> HttpResponse:
    context = {
        "lines": lines,
        "sent": sent,
        "results": results,
        "kinds": KINDS,
        "most_bytes": settings.MAX_IMAGE_BYTES,
        "most_mb": most_megabytes(),
        "most_megapixels": settings.MAX_IMAGE_PIXELS // 1_000_000,
        "most_at_once": settings.DATA_UPLOAD_MAX_NUMBER_FILES,
        "most_waiting": MOST_WAITING,
    }
    return render(request, "inspections/upload.html", context, status=status)
