"""What breaks a chart: another version judges, another threshold holds, another style runs.

Nothing is written down for it: breaks follow from the changes of version and threshold and from the rolls, so they can
be neither forgotten nor taken back. A promotion counts from when it took effect; the mill's counts on a line that had
no version of its own then. A style begins with the first capture of a roll of it on the line.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import F, OuterRef, Q, Subquery, Window
from django.db.models.functions import Coalesce, Lag
from django.urls import reverse
from django.utils.translation import gettext as _

from inspections.charting.points import Break
from inspections.models import ChangeState, Line, RollCount, ThresholdChange, VersionChange
from inspections.turns import turns

TICK = timedelta(microseconds=1)


def breaks(line: Line, since: datetime, until: datetime) -> list[Break]:
    """The line's breaks from `since` until before `until`, oldest first."""
    return breaks_of([line.pk], since, until)[line.pk]


def breaks_of(line_ids: Collection[int], since: datetime, until: datetime) -> dict[int, list[Break]]:
    """The same of several lines; the number of queries does not grow with them, nor with the history."""
    return breaks_after(dict.fromkeys(line_ids, since), until)


def breaks_after(sinces: Mapping[int, datetime], until: datetime) -> dict[int, list[Break]]:
    """The same where each line has its own `since`: what came before it costs nothing."""
    known = _KNOWN.get()
    return known.of(sinces, until) if known else _read(sinces, until)


def _read(sinces: Mapping[int, datetime], until: datetime) -> dict[int, list[Break]]:
    """What there may be is asked first, all at once: while a baseline stands there is nothing, and pages of lines look
    every few seconds."""
    found: dict[int, list[Break]] = {line_id: [] for line_id in sinces}
    there = _there_may_be(sinces, until)
    for kind, read in (("promotion", _promotions), ("threshold", _thresholds), ("style", _styles)):
        some = there.get(kind)
        for line_id, one in read(some, min(sinces[line_id] for line_id in some), until) if some else ():
            if one.at >= sinces[line_id]:
                found[line_id].append(one)
    return {line_id: sorted(every, key=lambda one: one.at) for line_id, every in found.items()}


def _there_may_be(sinces: Mapping[int, datetime], until: datetime) -> dict[str, list[int]]:
    """The kinds of break of which something changed, and on which lines.

    Styles: the lines that ran more than one, with the roll that was on just before; that is quickly told of thousands
    of rolls, and their order is not. Months of one style cost nothing more to read.
    """
    if not sinces:
        return {}
    rolls = RollCount._meta.db_table
    sql = (
        f"WITH asked (line_id, since) AS (VALUES {', '.join(['(%s, %s)'] * len(sinces))})"  # noqa: S608  ours
        f" SELECT 'promotion', a.line_id FROM asked a WHERE EXISTS (SELECT 1 FROM {VersionChange._meta.db_table} v"
        f" WHERE v.state = '{ChangeState.ACTIVE.value}' AND v.decided_at >= a.since AND v.decided_at < %s"
        f" AND (v.line_id IS NULL OR v.line_id = a.line_id))"
        f" UNION ALL SELECT 'threshold', a.line_id FROM asked a WHERE EXISTS (SELECT 1"
        f" FROM {ThresholdChange._meta.db_table} t WHERE t.line_id = a.line_id AND t.at >= a.since AND t.at < %s)"
        f" UNION ALL SELECT 'style', line_id FROM (SELECT a.line_id, c.style FROM asked a JOIN {rolls} c"
        f" ON c.line_id = a.line_id WHERE c.first_at >= a.since AND c.first_at >= %s AND c.first_at < %s"
        f" UNION ALL SELECT a.line_id, (SELECT c.style FROM {rolls} c WHERE c.line_id = a.line_id"
        f" AND c.first_at < a.since ORDER BY c.first_at DESC LIMIT 1) FROM asked a"
        ") styles GROUP BY line_id HAVING MIN(style) <> MAX(style)"
    )
    asked = [value for line_id, since in sinces.items() for value in (line_id, _moment(since))]
    first, last = _moment(min(sinces.values())), _moment(until)
    found: dict[str, list[int]] = {}
    with connection.cursor() as cursor:
        cursor.execute(sql, [*asked, last, last, first, last])
        for kind, line_id in cursor.fetchall():
            found.setdefault(kind, []).append(line_id)
    return found


def _moment(at: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(at)


Found = Iterator[tuple[int, Break]]


# --- for several parts of one page --------------------------------------------------------------------------------


@dataclass
class _Known:
    """What has been read for a page that is made at `now`: each read takes in the earlier ones, and none ends after."""

    now: datetime
    since: datetime  # how far back every read goes at least
    breaks: dict[int, list[Break]] = field(default_factory=dict)

    def of(self, sinces: Mapping[int, datetime], until: datetime) -> dict[int, list[Break]]:
        since = min(sinces.values(), default=self.since)
        if since < self.since or not self.breaks.keys() >= sinces.keys():
            self.since = min(self.since, since)
            self.breaks = _read(dict.fromkeys({*self.breaks, *sinces}, self.since), self.now + TICK)
        return {
            line_id: [one for one in self.breaks[line_id] if since <= one.at < until]
            for line_id, since in sinces.items()
        }


_KNOWN: ContextVar[_Known | None] = ContextVar("breaks that were read", default=None)


@contextmanager
def breaks_once(since: datetime, now: datetime) -> Iterator[None]:
    """Within it breaks are read once, from `since` or earlier until `now`, however many parts of a page ask for them,
    and all of these are told the same. Nothing in it may make a break."""
    token = _KNOWN.set(_Known(now, since))
    try:
        yield
    finally:
        _KNOWN.reset(token)


# --- versions -----------------------------------------------------------------------------------------------------


def _promotions(line_ids: Collection[int], since: datetime, until: datetime) -> Found:
    for line_id, every in turns(line_ids, since, until).items():
        for one in every:
            url = reverse("model", args=[one.change.version.name])
            yield line_id, Break(one.at, "promotion", _version_words(one.change), url)


def _version_words(change: VersionChange) -> str:
    words = _("%(version)s on this line (%(kind)s)") if change.line_id else _("%(version)s took over (%(kind)s)")
    return words % {"version": change.version, "kind": change.get_kind_display()}


# --- thresholds ---------------------------------------------------------------------------------------------------


def _thresholds(line_ids: Collection[int], since: datetime, until: datetime) -> Found:
    rows = ThresholdChange.objects.filter(line__in=line_ids, at__gte=since, at__lt=until)
    for line_id, at, old, new in rows.order_by("at", "id").values_list("line_id", "at", "old", "new"):
        if old != new:
            told = {"old": _threshold(old), "new": _threshold(new)}
            yield line_id, Break(at, "threshold", _("threshold from %(old)s to %(new)s") % told)


def _threshold(value: float | None) -> str:
    return _("the model's own") if value is None else f"{value:.3g}"


# --- styles -------------------------------------------------------------------------------------------------------


def _styles(line_ids: Collection[int], since: datetime, until: datetime) -> Found:
    """A roll begins on a line with its first capture there; each is held against the one before it. The database finds
    those that differ."""
    earlier = RollCount.objects.filter(line=OuterRef("line"), first_at__lt=OuterRef("first_at")).order_by("-first_at")
    lag = Window(Lag("style"), partition_by="line", order_by=("first_at", "roll"))
    rolls = RollCount.objects.filter(line__in=line_ids, first_at__gte=since, first_at__lt=until)
    rolls = rolls.annotate(before=Coalesce(lag, Subquery(earlier.values("style")[:1])))
    changed = rolls.filter(~Q(before=F("style"))).order_by("first_at", "roll")
    for line_id, at, style in changed.values_list("line_id", "first_at", "style"):
        yield line_id, Break(at, "style", _style_words(style))


def _style_words(style: str) -> str:
    return _("style %(style)s began") % {"style": style} if style else _("rolls without a style began")
