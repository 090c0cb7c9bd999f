"""Times of PostgreSQL, as every connection reads them."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from inspections import pg_times

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def on_postgresql(db: None) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite's times are text")


@pytest.mark.parametrize("fraction", [0, 1, 120000, 999999])
def test_a_moment_comes_back_as_it_was(fraction: int) -> None:
    moment = datetime(2026, 3, 29, 1, 59, 59, fraction, tzinfo=UTC)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT %s::timestamptz, %s::timestamptz, NULL::timestamptz", [moment, moment + timedelta(days=99)]
        )
        found = cursor.fetchone()
    assert found == (moment, moment + timedelta(days=99), None)
    assert found[0].tzinfo is UTC


def test_django_leaves_them_to_our_reader_on_every_connection() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        assert cursor.cursor.adapters.get_loader(1184, 0) is pg_times._loader()
