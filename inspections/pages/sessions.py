"""Which answers may take a browser's session away."""

from django.conf import settings
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse


class OpenedPagesEndSessions(SessionMiddleware):
    """A page that somebody opens may delete the cookie of a session that is over; what a page asks by itself may not.

    Unlocking and signing in begin a session with a new key. A poll that was under way with the old key meanwhile is
    answered last, and would sign out whoever has just come.
    """

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        response = super().process_response(request, response)
        cookie = response.cookies.get(settings.SESSION_COOKIE_NAME)
        if cookie is not None and not cookie.value and not _is_opened(request):
            del response.cookies[settings.SESSION_COOKIE_NAME]
        return response


def _is_opened(request: HttpRequest) -> bool:
    return "HX-Request" not in request.headers and "text/html" in request.headers.get("Accept", "text/html")
