"""What waits for people, by line: how much, and since when. Counted no further than a page can use."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import IntegerField, OuterRef, Subquery, Value
from django.db.models.sql.compiler import SQLCompiler

from inspections.models import Kind, Line, ReviewItem

MOST_COUNTED = 1000


@dataclass(frozen=True)
class Backlog:
    """Flagged captures that nobody has answered. `oldest`: when the first of them came into the queue."""

    count: int = 0
    oldest: datetime | None = None

    @property
    def is_more(self) -> bool:
        """There are more than `count`; how many is not worth a scan."""
        return self.count > MOST_COUNTED


class _Counted(Subquery):
    """How many rows a bounded query gives."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS bounded)"
    output_field = IntegerField()


class _Written(Value):
    """A word of ours in the SQL itself. SQLite leaves a partial index's own condition out only where it can read it:
    a bound value it would look up in each row."""

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, tuple[str | int, ...]]:
        return f"'{self.value}'", ()


def backlogs(line_ids: Collection[int]) -> dict[int, Backlog]:
    """One query, however many lines, and however long their queues. Hidden items are not told of."""
    waiting = ReviewItem.objects.open().filter(line=OuterRef("pk"), kind=_Written(Kind.FLAGGED.value))
    rows = Line.objects.filter(pk__in=line_ids).annotate(
        # In the order of the index that holds these alone, so that it is not read beyond them.
        waiting=_Counted(waiting.order_by("-rank").values("pk")[: MOST_COUNTED + 1]),
        oldest=Subquery(waiting.order_by("id").values("created_at")[:1]),
    )
    return {key: Backlog(count, oldest) for key, count, oldest in rows.values_list("pk", "waiting", "oldest")}
