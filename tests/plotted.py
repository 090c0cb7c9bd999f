"""A night on one line, for plots: 1 % of thread, and from 02:40 to 03:00 the second camera sees cuts."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from inspections import tally
from inspections.models import Camera
from tests.cast import a_camera
from tests.judged import many_judged

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NIGHT = datetime(2026, 11, 16, 22, tzinfo=UTC)
PAGE = "/lines/loom-1/?from=2026-11-16T22:00&to=2026-11-17T06:00"


def good(camera: Camera, count: int, moments: Iterable[datetime]) -> None:
    """So many good ones at each moment, counted alone: no page shows their rows."""
    tally.add(tally.Counted(camera.line_id, at, camera.pk, "good") for at in moments for _number in range(count))


def a_night() -> Camera:
    left, right = a_camera(), a_camera(slug="right")
    good(left, 99, [NIGHT + 10 * MINUTE * ten for ten in range(48)])
    many_judged(left, 48, NIGHT + MINUTE, "thread", 0.9, step=10 * MINUTE)
    for ten in (28, 29):
        many_judged(right, 5, NIGHT + 10 * MINUTE * ten + 2 * MINUTE, "cut", 0.9)
    many_judged(left, 50, NIGHT - HOUR, "hole", 0.9)  # of the evening before: no part of it
    return left
