"""A table as a CSV file that spreadsheets and programs both read: RFC 4180, UTF-8 with its mark, a decimal point, times
as ISO 8601 with their offset. Written row by row while it is sent: memory does not grow with it."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import Model, Q, QuerySet
from django.http import StreamingHttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

MOST_ROWS = 250_000
CHUNK = 1000  # rows of one query
MARK = "\ufeff"  # without it a spreadsheet takes UTF-8 for something else
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # as a spreadsheet reads them
LINES = 200  # of the file, sent together

Value = str | int | float | bool | datetime | UUID | None


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text


def csv_file(name: str, head: Sequence[str], rows: Iterable[Sequence[Value]]) -> StreamingHttpResponse:
    """The answer that a browser saves as `name`.csv."""
    response = StreamingHttpResponse(_written(head, rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _written(head: Sequence[str], rows: Iterable[Sequence[Value]]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield MARK + writer.writerow([cell(name) for name in head])
    some: list[str] = []
    for row in rows:
        some.append(writer.writerow([cell(value) for value in row]))
        if len(some) == LINES:
            yield "".join(some)
            some = []
    yield "".join(some)


def cell(value: Value) -> str:
    """As it stands in the file; text that a spreadsheet would take for a formula is kept from being one."""
    match value:
        case None:
            return ""
        case bool():
            return _("yes") if value else _("no")
        case datetime():
            return timezone.localtime(value).isoformat(timespec="milliseconds")
        case float():
            return f"{value:.10g}"
        case int() | UUID():
            return str(value)
    return f"'{value}" if value.startswith(FORMULA) else value


def highest_first(rows: QuerySet[Model], field: str, columns: Sequence[str]) -> Iterator[tuple[Value, ...]]:
    """`field`, a moment or a number, id and these columns of every row, a seek in an index for each CHUNK: no query is
    open while the file is sent, and a slow reader holds nothing up."""
    found = rows.order_by(f"-{field}", "-id").values_list(field, "id", *columns)
    after = Q()
    while True:
        some = list(found.filter(after)[:CHUNK])
        yield from some
        if len(some) < CHUNK:
            return
        last, key = some[-1][:2]
        # The first half alone already bounds the index; the second settles ties.
        after = Q(**{f"{field}__lte": last}) & (Q(**{f"{field}__lt": last}) | Q(id__lt=key))
