"""The golden set is extended on purpose: sources that never trained are given to it."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from inspections.models import AuditEvent, Person, Purpose, Side, SnapshotRow, SourceSide
from inspections.snapshots import sides
from inspections.snapshots.candidates import read
from inspections.snapshots.outcome import Refused


def extend_golden(by: Person, sources: Iterable[str], now: datetime) -> list[str] | Refused:
    """Give these sources to the golden side, all of them or none. The next version of the set will hold them."""
    wanted = sorted(set(sources))
    labelled = {one.source for one in read()}
    with transaction.atomic():
        sides.alone()
        if objection := _objection(wanted, labelled):
            return Refused(objection)
        SourceSide.objects.filter(source__in=wanted).delete()  # given anew, so that who counted before sees a change
        sides.give(dict.fromkeys(wanted, Side.GOLDEN), now)
        AuditEvent.note(by, "golden-sources", "golden set", now, sources=wanted)
    return wanted


def _objection(wanted: Sequence[str], labelled: set[str]) -> str:
    if not wanted:
        return _("Choose a roll first.")
    if strangers := [source for source in wanted if source not in labelled]:
        return _("Nothing labelled is of %(sources)s.") % {"sources": ", ".join(strangers)}
    golden = SourceSide.objects.filter(source__in=wanted, side=Side.GOLDEN).values_list("source", flat=True)
    if mine := sorted(golden):
        return _("In the golden set's sources already: %(sources)s.") % {"sources": ", ".join(mine)}
    if trained := sorted(used_by_training(wanted)):
        return _("%(sources)s stood in a training snapshot, so it can never judge a model.") % {
            "sources": ", ".join(trained)
        }
    return ""


def used_by_training(sources: Sequence[str] | None = None) -> set[str]:
    """The sources that trained or validated in some snapshot; among these, or all."""
    rows = SnapshotRow.objects.filter(snapshot__purpose=Purpose.TRAIN, side__in=(Side.TRAIN, Side.VAL))
    if sources is not None:
        rows = rows.filter(source__in=sources)
    return set(rows.values_list("source", flat=True).distinct())
