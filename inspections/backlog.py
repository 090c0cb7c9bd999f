"""What waits for people, by line: how much, and since when. Counted no further than a page can use."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from inspections.models import Kind, Line, ReviewItem
from inspections.spans import as_moment

MOST_COUNTED = 1000

# Both in the order of the index that holds these alone, so that it is not read beyond them. Written out, because every
# page of lines asks it every few seconds and a query of this shape takes longer to make than to answer; and with the
# kind in its text, because SQLite takes a partial index only where it can read the index's own condition.
_WAITING = (
    f"FROM {ReviewItem._meta.db_table} i"
    f" WHERE i.closed_at IS NULL AND i.kind = '{Kind.FLAGGED.value}' AND i.line_id = l.id"
)
_EACH = (
    f"SELECT l.id, (SELECT COUNT(*) FROM (SELECT 1 {_WAITING} ORDER BY i.rank DESC LIMIT {MOST_COUNTED + 1}) bounded),"  # noqa: S608
    f" (SELECT i.created_at {_WAITING} ORDER BY i.id LIMIT 1) FROM {Line._meta.db_table} l WHERE l.id IN"
)


@dataclass(frozen=True)
class Backlog:
    """Flagged captures that nobody has answered. `oldest`: when the first of them came into the queue."""

    count: int = 0
    oldest: datetime | None = None

    @property
    def is_more(self) -> bool:
        """There are more than `count`; how many is not worth a scan."""
        return self.count > MOST_COUNTED


def backlogs(line_ids: Collection[int]) -> dict[int, Backlog]:
    """One query, however many lines, and however long their queues. Hidden items are not told of."""
    if not line_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(f"{_EACH} ({', '.join(['%s'] * len(line_ids))})", list(line_ids))
        rows = cursor.fetchall()
    return {key: Backlog(count, oldest and as_moment(oldest)) for key, count, oldest in rows}
