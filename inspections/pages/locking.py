"""A locked terminal at the pages: what acts is sent to `/unlock/`, and comes back to the same place."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect

from inspections import locking
from inspections.api.problems import problem
from inspections.models import Person
from inspections.pages.ways_back import own_path, sent_from


class IdleLock:
    """Judges the pages; the API judges where it knows its caller, for a camera's key never locks.

    What counts as a hand is noted for both, when the answer is known.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if locking.is_by_hand(request, response.status_code) and _is_persons(request):
            locking.note_hand(request, timezone.now())
        return response

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        if request.path_info.startswith("/api/") or not _is_persons(request):
            return None
        return to_unlock(request) if locking.is_refused(request, timezone.now()) else None


def _is_persons(request: HttpRequest) -> bool:
    """Sent in a session of somebody signed in, which can lock."""
    if not settings.IDLE_LOCK_S or settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return False
    return isinstance(request.user, Person)


def to_unlock(request: HttpRequest) -> HttpResponse:
    """To the password: a page is redirected, a poll moves its whole page, a script gets a problem to act upon."""
    if "HX-Request" in request.headers:
        return HttpResponseClientRedirect(unlock_url(request.headers.get("HX-Current-URL", ""), request))
    if "text/html" not in request.headers.get("Accept", "text/html"):
        return problem(request, 401, "locked", locked_words())
    if request.method in locking.SAFE:
        return HttpResponseRedirect(unlock_url(request.get_full_path(), request))
    messages.warning(request, _("This terminal was locked: nothing was done."))
    return HttpResponseRedirect(unlock_url(sent_from(request), request))


def locked_words() -> str:
    return _("Nobody touched this terminal for a while. Give the password to go on.")


def unlock_url(here: str, request: HttpRequest) -> str:
    return f"{resolve_url('unlock')}?{urlencode({'next': own_path(here, request)})}"


def terminal(request: HttpRequest) -> dict[str, Any]:
    """For every template: when this terminal locks, and whether this page is there to act. Looked up where read."""
    return {"terminal": SimpleLazyObject(lambda: state(request))}


def state(request: HttpRequest) -> dict[str, Any]:
    left = locking.locks_in(request, timezone.now())
    return {
        "locks_in": None if left is None else round(left, 1),
        "locked": left is not None and left <= 0,
        "acts": request.path_info.startswith(locking.TO_ACT),
        "here": own_path(request.get_full_path(), request),
    }
