"""When people acted on a trouble, as far as rows can tell: they acknowledged it, or they labelled one of its defects.

What nobody wrote down (a loom that was stopped by hand, a call across the hall) is not known here.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection
from datetime import datetime, timedelta

from django.db.models import Min, QuerySet

from inspections.models import Alarm, Capture, How, RuleKind
from inspections.models.defect_class import GOOD
from inspections.models.rollup import SLOT

ABOUT_CLOTH = (RuleKind.SIGNAL, RuleKind.LIMIT, RuleKind.CLASS_SEEN)
REACTION = timedelta(hours=24)  # a label that comes later than this after the last sign is work on a backlog


def first_label(alarm: Alarm) -> datetime | None:
    """When a person first labelled a defect of this alarm's run; None for alarms that are about no cloth."""
    if alarm.rule.kind not in ABOUT_CLOTH:
        return None
    found = _labelled(alarm.rule.defect_class).filter(
        line=alarm.line_id, counted_at__gte=alarm.since, counted_at__lt=alarm.last_at + SLOT,
        label__at__gte=alarm.since, label__at__lte=alarm.last_at + REACTION,
    )  # fmt: skip
    first: datetime | None = found.aggregate(first=Min("label__at"))["first"]
    return first


def _labelled(code: str) -> QuerySet[Capture]:
    """Captures that a person holds for a defect (of this class). What came in already labelled is no action."""
    found = Capture.objects.filter(label__defect_class__isnull=False).exclude(label__how=How.IMPORT)
    return found.filter(label__defect_class__code=code) if code else found.exclude(label__defect_class__code=GOOD)


class Actions:
    """What people did about the cloth of some lines, by the time that the cloth was made: for a replay.

    One query, of the captures of that time that a person holds for a defect (of this class).
    """

    def __init__(self, line_ids: Collection[int], code: str, since: datetime, until: datetime) -> None:
        rows = _labelled(code).filter(line__in=line_ids, counted_at__gte=since, counted_at__lt=until)
        self._by_line: dict[int, list[tuple[datetime, datetime]]] = defaultdict(list)
        for line_id, made, said in rows.order_by("line_id", "counted_at").values_list(
            "line_id", "counted_at", "label__at"
        ):
            self._by_line[line_id].append((made, said))

    def first(self, line_id: int, since: datetime, last: datetime) -> datetime | None:
        """The first label of a defect made from `since` to the slot of the last sign, given within REACTION."""
        rows = self._by_line[line_id]
        found = rows[bisect_left(rows, (since,)) : bisect_left(rows, (last + SLOT,))]
        return min((said for _, said in found if since <= said <= last + REACTION), default=None)
