"""The learning process is started and followed: about once a second its row learns how far it is."""

import errno
import os
import shutil
import signal
import time
from datetime import timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import connection
from django.db.utils import InterfaceError, OperationalError
from django.utils import timezone
from django.utils.translation import gettext as _

from inspections.models import JobState, TrainingRun
from workers import stopping
from workers.learning import command
from workers.learning.child import Child
from workers.learning.folder import WorkFolder
from workers.learning.outcomes import Cancelled, Died, Ended, Failed, Lost, Outcome, Stopped, Trained
from workers.learning.told import last_words, told

EVERY_S = 1.0
BAD_DATA = 2
NO_ROOM = os.strerror(errno.ENOSPC)
FULL_BYTES = 1_000_000  # with less room than this the program cannot even write down why it broke off

log = structlog.get_logger(__name__)


def ended_meanwhile(run: TrainingRun, **changes: Any) -> Ended | None:
    """While the data is prepared: renew the lease and write down how far it is; whether that is still wanted."""
    if not run.renew(timezone.now() + timedelta(seconds=settings.TRAIN_LEASE_S), **changes):
        return Lost()
    state = TrainingRun.objects.values_list("state", flat=True).get(pk=run.pk)
    if state == JobState.CANCELLING:
        return Cancelled()
    return Stopped() if stopping.is_asked() else None


def follow(run: TrainingRun, folder: WorkFolder) -> Outcome:
    """Start the process and stay with it. However this ends, the process has ended too."""
    heard = time.monotonic()
    with Child(command.of(run, folder), folder.said) as child:
        while (code := child.wait(EVERY_S)) is None:
            state = tell(run, folder)
            if state == JobState.CANCELLING:
                return Cancelled()
            if state is not None:
                heard = time.monotonic()
            if state == "" or time.monotonic() - heard > settings.TRAIN_LEASE_S:
                return Lost()
            if stopping.is_asked():
                return Stopped()
        tell(run, folder)
    return _outcome(code, folder)


def tell(run: TrainingRun, folder: WorkFolder) -> str | None:
    """Renew the lease and write down how far it is. The row's state; empty where it is not ours any more; None where
    the database could not be asked just now."""
    figures = told(folder)
    if len(figures["history"]) > len(run.history):
        figures["attempts"] = 1  # it gets on: what counts are deaths without one more epoch
    try:
        if not run.renew(timezone.now() + timedelta(seconds=settings.TRAIN_LEASE_S), **figures):
            return ""
        state: str = TrainingRun.objects.values_list("state", flat=True).get(pk=run.pk)
    except (OperationalError, InterfaceError) as error:
        log.warning("training-not-told", run=run.pk, reason=str(error))
        connection.close()
        return None
    run.history = figures["history"]
    return state


def _outcome(code: int, folder: WorkFolder) -> Outcome:
    if code == 0:
        return Trained()
    said = last_words(folder.said)
    if NO_ROOM in said or shutil.disk_usage(folder.path).free < FULL_BYTES:
        return Failed(_("The disk was full. Nothing of this training is left on it."))
    if code == BAD_DATA:
        return Failed(said.removeprefix("ml train: ").removeprefix("ml head: "))
    if code < 0:
        return Died(_("its process was killed (%(signal)s)") % {"signal": signal.Signals(-code).name})
    return Failed(_("The training program broke off: %(said)s") % {"said": said or code})
