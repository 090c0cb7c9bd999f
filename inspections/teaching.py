"""Reckonings over what verdicts kept: asked for here, carried out by a worker. One of a kind is under way at most."""

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from inspections import bell
from inspections.models import AuditEvent, Insight, InsightKind, JobState, Person, TeachPick

FRESH = timedelta(hours=1)  # a list that is older is made anew while somebody works on it
PAUSE = timedelta(minutes=1)  # between two lists, where the last one has run out
AFTER_FAILURE = timedelta(minutes=10)
SHOWN = (InsightKind.TEACH, InsightKind.LABELS)
DRIFT_EVERY = timedelta(hours=6)


def ask(kind: InsightKind, now: datetime, by: Person | None = None) -> Insight:
    """The reckoning of this kind that waits or runs; a new one where there is none. `by` None: the system asks."""
    return _asked((kind,), now, by)[0]


def ask_all(now: datetime, by: Person) -> list[Insight]:
    """Reckon anew what its page shows."""
    return _asked(SHOWN, now, by)


def _asked(kinds: tuple[InsightKind, ...], now: datetime, by: Person | None) -> list[Insight]:
    with transaction.atomic():
        found = [_live(kind) or _new(kind, now, by) for kind in kinds]
        bell.ring_on_commit(bell.RECKON)
        if by is not None:
            AuditEvent.note(by, "reckon", "what to label", now, kinds=[kind.value for kind in kinds])
    return found


def _live(kind: InsightKind) -> Insight | None:
    found: Insight | None = Insight.objects.live().filter(kind=kind).first()
    return found


def _new(kind: InsightKind, now: datetime, by: Person | None) -> Insight:
    """A new one, or that of somebody who asked at this moment."""
    try:
        with transaction.atomic():
            return Insight.objects.create(kind=kind, asked_by=by, asked_at=now)
    except IntegrityError:
        return _live(kind) or Insight.objects.filter(kind=kind).latest("id")


def newest(kind: InsightKind) -> Insight | None:
    """The last one that was asked for, whatever became of it."""
    return Insight.objects.filter(kind=kind).defer("body").first()


def newest_done(kind: InsightKind) -> Insight | None:
    return Insight.objects.filter(kind=kind, state=JobState.DONE).first()


def keep_fresh(now: datetime, left: int) -> None:
    """While somebody works in the order of the list: ask for a new one where it is old, or has run out."""
    last = newest(InsightKind.TEACH)
    if last is None or (not last.is_live and now - (last.finished_at or last.asked_at) > _rest(last, left)):
        ask(InsightKind.TEACH, now)


def _rest(last: Insight, left: int) -> timedelta:
    if last.state == JobState.FAILED:
        return AFTER_FAILURE
    return FRESH if left else PAUSE


def look_for_drift(now: datetime) -> None:
    """For the clock: ask whether anything has drifted, a few times a day."""
    last = newest(InsightKind.DRIFT)
    if last is None or (not last.is_live and now - last.asked_at >= DRIFT_EVERY):
        ask(InsightKind.DRIFT, now)


def list_made_at() -> datetime | None:
    return TeachPick.objects.order_by("-made_at").values_list("made_at", flat=True).first()
