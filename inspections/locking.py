"""The idle lock of shared terminals: how long no hand was on it, and what then waits for the password.

The session keeps when a hand last did something, and the server alone judges. A locked session still reads: a wall
display must not go dark. Whatever acts in a person's name is refused until the password is given.
"""

from datetime import datetime
from http import HTTPStatus

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
    """Judge one request of somebody signed in: True where it must wait for the password."""
    if request.path_info in DOORS:
        return False
    if is_locked(request, now):
        return acts(request)
    if ACTIVE_AT not in request.session:
        touch(request, now)  # a session of before the lock starts to count
    return False


def note_hand(request: HttpRequest, now: datetime) -> None:
    """After the answer to what a hand did."""
    if not is_locked(request, now):
        touch(request, now)


def acts(request: HttpRequest) -> bool:
    """True if this acts in the person's name, or opens a page that is there to act."""
    return request.method not in SAFE or request.path_info.startswith(TO_ACT)


def is_by_hand(request: HttpRequest, status: int) -> bool:
    """A page that somebody opens or a form that they send counts whatever the answer; a script's writing counts where
    it was taken: what is refused and sent again and again does not. Polls, pictures and scripts' reading never do."""
    if request.path_info in DOORS or request.path_info.startswith(BY_SCRIPT) or "HX-Request" in request.headers:
        return False
    is_page = "text/html" in request.headers.get("Accept", "") and not request.path_info.startswith("/api/")
    return is_page or (request.method not in SAFE and status < HTTPStatus.BAD_REQUEST)
