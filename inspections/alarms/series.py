"""The looks of a rule, made from what was counted. Pure: the same for now and for a replay."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from inspections.alarms.troubles import Look
from inspections.spc.limits import EDGE


@dataclass(frozen=True, slots=True)
class Counted:
    """One slot of one line: captures judged, and the anomalies that the rule is about."""

    start: datetime
    judged: int
    count: int


def limit_looks(
    slots: Sequence[Counted], until: datetime, step: timedelta, over: timedelta, limit: float, at_least: int
) -> Iterator[Look]:
    """A look at each slot's end up to `until`, while its window holds anything: the rate over `over` up to then.

    `slots` rise in time, may have gaps, and are `step` long. A look that finds fewer than `at_least` judged says
    nothing and is left out.
    """
    for mark, window, judged, count in _windows(slots, until, step, over):
        if judged < max(at_least, 1):
            continue
        if count <= limit * judged + EDGE:
            yield Look(mark, over=False)
            continue
        began = next(one.start for one in window if one.count)
        figures = {"rate": count / judged, "count": count, "judged": judged, "limit": limit}
        yield Look(mark, over=True, began=began, figures=figures)


def _windows(
    slots: Sequence[Counted], until: datetime, step: timedelta, over: timedelta
) -> Iterator[tuple[datetime, Sequence[Counted], int, int]]:
    """Each mark with the slots of the time `over` before it, and their sums; marks without any are left out."""
    window: deque[Counted] = deque()
    following = iter(slots)
    slot = next(following, None)
    mark, judged, count = until, 0, 0
    while window or slot:
        mark = slot.start + step if slot and not window else mark + step
        if mark > until:
            return
        while slot and slot.start < mark:
            window.append(slot)
            judged, count = judged + slot.judged, count + slot.count
            slot = next(following, None)
        while window and window[0].start < mark - over:
            old = window.popleft()
            judged, count = judged - old.judged, count - old.count
        if window:
            yield mark, window, judged, count


def seen_looks(slots: Iterable[Counted]) -> Iterator[Look]:
    """A look at each slot in which anything was judged, by its beginning: it speaks as soon as something was seen,
    while the slot still runs."""
    for slot in slots:
        if slot.judged or slot.count:
            yield Look(slot.start, over=slot.count > 0, began=slot.start, figures={"count": slot.count})


class Group(Protocol):
    """What is read here of a chart's subgroup."""

    @property
    def start(self) -> datetime: ...
    @property
    def end(self) -> datetime: ...
    @property
    def judged(self) -> int: ...
    @property
    def count(self) -> int: ...
    @property
    def whole(self) -> bool: ...


class Charted(Protocol):
    """What is read here of a chart's point."""

    @property
    def subgroup(self) -> Group: ...
    @property
    def value(self) -> float | None: ...
    @property
    def centre(self) -> float | None: ...
    @property
    def lower(self) -> float | None: ...
    @property
    def upper(self) -> float | None: ...
    @property
    def signals(self) -> tuple[str, ...]: ...


def signal_looks(points: Iterable[Charted], words: Callable[[str], str], unit: str = "") -> Iterator[Look]:
    """A look at each whole subgroup's end. Where no baseline stands a point says nothing and is left out.

    A signal of fewer than usual raises nothing. One of more began with the unbroken run above the centre that leads
    up to it. `words` says a signal's key; `unit` what its limits are in, where they are no rates.
    """
    run: datetime | None = None
    for point in points:
        group = point.subgroup
        if point.centre is None or point.value is None or not group.whole:
            run = None
            continue
        run = (run or group.start) if point.value > point.centre else None
        signals = [one for one in point.signals if not one.endswith("-low")]
        if not signals:
            yield Look(group.end, over=False)
            continue
        figures = {
            "rate": group.count / max(group.judged, 1), "centre": point.centre, "lower": point.lower,
            "upper": point.upper, "count": group.count, "judged": group.judged,
            "signals": [words(one) for one in signals], "unit": unit,
        }  # fmt: skip
        yield Look(group.end, over=True, began=run or group.start, figures=figures)
