"""Who may see what. A loader returns the object or raises 404, so that no view can forget to ask."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, resolve_url
from django.utils.cache import patch_cache_control
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from inspections.models import Capture, Line, Person, Role
from inspections.pages.legible import has_control_characters
from inspections.pages.ways_back import page_of, sent_from
from inspections.watching import WatchedLine, watched_lines

P = ParamSpec("P")


class PersonRequest(HttpRequest):
    """A request of someone who has signed in."""

    user: Person
    htmx: HtmxDetails


def page(
    view: Callable[Concatenate[PersonRequest, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """A view that reads, for people who have signed in; what it answers stays in their browser alone."""

    @require_safe
    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return _to_login(cast("PersonRequest", request))
        response = view(cast("PersonRequest", request), *args, **kwargs)
        patch_cache_control(response, private=True, no_cache=True)
        return response

    return cast("Callable[Concatenate[HttpRequest, P], HttpResponseBase]", guarded)


def deed(
    view: Callable[Concatenate[PersonRequest, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """A view that changes something, by a form's POST, for people who have signed in. Its address may still be
    opened, as the one that a refusal stands under is: that leads to the page above it."""

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if request.method != "POST":
            return _not_sent(request)
        if not request.user.is_authenticated:
            return _to_login(cast("PersonRequest", request))
        if has_control_characters(request.POST):
            raise BadRequest(_("There are characters in it that nobody can type. Nothing was kept."))
        return view(cast("PersonRequest", request), *args, **kwargs)

    guarded.only_sent_to = True  # type: ignore[attr-defined]
    return cast("Callable[Concatenate[HttpRequest, P], HttpResponseBase]", guarded)


def _not_sent(request: HttpRequest) -> HttpResponse:
    if request.method in ("GET", "HEAD"):
        return HttpResponseRedirect(page_of(request.path_info))
    return HttpResponseNotAllowed(["POST"])


def for_managers(person: Person) -> None:
    """403 for whoever is neither manager nor admin."""
    if not person.sees_every_line:
        raise PermissionDenied


def for_admins(person: Person) -> None:
    """403 for whoever is no admin."""
    if person.role != Role.ADMIN:
        raise PermissionDenied


def _to_login(request: PersonRequest) -> HttpResponse:
    """To the login page, and back from there to where one was; a poll sends the whole page there, or the form would
    land inside a card."""
    here = request.get_full_path()
    if request.method == "POST":
        messages.warning(request, _("You were signed out: nothing was done."))
        here = sent_from(request)
    if not request.htmx:
        return redirect_to_login(here)
    came_from = request.htmx.current_url_abs_path or "/"
    return HttpResponseClientRedirect(f"{resolve_url('login')}?{urlencode({'next': came_from})}")


def line_of(person: Person, slug: str) -> WatchedLine:
    line = watched_lines(person).filter(slug=slug).first()
    if line is None:
        raise Http404
    return line


def capture_of(person: Person, key: UUID, *related: str) -> Capture:
    return get_object_or_404(Capture.objects.seen_by(person).select_related(*related), pk=key)


def lines_of(person: Person) -> list[Line]:
    return list(Line.objects.seen_by(person))
