"""The lines that a person watches, with how fresh their data are. Read from the ends of indexes, never by a scan."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias, TypedDict, cast

from django.db.models import OuterRef, QuerySet, Subquery

from inspections.models import Capture, Line, Person, Status

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

LONG_WAIT = timedelta(seconds=60)


class Times(TypedDict):
    newest_at: datetime | None  # of the newest capture
    waiting_since: datetime | None  # when the oldest that still waits arrived
    unjudged_from: datetime | None  # of when the oldest cloth is that still waits: what was kept back arrives late


WatchedLine: TypeAlias = "WithAnnotations[Line, Times]"


def watched_lines(person: Person) -> "QuerySet[WatchedLine]":
    """The lines of this person. All times come from the end of an index, never from a scan of a backlog."""
    captures = Capture.objects.filter(line=OuterRef("pk"))
    newest = captures.order_by("-counted_at", "-id").values("counted_at")[:1]
    # By attempts first, as the index runs: what was never tried is what waits longest when judging stands still.
    waiting = captures.filter(status=Status.PENDING).order_by("attempts", "id").values("received_at")[:1]
    oldest = captures.filter(status=Status.PENDING).order_by("counted_at").values("counted_at")[:1]
    lines = Line.objects.seen_by(person).select_related("version").defer("version__spec")
    found = lines.annotate(newest_at=Subquery(newest), waiting_since=Subquery(waiting), unjudged_from=Subquery(oldest))
    return cast("QuerySet[WatchedLine]", found)


def data_until(line: WatchedLine) -> datetime | None:
    """Everything until then is judged: the time of the newest capture, or of the oldest that waits."""
    if line.unjudged_from and line.newest_at:
        return min(line.unjudged_from, line.newest_at)
    return line.newest_at


def waits_long(line: WatchedLine, now: datetime) -> bool:
    return line.waiting_since is not None and now - line.waiting_since > LONG_WAIT
