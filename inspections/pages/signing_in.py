"""Signing in and out. django-axes counts wrong passwords by user and address, and answers with `locked.html`."""

from django.conf import settings
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest


class Login(LoginView):
    template_name = "login.html"
    redirect_authenticated_user = True
    http_method_names = ("get", "head", "post")


class Logout(LogoutView):
    """By POST alone, so that no link signs anybody out."""

    http_method_names = ("post",)


def client_address(request: HttpRequest) -> str:
    """Who knocks, for counting wrong passwords: behind our proxy the address that it wrote last, else the peer's."""
    peer: str = request.META.get("REMOTE_ADDR") or ""
    if not settings.BEHIND_TLS_PROXY:
        return peer
    return request.headers.get("X-Forwarded-For", peer).rpartition(",")[2].strip() or peer
