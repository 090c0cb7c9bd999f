"""Many rows at once, as each database takes them fastest: COPY on PostgreSQL, one prepared INSERT on SQLite."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.db.models import Model


def write(model: type[Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Rows of a table, by the names of its columns; ids and times are text that the database reads."""
    table, names = model._meta.db_table, ", ".join(columns)
    connection.ensure_connection()
    raw: Any = connection.connection
    if connection.vendor == "postgresql":
        with raw.cursor() as cursor, cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        return
    places = ", ".join("?" * len(columns))
    raw.executemany(f"INSERT INTO {table} ({names}) VALUES ({places})", rows)  # noqa: S608  ours


@contextmanager
def unchecked() -> Iterator[None]:
    """Without foreign keys and without syncing: a scratch database that is thrown away, and rows that fit."""
    before, after = ("SET session_replication_role = replica",), ("SET session_replication_role = DEFAULT",)
    if connection.vendor == "sqlite":
        quick = ("PRAGMA foreign_keys=OFF", "PRAGMA synchronous=OFF", "PRAGMA cache_size=-1000000")
        usual = ("PRAGMA foreign_keys=ON", "PRAGMA synchronous=NORMAL", "PRAGMA cache_size=-16000")
        before, after = quick, usual  # type: ignore[assignment]
    _all(before)
    try:
        yield
    finally:
        _all(after)


def settle() -> None:
    """What PostgreSQL's own vacuum would have done by then. SQLite is left as it runs for users."""
    if connection.vendor == "postgresql":
        _all(("VACUUM ANALYZE",))
    else:
        _all(("PRAGMA wal_checkpoint(TRUNCATE)",))


def _all(statements: Iterable[str]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
