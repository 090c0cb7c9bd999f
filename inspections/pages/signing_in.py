"""Signing in and out. django-axes counts wrong passwords by user and address, and answers with `locked.html`."""

from django.contrib.auth.views import LoginView, LogoutView


class Login(LoginView):
    template_name = "login.html"
    redirect_authenticated_user = True
    http_method_names = ("get", "head", "post")


class Logout(LogoutView):
    """By POST alone, so that no link signs anybody out."""

    http_method_names = ("post",)
