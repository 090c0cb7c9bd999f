"""Stretches of time and the shifts that fill them: wall clocks to UTC, safe where a clock changes. No rows, no Django.

How a wall clock is read where it changes: a time that is skipped stands for the moment of the jump, and a time that
comes twice for its first coming. So times keep their order, shifts that touch still touch, and the night of the
change is an hour shorter or longer; a shift that lies wholly in what is skipped does not happen that day.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cache
from itertools import islice
from zoneinfo import ZoneInfo, available_timezones

MARK = timedelta(minutes=5)  # counts are kept by it: every span begins and ends on one
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
WEEK = 7 * DAY
NIGHT = (22, 6)  # o'clock
LOOKED_BACK = 8 * DAY  # a shift of one day a week ran in it
LOOKED_AHEAD = 53 * WEEK  # where shifts of different zones could meet: every change of clocks of a year


@dataclass(frozen=True)
class Span:
    """From `since` until before `until`: UTC, on five-minute marks. `words` name it for people."""

    since: datetime
    until: datetime
    words: str

    @property
    def length(self) -> timedelta:
        return self.until - self.since


@dataclass(frozen=True)
class Hours:
    """When a shift works: local times of `zone` (IANA), on the ISO weekdays on which it begins."""

    number: int  # of its row; 0: it has none yet
    name: str
    starts: time
    ends: time  # on the next day where it is not after `starts`
    days: tuple[int, ...]
    zone: str

    @property
    def crosses_midnight(self) -> bool:
        return self.ends <= self.starts

    @property
    def minutes(self) -> int:
        """How long it is where no clock changes."""
        return (_minute(self.ends) - _minute(self.starts)) % (24 * 60)

    @property
    def is_of_the_night(self) -> bool:
        """Its middle lies in the night, whether or not it crosses midnight."""
        middle = (_minute(self.starts) + self.minutes // 2) % (24 * 60)
        return middle >= NIGHT[0] * 60 or middle < NIGHT[1] * 60


def _minute(at: time) -> int:
    return at.hour * 60 + at.minute


@dataclass(frozen=True)
class Run:
    """A shift as it happens once. `day`: the local day on which it begins."""

    hours: Hours
    day: date
    since: datetime
    until: datetime


# --- clocks -------------------------------------------------------------------------------------------------------


def as_moment(value: datetime | str) -> datetime:
    """As the database writes it: SQLite keeps times without their zone, which is UTC, and gives them as text where no
    model reads them."""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def mark_before(moment: datetime, size: timedelta = MARK) -> datetime:
    """The five-minute mark at or before, in UTC; or that of another size, which divides a day or is one."""
    moment = moment.astimezone(UTC)
    return moment - (moment - datetime(2000, 1, 1, tzinfo=UTC)) % size


def mark_after(moment: datetime, size: timedelta = MARK) -> datetime:
    """The same at or after."""
    before = mark_before(moment, size)
    return before if before == moment else before + size


def moment_of(wall: datetime, zone: tzinfo) -> datetime:
    """The moment in UTC at which the zone's wall clock shows this naive time; see the module where it changes."""
    first = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if first.astimezone(zone).replace(tzinfo=None) == wall:
        return first
    return _jump(wall, zone)


def wall_of(moment: datetime, zone: tzinfo) -> datetime:
    """What the zone's wall clock shows, naive."""
    return moment.astimezone(zone).replace(tzinfo=None)


def _jump(wall: datetime, zone: tzinfo) -> datetime:
    """When the clocks go forward over this time: it lies between the two readings of it."""
    early, late = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (1, 0))
    before = early.astimezone(zone).utcoffset()
    minutes = range((late - early) // MINUTE + 1)
    return early + MINUTE * bisect_left(
        minutes, True, key=lambda minute: (early + MINUTE * minute).astimezone(zone).utcoffset() != before
    )


def moved(moment: datetime, days: int, zone: tzinfo) -> datetime:
    """The same local time so many days on: not always 24 hours away."""
    return moment_of(wall_of(moment, zone) + days * DAY, zone)


def stepped(span: Span, direction: int, zone: tzinfo) -> tuple[datetime, datetime]:
    """As far on (1) or back (-1) as the span is long; whole local days in local days, whatever the clocks do."""
    days, rest = divmod(wall_of(span.until, zone) - wall_of(span.since, zone), DAY)
    if days > 0 and not rest:
        return moved(span.since, direction * days, zone), moved(span.until, direction * days, zone)
    return span.since + direction * span.length, span.until + direction * span.length


@cache
def known_zones() -> frozenset[str]:
    """The names that people may choose: places and UTC, without the old aliases such as `EST5EDT`."""
    return frozenset(name for name in available_timezones() if "/" in name and not name.startswith("Etc/")) | {"UTC"}


# --- shifts -------------------------------------------------------------------------------------------------------


def run_of(hours: Hours, day: date) -> Run | None:
    """The shift as it begins on this local day; None where it does not, or where the clocks jump over all of it."""
    if day.isoweekday() not in hours.days:
        return None
    zone = ZoneInfo(hours.zone)
    last = day + DAY if hours.crosses_midnight else day
    since, until = (moment_of(datetime.combine(on, at), zone) for on, at in ((day, hours.starts), (last, hours.ends)))
    return Run(hours, day, since, until) if since < until else None


def runs(every: Iterable[Hours], since: datetime, until: datetime) -> list[Run]:
    """The runs that share time with this stretch, in their order."""
    return _in_order(run for hours in every for run in _runs(hours, since, until))


def few_runs(every: Iterable[Hours], since: datetime, until: datetime, most: int) -> list[Run]:
    """The same, none where there are more than so many."""
    some = list(islice((run for hours in every for run in _runs(hours, since, until)), most + 1))
    return [] if len(some) > most else _in_order(some)


def _in_order(some: Iterable[Run]) -> list[Run]:
    return sorted(some, key=lambda run: (run.since, run.until, run.hours.name))


def _runs(hours: Hours, since: datetime, until: datetime) -> Iterator[Run]:
    zone = ZoneInfo(hours.zone)
    day, last = (since - DAY).astimezone(zone).date(), until.astimezone(zone).date()
    while day <= last:
        run = run_of(hours, day)
        if run and run.since < until and run.until > since:
            yield run
        day += DAY


def ended(every: Iterable[Hours], now: datetime) -> list[Run]:
    """The runs that ended in the last eight days, the latest first."""
    found = [run for run in runs(every, now - LOOKED_BACK, now) if run.until <= now]
    return sorted(found, key=lambda run: (run.until, run.since), reverse=True)


def running(every: Iterable[Hours], now: datetime) -> Run | None:
    return next(iter(runs(every, now, now + timedelta(microseconds=1))), None)


def beside(run: Run, every: Iterable[Hours], direction: int) -> Run | None:
    """The run before (-1) or after (1) this one; None where there is none within eight days."""
    if direction < 0:
        return next(iter(ended(every, run.since)), None)
    return next((one for one in runs(every, run.until, run.until + LOOKED_BACK) if one.since >= run.until), None)


def holes(every: Iterable[Hours], since: datetime, until: datetime) -> list[tuple[datetime, datetime]]:
    """The stretches in which no shift works."""
    found = []
    for run in runs(every, since, until):
        if run.since > since:
            found.append((since, run.since))
        since = max(since, run.until)
    return [*found, (since, until)] if since < until else found


def first_overlap(new: Hours, others: Collection[Hours], since: datetime) -> tuple[Run, Run] | None:
    """The first run of `new` that shares time with one of another shift, and that one. Looked for over a year, because
    shifts of two zones may meet only while one of them has summer time."""
    mine = _whole(new, since)
    for other in others:
        theirs = _whole(other, since)
        if found := _meeting(mine, theirs):
            return found
    return None


def _whole(hours: Hours, since: datetime) -> list[Run]:
    return list(_runs(hours, since, since + LOOKED_AHEAD))


def _meeting(mine: Sequence[Run], theirs: Sequence[Run]) -> tuple[Run, Run] | None:
    """Both in order, each without overlaps of its own."""
    place = 0
    for one in mine:
        while place < len(theirs) and theirs[place].until <= one.since:
            place += 1
        if place < len(theirs) and theirs[place].since < one.until:
            return one, theirs[place]
    return None
