"""Pages that move: the page and its moving part are one template, and a poll that finds nothing new is a 304."""

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.http import quote_etag
from django.utils.safestring import mark_safe

from inspections.pages.access import PersonRequest

STOP_POLLING = 286  # htmx's word for: come no more
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="\w+"')  # masked anew each time: another one is no news


def live(
    request: PersonRequest,
    template: str,
    part: str,
    context: Mapping[str, Any],
    *,
    status: int = 200,
    moving: bool = True,
) -> HttpResponseBase:
    """Render `part` alone for a poll, or inside `template`. `moving=False`: it will not change any more."""
    html = render_to_string(part, dict(context), request=request)
    etag = quote_etag(sha256(TOKEN.sub("", html).encode()).hexdigest()[:32])
    if request.htmx:
        response: HttpResponseBase = _answer_poll(request, html, etag, moving)
    else:
        whole = {**context, "part": mark_safe(html), "etag": etag, "moving": moving}  # noqa: S308  a template's output
        response = render(request, template, whole, status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _answer_poll(request: PersonRequest, html: str, etag: str, moving: bool) -> HttpResponseBase:
    if not moving:
        return HttpResponse(html, status=STOP_POLLING)
    found = get_conditional_response(request, etag=etag, response=HttpResponse(html, headers={"ETag": etag}))
    assert found is not None  # it was given one
    return found
