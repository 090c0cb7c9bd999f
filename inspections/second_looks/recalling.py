"""The recall: stored captures of chosen rolls or days, judged anew by one version. History is not rewritten."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _

from inspections import bell
from inspections.ids import id_at
from inspections.models import (
    AuditEvent,
    Capture,
    JobState,
    Line,
    ModelVersion,
    Person,
    Recall,
    Roll,
    SecondLook,
    State,
    Status,
    Verdict,
)
from inspections.models.job import LIVE
from inspections.snapshots import Refused

MOST = 50_000  # captures of one recall
MOST_ROLLS = 100
CHUNK = 256  # captures that are put on the list at once
CLOCKS_APART = timedelta(minutes=6)  # a capture counts at most five minutes after its arrival


@dataclass(frozen=True)
class Wanted:
    """Which captures: of these rolls, or of this time (`counted_at`, the end not included), of a line or of all."""

    version: ModelVersion
    rolls: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    line: Line | None = None


def preview(wanted: Wanted, now: datetime) -> int | Refused:
    """How many captures it would judge, or why it cannot be asked for."""
    reason = _why_not(wanted)
    if reason:
        return Refused(reason)
    count = _matching(_asked_for(wanted, None, now))[: MOST + 1].count()
    if count == 0:
        return Refused(_("There is no such capture, or all of them were judged by this version."))
    if count > MOST:
        return Refused(_("These are more than %(most)d captures. Choose fewer rolls or days.") % {"most": MOST})
    return count


def ask(wanted: Wanted, by: Person | None, now: datetime) -> Recall | Refused:
    """Ask for it; workers do it while nothing else waits."""
    count = preview(wanted, now)
    if isinstance(count, Refused):
        return count
    with transaction.atomic():
        found = _asked_for(wanted, by, now)
        found.total = count
        found.save(force_insert=True)
        told = {"version": wanted.version.name, "rolls": list(wanted.rolls), "images": count}
        AuditEvent.note(by, "recall", f"recall {found.pk}", now, **told)
        bell.ring_on_commit(bell.LOOK_AGAIN)
    return found


def cancel(recall: Recall, by: Person | None, now: datetime) -> Recall | Refused:
    """End it; what was judged so far stays."""
    with transaction.atomic():
        found: Recall | None = (
            Recall.objects.select_for_update(no_key=True).filter(pk=recall.pk, state__in=LIVE).first()
        )
        if found is None:
            return Refused(_("This recall has ended already."))
        end(found, JobState.CANCELLED, now)
        AuditEvent.note(by, "recall-cancel", f"recall {found.pk}", now, done=found.done)
    return found


def end(recall: Recall, state: JobState, now: datetime, reason: str = "") -> None:
    """Its last word, and nothing waits for it any more. Call it with the row locked."""
    SecondLook.objects.filter(recall=recall).delete()
    recall.state, recall.finished_at, recall.reason = state, now, reason[:500]
    recall.save(update_fields=["state", "finished_at", "reason"])


def fail_all(version: ModelVersion, now: datetime, reason: str) -> None:
    """End every recall by a version that does not load."""
    with transaction.atomic():
        for found in Recall.objects.select_for_update(no_key=True).filter(version=version, state__in=LIVE):
            end(found, JobState.FAILED, now, reason)


def fill(now: datetime) -> bool:
    """Put the next captures of the oldest recall on the list; True if there are some.

    List and cursor move in one commit, so a worker that dies here has done all of it or nothing.
    """
    with transaction.atomic():
        live = Recall.objects.filter(state__in=(JobState.WAITING, JobState.RUNNING)).order_by("pk")
        recall = live.select_for_update(skip_locked=True, no_key=True).first()
        if recall is None or SecondLook.objects.filter(recall=recall).exists():
            return False
        keys = list(_matching(recall).order_by("id").values_list("id", flat=True)[:CHUNK])
        if not keys:
            recall.total = recall.done + recall.dropped
            recall.save(update_fields=["total"])
            end(recall, JobState.DONE, now)
            return True
        SecondLook.objects.bulk_create(
            SecondLook(capture_id=key, version_id=recall.version_id, recall=recall) for key in keys
        )
        recall.state, recall.cursor = JobState.RUNNING, keys[-1]
        recall.started_at = recall.started_at or now
        recall.save(update_fields=["state", "cursor", "started_at"])
    return True


def _why_not(wanted: Wanted) -> str:
    version = wanted.version
    if version.broken:
        return _("%(name)s does not load: %(reason)s") % {"name": version.name, "reason": version.broken}
    if version.state == State.REJECTED:
        return _("%(name)s was rejected.") % {"name": version.name}
    if bool(wanted.rolls) == bool(wanted.since or wanted.until):
        return _("Choose rolls, or days; not both.")
    if not wanted.rolls and not (wanted.since and wanted.until and wanted.since < wanted.until):
        return _("The first day must not lie after the last.")
    if len(wanted.rolls) > MOST_ROLLS:
        return _("These are more than %(most)d rolls.") % {"most": MOST_ROLLS}
    missing = _missing(wanted.rolls)
    return _("There is no roll %(codes)s.") % {"codes": ", ".join(missing)} if missing else ""


def _missing(rolls: Sequence[str]) -> list[str]:
    known = set(Roll.objects.filter(code__in=rolls).values_list("code", flat=True))
    return [code for code in rolls if code not in known]


def _asked_for(wanted: Wanted, by: Person | None, now: datetime) -> Recall:
    return Recall(
        version=wanted.version,
        rolls=list(wanted.rolls),
        since=wanted.since,
        until=wanted.until,
        line=wanted.line,
        asked_by=by,
        asked_at=now,
    )


def _matching(recall: Recall) -> QuerySet[Capture]:
    """Judged captures beyond the cursor that had arrived when it was asked for, without those whose verdict in force
    is this version's own: there is nothing to compare."""
    own = Verdict.objects.filter(capture=OuterRef("pk"), effective=True, version=recall.version_id)
    found = Capture.objects.filter(status=Status.JUDGED, received_at__lte=recall.asked_at).exclude(Exists(own))
    if recall.rolls:
        found = found.filter(roll__code__in=recall.rolls)
    if recall.since is not None:
        found = found.filter(counted_at__gte=recall.since, id__gte=id_at(recall.since - CLOCKS_APART))
    if recall.until is not None:
        found = found.filter(counted_at__lt=recall.until)
    if recall.line_id is not None:
        found = found.filter(line=recall.line_id)
    return found if recall.cursor is None else found.filter(id__gt=recall.cursor)
