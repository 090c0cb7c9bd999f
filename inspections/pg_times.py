"""Times out of PostgreSQL, read by Python's own parser: a page reads thousands of them.

Django sets its connections to UTC and reads each time with a regular expression, which takes six times as long.
"""

from datetime import UTC, datetime
from functools import cache
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.dispatch import receiver


@receiver(connection_created)
def read_times_quickly(connection: BaseDatabaseWrapper, **_signal: Any) -> None:
    """Tell a new connection how."""
    if connection.vendor == "postgresql":
        connection.connection.adapters.register_loader("timestamptz", _loader())


@cache  # psycopg keeps every class that it was ever given
def _loader() -> type:
    from psycopg.abc import Buffer
    from psycopg.adapt import Loader

    class Moment(Loader):
        """From the text that PostgreSQL sends. ValueError for what no datetime can be: nothing here writes that."""

        timezone = UTC  # Django asks for it, and reads by its own loader where the connection has another

        def load(self, data: Buffer) -> datetime:
            return datetime.fromisoformat(str(data, "ascii"))

    return Moment
