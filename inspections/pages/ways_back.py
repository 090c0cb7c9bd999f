"""Where somebody is led whose form was not taken, or who opens an address that is only there to be sent to."""

from urllib.parse import urlsplit

from django.contrib import messages
from django.contrib.messages.storage.base import BaseStorage, Message
from django.http import HttpRequest
from django.urls import Resolver404, resolve
from django.utils.http import url_has_allowed_host_and_scheme

from inspections import locking


def own_path(address: str, request: HttpRequest) -> str:
    """The path of an address of ours; `/` for any other, and for the door itself."""
    if not url_has_allowed_host_and_scheme(address, {request.get_host()}, require_https=request.is_secure()):
        return "/"
    parts = urlsplit(address)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    if not path.startswith("/") or parts.path in locking.DOORS:
        return "/"
    return path if url_has_allowed_host_and_scheme(path, allowed_hosts=None) else "/"  # a path `//host` is none


def sent_from(request: HttpRequest) -> str:
    """The page whose form this is; `/` where the browser does not tell it, or tells of one that is not ours."""
    return page_of(own_path(request.headers.get("Referer", ""), request))


def page_of(address: str) -> str:
    """This address; where it is only there to be sent to, the nearest page above it."""
    path = address.partition("?")[0]
    if _is_page(path):
        return address
    while not _is_page(path):
        path = path.rstrip("/").rpartition("/")[0] + "/"
    return path


def told_at_the_door(request: HttpRequest) -> list[Message]:
    """What is to be told, which stays for the page that follows."""
    waiting = messages.get_messages(request)
    told = list(waiting)
    if isinstance(waiting, BaseStorage):
        waiting.used = False
    return told


def _is_page(path: str) -> bool:
    """Whether it can be opened; one that does not exist leads nowhere."""
    try:
        return not getattr(resolve(path).func, "only_sent_to", False)
    except Resolver404:
        return False
