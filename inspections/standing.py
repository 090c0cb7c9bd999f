"""Each line's state now: its rate against its standing baseline, its open alarms, how fresh its data are.

Slots of the last hour say what is now, hours what the day was like; nothing here reads captures. The number of queries
is the same for any number of lines and any history.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from itertools import pairwise

from django.db.models import Q, TextChoices
from django.utils.translation import gettext_lazy as _

from inspections import alarms, charting, spc
from inspections.alarms.counted import slots as slots_of
from inspections.backlog import Backlog, backlogs
from inspections.counted import BY_SLOT, leading, summed
from inspections.last_day import Day, days
from inspections.models import Alarm, AlarmState, Baseline, Camera, ChartKind, RuleKind
from inspections.models.plant import BY_HAND
from inspections.models.rollup import SLOT
from inspections.rates import NOTHING, Tally
from inspections.spans import mark_before
from inspections.spc.limits import EDGE
from inspections.tally import AMOUNTS
from inspections.watching import WatchedLine, data_until, waits_long

NOW = 3  # slots: the running one, and two full ones before it
LOOKED_BACK = 12  # slots before those, in which a signal's beginning is looked for
FURTHER_BACK = 288  # the same where it did not begin in those: a day
ENOUGH = 20  # judged captures below which a rate says nothing


class State(TextChoices):
    """Worst first: the order in which lines are listed."""

    ABNORMAL = "abnormal", _("Abnormal")
    WAITING = "waiting", _("Judging stands still")
    SILENT = "silent", _("Camera silent")
    ACKNOWLEDGED = "acknowledged", _("Acknowledged")
    IDLE = "idle", _("Nothing arrives")
    NO_BASELINE = "no-baseline", _("No baseline in force")
    NEW = "new", _("No data yet")
    NORMAL = "normal", _("Normal")


ORDER = {state: place for place, state in enumerate(State)}
OF_THE_RATE = frozenset({RuleKind.SIGNAL, RuleKind.LIMIT})


@dataclass(frozen=True)
class Limits:
    """Of one rate: within them, chance explains it."""

    lower: float
    upper: float

    def hold(self, tally: Tally) -> bool:
        """Too few captures break no limit."""
        if tally.rate is None or tally.judged < ENOUGH:
            return True
        return self.lower - EDGE <= tally.rate <= self.upper + EDGE


@dataclass(frozen=True)
class Now:
    """The last quarter of an hour, against the line's limits where a baseline stands."""

    since: datetime
    tally: Tally = NOTHING
    leading: str = ""  # the defect that most anomalies are of
    leading_count: int = 0
    limits: Limits | None = None
    signal_since: datetime | None = None  # beyond a limit, without a break since then

    @property
    def is_above(self) -> bool:
        return self.is_beyond and self.limits is not None and (self.tally.rate or 0.0) > self.limits.upper

    @property
    def is_beyond(self) -> bool:
        return self.signal_since is not None


@dataclass(frozen=True)
class Standing:
    """All that is known of one line now."""

    line: WatchedLine
    day: Day
    now: Now
    baseline: Baseline | None
    alarms: tuple[Alarm, ...]  # open ones, worst first
    cameras: tuple[Camera, ...]  # without those that stand for people
    silent: tuple[Camera, ...]
    backlog: Backlog
    waits: bool

    @property
    def alarm(self) -> Alarm | None:
        return self.alarms[0] if self.alarms else None

    @property
    def until(self) -> datetime | None:
        return data_until(self.line)

    @property
    def since(self) -> datetime | None:
        """Where the trouble began: of what makes the line what it is."""
        told = self.told
        return told.since if told else self.now.signal_since

    @property
    def told(self) -> Alarm | None:
        """The alarm that tells of the trouble; None where there is none, or a signal that none tells of is worse."""
        is_raised = any(one.state == AlarmState.RAISED for one in self.alarms)
        return None if self.is_abnormal and not is_raised else self.alarm

    @cached_property
    def state(self) -> State:
        if self.is_abnormal:
            return State.ABNORMAL
        if self.waits:
            return State.WAITING
        if self.silent and not any(one.rule.kind == RuleKind.SILENT for one in self.alarms):
            return State.SILENT
        return State.ACKNOWLEDGED if self.alarms else self._quiet_state

    @property
    def is_abnormal(self) -> bool:
        """An alarm that nobody has seen, or a signal that no open alarm tells of."""
        is_told = any(one.rule.kind in OF_THE_RATE for one in self.alarms)
        return any(one.state == AlarmState.RAISED for one in self.alarms) or (self.now.is_beyond and not is_told)

    @property
    def _quiet_state(self) -> State:
        if self.line.newest_at is None:
            return State.NEW
        if self.now.tally.is_empty:
            return State.IDLE
        return State.NORMAL if self.baseline else State.NO_BASELINE

    @property
    def is_critical(self) -> bool:
        return self.state == State.ABNORMAL and any(one.rule.critical for one in self.alarms)


def standings(lines: Sequence[WatchedLine], now: datetime) -> list[Standing]:
    """One for each line, worst first, then as the lines are sorted."""
    ids = [line.pk for line in lines]
    by_day, baselines, by_slot = days(ids, now), charting.standings(ids, now), _slots(ids, now)
    raised, cameras, waiting = _alarms(lines), _cameras(ids), backlogs(ids)
    nows = {line_id: now_of(by_slot[line_id], baselines.get(line_id), now) for line_id in ids}
    for line_id, slots in _further(by_slot, nows, now).items():
        longer = now_of(slots, baselines.get(line_id), now, FURTHER_BACK)
        nows[line_id] = replace(nows[line_id], signal_since=longer.signal_since)
    found = [
        Standing(
            line=line,
            day=by_day[line.pk],
            now=nows[line.pk],
            baseline=baselines.get(line.pk),
            alarms=tuple(raised[line.pk]),
            cameras=tuple(cameras[line.pk]),
            silent=tuple(one for one in cameras[line.pk] if one.is_silent(now)),
            backlog=waiting.get(line.pk, Backlog()),
            waits=waits_long(line, now),
        )
        for line in lines
    ]
    return sorted(found, key=_worst_first)


def _worst_first(one: Standing) -> tuple[bool, int]:
    return not one.is_critical, ORDER[one.state]


def slot_of(moment: datetime) -> datetime:
    return mark_before(moment, SLOT)


@dataclass(frozen=True)
class Slots:
    """The last slots of one line: all classes together, and the anomalies of each class now."""

    tallies: dict[datetime, Tally]
    classes: dict[str, int]


def _slots(line_ids: Collection[int], now: datetime) -> dict[int, Slots]:
    first = slot_of(now) - SLOT * (NOW - 1 + LOOKED_BACK)
    bounds = [first + SLOT * number for number in range(LOOKED_BACK + NOW + 1)]
    found: dict[int, Slots] = defaultdict(lambda: Slots({}, {}))
    rows = summed(BY_SLOT, line_ids, list(pairwise(bounds)), ("defect_class",), AMOUNTS)
    for number, line_id, code, *counts in rows:
        slots, tally = found[line_id], Tally(*counts)
        slots.tallies[bounds[number]] = slots.tallies.get(bounds[number], NOTHING) + tally
        if number >= LOOKED_BACK:
            slots.classes[code] = slots.classes.get(code, 0) + tally.anomalies
    return found


def _further(by_slot: dict[int, Slots], nows: dict[int, Now], now: datetime) -> dict[int, Slots]:
    """A day's slots of the lines whose signal is older than those that were read; a query only where there is one."""
    first, until = slot_of(now) - SLOT * (NOW - 1 + LOOKED_BACK), slot_of(now) + SLOT
    longer = [line_id for line_id, one in nows.items() if one.signal_since and one.signal_since < first + SLOT * NOW]
    if not longer:
        return {}
    counted = slots_of(longer, "", slot_of(now) - SLOT * (NOW - 1 + FURTHER_BACK), until)
    return {
        line_id: Slots({one.start: Tally(judged=one.judged, anomalies=one.count) for one in some}, {})
        for line_id, some in counted.items()
    }


def now_of(slots: Slots, baseline: Baseline | None, now: datetime, back: int = LOOKED_BACK) -> Now:
    """What the slots of one line say of now; a signal's beginning is looked for in so many slots before."""
    since = slot_of(now) - SLOT * (NOW - 1)
    led_by = leading(slots.classes)
    windows = [_window(slots.tallies, since - SLOT * place) for place in range(back + 1)]
    limits = limits_of(baseline, [one.judged for one in windows]) if baseline else []
    return Now(
        since=since,
        tally=windows[0],
        leading=led_by,
        leading_count=slots.classes.get(led_by, 0),
        limits=limits[0] if limits and windows[0].judged else None,
        signal_since=_signal_since(slots.tallies, windows, limits, since),
    )


def _window(by_slot: dict[datetime, Tally], since: datetime) -> Tally:
    return sum((by_slot.get(since + SLOT * place, NOTHING) for place in range(NOW)), NOTHING)


def limits_of(baseline: Baseline, judged: Sequence[int]) -> list[Limits]:
    """Three-sigma limits of rates of so many captures each. Charts with a memory signal by their alarms; what is drawn
    here of them is the p-chart of the same baseline."""
    counted = [max(one, 1) for one in judged]
    if baseline.kind == ChartKind.U:
        found = spc.u_limits(baseline.centre, counted, baseline.sigma_z)
    else:
        found = spc.p_limits(baseline.centre, counted, baseline.sigma_z)
    return [Limits(float(low), float(high)) for low, high in zip(found.lower, found.upper, strict=True)]


def _signal_since(
    by_slot: dict[datetime, Tally], windows: Sequence[Tally], limits: Sequence[Limits], since: datetime
) -> datetime | None:
    """Where the unbroken run of windows beyond the limits began; None where the latest window holds them."""
    pairs = list(zip(limits, windows, strict=False))
    run = next((back for back, (limit, tally) in enumerate(pairs) if limit.hold(tally)), len(pairs))
    if not run:
        return None
    first = since - SLOT * (run - 1)
    # The window around the first sign begins before it.
    return min((slot for slot, tally in by_slot.items() if slot >= first and tally.anomalies), default=first)


def _alarms(lines: Sequence[WatchedLine]) -> dict[int, list[Alarm]]:
    found: dict[int, list[Alarm]] = defaultdict(list)
    for alarm in sorted(alarms.open_alarms(lines), key=_worst_alarm_first):
        found[alarm.line_id].append(alarm)
    return found


def _worst_alarm_first(alarm: Alarm) -> tuple[bool, bool, timedelta]:
    age = alarm.raised_at - datetime.min.replace(tzinfo=alarm.raised_at.tzinfo)
    return alarm.state != AlarmState.RAISED, not alarm.rule.critical, age


def _cameras(line_ids: Collection[int]) -> dict[int, list[Camera]]:
    found: dict[int, list[Camera]] = defaultdict(list)
    for camera in Camera.objects.filter(~Q(slug__in=BY_HAND), line__in=line_ids).order_by("slug"):
        found[camera.line_id].append(camera)
    return found
