"""Reading what a threshold is weighed by: a bounded sample of scores, the audits and the answers of one line.

The work does not grow with history. Volumes are rollups; the sample is at most SAMPLE captures, a few from each of
many hours, each hour a seek in the index of line and time; of answers at most ANSWERS are read, and where there are
more the period begins later.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

from django.db import connection
from django.db.models import Sum

from inspections import registry, thresholds
from inspections.models import (
    Capture,
    HourlyTotal,
    Kind,
    Line,
    ReviewItem,
    SlotCount,
    Status,
    ThresholdChange,
)
from inspections.models.defect_class import GOOD
from inspections.models.rollup import SLOT
from inspections.rates import HOUR, hour_of
from inspections.standing import slot_of
from inspections.turns import newest
from inspections.what_if import Answer, Audit, Evidence, Scored

DAYS = 28
DAY = timedelta(days=1)
SAMPLE = 8_000
HOURS = 200  # seeks; more of them with fewer captures each says more, neighbours are alike
ANSWERS = 4_000


@dataclass(frozen=True)
class Weighed:
    """One line's evidence, since when, and why not for longer: "" (28 days), `model` (another one judged before),
    `first` (none did) or `answers`."""

    evidence: Evidence
    since: datetime
    until: datetime
    cut: str = ""

    @property
    def too_soon(self) -> bool:
        """The model was changed so lately that its period has not begun."""
        return self.since >= self.until


@dataclass(frozen=True)
class Volume:
    """What was judged in one hour, or in the part of it that belongs to the period."""

    start: datetime
    until: datetime
    judged: int
    flagged: int

    @property
    def hours(self) -> float:
        return max(self.until - self.start, SLOT) / HOUR


def weigh(line: Line, now: datetime) -> Weighed:
    """The line's last 28 days, from the slot on after its model was changed: another model's scores tell nothing."""
    since, cut = hour_of(now) + HOUR - DAYS * DAY, ""
    turn = newest([line.pk]).get(line.pk)
    if turn and turn.at > since:
        since, cut = _next_slot(turn.at), "first" if turn.before is None else "model"
    rows = _answers(line, since)
    if len(rows) > ANSWERS:
        since, cut = _next_slot(rows[-1]["counted_at"]), "answers"
    volumes = _volumes(line, since, now)
    lowest = _lowest_threshold(line, since)
    days = max(-(-(now - since) // DAY), 1)
    passed = [0] * days
    for one in volumes:
        passed[min((one.start - since) // DAY, days - 1)] += one.judged - one.flagged
    evidence = Evidence(
        judged=sum(one.judged for one in volumes),
        flagged=sum(one.flagged for one in volumes),
        hours=sum(one.hours for one in volumes),
        passed=tuple(passed),
        sample=tuple(_sample(line, volumes, lowest)),
        audits=tuple(_audits(line, since, days)),
        answers=tuple(_answer(row, lowest) for row in rows if row["counted_at"] >= since),
    )
    return Weighed(evidence, since, now, cut)


def _next_slot(moment: datetime) -> datetime:
    start = slot_of(moment)
    return start if start == moment else start + SLOT


def _lowest_threshold(line: Line, since: datetime) -> float:
    """The lowest that was in force: what was flagged below it was flagged for another reason."""
    moved = ThresholdChange.objects.filter(line=line, at__gte=since).values_list("old", "new")
    own = thresholds.own(registry.in_force(line))
    values = [line.threshold, *(value for pair in moved for value in pair)]
    known = [own if value is None else value for value in values]
    return min((value for value in known if value is not None), default=0.0)


def _volumes(line: Line, since: datetime, now: datetime) -> list[Volume]:
    """Hours in which anything was judged, oldest first; of the first and the one that runs the part that counts."""
    whole = hour_of(since) if since == hour_of(since) else hour_of(since) + HOUR
    rows = HourlyTotal.objects.filter(line=line, hour__gte=whole, judged__gt=0).order_by("hour")
    found = [
        Volume(hour, min(hour + HOUR, max(now, hour)), judged, flagged)
        for hour, judged, flagged in rows.values_list("hour", "judged", "flagged")
    ]
    return [*_first_part(line, since, min(whole, now)), *found] if since < min(whole, now) else found


def _first_part(line: Line, since: datetime, until: datetime) -> list[Volume]:
    """Of an hour that the period begins within: its slots from there on."""
    slots = SlotCount.objects.filter(line=line, slot__gte=since, slot__lt=until)
    sums = slots.aggregate(judged=Sum("judged", default=0), flagged=Sum("flagged", default=0))
    return [Volume(since, until, **sums)] if sums["judged"] else []


# --- the sample ---------------------------------------------------------------------------------------------------

_SEEK = f"""
SELECT * FROM (SELECT %s AS place, anomaly_score, flagged, defect_class_id, label_id FROM {Capture._meta.db_table}
  WHERE line_id = %s AND counted_at >= %s AND counted_at < %s AND status = {int(Status.JUDGED)}
  ORDER BY counted_at LIMIT %s) AS seek
"""  # noqa: S608  the table's name is ours


def _sample(line: Line, volumes: list[Volume], lowest: float) -> list[Scored]:
    """From up to HOURS hours, evenly over the period, an equal number each, from a place in the hour as if by chance.
    Where nothing came after that place, from the hour's beginning. Two statements at most."""
    step = max(len(volumes) / HOURS, 1)
    chosen = [volumes[int(place * step)] for place in range(min(len(volumes), HOURS))]
    if not chosen:
        return []
    each = SAMPLE // len(chosen)
    starts = {place: one.start + (one.until - one.start) * _offset(line, one, each) for place, one in enumerate(chosen)}
    rows = _sought(line, starts, each)
    found = Counter(row[0] for row in rows)
    rows += _sought(line, {place: chosen[place].start for place in starts if place not in found}, each)
    found = Counter(row[0] for row in rows)
    return [_scored(row, chosen[row[0]].judged / found[row[0]], lowest) for row in rows]


def _sought(line: Line, starts: dict[int, datetime], each: int) -> list[tuple[Any, ...]]:
    """The first `each` judged captures from each start on, to the end of its hour."""
    values: list[Any] = []
    for place, start in starts.items():
        values += [place, line.pk, _time(start), _time(hour_of(start) + HOUR), each]
    if not starts:
        return []
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join([_SEEK] * len(starts)), values)
        return list(cursor.fetchall())


def _scored(row: tuple[Any, ...], weight: float, lowest: float) -> Scored:
    _place, score, flagged, class_id, label_id = row
    unknown = bool(flagged) and class_id is None and label_id is None
    always = score is None or unknown or (bool(flagged) and score < lowest)
    return Scored(1.0 if score is None else score, weight, bool(flagged), always)


def _offset(line: Line, one: Volume, each: int) -> float:
    """Which part of the hour is passed over: as if by chance, the same at every look, and so that enough is left."""
    digest = blake2b(f"{line.pk} {one.start:%Y%m%d%H}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64 * max(1 - 1.5 * each / one.judged, 0)


def _time(moment: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(moment)


# --- what people said ---------------------------------------------------------------------------------------------


def _audits(line: Line, since: datetime, days: int) -> list[Audit]:
    rows = ReviewItem.objects.filter(kind=Kind.AUDIT, line=line, counted_at__gte=since).exclude(kind=Kind.FLAGGED)
    rows = rows.filter(closed_at__isnull=False, capture__label__isnull=False)
    wanted = rows.values_list("counted_at", "capture__anomaly_score", "capture__defect_class__code")
    return [Audit(min((at - since) // DAY, days - 1), score or 0.0, code != GOOD) for at, score, code in wanted]


def _answers(line: Line, since: datetime) -> list[dict[str, Any]]:
    """The newest first; one more than ANSWERS where there are more."""
    rows = Capture.objects.filter(line=line, label__isnull=False, flagged=True, counted_at__gte=since)
    said = ("label__verdict_id", "label__verdict__defect_class_id")
    wanted = rows.order_by("-counted_at").values("counted_at", "anomaly_score", "defect_class__code", *said)
    return list(wanted[: ANSWERS + 1])


def _answer(row: dict[str, Any], lowest: float) -> Answer:
    score = row["anomaly_score"]
    unknown = row["label__verdict_id"] is not None and row["label__verdict__defect_class_id"] is None
    always = score is None or unknown or score < lowest
    return Answer(1.0 if score is None else score, row["defect_class__code"] != GOOD, always)
