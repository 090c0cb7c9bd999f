"""The lines that a person watches, with how fresh their data are. Read from the ends of indexes, never by a scan."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias, TypedDict, cast

from django.db.models import DateTimeField, QuerySet
from django.db.models.expressions import RawSQL

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
    """The lines of this person. All times come from the end of an index, never from a scan of a backlog. They are
    written out: pages ask every few seconds, and three subqueries take the ORM longer to write than to answer."""
    pending = f" AND c.status = {Status.PENDING:d}"
    lines = Line.objects.seen_by(person).select_related("version").defer("version__spec")
    found = lines.annotate(
        newest_at=_of_one("counted_at", "c.counted_at DESC, c.id DESC"),
        # By attempts first, as the index runs: what was never tried is what waits longest when judging stands still.
        waiting_since=_of_one("received_at", "c.attempts, c.id", pending),
        unjudged_from=_of_one("counted_at", "c.counted_at", pending),
    )
    return cast("QuerySet[WatchedLine]", found)


def _of_one(column: str, order: str, condition: str = "") -> RawSQL:
    """This column of the line's capture that comes first in this order."""
    captures, lines = Capture._meta.db_table, Line._meta.db_table
    sql = f"SELECT c.{column} FROM {captures} c WHERE c.line_id = {lines}.id{condition} ORDER BY {order} LIMIT 1"  # noqa: S608
    return RawSQL(sql, (), output_field=DateTimeField())  # noqa: S611  all of it is ours


def data_until(line: WatchedLine) -> datetime | None:
    """Everything until then is judged: the time of the newest capture, or of the oldest that waits."""
    if line.unjudged_from and line.newest_at:
        return min(line.unjudged_from, line.newest_at)
    return line.newest_at


def waits_long(line: WatchedLine, now: datetime) -> bool:
    return line.waiting_since is not None and now - line.waiting_since > LONG_WAIT
