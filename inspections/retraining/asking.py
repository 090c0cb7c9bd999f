"""A training is asked for and cancelled. Both are one short transaction; a worker does the rest."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from inspections import bell, snapshots
from inspections.just_now import JUST_NOW
from inspections.models import AuditEvent, Base, JobState, ModelVersion, Person, Quarantine, Snapshot, TrainingRun
from inspections.retraining.objections import alone, to_data, to_wish
from inspections.retraining.wish import Wish, good_first
from inspections.snapshots import Refused

MOST_WHY = 200


def ask(
    by: Person | None,
    now: datetime,
    *,
    base: Base,
    network: str,
    preset: str,
    classes: Sequence[str],
    why: str,
    knobs: Mapping[str, Any] | None = None,
    base_version: ModelVersion | None = None,
    snapshot: Snapshot | None = None,
    without: Quarantine | None = None,
) -> TrainingRun | Refused:
    """Freeze the labels (unless a snapshot is given) and let a worker train on them, or say what stands in the way.

    `by`: None is the mill's own policy. A list that was frozen stays, also where it is too short to train on. A second
    press finds the training that the first one asked for.
    """
    wish = Wish(Base(base), network, preset, good_first(classes), dict(knobs or {}), base_version)
    if same := _asked_just_now(by, wish, why, now):
        return same
    if objection := to_wish(wish):
        return Refused(objection)
    frozen = snapshot or snapshots.freeze(by, now, classes=wish.classes, without=without, note=why)
    if isinstance(frozen, Refused):
        return frozen
    if objection := to_data(wish, frozen):
        return Refused(objection)
    with transaction.atomic():
        if objection := alone():
            return _asked_just_now(by, wish, why, now) or Refused(objection)
        run = TrainingRun.objects.create(
            asked_by=by, asked_at=now, snapshot=frozen, base=wish.base, base_version=wish.base_version,
            network=wish.network, preset=wish.preset, knobs=dict(wish.knobs), why=_kept(why),
        )  # fmt: skip
        _note(by, "train", run, now, why=why, snapshot=frozen.name, base=wish.base, classes=list(wish.classes))
        bell.ring_on_commit(bell.TRAIN)
    return run


def _asked_just_now(by: Person | None, wish: Wish, why: str, now: datetime) -> TrainingRun | None:
    """The training that this person has asked for with this wish a moment ago, and that nobody has cancelled."""
    rows = TrainingRun.objects.filter(asked_by=by, asked_at__gt=now - JUST_NOW, why=_kept(why))
    found = rows.filter(state__in=(JobState.WAITING, JobState.RUNNING)).select_related("snapshot", "base_version")
    run: TrainingRun | None = found.first() if by else None
    return run if run and _in_order(Wish.of(run)) == _in_order(wish) else None


def _in_order(wish: Wish) -> Wish:
    return replace(wish, classes=tuple(sorted(wish.classes)))


def _kept(why: str) -> str:
    return why[:MOST_WHY]


def cancel(run: TrainingRun, by: Person | None, now: datetime) -> Refused | None:
    """End it at once where nobody has begun; else the worker that holds it ends it within seconds."""
    with transaction.atomic():
        row = TrainingRun.objects.filter(pk=run.pk)
        waiting = row.filter(state=JobState.WAITING)
        changed = waiting.update(state=JobState.CANCELLED, finished_at=now) or row.filter(
            state=JobState.RUNNING
        ).update(state=JobState.CANCELLING)
        if changed:
            _note(by, "cancel-training", run, now)
            bell.ring_on_commit(bell.TRAIN)
    run.refresh_from_db()
    if changed or run.state == JobState.CANCELLING:
        return None
    return Refused(_("The training has ended already: %(state)s.") % {"state": run.get_state_display()})


def _note(by: Person | None, action: str, run: TrainingRun, now: datetime, **detail: Any) -> None:
    AuditEvent.note(by, action, f"training {run.pk}", now, **{name: value for name, value in detail.items() if value})
