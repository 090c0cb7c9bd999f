"""Trainings: claimed, carried out in a process of their own, ended."""

import errno
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from inspections import gate, registry, snapshots, teaching
from inspections.models import InsightKind, JobState, ModelVersion, Origin, TrainingRun
from ml.bundle import BundleError
from ml.inspector import Inspector
from workers import stopping
from workers.learning import data
from workers.learning.folder import WorkFolder, folder_of, held, remove_left_behind
from workers.learning.following import follow
from workers.learning.outcomes import Cancelled, Died, Failed, Lost, Outcome, Stopped, Trained
from workers.learning.told import told

log = structlog.get_logger(__name__)


def work() -> None:
    """Carry out what waits, one run after the other; where one is under way already, nothing."""
    remove_left_behind()
    while not stopping.is_asked() and (run := _claimed()):
        with held(folder_of(run)) as ours:
            if not ours:
                run.renew(_lease(), attempts=F("attempts") - 1)
                return
            _end(run, folder_of(run), _carried_out(run, folder_of(run)))
        remove_left_behind()


def _claimed() -> TrainingRun | None:
    """The oldest that may be begun or gone on with. The slot's unique key lets one run at a time in the whole mill."""
    now = timezone.now()
    try:
        with transaction.atomic():
            run: TrainingRun | None = TrainingRun.objects.claim(now, _lease(), slot=1)
    except IntegrityError:
        return None
    if run and run.started_at is None:
        run.renew(_lease(), started_at=now)
    return run


def _lease() -> datetime:
    return timezone.now() + timedelta(seconds=settings.TRAIN_LEASE_S)


def _carried_out(run: TrainingRun, folder: WorkFolder) -> Outcome:
    if run.state == JobState.CANCELLING:
        return Cancelled()
    if run.attempts > settings.MAX_ATTEMPTS:
        words = {"n": settings.MAX_ATTEMPTS, "reason": run.reason or _("its worker was killed")}
        return Failed(_("It died %(n)s times without getting one epoch further: %(reason)s.") % words)
    log.info("training", run=run.pk, attempt=run.attempts)
    if folder.out.exists():  # it appears whole: a worker was killed between the program's end and the registry
        return Trained()
    try:
        return data.prepare(run, folder) or follow(run, folder)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        return _disk_full()


def _disk_full() -> Failed:
    return Failed(_("The disk was full. Nothing of this training is left on it."))


def _end(run: TrainingRun, folder: WorkFolder, outcome: Outcome) -> None:
    """The last word on it, then its folder. One that died keeps its folder and waits to be gone on with, and so does
    one that somebody else holds by now."""
    log.info("training-ended", run=run.pk, outcome=type(outcome).__name__)
    match outcome:
        case Trained():
            is_ended = _register(run, folder)
        case Failed(reason=reason):
            is_ended = run.end(JobState.FAILED, timezone.now(), reason, slot=None, eta_s=None, **_last_told(folder))
        case Cancelled():
            is_ended = run.end(JobState.CANCELLED, timezone.now(), slot=None, eta_s=None)
        case Died(reason=reason):
            run.renew(timezone.now(), reason=reason, **_last_told(folder))
            return
        case Stopped():
            run.renew(timezone.now(), attempts=F("attempts") - 1, **_last_told(folder))
            return
        case Lost():
            return
    if is_ended:
        folder.remove()


def _register(run: TrainingRun, folder: WorkFolder) -> bool:
    """The bundle becomes a candidate. The same bundle again is the same version, so a kill in here is harmless."""
    run.renew(_lease())
    now = timezone.now()
    try:
        Inspector.load(folder.out, device="cpu")
        version = registry.add(
            folder.out, now, origin=Origin.TRAINED, by=run.asked_by, parent=run.base_version, snapshot=run.snapshot
        )
    except (BundleError, RuntimeError, ValueError) as error:
        reason = _("The trained model does not load: %(reason)s") % {"reason": error}
        return run.end(JobState.FAILED, timezone.now(), reason, slot=None, eta_s=None)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        return run.end(JobState.FAILED, timezone.now(), _disk_full().reason, slot=None, eta_s=None)
    with transaction.atomic():
        done = {"version": version, "share_done": 1.0, "eta_s": None, "stage": "", **_last_told(folder)}
        is_ended = run.end(JobState.DONE, timezone.now(), slot=None, **done)
        if is_ended:
            _ask_what_follows(run, version, timezone.now())
    return is_ended


def _ask_what_follows(run: TrainingRun, version: ModelVersion, now: datetime) -> None:
    """Its gate, where there is a golden set, and what the labels tell now."""
    if snapshots.newest_golden() is not None:
        gate.ask(version, run.asked_by, now)
    teaching.ask(InsightKind.LABELS, now)


def _last_told(folder: WorkFolder) -> dict[str, Any]:
    found = told(folder)
    return {name: found[name] for name in ("history", "log")}
