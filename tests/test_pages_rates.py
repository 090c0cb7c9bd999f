"""Reading the rollups."""

from datetime import UTC, datetime, timedelta

import pytest

from inspections.models import HourlyCount
from inspections.rates import NOTHING, Tally, days, is_above
from tests.cast import a_line

NOW = datetime(2026, 11, 22, 14, 20, tzinfo=UTC)
HOUR = NOW.replace(minute=0)


def count(slug: str, hours_ago: int, code: str, judged: int, anomalies: int = 0, failed: int = 0) -> None:
    HourlyCount.objects.create(
        line=a_line(slug),
        hour=HOUR - timedelta(hours=hours_ago),
        defect_class=code,
        judged=judged,
        flagged=anomalies,
        anomalies=anomalies,
        failed=failed,
    )


def test_failed_captures_are_outside_both_sides_of_the_rate() -> None:
    assert Tally(judged=10, anomalies=2, failed=90).rate == 0.2


def test_without_anything_judged_there_is_no_rate() -> None:
    assert NOTHING.rate is None
    assert NOTHING.percent is None


@pytest.mark.django_db
def test_now_is_the_running_hour_and_the_full_one_before_it() -> None:
    count("loom-1", 0, "good", 10)
    count("loom-1", 1, "hole", 10, anomalies=5)
    count("loom-1", 2, "hole", 80, anomalies=80)
    day = days([a_line().pk], NOW)[a_line().pk]
    assert (day.now.judged, day.now.rate) == (20, 0.25)
    assert day.now_since == HOUR - timedelta(hours=1)


@pytest.mark.django_db
def test_a_day_is_twenty_four_hours_and_hours_without_captures_are_there_too() -> None:
    count("loom-1", 23, "good", 1)
    count("loom-1", 24, "good", 1000)
    day = days([a_line().pk], NOW)[a_line().pk]
    assert len(day.hours) == 24
    assert day.total.judged == 1


@pytest.mark.django_db
def test_the_leading_class_is_never_good_and_never_the_failed_ones() -> None:
    count("loom-1", 1, "good", 500, anomalies=50)
    count("loom-1", 1, "thread", 9, anomalies=9)
    count("loom-1", 1, "", 0, failed=100)
    day = days([a_line().pk], NOW)[a_line().pk]
    assert day.leading is not None
    assert day.leading.code == "thread"
    assert day.total.failed == 100


@pytest.mark.django_db
def test_lines_do_not_mix() -> None:
    count("loom-1", 0, "good", 3)
    count("loom-2", 0, "good", 5)
    found = days([a_line("loom-1").pk, a_line("loom-2").pk], NOW)
    assert [day.total.judged for day in found.values()] == [3, 5]


@pytest.mark.parametrize(
    ("now", "before", "expected"),
    [
        (Tally(judged=400, anomalies=40), Tally(judged=8000, anomalies=320), True),
        (Tally(judged=400, anomalies=18), Tally(judged=8000, anomalies=320), False),  # chance
        (Tally(judged=40000, anomalies=1700), Tally(judged=80000, anomalies=3200), False),  # real, and not notable
        (Tally(judged=400, anomalies=40), Tally(judged=100, anomalies=1), False),  # no habit yet
        (Tally(judged=400, anomalies=2), Tally(judged=8000), False),  # two in a row are no trend
        (Tally(judged=400, anomalies=3), Tally(judged=8000), True),
        (NOTHING, Tally(judged=8000, anomalies=320), False),
    ],
)
def test_above_usual_is_more_than_chance_and_worth_saying(now: Tally, before: Tally, expected: bool) -> None:
    assert is_above(now, before) is expected
