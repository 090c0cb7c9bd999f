"""Subgroups out of the rollups: by time from `SlotCount`, by length of cloth from `LengthCount`. No captures are read.

A subgroup belongs to a period if it begins in it, and is always read whole: so it is the same in whatever period it is
looked at. By time it begins on a multiple of its size since 1970, UTC; by length on a multiple of its size on its roll.
Where nothing was judged there is no subgroup.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import groupby

from inspections.charting import summing
from inspections.charting.points import Subgroup
from inspections.models import Chart, LengthCount, SlotCount, SubgroupBy
from inspections.models.rollup import PIECE_M, SLOT

PIECE = int(PIECE_M)
SETTLED = timedelta(hours=1)  # after its last piece a length of cloth is whole, also where its roll did not go on
CLASSES = 4  # rows of one piece that a look back reckons with at first


def subgroups(chart: Chart, since: datetime, until: datetime, now: datetime | None = None) -> list[Subgroup]:
    """Those that begin in `since` to `until`, oldest first. `now` (`until` if not given) says which are whole."""
    return subgroups_of([chart], since, until, now or until)[chart.line_id]


def subgroups_of(charts: Sequence[Chart], since: datetime, until: datetime, now: datetime) -> dict[int, list[Subgroup]]:
    """The same of several lines, one chart each, all of one class; the number of queries does not grow with them, but
    with the sizes of what is charted by length."""
    found: dict[int, list[Subgroup]] = {}
    for read, by in ((_by_time, SubgroupBy.TIME), (_by_length, SubgroupBy.LENGTH)):
        if some := [chart for chart in charts if chart.subgroup_by == by]:
            found |= read(some, since, until, now)
    return found


def before(chart: Chart, since: datetime, least: datetime, most: int, now: datetime) -> list[Subgroup]:
    """The last `most` subgroups that begin in `least` to `since`: what a chart's memory begins with."""
    if most <= 0 or least >= since:
        return []
    if chart.subgroup_by == SubgroupBy.TIME:
        start = _time_back(chart, since, least, most)
        return subgroups(chart, start, since, now)[-most:] if start else []
    rows = most * (chart.size // PIECE) * CLASSES
    while (start := _length_back(chart, since, least, rows)) is not None:
        found = subgroups(chart, start, since, now)
        if len(found) >= most:
            return found[-most:]
        rows *= 2
    return subgroups(chart, least, since, now)[-most:]


# --- by time ------------------------------------------------------------------------------------------------------


def mark(moment: datetime, size: timedelta) -> datetime:
    """The subgroup's begin at or before."""
    return moment - (moment - summing.EPOCH) % size


def _at_or_after(moment: datetime, size: timedelta) -> datetime:
    begun = mark(moment, size)
    return begun if begun == moment else begun + size


def _by_time(charts: Sequence[Chart], since: datetime, until: datetime, now: datetime) -> dict[int, list[Subgroup]]:
    sizes = {chart.line_id: _size(chart) for chart in charts}
    ends = {line_id: [_at_or_after(one, size) for one in (since, until)] for line_id, size in sizes.items()}
    found: dict[int, list[Subgroup]] = {line_id: [] for line_id in sizes}
    earliest, latest = min(one for one, _last in ends.values()), max(one for _first, one in ends.values())
    for line_id, step in summing.steps(sizes, charts[0].defect_class, earliest, latest):
        first, last = ends[line_id]
        if step.judged and first <= step.at < last:
            end = step.at + sizes[line_id]
            found[line_id].append(Subgroup(step.at, end, step.judged, step.anomalies, whole=end <= now))
    return found


def _size(chart: Chart) -> timedelta:
    return timedelta(minutes=chart.size)


def _time_back(chart: Chart, since: datetime, least: datetime, most: int) -> datetime | None:
    size = _size(chart)
    rows = SlotCount.objects.filter(line=chart.line_id, slot__gte=least, slot__lt=_at_or_after(since, size))
    slots = (
        rows.filter(judged__gt=0).order_by("-slot").values_list("slot", flat=True).distinct()[: most * (size // SLOT)]
    )
    oldest = min(slots, default=None)
    return None if oldest is None else max(mark(oldest, size), least)


# --- by length ----------------------------------------------------------------------------------------------------


def _by_length(charts: Sequence[Chart], since: datetime, until: datetime, now: datetime) -> dict[int, list[Subgroup]]:
    """One query for each size that is charted; another where a length may have gone on after `until`."""
    found: dict[int, list[Subgroup]] = {}
    for size, some in groupby(sorted(charts, key=_metres), _metres):
        every = _lengths([chart.line_id for chart in some], charts[0].defect_class, size, since, until)
        later = _later(every, charts[0].defect_class, size, until, now)
        for line_id, lengths in every.items():
            newest = _newest([*lengths, *later.get(line_id, [])])
            inside = [one for one in lengths if one.judged and since <= one.start < until]
            groups = [_of_length(one, size, now - one.end > SETTLED or newest[one.key[0]] > one.end) for one in inside]
            found[line_id] = sorted(groups, key=lambda one: one.start)
    return found


def _metres(chart: Chart) -> int:
    return chart.size


def _lengths(
    line_ids: Collection[int], code: str, size: int, since: datetime, until: datetime
) -> dict[int, list[summing.Length]]:
    """Those that have a piece in the period, by line, each whole: also where it reaches over the period's ends, which
    of several rolls at once each may do."""
    found: dict[int, list[summing.Length]] = {line_id: [] for line_id in line_ids}
    for line_id, one in summing.lengths(line_ids, code, size // PIECE, since, until):
        found[line_id].append(one)
    return found


def _later(
    every: dict[int, list[summing.Length]], code: str, size: int, until: datetime, now: datetime
) -> dict[int, list[summing.Length]]:
    """What of the last hour lies after the period, where anything in the period is as young."""
    if until >= now or all(now - one.end > SETTLED for lengths in every.values() for one in lengths):
        return {}
    return _lengths(every.keys(), code, size, now - SETTLED, now)


def _newest(lengths: Iterable[summing.Length]) -> dict[int, datetime]:
    """When the newest length of each roll began: those before it have come to their end. Another roll says nothing of
    them, because a line may have several at once: two cameras change theirs at different times."""
    found: dict[int, datetime] = {}
    for one in lengths:
        roll = one.key[0]
        found[roll] = max(one.start, found.get(roll, one.start))
    return found


def _of_length(one: summing.Length, size: int, is_whole: bool) -> Subgroup:
    return Subgroup(one.start, one.end, one.judged, one.anomalies, one.roll, float(one.part * size), is_whole)


def _length_back(chart: Chart, since: datetime, least: datetime, most_rows: int) -> datetime | None:
    """When the oldest of so many rows began; None where there are no more of them."""
    rows = LengthCount.objects.filter(line=chart.line_id, first_at__gte=least, first_at__lt=since)
    oldest = rows.order_by("-first_at").values_list("first_at", flat=True)[most_rows - 1 : most_rows]
    return next(iter(oldest), None)
