"""Reading the rollups."""

from datetime import UTC, datetime, timedelta

import pytest

from inspections.last_day import Day, days
from inspections.models import HourlyTotal
from inspections.rates import NOTHING, Tally
from tests.cast import a_line

NOW = datetime(2026, 11, 22, 14, 20, tzinfo=UTC)
HOUR = NOW.replace(minute=0)


def count(slug: str, hours_ago: int, judged: int) -> None:
    HourlyTotal.objects.create(
        line=a_line(slug),
        hour=HOUR - timedelta(hours=hours_ago),
        judged=judged,
    )


def judged_of(day: Day) -> int:
    return sum(hour.tally.judged for hour in day.hours)


def test_failed_captures_are_outside_both_sides_of_the_rate() -> None:
    assert Tally(judged=10, anomalies=2, failed=90).rate == 0.2


def test_without_anything_judged_there_is_no_rate() -> None:
    assert NOTHING.rate is None
    assert NOTHING.percent is None


@pytest.mark.django_db
def test_a_day_is_twenty_four_hours_and_hours_without_captures_are_there_too() -> None:
    count("loom-1", 23, 1)
    count("loom-1", 24, 1000)
    day = days([a_line().pk], NOW)[a_line().pk]
    assert len(day.hours) == 24
    assert judged_of(day) == 1


@pytest.mark.django_db
def test_lines_do_not_mix() -> None:
    count("loom-1", 0, 3)
    count("loom-2", 0, 5)
    found = days([a_line("loom-1").pk, a_line("loom-2").pk], NOW)
    assert [judged_of(day) for day in found.values()] == [3, 5]
