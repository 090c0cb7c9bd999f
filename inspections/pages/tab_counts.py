"""The number on the tab of the alarms: how many are open on the reader's lines."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from inspections.models import Alarm, Line, Person
from inspections.models.alarm import OPEN


def alarms(request: HttpRequest) -> dict[str, Any]:
    """For every template; one query, where it is read."""
    return {"open_alarms": SimpleLazyObject(lambda: _count(request))}


def _count(request: HttpRequest) -> int:
    person = request.user
    if not isinstance(person, Person):
        return 0
    return Alarm.objects.filter(line__in=Line.objects.seen_by(person), state__in=OPEN).count()
