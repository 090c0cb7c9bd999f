"""Judging: claim what is pending, decode, judge one batch, write it down; until nothing is left or the time is up."""

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

import structlog
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from inspections.models import Capture, Line, ModelVersion
from ml.answers import Item, Judgement, Undecodable
from ml.decode import UndecodableImage, rendition
from ml.inspector import Inspector
from workers.claims import claim_fresh, claim_retry, lines_waiting, put_back
from workers.inspectors import inspector_for
from workers.recording import record
from workers.stored import stored

BUDGET_S = 5.0  # then the task ends and is rung again, so that a worker can be stopped within seconds
RENDITION_SIDE = 1024
SHOWN_BY_BROWSERS = {"jpg", "png", "webp", "bmp"}

Clock = Callable[[], datetime]
log = structlog.get_logger(__name__)


class Later:
    """It cannot be judged now: the storage cannot give the file, or its line expects other classes."""


def drain(budget_s: float = BUDGET_S) -> bool:
    """Judge what is pending. True if the time was up first, so more may be waiting."""
    until = time.monotonic() + budget_s
    while time.monotonic() < until:
        if not judge_once():
            return False
    return True


def judge_once(clock: Clock = timezone.now) -> int:
    """For each version in force one capture that was tried before, alone, then one batch of fresh ones.

    Each is claimed only when its turn comes: work that dies in one batch must not cost another its attempt.
    """
    done = 0
    for version, inspector, lines in _work(clock()):
        for claim in (claim_retry, partial(claim_fresh, most=settings.JUDGE_BATCH)):
            if batch := claim(lines, clock()):
                done += _judge(version, inspector, batch)
    return done


def _work(now: datetime) -> list[tuple[ModelVersion, Inspector, list[Line]]]:
    """The waiting lines, grouped by their version in force; lines whose version does not load are left waiting."""
    default = ModelVersion.objects.filter(is_default=True).first()
    groups: dict[ModelVersion, list[Line]] = {}
    for line in lines_waiting(now):
        version = line.version or default
        if version is not None and _shares_fit(line, version):
            groups.setdefault(version, []).append(line)
    found = [(version, inspector_for(version), lines) for version, lines in groups.items()]
    return [(version, inspector, lines) for version, inspector, lines in found if inspector is not None]


def _shares_fit(line: Line, version: ModelVersion) -> bool:
    """Whether the line's expected class shares name exactly the version's classes; else it waits, and we say so."""
    shares = line.shares
    if shares is None:
        return True
    numbers = isinstance(shares, dict) and all(isinstance(s, int | float) and s > 0 for s in shares.values())
    if numbers and set(shares) == set(version.classes):
        return True
    log.error("shares-do-not-fit", line=line.slug, version=version.name, shares=shares)
    return False


def _judge(version: ModelVersion, inspector: Inspector, claimed: Sequence[Capture]) -> int:
    """Shares that were changed after the lines were looked at give their captures back, as a storage that is away."""
    files = {one.pk: read_file(one) if _shares_fit(one.line, version) else Later() for one in claimed}
    put_back([capture for capture in claimed if isinstance(files[capture.pk], Later)], timezone.now())
    captures = [capture for capture in claimed if not isinstance(files[capture.pk], Later)]
    if not captures:
        return 0
    items = [
        Item(data, shares=capture.line.shares, threshold=capture.line.threshold)
        for capture in captures
        if isinstance(data := files[capture.pk], bytes)
    ]
    judged = iter(inspector.judge(items))
    gone = Undecodable("the stored file is gone")
    answers = [gone if files[capture.pk] is None else next(judged) for capture in captures]
    done = record(version, captures, answers, timezone.now())
    for capture, answer in zip(captures, answers, strict=True):
        data = files[capture.pk]
        if isinstance(data, bytes) and isinstance(answer, Judgement):
            _keep_rendition(capture, data)
    return done


def read_file(capture: Capture) -> bytes | Later | None:
    """The file's bytes; None where it is gone; Later where the storage cannot give it now."""
    try:
        return stored(capture.path)
    except OSError as error:
        log.warning("storage-cannot-read", capture=str(capture.pk), reason=str(error))
        return Later()


def _keep_rendition(capture: Capture, data: bytes) -> None:
    """A copy that a browser can show: only for formats it cannot, and for images larger than a page needs.

    Comes after the verdict and may fail: a page then shows a placeholder.
    """
    large = max(capture.width, capture.height) > RENDITION_SIDE
    if not large and capture.suffix in SHOWN_BY_BROWSERS:
        return
    try:
        if not default_storage.exists(capture.rendition_path):
            default_storage.save(capture.rendition_path, ContentFile(rendition(data, RENDITION_SIDE)))
    except (UndecodableImage, OSError) as error:
        log.warning("no-rendition", capture=str(capture.pk), reason=str(error))
