"""The mill's shifts as rows, and when they ran: `spans` does the clocks."""

from datetime import datetime

from inspections import spans
from inspections.models import Shift
from inspections.spans import Hours, Run


def hours_of(row: Shift) -> Hours:
    return Hours(row.pk, row.name, row.starts, row.ends, tuple(row.days), row.zone)


def every_hours() -> list[Hours]:
    """Every shift of the mill; one query."""
    return [hours_of(row) for row in Shift.objects.all()]


def last_ended(now: datetime) -> Run | None:
    """The run that ended last; None where none did in eight days."""
    return next(iter(spans.ended(every_hours(), now)), None)


def running(now: datetime) -> Run | None:
    """The run that is on now; None between shifts, and where the mill has none."""
    return spans.running(every_hours(), now)


def between(since: datetime, until: datetime) -> list[Run]:
    """The runs that share time with this stretch, in their order."""
    return spans.runs(every_hours(), since, until)


def few_between(since: datetime, until: datetime, most: int) -> list[Run]:
    """The same, none where there are more than so many: of months, they are not even reckoned."""
    return spans.few_runs(every_hours(), since, until, most)
