"""Since when there is anything that a rule could have looked at: a replay begins there, and says so."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db.models import Min, OuterRef, QuerySet, Subquery
from django.utils.translation import gettext as _

from inspections.alarms.past import cameras_of
from inspections.alarms.rules import COUNTED
from inspections.alarms.words import moment
from inspections.models import AlarmRule, Baseline, Capture, Line, RuleKind, SlotCount, Status
from inspections.models.rollup import SLOT

Began = tuple[datetime | None, str]  # since when (None: not yet), and that in words


def beginning(rule: AlarmRule, line_ids: Collection[int]) -> Began:
    """On those of these lines that it looks at. A few seeks for each line, however long it has run."""
    if rule.kind in COUNTED:
        return _charted(rule, line_ids) if rule.kind == RuleKind.SIGNAL else _counted(line_ids)
    if rule.kind == RuleKind.QUEUE:
        return _of(_earliest(line_ids, Capture.objects.all(), "counted_at"), _("The first image came on %(when)s."))
    if rule.kind == RuleKind.SILENT:
        cameras = cameras_of(line_ids).filter(heartbeat_at=None)
        return _of(_first(cameras, "created_at"), _("The first camera was made on %(when)s."))
    return _of(_first(Line.objects.filter(pk__in=line_ids), "created_at"), _("The first line was made on %(when)s."))


def _of(at: datetime | None, words: str) -> Began:
    if at is None:
        return None, _("There is nothing yet that it could look at.")
    return at, words % {"when": moment(at)}


def _counted(line_ids: Collection[int]) -> Began:
    """The first image of the first five minutes; their beginning where no image of them is kept."""
    slot = _earliest(line_ids, SlotCount.objects.filter(judged__gt=0), "slot")
    if slot is None:
        return None, _("Nothing has been counted yet on what it looks at.")
    judged = Capture.objects.filter(line__in=line_ids, status=Status.JUDGED)
    image = _first(judged.filter(counted_at__gte=slot, counted_at__lt=slot + SLOT), "counted_at")
    return _of(image or slot, _("Counted since %(when)s."))


def _charted(rule: AlarmRule, line_ids: Collection[int]) -> Began:
    """A chart says nothing until somebody has confirmed what is normal."""
    at, words = _counted(line_ids)
    baselines = Baseline.objects.filter(line__in=line_ids, defect_class=rule.defect_class)
    confirmed = _first(baselines, "confirmed_at")
    if at is None or (confirmed and confirmed <= at):
        return at, words
    if confirmed is None:
        return None, _("No baseline has been confirmed on what it looks at, and until then its chart says nothing.")
    return _of(confirmed, _("The first baseline was confirmed on %(when)s."))


def _first(rows: QuerySet[Any], field: str) -> datetime | None:
    found: datetime | None = rows.aggregate(first=Min(field))["first"]
    return found


def _earliest(line_ids: Collection[int], rows: QuerySet[Any], field: str) -> datetime | None:
    """The earliest row of these lines: a seek for each, where a minimum over all would read every row of theirs."""
    of_line = rows.filter(line=OuterRef("pk")).order_by(field).values(field)[:1]
    return _first(Line.objects.filter(pk__in=line_ids).annotate(earliest=Subquery(of_line)), "earliest")
