"""What was in force on a line stays in its history: no later change moves a break, a baseline or a report's model."""

from datetime import UTC, datetime, timedelta
from importlib import import_module

import pytest
from django.apps import apps

from inspections import changes, charting
from inspections.models import ChangeKind, Line, ModelVersion, VersionChange
from inspections.turns import held, in_force_since
from tests import cast
from tests.cast import a_line
from tests.charts import confirmed, slots, usual
from tests.judged import a_version

pytestmark = pytest.mark.django_db
START = datetime(2026, 11, 16, tzinfo=UTC)
HOUR = timedelta(hours=1)
NIGHT, EVENING, NEXT = START + HOUR, START + 20 * HOUR, START + 30 * HOUR
END = START + 40 * HOUR


@pytest.fixture
def line(db: None) -> Line:
    return a_line()


@pytest.fixture
def other(db: None) -> Line:
    return a_line("loom-2")


@pytest.fixture
def v1(db: None) -> ModelVersion:
    version = a_version("2026.11.1", is_default=False)
    changes.install(version, None, START - 24 * HOUR)
    return version


@pytest.fixture
def v2(v1: ModelVersion) -> ModelVersion:
    return a_version("2026.11.2", is_default=False, state="candidate")


def hours(line: Line, until: datetime = END) -> list[int]:
    """The breaks, in hours from the start."""
    return [round((one.at - START) / HOUR) for one in charting.breaks(line, START, until)]


def names(line: Line, since: datetime, until: datetime) -> list[str]:
    """The report's models, as `held` gives them to it."""
    return [ModelVersion.objects.get(pk=key).name for key in held([line.pk], since, until)[line.pk]]


def test_a_trial_that_became_the_mills_broke_its_line_once_and_when_it_began(
    line: Line, other: Line, v2: ModelVersion
) -> None:
    changes.install(v2, None, NIGHT, line)
    before = hours(line, EVENING)
    changes.install(v2, None, EVENING)
    assert Line.objects.get(pk=line.pk).version is None
    assert (hours(line), before, hours(other)) == ([1], [1], [20])
    assert names(line, START + 2 * HOUR, EVENING) == ["2026.11.2"]
    assert names(line, START, START + 2 * HOUR) == ["2026.11.1", "2026.11.2"]
    assert names(line, START, NIGHT) == ["2026.11.1"]
    assert names(other, START, EVENING) == ["2026.11.1"]


def test_a_trial_outlives_a_promotion_of_another_version(line: Line, other: Line, v2: ModelVersion) -> None:
    v3 = a_version("2026.11.3", is_default=False, state="candidate")
    changes.install(v2, None, NIGHT, line)
    changes.install(v3, None, EVENING)
    assert (hours(line), hours(other)) == ([1], [20])
    assert names(line, START, END) == ["2026.11.1", "2026.11.2"]
    changes.install(v3, None, NEXT, line)
    assert Line.objects.get(pk=line.pk).version is None
    assert (hours(line), hours(other)) == ([1, 30], [20])
    together = charting.breaks_of([line.pk, other.pk], START, END)
    assert together == {one.pk: charting.breaks(one, START, END) for one in (line, other)}
    assert names(line, EVENING, END) == ["2026.11.2", "2026.11.3"]


def test_a_rollback_of_the_mill_breaks_the_line_that_the_promotion_freed(
    line: Line, other: Line, v1: ModelVersion, v2: ModelVersion
) -> None:
    changes.install(v2, None, NIGHT, line)
    changes.install(v2, None, EVENING)
    asked = changes.roll_back(None, NEXT, "it is worse")
    assert isinstance(asked, VersionChange)
    done = changes.settle(asked, "", NEXT)
    assert (done.kind, done.version, done.freed) == (ChangeKind.ROLLBACK, v1, [])
    assert (hours(line), hours(other)) == ([1, 30], [20, 30])
    assert names(line, START, END) == ["2026.11.1", "2026.11.2"]
    assert names(line, NEXT + HOUR, END) == ["2026.11.1"]


def test_a_rollback_of_the_mill_to_what_a_line_had_of_its_own_changes_nothing_there(
    line: Line, v1: ModelVersion, v2: ModelVersion
) -> None:
    changes.install(v2, None, NIGHT)
    changes.install(v1, None, START + 2 * HOUR, line)
    asked = changes.roll_back(None, EVENING, "it is worse")
    assert isinstance(asked, VersionChange)
    assert changes.settle(asked, "", EVENING).freed == [line.pk]
    assert hours(line) == [1, 2]
    assert names(line, EVENING, END) == ["2026.11.1"]


def test_what_judges_a_line_judges_it_since_it_took_over_there_and_not_since_the_mill_followed(
    line: Line, other: Line, v2: ModelVersion
) -> None:
    """The line's trial began at night; in the evening it became the mill's, and the line's own version was freed."""
    assert in_force_since(line) == START - 24 * HOUR
    changes.install(v2, None, NIGHT, line)
    changes.install(v2, None, EVENING)
    assert (in_force_since(line), in_force_since(other)) == (NIGHT, EVENING)
    changes.install(a_version("2026.11.3", is_default=False), None, NEXT)
    assert (in_force_since(line), in_force_since(other)) == (NEXT, NEXT)


def test_a_trial_is_in_force_since_it_began_whatever_the_mill_does_meanwhile(line: Line, v2: ModelVersion) -> None:
    changes.install(v2, None, NIGHT, line)
    for number, at in ((3, EVENING), (4, NEXT)):
        changes.install(a_version(f"2026.11.{number}", is_default=False), None, at)
    assert in_force_since(line) == NIGHT


def test_a_version_that_came_back_is_in_force_since_it_came_back(
    line: Line, v1: ModelVersion, v2: ModelVersion
) -> None:
    for version, at in ((v2, NIGHT), (v1, EVENING)):
        changes.install(version, None, at)
    assert in_force_since(line) == EVENING
    changes.install(v2, None, NEXT, line)
    changes.install(v1, None, NEXT + HOUR, line)
    assert in_force_since(line) == NEXT + HOUR


def test_of_a_line_that_nothing_was_changed_on_the_history_tells_nothing(line: Line) -> None:
    assert in_force_since(line) is None
    a_version()
    assert in_force_since(line) is None


def test_a_baseline_of_the_version_before_does_not_stand_over_the_trial(line: Line, v2: ModelVersion) -> None:
    chart, mara = charting.chart_of(line), cast.mara()
    end = slots(line, START - 10 * HOUR, usual(60))
    confirmed(chart, START - 10 * HOUR, end, mara, end)
    assert charting.standing(chart, START + HOUR / 2)
    changes.install(v2, None, NIGHT, line)
    assert charting.standing(chart, START + 2 * HOUR) is None
    changes.install(v2, None, EVENING)
    assert charting.standing(chart, START + 2 * HOUR) is None
    later = slots(line, NIGHT, usual(60))
    stands = confirmed(chart, NIGHT, later, mara, later)
    assert charting.standing(chart, END) == stands


def test_histories_of_before_are_told_which_lines_a_promotion_freed(
    line: Line, other: Line, v1: ModelVersion, v2: ModelVersion
) -> None:
    changes.install(v2, None, NIGHT, line)
    changes.install(v2, None, EVENING)
    changes.install(v1, None, NEXT, other)
    changes.install(v1, None, NEXT + HOUR)
    kept = list(VersionChange.objects.order_by("id").values_list("freed", flat=True))
    VersionChange.objects.update(freed=[])
    import_module("inspections.migrations.0020_first_anomalies").remember(apps, None)
    assert list(VersionChange.objects.order_by("id").values_list("freed", flat=True)) == kept
    assert kept == [[], [], [line.pk], [], [other.pk]]
