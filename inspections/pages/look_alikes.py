"""What looks like a capture: a strip on its page that comes after it, and a page of its own."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.cache import patch_vary_headers

from inspections.look_alikes import Found, like
from inspections.models import Capture, Person, Status
from inspections.pages.access import PersonRequest, capture_of, page
from inspections.review.blind import is_withheld

STRIP, WHOLE = 12, 60
PAGE, PART = "inspections/look_alikes.html", "inspections/_look_alikes.html"


@dataclass(frozen=True)
class Neighbour:
    capture: Capture
    distance: float


@page
def look_alikes(request: PersonRequest, key: UUID) -> HttpResponseBase:
    """The nearest by their embeddings; nothing of it for who is asked about the capture and has not answered."""
    found = capture_of(request.user, key, "line", "camera")
    context: dict[str, Any] = {"capture": found, "is_strip": bool(request.htmx)}
    if is_withheld(request.user, found):
        context["state"] = "withheld"
    elif found.status != Status.JUDGED:
        context["state"] = "failed" if found.status == Status.FAILED else "pending"
    else:
        context |= _told(request.user, found, STRIP if request.htmx else WHOLE)
    response = render(request, PART if request.htmx else PAGE, context)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _told(person: Person, capture: Capture, most: int) -> dict[str, Any]:
    found = like(capture, most, person=person)
    return {"state": "judged", "found": found, "neighbours": neighbours_of(found)}


def neighbours_of(found: Found) -> list[Neighbour]:
    """With what a thumbnail says of them; what is gone meanwhile is left out."""
    rows = Capture.objects.select_related("line", "roll", "defect_class", "label__person")
    by_key = rows.in_bulk([one.capture_id for one in found.rows])
    return [Neighbour(by_key[one.capture_id], one.distance) for one in found.rows if one.capture_id in by_key]
