"""The idle lock of shared terminals: how long no hand was on it, and what then waits for the password.

The session keeps when a hand last did something, and the server alone judges. A locked session still reads: a wall
display must not go dark. Whatever acts in a person's name is refused until the password is given.
"""

from datetime import datetime

from django.conf import settings
from django.http import HttpRequest

ACTIVE_AT = "active_at"  # in the session: seconds since 1970
RESOLUTION_S = 15  # the session is written no more often, so that reading stays cheap; a short lock, four times
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

# Pages that are there to act: they lease images, take pictures, change what a key does, or name people.
TO_ACT = ("/queue/", "/upload/", "/keys/", "/audit/", "/api/v1/queue/")
# Leases are renewed and given back by a script, whether or not somebody sits there.
BY_SCRIPT = ("/api/v1/queue/",)
# The ways in and out judge for themselves; who tries passwords keeps nobody's session awake.
DOORS = frozenset({"/login/", "/logout/", "/unlock/", "/unlock/touch/"})


def locks_in(request: HttpRequest, now: datetime) -> float | None:
    """Seconds until the session locks, not above 0 where it is locked; None where it never does."""
    if not settings.IDLE_LOCK_S:
        return None
    active_at = request.session.get(ACTIVE_AT, now.timestamp())  # a new session starts now
    return float(active_at + settings.IDLE_LOCK_S - now.timestamp())


def is_locked(request: HttpRequest, now: datetime) -> bool:
    left = locks_in(request, now)
    return left is not None and left <= 0


def start(request: HttpRequest, now: datetime) -> None:
    """A password was given now."""
    request.session[ACTIVE_AT] = round(now.timestamp(), 1)


def touch(request: HttpRequest, now: datetime) -> None:
    """A hand is on it. Only for a session that is not locked."""
    resolution = min(RESOLUTION_S, settings.IDLE_LOCK_S / 4)
    if resolution and now.timestamp() - request.session.get(ACTIVE_AT, 0) >= resolution:
        start(request, now)


def is_refused(request: HttpRequest, now: datetime) -> bool:
    """Judge one request of somebody signed in: True where it must wait for the password. Notes a hand's doing."""
    if request.path_info in DOORS:
        return False
    if is_locked(request, now):
        return acts(request)
    if ACTIVE_AT not in request.session or is_by_hand(request):
        touch(request, now)
    return False


def acts(request: HttpRequest) -> bool:
    """True if this acts in the person's name, or opens a page that is there to act."""
    return request.method not in SAFE or request.path_info.startswith(TO_ACT)


def is_by_hand(request: HttpRequest) -> bool:
    """A browser asks for text/html where somebody opens a page; polls, pictures and scripts' reading do not."""
    if request.path_info.startswith(BY_SCRIPT):
        return False
    if request.method not in SAFE:
        return True
    return "text/html" in request.headers.get("Accept", "") and "HX-Request" not in request.headers
