"""Images, through the permission check: never a public folder, and never anything that a browser would run."""

from uuid import UUID

from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.http import quote_etag
from django.utils.translation import gettext as _

from inspections.models import Capture, VerdictEvidence
from inspections.pages import heat
from inspections.pages.access import PersonRequest, capture_of, page
from inspections.review.blind import is_withheld

TYPES = {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp", "tiff": "image/tiff", "bmp": "image/bmp"}
SHOWN_BY_BROWSERS = frozenset({"jpg", "png", "webp", "bmp"})


@page
def image(request: PersonRequest, key: UUID) -> HttpResponseBase:
    """The bytes as the camera sent them."""
    capture = capture_of(request.user, key)
    return _file(request, capture, capture.path, capture.suffix, "")


@page
def view(request: PersonRequest, key: UUID) -> HttpResponseBase:
    """What a browser can show: the display copy where there is one, else the original if it can."""
    capture = capture_of(request.user, key)
    if default_storage.exists(capture.rendition_path):
        return _file(request, capture, capture.rendition_path, "jpg", "-view")
    if capture.suffix not in SHOWN_BY_BROWSERS:
        raise Http404
    return _file(request, capture, capture.path, capture.suffix, "")


@page
def heatmap(request: PersonRequest, key: UUID) -> HttpResponseBase:
    """The effective verdict's heat-map, to lay over the image; nothing of it for who is asked blind."""
    capture = capture_of(request.user, key)
    if is_withheld(request.user, capture):
        raise Http404
    rows = VerdictEvidence.objects.filter(verdict__capture=capture, verdict__effective=True)
    evidence = rows.defer("embedding", "texture").first()
    if evidence is None or not evidence.heatmap:
        raise Http404
    etag = quote_etag(f"{evidence.verdict_id}-heat")
    answer = get_conditional_response(request, etag=etag)
    return _harmless(answer or HttpResponse(heat.png(evidence), content_type="image/png"), etag)


def _file(request: PersonRequest, capture: Capture, path: str, suffix: str, part: str) -> HttpResponseBase:
    etag = quote_etag(f"{bytes(capture.sha256).hex()}{part}")
    if not_modified := get_conditional_response(request, etag=etag):
        return _harmless(not_modified, etag)
    try:
        stored = default_storage.open(path)
    except FileNotFoundError:
        raise Http404(_("The file of this capture is gone.")) from None
    return _harmless(FileResponse(stored, content_type=TYPES[suffix], filename=f"{capture.pk}{part}.{suffix}"), etag)


def _harmless(response: HttpResponseBase, etag: str) -> HttpResponseBase:
    """A JPEG may carry a page in its tail; sandboxed and unsniffed, it stays a picture."""
    response["ETag"] = etag
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    patch_vary_headers(response, ["Cookie"])
    return response
