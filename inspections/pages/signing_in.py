"""Signing in and out, and who goes on at a shared terminal.

django-axes counts wrong passwords by user and address, wherever they are typed, and answers with `locked.html`.
"""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth import authenticate, login
from django.contrib.auth.signals import user_logged_in
from django.contrib.auth.views import LoginView, LogoutView, redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from inspections import locking
from inspections.api.problems import problem
from inspections.models import AuditEvent, Person
from inspections.pages.locking import locked_words, state
from inspections.pages.ways_back import own_path, told_at_the_door
from inspections.review import queue


class Login(LoginView):
    template_name = "login.html"
    redirect_authenticated_user = True
    http_method_names = ("get", "head", "post")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs, told=told_at_the_door(self.request))

    def form_valid(self, form: Any) -> HttpResponse:
        response = super().form_valid(form)
        now = timezone.now()
        locking.start(self.request, now)
        AuditEvent.note(form.get_user(), "sign-in", _subject(form.get_user()), now)
        return response


class Logout(LogoutView):
    """By POST alone, so that no link signs anybody out."""

    http_method_names = ("post",)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if isinstance(request.user, Person):
            _leave(request.user, how="by hand")
        response: HttpResponse = super().post(request, *args, **kwargs)
        return response


def _subject(person: Person) -> str:
    return f"person {person.get_username()}"[:80]


def _leave(person: Person, **detail: str) -> None:
    """What this person holds of the queue goes back to it."""
    now = timezone.now()
    queue.release(person, now)
    AuditEvent.note(person, "sign-out", _subject(person), now, **detail)


class WhoGoesOn(forms.Form):
    """The password of the person who is signed in, or a name and its password. An empty name is the person's own."""

    username = forms.CharField(label=gettext_lazy("User name"), required=False, max_length=150)
    password = forms.CharField(label=gettext_lazy("Password"), strip=False, max_length=4096)

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request
        self.found: Person | None = None

    @property
    def wanted(self) -> str:
        """Whose password was asked for."""
        named: str = self.cleaned_data.get("username", "")
        return named or self.request.user.get_username()

    def clean(self) -> dict[str, Any]:
        if "password" in self.cleaned_data:
            password = self.cleaned_data["password"]
            self.found = authenticate(self.request, username=self.wanted, password=password)
            if self.found is None:
                raise forms.ValidationError(_("This is not the right password. Mind upper and lower case."))
        return self.cleaned_data


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def unlock(request: HttpRequest) -> HttpResponse:
    """Go on as the same person, or hand the terminal to another. Either way it leads back to where one was."""
    back = own_path(request.POST.get("next", request.GET.get("next", "")), request)
    if not isinstance(request.user, Person):
        return _ended(request) if _by_script(request) else redirect_to_login(back)
    if request.method != "POST":
        return _door(request, WhoGoesOn(request=request), back)
    form = WhoGoesOn(request.POST, request=request)
    if not form.is_valid():
        return _refused(request, request.user, form, back)
    assert form.found is not None  # a valid form has found somebody
    if form.found.pk == request.user.pk:
        _go_on(request, request.user)
    else:
        _hand_over(request, request.user, form.found)
    return JsonResponse(_answer(request)) if _by_script(request) else HttpResponseRedirect(back)


def _door(request: HttpRequest, form: WhoGoesOn, back: str) -> HttpResponse:
    context = {"form": form, "next": back, "told": told_at_the_door(request)}
    return render(request, "inspections/unlock.html", context)


def _refused(request: HttpRequest, person: Person, form: WhoGoesOn, back: str) -> HttpResponse:
    named = Person.objects.filter(username=form.wanted).first()  # what is no name may be a password typed too early
    AuditEvent.note(person, "unlock-failed", _subject(named) if named else "", timezone.now())
    if _by_script(request):
        return problem(request, 400, "wrong-password", str(next(iter(form.non_field_errors()), _("Type it first."))))
    return _door(request, form, back)


def _ended(request: HttpRequest) -> HttpResponse:
    return problem(request, 401, "not-authenticated", _("The session has ended. Sign in again."))


def _by_script(request: HttpRequest) -> bool:
    return "application/json" in request.headers.get("Accept", "")


def _go_on(request: HttpRequest, person: Person) -> None:
    """The same person: a new key for the session, all else as it was, so that open forms stay good."""
    was_locked = locking.is_locked(request, timezone.now())
    request.session.cycle_key()
    user_logged_in.send(sender=Person, request=request, user=person)  # a right password clears the count of wrong ones
    locking.start(request, timezone.now())
    AuditEvent.note(person, "unlock", _subject(person), timezone.now(), was_locked=was_locked)


def _hand_over(request: HttpRequest, before: Person, after: Person) -> None:
    """Another person: nothing of the first one's session is left, and each row of the log has the right name."""
    _leave(before, how="change of user", to=after.get_username())
    request.session.flush()
    login(request, after)
    locking.start(request, timezone.now())
    AuditEvent.note(after, "change-user", _subject(after), timezone.now(), before=before.get_username())


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def touch(request: HttpRequest) -> HttpResponse:
    """GET: when does this terminal lock? POST: a hand is on it. 401 where it is too late."""
    if not request.user.is_authenticated:
        return _ended(request)
    now = timezone.now()
    if request.method == "POST":
        if locking.is_locked(request, now):
            return problem(request, 401, "locked", locked_words())
        locking.touch(request, now)
    return JsonResponse(_answer(request))


def _answer(request: HttpRequest) -> dict[str, Any]:
    found = state(request)
    return {"locks_in": found["locks_in"], "locked": found["locked"], "person": request.user.get_username()}


def client_address(request: HttpRequest) -> str:
    """Who knocks, for counting wrong passwords: behind our proxy the address that it wrote last, else the peer's."""
    peer: str = request.META.get("REMOTE_ADDR") or ""
    if not settings.BEHIND_TLS_PROXY:
        return peer
    return request.headers.get("X-Forwarded-For", peer).rpartition(",")[2].strip() or peer
