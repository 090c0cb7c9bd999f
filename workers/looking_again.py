"""Shadow and recall: captures judged beside the verdict in force, while nothing else waits.

A capture's first verdict always goes before: between two batches it is asked whether one waits, and if so this hands
over at once. The first batch is one image and the next ones double up to BATCH, so that where captures come all the
time one of them waits for an image or two, and where none comes the batches are large.

Judged as live: with the line's threshold where it has one, else the bundle's own, and with the line's class shares
where they name exactly this version's classes, else those of its training.
"""

import time
from collections.abc import Callable, Sequence
from datetime import datetime

import structlog
from django.utils import timezone

from inspections import bell
from inspections.models import Capture, ModelVersion, Recall, SecondLook, State
from inspections.second_looks import fail_all, fill
from ml.answers import Item
from ml.inspector import Inspector
from workers.claims import lines_waiting
from workers.comparing import Looked, write_down
from workers.inspectors import inspector_for
from workers.judging import Later, read_file
from workers.looks import claim_looks, drop_exhausted, drop_pointless, judged_before, let_go, versions_waiting

BUDGET_S = 5.0  # then the task ends and is rung again, so that a worker can be stopped within seconds
BATCH = 8

Clock = Callable[[], datetime]
log = structlog.get_logger(__name__)


def work(budget_s: float = BUDGET_S, clock: Clock = timezone.now) -> None:
    """Look again until nothing is left, a fresh capture waits, or the time is up; then it is rung again."""
    drop_exhausted(clock())
    drop_pointless()
    until, most = time.monotonic() + budget_s, 1
    while time.monotonic() < until:
        if lines_waiting(clock()) or not look_once(clock, most):
            return
        most = min(2 * most, BATCH)
    bell.ring_now(bell.LOOK_AGAIN)


def is_wanted() -> bool:
    """Whether anything is on the list."""
    return SecondLook.objects.exists() or Recall.objects.live().exists()


def look_once(clock: Clock = timezone.now, most: int = BATCH) -> bool:
    """One batch of up to `most`, shadows before recalls; False where there is nothing to do."""
    for version in versions_waiting(clock()):
        inspector = inspector_for(version)
        if inspector is None:
            _give_up(version, clock())
        elif looks := claim_looks(version, clock(), most):
            _look(version, inspector, looks, clock)
            return True
    return fill(clock())


def _give_up(version: ModelVersion, now: datetime) -> None:
    """Its bundle does not load. A recall by it fails and says so; its shadow waits, and takes no more."""
    version.refresh_from_db(fields=["broken"])
    fail_all(version, now, version.broken or "its bundle does not load")
    log.warning("second-looks-wait", version=version.name, in_shadow=version.state == State.SHADOW)


def _look(version: ModelVersion, inspector: Inspector, looks: Sequence[SecondLook], clock: Clock) -> None:
    """Judge those that this version never judged, and write all down."""
    known = judged_before(version, looks)
    files = {look.pk: read_file(look.capture) for look in looks if look.capture_id not in known}
    let_go([look for look in looks if isinstance(files.get(look.pk), Later)], clock())
    read = {key: data for key, data in files.items() if isinstance(data, bytes)}
    began = time.monotonic()
    answers = inspector.judge([_item(look.capture, read[look.pk], version) for look in looks if look.pk in read])
    each_ms = 1000 * (time.monotonic() - began) / max(len(answers), 1)
    said = dict(zip(read, answers, strict=True))
    done = [Looked(look, said.get(look.pk)) for look in looks if not isinstance(files.get(look.pk), Later)]
    write_down(version, done, each_ms, clock())


def _item(capture: Capture, data: bytes, version: ModelVersion) -> Item:
    shares = capture.line.shares
    fit = isinstance(shares, dict) and set(shares) == set(version.classes)
    return Item(data, shares=shares if fit else None, threshold=capture.line.threshold)
