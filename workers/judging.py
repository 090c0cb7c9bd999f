"""Judging: claim what is pending, decode, judge one batch, write it down; until nothing is left or the time is up."""

import time
from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from inspections.models import Capture, Line, ModelVersion
from ml.answers import Item, Judgement, Undecodable
from ml.decode import UndecodableImage, rendition
from ml.inspector import Inspector
from workers.claims import claim_fresh, claim_retry, lines_waiting
from workers.inspectors import inspector_for
from workers.recording import record

BUDGET_S = 5.0  # then the task ends and is rung again, so that a worker can be stopped within seconds
RENDITION_SIDE = 1024
SHOWN_BY_BROWSERS = {"jpg", "png", "webp", "bmp"}


def drain(budget_s: float = BUDGET_S) -> bool:
    """Judge what is pending. True if the time was up first, so more may be waiting."""
    until = time.monotonic() + budget_s
    while time.monotonic() < until:
        if not judge_once(timezone.now()):
            return False
    return True


def judge_once(now: datetime) -> int:
    """One batch of fresh captures for each version in force, and one that was tried before."""
    done = 0
    for version, inspector, lines in _work(now):
        for batch in (claim_fresh(lines, now, settings.JUDGE_BATCH), claim_retry(lines, now)):
            if batch:
                done += _judge(version, inspector, batch)
    return done


def _work(now: datetime) -> list[tuple[ModelVersion, Inspector, list[Line]]]:
    """The waiting lines, grouped by their version in force; lines whose version does not load are left waiting."""
    default = ModelVersion.objects.filter(is_default=True).first()
    groups: dict[ModelVersion, list[Line]] = {}
    for line in lines_waiting(now):
        version = line.version or default
        if version is not None:
            groups.setdefault(version, []).append(line)
    found = [(version, inspector_for(version), lines) for version, lines in groups.items()]
    return [(version, inspector, lines) for version, inspector, lines in found if inspector is not None]


def _judge(version: ModelVersion, inspector: Inspector, captures: Sequence[Capture]) -> int:
    files = [_read(capture) for capture in captures]
    items = [
        Item(data, shares=capture.line.shares, threshold=capture.line.threshold)
        for capture, data in zip(captures, files, strict=True)
        if data is not None
    ]
    judged = iter(inspector.judge(items)) if items else iter(())
    gone = Undecodable("the stored file is gone")
    answers = [gone if data is None else next(judged) for data in files]
    for capture, data, answer in zip(captures, files, answers, strict=True):
        if data is not None and isinstance(answer, Judgement):
            _keep_rendition(capture, data)
    return record(version, captures, answers, timezone.now())


def _read(capture: Capture) -> bytes | None:
    try:
        with default_storage.open(capture.path) as file:
            data: bytes = file.read()
    except FileNotFoundError:
        return None
    return data


def _keep_rendition(capture: Capture, data: bytes) -> None:
    """A copy that a browser can show: only for formats it cannot, and for images larger than a page needs."""
    large = max(capture.width, capture.height) > RENDITION_SIDE
    if not large and capture.suffix in SHOWN_BY_BROWSERS:
        return
    if default_storage.exists(capture.rendition_path):
        return
    try:
        copy = rendition(data, RENDITION_SIDE)
    except UndecodableImage:
        return
    default_storage.save(capture.rendition_path, ContentFile(copy))
