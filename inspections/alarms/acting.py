"""When people acted on a trouble, as far as rows can tell: they acknowledged it, or they labelled one of its defects.

What nobody wrote down (a loom that was stopped by hand, a call across the hall) is not known here.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection
from datetime import datetime, timedelta

from django.db.models import Min, Q, QuerySet

from inspections.models import Alarm, Capture, How, Label, RuleKind
from inspections.models.defect_class import GOOD
from inspections.models.rollup import SLOT

ABOUT_CLOTH = (RuleKind.SIGNAL, RuleKind.LIMIT, RuleKind.CLASS_SEEN)
REACTION = timedelta(hours=24)  # a label that comes later than this after the last sign is work on a backlog


def first_label(alarm: Alarm) -> datetime | None:
    """When a person first labelled a defect of this alarm's run; None for alarms that are about no cloth."""
    if alarm.rule.kind not in ABOUT_CLOTH:
        return None
    made = Q(line=alarm.line_id, counted_at__gte=alarm.since, counted_at__lt=alarm.last_at + SLOT)
    said = _answers(alarm.rule.defect_class, made).filter(at__gte=alarm.since, at__lte=alarm.last_at + REACTION)
    first: datetime | None = said.aggregate(first=Min("at"))["first"]
    return first


def _answers(code: str, made: Q) -> QuerySet[Label]:
    """What people said of the captures made so that they now hold for a defect (of this class): each answer that named
    a defect and was not undone, also one that another took the place of. What came in already labelled is no action."""
    held = Capture.objects.filter(made, label__defect_class__isnull=False).exclude(label__how=How.IMPORT)
    held = held.filter(label__defect_class__code=code) if code else held.exclude(label__defect_class__code=GOOD)
    said = Label.objects.standing().filter(capture__in=held)
    return said.exclude(how=How.IMPORT).exclude(defect_class__code=GOOD)


class Actions:
    """What people did about the cloth of some lines, by the time that the cloth was made: for a replay.

    Two queries: what people said of the captures of that time that hold for a defect (of this class), and the alarms
    about it that somebody saw to then.
    """

    def __init__(self, line_ids: Collection[int], code: str, since: datetime, until: datetime) -> None:
        said = _answers(code, Q(line__in=line_ids, counted_at__gte=since, counted_at__lt=until))
        self._by_line: dict[int, list[tuple[datetime, datetime]]] = defaultdict(list)
        rows = said.order_by("capture__line_id", "capture__counted_at")
        for line_id, made, at in rows.values_list("capture__line_id", "capture__counted_at", "at"):
            self._by_line[line_id].append((made, at))
        self._seen_to: dict[int, list[tuple[datetime, datetime, datetime]]] = defaultdict(list)
        seen_to = _alarms(line_ids, code, since, until).values_list("line", "since", "last_at", "acted_at")
        for line_id, began, end, acted in seen_to:
            if acted:
                self._seen_to[line_id].append((began, end, acted))

    def first(self, line_id: int, since: datetime, last: datetime) -> datetime | None:
        """The first label of a defect made from `since` to the slot of the last sign, or the first time that somebody
        saw to an alarm of that stretch, within REACTION."""
        rows = self._by_line[line_id]
        said = [one for _, one in rows[bisect_left(rows, (since,)) : bisect_left(rows, (last + SLOT,))]]
        done = [acted for began, end, acted in self._seen_to[line_id] if began < last + SLOT and since <= end + SLOT]
        return min((one for one in (*said, *done) if since <= one <= last + REACTION), default=None)


def _alarms(line_ids: Collection[int], code: str, since: datetime, until: datetime) -> QuerySet[Alarm]:
    """Alarms about cloth that somebody acted on; of a class also those that look at every class."""
    found = Alarm.objects.filter(line__in=line_ids, rule__kind__in=ABOUT_CLOTH, acted_at__isnull=False)
    found = found.filter(since__lt=until, last_at__gt=since - SLOT)
    return found.filter(rule__defect_class__in=(code, "")) if code else found
