"""Subgroups out of the rollups: by time from `SlotCount`, by length of cloth from `LengthCount`. No captures are read.

A subgroup belongs to a period if it begins in it, and is always read whole: so it is the same in whatever period it is
looked at. By time it begins on a multiple of its size since 1970, UTC; by length on a multiple of its size on its roll.
Where nothing was judged there is no subgroup.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

from django.db.models import Min, Q, QuerySet, Sum

from inspections.charting.points import Subgroup
from inspections.models import Chart, LengthCount, SlotCount, SubgroupBy
from inspections.models.rollup import PIECE_M, SLOT

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PIECE = int(PIECE_M)
SETTLED = timedelta(hours=1)  # after its last piece a length of cloth is whole, also where nothing followed it
CLASSES = 4  # rows of one piece that a look back reckons with


def subgroups(chart: Chart, since: datetime, until: datetime, now: datetime | None = None) -> list[Subgroup]:
    """Those that begin in `since` to `until`, oldest first. `now` (`until` if not given) says which are whole."""
    read = _by_time if chart.subgroup_by == SubgroupBy.TIME else _by_length
    return read(chart, since, until, now or until)


def before(chart: Chart, since: datetime, least: datetime, most: int, now: datetime) -> list[Subgroup]:
    """The last `most` subgroups that begin in `least` to `since`: what a chart's memory begins with."""
    if most <= 0 or least >= since:
        return []
    find = _time_back if chart.subgroup_by == SubgroupBy.TIME else _length_back
    start = find(chart, since, least, most)
    return subgroups(chart, start, since, now)[-most:] if start else []


# --- by time ------------------------------------------------------------------------------------------------------


def mark(moment: datetime, size: timedelta) -> datetime:
    """The subgroup's begin at or before."""
    return moment - (moment - EPOCH) % size


def _at_or_after(moment: datetime, size: timedelta) -> datetime:
    begun = mark(moment, size)
    return begun if begun == moment else begun + size


def _by_time(chart: Chart, since: datetime, until: datetime, now: datetime) -> list[Subgroup]:
    size = timedelta(minutes=chart.size)
    first, last = _at_or_after(since, size), _at_or_after(until, size)
    rows = SlotCount.objects.filter(line=chart.line_id, slot__gte=first, slot__lt=last)
    found = []
    for start, slots in groupby(_counted(rows, chart, "slot").order_by("slot"), lambda row: mark(row["slot"], size)):
        judged, count = _total(slots)
        if judged:
            found.append(Subgroup(start, start + size, judged, count, whole=start + size <= now))
    return found


def _time_back(chart: Chart, since: datetime, least: datetime, most: int) -> datetime | None:
    size = timedelta(minutes=chart.size)
    rows = SlotCount.objects.filter(line=chart.line_id, slot__gte=least, slot__lt=_at_or_after(since, size))
    slots = rows.order_by("-slot").values_list("slot", flat=True).distinct()[: most * (size // SLOT)]
    oldest = min(slots, default=None)
    return None if oldest is None else max(mark(oldest, size), least)


# --- by length ----------------------------------------------------------------------------------------------------

Piece = dict[str, Any]
Length = tuple[int, int]  # a roll, and which length of it


def _by_length(chart: Chart, since: datetime, until: datetime, now: datetime) -> list[Subgroup]:
    """The first and the last length may reach over the period's ends: their other pieces are read too."""
    each = chart.size // PIECE
    inside = _pieces(LengthCount.objects.filter(line=chart.line_id, first_at__gte=since, first_at__lt=until), chart)
    if not inside:
        return []
    lengths = _lengths([*inside, *_other_pieces(chart, inside, each)], each)
    newest = _newest(chart, now)
    found = sorted((_of_pieces(pieces, chart, newest, now) for pieces in lengths), key=lambda one: one.start)
    return [one for one in found if one.judged and since <= one.start < until]


def _pieces(rows: QuerySet[LengthCount], chart: Chart) -> list[Piece]:
    """One dictionary for each piece, in the order of time."""
    return list(_counted(rows, chart, "roll_id", "roll__code", "piece").annotate(at=Min("first_at")).order_by("at"))


def _other_pieces(chart: Chart, inside: Sequence[Piece], each: int) -> list[Piece]:
    """What the first and the last length have besides."""
    known = {(row["roll_id"], row["piece"]) for row in inside}
    edges = [_length(row, each) for row in (inside[0], inside[-1])]
    wanted = [Q(roll=roll, piece__gte=part * each, piece__lt=(part + 1) * each) for roll, part in edges]
    rows = _pieces(LengthCount.objects.filter(wanted[0] | wanted[1], line=chart.line_id), chart)
    return [row for row in rows if (row["roll_id"], row["piece"]) not in known]


def _length(row: Piece, each: int) -> Length:
    return row["roll_id"], row["piece"] // each


def _lengths(pieces: Iterable[Piece], each: int) -> list[list[Piece]]:
    found: dict[Length, list[Piece]] = {}
    for row in pieces:
        found.setdefault(_length(row, each), []).append(row)
    return list(found.values())


def _of_pieces(pieces: Sequence[Piece], chart: Chart, newest: datetime | None, now: datetime) -> Subgroup:
    starts = [row["at"] for row in pieces]
    end = max(starts)
    is_whole = now - end > SETTLED or (newest is not None and newest > end)
    from_m = pieces[0]["piece"] * PIECE // chart.size * chart.size
    return Subgroup(min(starts), end, *_total(pieces), pieces[0]["roll__code"], float(from_m), is_whole)


def _newest(chart: Chart, now: datetime) -> datetime | None:
    """When the newest piece of the line began: whatever lies before it has come to its end."""
    rows = LengthCount.objects.filter(line=chart.line_id, first_at__lte=now)
    return rows.order_by("-first_at").values_list("first_at", flat=True).first()


def _length_back(chart: Chart, since: datetime, least: datetime, most: int) -> datetime | None:
    rows = LengthCount.objects.filter(line=chart.line_id, first_at__gte=least, first_at__lt=since)
    most_rows = most * (chart.size // PIECE) * CLASSES
    return min(rows.order_by("-first_at").values_list("first_at", flat=True)[:most_rows], default=None)


# --- both ---------------------------------------------------------------------------------------------------------


def _counted(rows: QuerySet[Any], chart: Chart, *keys: str) -> QuerySet[Any, dict[str, Any]]:
    """Sums by these keys: all that was judged, and what this chart counts of it."""
    of_class = Q(defect_class=chart.defect_class) if chart.defect_class else None
    sums = {"all_judged": Sum("judged"), "counted": Sum("anomalies", filter=of_class, default=0)}
    found: QuerySet[Any, dict[str, Any]] = rows.values(*keys).annotate(**sums)
    return found


def _total(rows: Iterable[Piece]) -> tuple[int, int]:
    found = [(row["all_judged"], row["counted"]) for row in rows]
    return sum(judged for judged, _count in found), sum(count for _judged, count in found)
