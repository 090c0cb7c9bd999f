"""The tab of the alarms: how many are open on the reader's lines, and those that nobody has seen yet."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from inspections.models import Alarm, Line, Person
from inspections.models.alarm import OPEN


def alarms(request: HttpRequest) -> dict[str, Any]:
    """For every template; one query, where it is read."""
    return {"open_alarms": SimpleLazyObject(lambda: _open(request))}


def _open(request: HttpRequest) -> list[Alarm]:
    person = request.user
    if not isinstance(person, Person):
        return []
    found = Alarm.objects.filter(line__in=Line.objects.seen_by(person), state__in=OPEN)
    return list(
        found.select_related("line", "rule").only("state", "line__name", "line__slug", "rule__critical").order_by("id")
    )
