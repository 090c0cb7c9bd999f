"""The error pages, and their twins for machines: one address answers in the language of who asks."""

import sys
from collections.abc import Callable

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _

from inspections.api.problems import KINDS, problem
from inspections.outage import outage_of


def _answer(request: HttpRequest, status: int, title: str, text: str) -> HttpResponse:
    if request.path.startswith("/api/"):
        return problem(request, status, KINDS.get(status, "error"), text)
    context = {"status": status, "title": title, "text": text, "request_id": getattr(request, "request_id", "")}
    return render(request, "error.html", context, status=status)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Our own words where a view said them; Django's own stay inside."""
    own = exception.args[0] if type(exception) is BadRequest and exception.args else ""
    return _answer(request, 400, _("Bad request"), str(own) or _("The request could not be understood."))


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _answer(request, 403, _("Not allowed"), _("Your role does not allow this."))


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _answer(request, 404, _("Not found"), _("There is nothing here, or it is not yours to see."))


class NotAllowed:
    """405 has no handler of Django's: its empty answer becomes a page like the others."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if not isinstance(response, HttpResponseNotAllowed) or response.content or request.path.startswith("/api/"):
            return response
        page = _answer(request, 405, _("Not this way"), _("This address cannot be used this way. Nothing was done."))
        page["Allow"] = response["Allow"]
        return page


def server_error(request: HttpRequest) -> HttpResponse:
    if outage := outage_of(sys.exc_info()[1]):
        response = _answer(request, outage.status, _("Not now"), outage.detail)
        response["Retry-After"] = str(outage.retry_after)
        return response
    return _answer(request, 500, _("Something went wrong"), _("This is our fault. It has been written down."))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    text = _("The page was open for too long, or cookies are off. Go back and try again.")
    return _answer(request, 403, _("Please try again"), text)
