"""Lines and their rates by the API: by hour, day and shift, right also where a clock changes or is half an hour off."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from inspections import alarms, tally
from inspections.models import Alarm, Camera, Shift
from inspections.tally import Counted
from tests import cast
from tests.cast import a_camera, a_line, signed_in
from tests.judged import failed, judged

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, 14, 20, tzinfo=UTC)
RATES = "/api/v1/lines/loom-1/rates/"
KOLKATA = ZoneInfo("Asia/Kolkata")


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def mara() -> Client:
    return signed_in(cast.mara())


def rates(client: Client, **asked: Any) -> dict[str, Any]:
    answer = client.get(RATES, {name: _written(value) for name, value in asked.items()})
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def _written(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def counted(camera: Camera, at: datetime, code: str = "good", times: int = 1, flagged: bool = False) -> None:
    one = Counted(
        line_id=camera.line_id, at=at.astimezone(UTC), camera_id=camera.pk, defect_class=code, flagged=flagged
    )
    tally.add([one] * times)


# --- lines --------------------------------------------------------------------------------------------------------


def test_everybody_sees_their_own_lines(camera: Camera) -> None:
    a_line("loom-2")

    def slugs(person: Any) -> list[str]:
        return [line["slug"] for line in signed_in(person).get("/api/v1/lines/").json()["results"]]

    assert slugs(cast.olga()) == ["loom-1"]
    assert slugs(cast.otto()) == ["loom-2"]
    assert slugs(cast.mara()) == ["loom-1", "loom-2"]


def test_a_line_tells_how_its_cameras_do(camera: Camera, mara: Client) -> None:
    Camera.objects.update(seen_at=NOW - timedelta(minutes=5), spooled=12, dropped=3, clock_off_s=-2.0, client="c/1")
    (line,) = mara.get("/api/v1/lines/").json()["results"]
    (told,) = line["cameras"]
    assert (told["slug"], told["silent"], told["spooled"], told["dropped"]) == ("left", True, 12, 3)
    assert (told["seen_at"], told["heartbeat_at"]) == ("2026-11-22T14:15:00Z", None)
    assert line["rates"] == f"http://testserver{RATES}"


def test_the_list_calls_silent_what_the_alarms_and_the_overview_call_silent(camera: Camera, mara: Client) -> None:
    """Not what is switched off, not who uploads by hand; but a camera that never came up."""
    for slug in ("off", "never", "new", "manual"):
        a_camera(slug=slug, enabled=slug != "off")
    Camera.objects.exclude(slug="new").update(created_at=NOW - timedelta(seconds=61))
    Camera.objects.filter(slug="new").update(created_at=NOW - timedelta(seconds=59))
    Camera.objects.filter(slug__in=("left", "off")).update(seen_at=NOW - timedelta(seconds=61))
    (line,) = mara.get("/api/v1/lines/").json()["results"]
    assert {one["slug"] for one in line["cameras"] if one["silent"]} == {"left", "never"}
    (row,) = mara.get("/").context["rows"]
    assert {one.slug for one in row.standing.silent} == {"left", "never"}
    alarms.look(NOW)
    assert set(Alarm.objects.filter(rule__kind="silent").values_list("key", flat=True)) == {"left", "never"}


def test_the_list_costs_the_same_however_many_lines(mara: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as found:
            assert mara.get("/api/v1/lines/").status_code == 200
        return len(found)

    a_camera("loom-1")
    few = queries()
    for number in range(2, 8):
        a_camera(f"loom-{number}")
    assert queries() == few


# --- what is counted ----------------------------------------------------------------------------------------------


def test_a_bucket_says_judged_flagged_defects_rate_and_classes(camera: Camera, mara: Client) -> None:
    for code, score in (("hole", 0.9), ("hole", 0.9), ("good", 0.5), ("good", 0.01)):
        judged(camera, code, score, at=NOW - timedelta(minutes=5))
    failed(camera, at=NOW - timedelta(minutes=5))
    bucket = rates(mara)["buckets"][-1]
    assert (bucket["from"], bucket["to"]) == ("2026-11-22T14:00:00Z", "2026-11-22T15:00:00Z")
    told = {name: bucket[name] for name in ("judged", "flagged", "anomalies", "defects", "failed", "rate")}
    assert told == {"judged": 4, "flagged": 3, "anomalies": 3, "defects": 2, "failed": 1, "rate": 0.75}
    assert bucket["by_class"] == {
        "good": {"judged": 2, "flagged": 1, "anomalies": 1, "defects": 0},
        "hole": {"judged": 2, "flagged": 2, "anomalies": 2, "defects": 2},
    }


def test_where_nothing_was_judged_there_is_no_rate(camera: Camera, mara: Client) -> None:
    found = rates(mara)
    assert len(found["buckets"]) == 25
    assert {bucket["rate"] for bucket in found["buckets"]} == {None}
    assert (found["total"]["judged"], found["total"]["rate"]) == (0, None)


def test_the_total_is_the_sum(camera: Camera, mara: Client) -> None:
    for back in range(3):
        counted(camera, NOW - timedelta(hours=back), "hole", 2, flagged=True)
        counted(camera, NOW - timedelta(hours=back), "good", 6)
    total = rates(mara)["total"]
    assert (total["judged"], total["anomalies"], total["rate"]) == (24, 6, 0.25)
    assert total["by_class"]["hole"]["judged"] == 6


def test_other_lines_are_not_counted(camera: Camera, mara: Client) -> None:
    counted(a_camera("loom-2"), NOW)
    assert rates(mara)["total"]["judged"] == 0


# --- days ---------------------------------------------------------------------------------------------------------


def test_days_are_the_mills_days_also_where_the_clock_is_half_an_hour_off(camera: Camera, mara: Client) -> None:
    midnight = datetime(2026, 11, 20, 18, 30, tzinfo=UTC)  # of the 21st in Kolkata
    counted(camera, midnight - timedelta(seconds=1), times=1)
    counted(camera, midnight, times=10)
    counted(camera, midnight + timedelta(minutes=29), times=100)
    counted(camera, midnight + timedelta(hours=12), times=1000)
    with timezone.override(KOLKATA):
        found = rates(mara, bucket="day")
    assert found["zone"] == "Asia/Kolkata"
    days = {bucket["day"]: bucket["judged"] for bucket in found["buckets"] if bucket["judged"]}
    assert days == {"2026-11-20": 1, "2026-11-21": 1110}


def test_the_days_of_a_change_of_clocks_have_23_and_25_hours(camera: Camera, mara: Client) -> None:
    with timezone.override("Europe/Berlin"):
        since = datetime(2026, 10, 24, tzinfo=UTC)
        found = rates(mara, bucket="day", **{"from": since, "to": since + timedelta(days=3)})
    lengths = {
        bucket["day"]: datetime.fromisoformat(bucket["to"]) - datetime.fromisoformat(bucket["from"])
        for bucket in found["buckets"]
    }
    assert lengths["2026-10-25"] == timedelta(hours=25)
    assert lengths["2026-10-24"] == lengths["2026-10-26"] == timedelta(hours=24)


def test_every_capture_is_in_one_bucket(camera: Camera, mara: Client) -> None:
    for step in range(0, 3 * 24 * 60, 35):
        counted(camera, NOW - timedelta(minutes=step))
    with timezone.override(KOLKATA):
        assert rates(mara, bucket="day")["total"]["judged"] == len(range(0, 3 * 24 * 60, 35))


# --- shifts -------------------------------------------------------------------------------------------------------


def a_shift(name: str, first: int, last: int, zone: str = "Europe/Berlin") -> Shift:
    return Shift.objects.create(
        name=name, starts=time(first), ends=time(last), days=[1, 2, 3, 4, 5, 6, 7], zone=zone
    )  # fmt: skip


def test_shifts_are_counted_each_by_its_own_hours(camera: Camera, mara: Client) -> None:
    a_shift("Early", 6, 14, "Asia/Kolkata")  # 00:30 to 08:30 in UTC
    counted(camera, datetime(2026, 11, 22, 0, 29, tzinfo=UTC), times=1)
    counted(camera, datetime(2026, 11, 22, 0, 30, tzinfo=UTC), times=10)
    counted(camera, datetime(2026, 11, 22, 8, 29, tzinfo=UTC), times=100)
    counted(camera, datetime(2026, 11, 22, 8, 30, tzinfo=UTC), times=1000)
    found = rates(mara, bucket="shift")
    (bucket,) = (bucket for bucket in found["buckets"] if bucket["judged"])
    assert (bucket["shift"], bucket["day"], bucket["judged"]) == ("Early", "2026-11-22", 110)


def test_the_night_of_the_change_counts_nine_hours(camera: Camera, mara: Client) -> None:
    a_shift("Night", 22, 6)
    start = datetime(2026, 10, 24, 20, tzinfo=UTC)
    for hour in range(-1, 11):
        counted(camera, start + timedelta(hours=hour))
    found = rates(mara, bucket="shift", **{"from": start, "to": start + timedelta(hours=9)})
    assert [(one["day"], one["judged"]) for one in found["buckets"]] == [("2026-10-24", 9)]


def test_a_mill_without_shifts_has_no_bucket(camera: Camera, mara: Client) -> None:
    found = rates(mara, bucket="shift")
    assert (found["buckets"], found["total"]["judged"]) == ([], 0)


# --- what cannot be asked -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"bucket": "minute"}, "bucket"),
        ({"from": "yesterday"}, "from"),
        ({"to": "2026-11-22T14:00"}, "to"),
        ({"from": "2026-11-22T14:00:00Z", "to": "2026-11-22T14:00:00Z"}, "to"),
        ({"from": "2026-11-23T14:00:00Z"}, "to"),
        ({"from": "1976-11-22T14:00:00Z"}, "from"),
        ({"to": "0002-01-01T00:00:00Z"}, "to"),
        ({"to": "9998-12-31T23:59:59Z"}, "to"),
        ({"from": "2026-10-01T00:00:00Z"}, "from"),
        ({"from": "2026-08-01T00:00:00Z", "bucket": "shift"}, "from"),
        ({"from": "2025-11-01T00:00:00Z", "bucket": "day"}, "from"),
    ],
)
def test_an_impossible_period_is_refused_by_its_field(
    camera: Camera, mara: Client, asked: dict[str, str], field: str
) -> None:
    answer = mara.get(RATES, asked)
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert field in {error["field"] for error in answer.json()["errors"]}


def test_a_line_that_is_not_yours_is_not_found(camera: Camera) -> None:
    a_line("loom-2")
    assert signed_in(cast.otto()).get(RATES).status_code == 404
    assert signed_in(cast.mara()).get("/api/v1/lines/nonsense/rates/").status_code == 404
    assert cast.with_key(camera).get(RATES).status_code == 403


@pytest.mark.parametrize(("bucket", "days"), [("hour", 30), ("day", 360), ("shift", 90)])
def test_the_cost_is_the_same_whatever_the_history(camera: Camera, mara: Client, bucket: str, days: int) -> None:
    a_shift("Early", 6, 14, "Asia/Kolkata")

    def queries(back: int) -> int:
        with timezone.override(KOLKATA), CaptureQueriesContext(connection) as found:
            rates(mara, bucket=bucket, **{"from": NOW - timedelta(days=back)})
        return len(found)

    few = queries(1)
    for back in range(0, days, 5):
        counted(camera, NOW - timedelta(days=back))
    assert queries(days) == few


def test_a_day_begins_at_midnight_of_the_mill(camera: Camera, mara: Client) -> None:
    found = rates(mara, bucket="day")
    assert len(found["buckets"]) == 29
    assert found["buckets"][-1]["day"] == str(date(2026, 11, 22))
    assert found["buckets"][-1]["from"] == "2026-11-22T00:00:00Z"
