"""Which version judged a line, and since when: read backwards from what is in force now.

Each change knows what was in force in its scope before it, and a change of the mill also which lines gave up their own
version for it: so what was in force at a moment stays what it was, whatever is changed later.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from inspections.models import ChangeState, Line, ModelVersion, VersionChange


@dataclass(frozen=True)
class Turn:
    """From `at` on another version judged the line. The versions are keys, None where none was in force."""

    at: datetime
    before: int | None
    after: int | None
    change: VersionChange


def turns(line_ids: Collection[int], since: datetime, until: datetime) -> dict[int, list[Turn]]:
    """Of each line, from `since` until before `until`, newest first. The number of queries does not grow with them."""
    now = _in_force(line_ids)
    changes = _changes(line_ids, since).select_related("version").defer("version__spec")
    return {
        line_id: [one for one in _turns(line_id, own, mills, changes) if one.at < until] for line_id, own, mills in now
    }


def held(line_ids: Collection[int], since: datetime, until: datetime) -> dict[int, list[int]]:
    """The versions that were in force on each line at any moment from `since` until before `until`, earliest first."""
    now = _in_force(line_ids)
    changes = _changes(line_ids, since)
    found = {}
    for line_id, own, mills in now:
        every = list(_turns(line_id, own, mills, changes))
        at_first = every[-1].before if every else own or mills
        later = [one.after for one in reversed(every) if one.at < until]
        found[line_id] = list(dict.fromkeys(key for key in (at_first, *later) if key is not None))
    return found


def newest(line_ids: Collection[int]) -> dict[int, Turn]:
    """By which what judges each line now took over; a line of which the history tells none is left out. Reads every
    change, which are acts of people: some hundreds in years."""
    now = _in_force(line_ids)
    changes = _changes(line_ids).select_related("version", "previous", "line")
    changes = changes.defer("version__spec", "previous__spec")
    found = ((line_id, next(_turns(line_id, own, mills, changes), None)) for line_id, own, mills in now)
    return {line_id: one for line_id, one in found if one}


def in_force_since(line: Line) -> datetime | None:
    """Since when what judges this line now has judged it without a break; None where the history does not tell."""
    found = newest([line.pk]).get(line.pk)
    return found.at if found else None


def _changes(line_ids: Collection[int], since: datetime | None = None) -> QuerySet[VersionChange]:
    """Newest first."""
    rows = VersionChange.objects.filter(Q(line=None) | Q(line__in=line_ids), state=ChangeState.ACTIVE)
    rows = rows.filter(decided_at__gte=since) if since else rows
    return rows.order_by("-decided_at", "-id")


def _in_force(line_ids: Collection[int]) -> list[tuple[int, int | None, int | None]]:
    """Line, its own version, the mill's. Read before the changes: of one that is made between the two, the walk
    backwards finds nothing that it would change; the other way round it would be ascribed to the change before."""
    mills = ModelVersion.objects.filter(is_default=True).values_list("pk", flat=True).first()
    lines = Line.objects.filter(pk__in=line_ids).values_list("pk", "version_id")
    return [(line_id, own, mills) for line_id, own in lines]


def _turns(line_id: int, own: int | None, mills: int | None, changes: Iterable[VersionChange]) -> Iterator[Turn]:
    """`own` and `mills` are in force after the newest of the changes."""
    for change in changes:
        after = own or mills
        if change.line_id is None:
            mills = change.previous_id
            own = change.version_id if line_id in change.freed else own
        elif change.line_id == line_id:
            own = change.previous_id
        if (own or mills) != after and change.decided_at:
            yield Turn(change.decided_at, own or mills, after, change)
