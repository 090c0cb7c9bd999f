"""Shifts as data: wall clocks to moments, across midnights and changes of clocks, and which run is which."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspections import shifts, spans
from inspections.models import Shift
from inspections.models.rollup import SLOT
from inspections.spans import DAY, Hours, Run, Span, first_overlap, mark_after, mark_before, moment_of, run_of

EVERY_DAY = (1, 2, 3, 4, 5, 6, 7)
BERLIN, SAO_PAULO = ZoneInfo("Europe/Berlin"), ZoneInfo("America/Sao_Paulo")
KOLKATA, DHAKA = ZoneInfo("Asia/Kolkata"), ZoneInfo("Asia/Dhaka")
HOUR = timedelta(hours=1)


def hours(
    starts: int, ends: int, zone: str = "Europe/Berlin", days: tuple[int, ...] = EVERY_DAY, number: int = 1
) -> Hours:
    return Hours(number, f"{starts:02} to {ends:02}", time(starts % 24), time(ends % 24), days, zone)


def ran(shift: Hours, day: date) -> Run:
    found = run_of(shift, day)
    assert found is not None
    return found


def length(shift: Hours, day: date) -> timedelta:
    return ran(shift, day).until - ran(shift, day).since


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


# --- clocks -------------------------------------------------------------------------------------------------------


def test_a_time_that_is_skipped_stands_for_the_moment_of_the_jump() -> None:
    for minute in (0, 15, 59):
        assert moment_of(datetime(2026, 3, 29, 2, minute), BERLIN) == utc(2026, 3, 29, 1)
    assert moment_of(datetime(2026, 3, 29, 3), BERLIN) == utc(2026, 3, 29, 1)


def test_a_time_that_comes_twice_stands_for_its_first_coming() -> None:
    assert moment_of(datetime(2026, 10, 25, 2, 30), BERLIN) == utc(2026, 10, 25, 0, 30)


def test_where_midnight_itself_is_skipped_the_day_begins_at_the_jump() -> None:
    assert moment_of(datetime(2018, 11, 4), SAO_PAULO) == utc(2018, 11, 4, 3)
    assert moment_of(datetime(2018, 11, 4, 0, 40), SAO_PAULO) == utc(2018, 11, 4, 3)


def test_a_day_that_a_country_left_out_is_one_moment() -> None:
    zone = ZoneInfo("Pacific/Apia")
    assert moment_of(datetime(2011, 12, 30, 5), zone) == moment_of(datetime(2011, 12, 31), zone)


def test_half_hours_are_kept() -> None:
    assert moment_of(datetime(2026, 11, 22, 6), KOLKATA) == utc(2026, 11, 22, 0, 30)
    assert moment_of(datetime(2026, 11, 22, 6), DHAKA) == utc(2026, 11, 22)


ZONES = st.sampled_from([BERLIN, SAO_PAULO, KOLKATA, DHAKA, ZoneInfo("Australia/Lord_Howe"), ZoneInfo("Africa/Cairo")])
WALLS = st.datetimes(datetime(2000, 1, 1), datetime(2037, 1, 1)).map(lambda wall: wall.replace(second=0, microsecond=0))


@settings(max_examples=200, deadline=None)
@given(zone=ZONES, one=WALLS, minutes=st.integers(0, 3000))
def test_wall_times_keep_their_order(zone: ZoneInfo, one: datetime, minutes: int) -> None:
    assert moment_of(one, zone) <= moment_of(one + timedelta(minutes=minutes), zone)


@settings(max_examples=100, deadline=None)
@given(zone=ZONES, moment=WALLS)
def test_a_moment_comes_back_from_its_wall_time_or_it_is_the_second_of_two(zone: ZoneInfo, moment: datetime) -> None:
    exact = moment.replace(tzinfo=UTC)
    again = moment_of(spans.wall_of(exact, zone), zone)
    assert again == exact or exact.astimezone(zone).fold == 1


def test_marks_are_five_minutes_of_utc_as_the_rollups_have_them() -> None:
    assert spans.MARK == SLOT
    moment = datetime(2026, 11, 22, 14, 3, 22, tzinfo=BERLIN)
    assert (mark_before(moment), mark_after(moment)) == (utc(2026, 11, 22, 13), utc(2026, 11, 22, 13, 5))
    assert mark_before(utc(2026, 1, 1)) == mark_after(utc(2026, 1, 1)) == utc(2026, 1, 1)


# --- runs ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "long"),
    [(date(2026, 7, 1), 8), (date(2026, 3, 28), 7), (date(2026, 10, 24), 9)],
    ids=["any night", "the clocks go forward", "the clocks go back"],
)
def test_a_night_shift_crosses_midnight_and_is_as_long_as_the_clocks_make_it(day: date, long: int) -> None:
    night = ran(hours(22, 6), day)
    assert night.until - night.since == long * HOUR
    assert night.until.astimezone(BERLIN).date() == day + DAY


def test_where_summer_time_begins_at_midnight_the_night_is_an_hour_shorter() -> None:
    night = hours(22, 6, "America/Sao_Paulo")
    assert length(night, date(2018, 11, 3)) == 7 * HOUR
    assert length(night, date(2018, 2, 17)) == 9 * HOUR
    assert length(night, date(2026, 11, 3)) == 8 * HOUR


def test_a_shift_that_ends_at_midnight_ends_the_day() -> None:
    assert length(hours(16, 24), date(2026, 11, 22)) == 8 * HOUR


def test_shifts_that_touch_still_touch_on_the_day_of_the_change() -> None:
    for first, second in ((hours(18, 2), hours(2, 10)), (hours(19, 3), hours(3, 11))):
        for day in (date(2026, 3, 28), date(2026, 10, 24)):
            assert ran(first, day).until == ran(second, day + DAY).since


def test_a_shift_that_lies_in_what_is_skipped_does_not_happen_that_day() -> None:
    short = hours(2, 3)
    assert run_of(short, date(2026, 3, 29)) is None
    assert length(short, date(2026, 3, 28)) == HOUR
    assert length(short, date(2026, 10, 25)) == 2 * HOUR


def test_a_shift_begins_only_on_its_days() -> None:
    weekend = hours(22, 6, days=(6, 7))
    found = spans.runs([weekend], utc(2026, 11, 16, 12), utc(2026, 11, 30))
    assert [run.day.isoweekday() for run in found] == [6, 7, 6, 7]


def three(zone: str = "Europe/Berlin") -> list[Hours]:
    return [hours(6, 14, zone, number=1), hours(14, 22, zone, number=2), hours(22, 6, zone, number=3)]


def covered(runs: Iterable[Run]) -> list[tuple[datetime, datetime]]:
    return [(run.since, run.until) for run in runs]


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Kolkata", "Asia/Dhaka", "Australia/Lord_Howe"])
def test_three_shifts_fill_a_year_without_a_hole(zone: str) -> None:
    found = covered(spans.runs(three(zone), utc(2026, 1, 1), utc(2027, 1, 1)))
    assert all(one[1] == other[0] for one, other in zip(found, found[1:], strict=False))
    assert found[0][0] <= utc(2026, 1, 1)
    assert found[-1][1] >= utc(2027, 1, 1)
    assert all(moment == mark_before(moment) for run in found for moment in run)


def test_only_runs_that_share_time_with_the_stretch_are_found() -> None:
    found = spans.runs(three("UTC"), utc(2026, 11, 22, 6), utc(2026, 11, 22, 14))
    assert covered(found) == [(utc(2026, 11, 22, 6), utc(2026, 11, 22, 14))]


def test_the_one_that_is_on_ends_exclusively() -> None:
    on = spans.running(three("UTC"), utc(2026, 11, 22, 14))
    assert on is not None
    assert on.since == utc(2026, 11, 22, 14)
    assert spans.running([hours(6, 14, "UTC")], utc(2026, 11, 22, 14)) is None


def test_the_one_before_and_after() -> None:
    night = ran(three("UTC")[2], date(2026, 11, 21))
    before, after = (spans.beside(night, three("UTC"), direction) for direction in (-1, 1))
    assert before is not None
    assert after is not None
    assert (before.until, after.since) == (night.since, night.until)
    assert spans.beside(night, [], 1) is None


def test_whole_days_are_stepped_in_local_days() -> None:
    days = Span(moment_of(datetime(2026, 10, 24), BERLIN), moment_of(datetime(2026, 10, 25), BERLIN), "")
    later = spans.stepped(days, 1, BERLIN)
    assert later[1] - later[0] == 25 * HOUR
    few = Span(utc(2026, 10, 25), utc(2026, 10, 25, 3), "")
    assert spans.stepped(few, -1, BERLIN) == (utc(2026, 10, 24, 21), utc(2026, 10, 25))


# --- overlaps -----------------------------------------------------------------------------------------------------

NOW = utc(2026, 11, 22, 12)


def test_three_shifts_of_eight_hours_do_not_overlap() -> None:
    early, late, night = three()
    assert first_overlap(early, [late, night], NOW) is None


@pytest.mark.parametrize(
    ("new", "other"),
    [
        (hours(13, 15), hours(6, 14)),
        (hours(6, 14), hours(6, 14)),
        (hours(5, 7), hours(22, 6)),
        (hours(22, 6, days=(7,)), hours(5, 7, days=(1,))),  # over the end of the week
        (hours(8, 9, "Asia/Kolkata"), hours(3, 4, "Europe/Berlin")),
    ],
)
def test_shifts_that_share_time_are_found_whichever_is_new(new: Hours, other: Hours) -> None:
    for one, two in ((new, other), (other, new)):
        found = first_overlap(one, [two], NOW)
        assert found is not None
        assert found[0].since < found[1].until
        assert found[1].since < found[0].until


def test_the_same_hours_on_other_days_do_not_overlap() -> None:
    assert first_overlap(hours(6, 14, days=(1, 2, 3)), [hours(6, 14, days=(4, 5))], NOW) is None


def test_two_zones_that_meet_only_in_summer_are_found() -> None:
    winter_apart = hours(7, 8, "Europe/Berlin"), hours(5, 6, "UTC")  # 06:00 and 05:00 in UTC; in summer both 05:00
    found = first_overlap(*winter_apart[:1], winter_apart[1:], NOW)
    assert found is not None
    assert found[0].since.month in {3, 4}


SHIFTS = st.builds(
    lambda first, long, days: Hours(
        1, "", time(first // 60, first % 60), time((first + long) % 1440 // 60, (first + long) % 60), tuple(days), "UTC"
    ),
    st.integers(0, 287).map(lambda mark: 5 * mark),
    st.integers(1, 287).map(lambda marks: 5 * marks),
    st.sets(st.integers(1, 7), min_size=1),
)


@settings(max_examples=40, deadline=None)
@given(one=SHIFTS, other=SHIFTS)
def test_an_overlap_is_found_where_any_minute_of_a_week_has_both(one: Hours, other: Hours) -> None:
    def minutes(shift: Hours) -> set[int]:
        start = shift.starts.hour * 60 + shift.starts.minute
        long = (shift.ends.hour * 60 + shift.ends.minute - start) % 1440
        return {(1440 * day + start + minute) % (7 * 1440) for day in shift.days for minute in range(0, long, 5)}

    assert (first_overlap(one, [other], NOW) is not None) == bool(minutes(one) & minutes(other))


# --- rows ---------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_rows_say_which_shift_is_on_and_which_ended_last() -> None:
    for name, first, last in (("Early", 6, 14), ("Late", 14, 22), ("Night", 22, 6)):
        Shift.objects.create(name=name, starts=time(first), ends=time(last), days=[*EVERY_DAY], zone="Asia/Kolkata")
    now = moment_of(datetime(2026, 11, 22, 9), KOLKATA)
    on, over = shifts.running(now), shifts.last_ended(now)
    assert on is not None
    assert over is not None
    assert (on.hours.name, over.hours.name, over.day) == ("Early", "Night", date(2026, 11, 21))
    assert [run.hours.name for run in shifts.between(now, now + 12 * HOUR)] == ["Early", "Late"]


@pytest.mark.django_db
def test_a_mill_without_shifts_has_none_on_and_none_ended() -> None:
    assert (shifts.running(NOW), shifts.last_ended(NOW), shifts.between(NOW, NOW + DAY)) == (None, None, [])
