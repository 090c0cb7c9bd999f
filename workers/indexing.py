"""The index of look-alikes is kept: built where it is missing, spoilt or a day old, and added to as captures come."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import structlog
from django.conf import settings
from django.core.files.storage import default_storage

from inspections.ids import made_at
from inspections.look_alikes import files, gathering, graph, keeping, rows
from inspections.look_alikes.table import Table
from inspections.models import ModelVersion, Verdict

REBUILT_AFTER = timedelta(days=1)  # so that what is too old leaves it
MOST_ADDITIONS = 64
log = structlog.get_logger(__name__)


def work(now: datetime) -> None:
    """Look after the index of each version that is, or was lately, in force. One process of a machine does it."""
    with _alone() as is_alone:
        if is_alone:
            wanted = gathering.versions(now)
            for version in wanted:
                _keep(version, now)
            _remove_others(wanted)


@contextmanager
def _alone() -> Iterator[bool]:
    """Whether no other process of this machine is at it; two on two machines only do the same work twice."""
    handle = os.open(settings.DATA / "look-alikes.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield _locked(handle)
    finally:
        os.close(handle)


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _keep(version: ModelVersion, now: datetime) -> None:
    size = rows.size_of(version)
    if size is None:
        return
    index = keeping.index_of(version)
    if reason := _why_anew(version, index, size, now):
        _build(version, size, now, reason)
    elif isinstance(index, keeping.Index):
        _add(version, size, index, now)


def _why_anew(version: ModelVersion, index: keeping.Index | keeping.Missing, size: int, now: datetime) -> str:
    """In words; empty where what is there is good, or nothing is worth a file yet."""
    if isinstance(index, keeping.Missing):
        return index.trouble or ("there was none" if _is_worth_it(version) else "")
    if index.base.header.size != size:
        return "embeddings have another size"
    if now - made_at(UUID(index.name.removesuffix(files.BASE))) > REBUILT_AFTER:
        return "it was a day old"
    is_scattered = len(index.more) >= MOST_ADDITIONS
    return index.trouble or ("it was in many pieces" if is_scattered else "")


def _is_worth_it(version: ModelVersion) -> bool:
    least: int = settings.LOOK_ALIKE_LEAST
    return len(Verdict.objects.filter(version=version).values_list("pk", flat=True)[:least]) == least


def _build(version: ModelVersion, size: int, now: datetime, reason: str) -> None:
    began, through = time.monotonic(), gathering.seen_through(now)
    table = gathering.gather(version, size, now, through)
    with TemporaryDirectory(dir=settings.DATA, prefix="look-alikes-") as scratch:
        drawn = _graph(table, Path(scratch)) if len(table) > settings.LOOK_ALIKE_EXACT else None
        base = files.write_base(version, table, through, drawn)
    folder, key = files.folder_of(version.digest), base.rsplit("/", 1)[1].removesuffix(files.BASE)
    files.remove(folder, [name for name in files.names(folder) if not name.startswith(key)])
    seconds = round(time.monotonic() - began, 1)
    log.info("look-alikes-built", model=version.name, captures=len(table), reason=reason, seconds=seconds)


def _graph(table: Table, folder: Path) -> Path:
    graph.build(table.embeddings, folder / "graph")
    return folder / "graph"


def _add(version: ModelVersion, size: int, index: keeping.Index, now: datetime) -> None:
    """What was judged since, once it is worth a file; all of it anew where it is more than is read at once."""
    through = gathering.seen_through(now)
    found = rows.newest(version, size, after=index.last.through, before=through)
    if len(found) >= rows.NEWEST:
        _build(version, size, now, "it was far behind")
    elif len(found) >= settings.LOOK_ALIKE_LEAST:
        files.write_more(version, index.name, found, through)
        log.info("look-alikes-added", model=version.name, captures=len(found))


def _remove_others(wanted: list[ModelVersion]) -> None:
    """The files of versions that have been out of force for long."""
    kept = {files.folder_of(version.digest) for version in wanted}
    for name in _folders():
        folder = f"{files.FOLDER}/{name}"
        if folder not in kept:
            files.remove(folder, files.names(folder))
            default_storage.delete(folder)


def _folders() -> list[str]:
    try:
        return list(default_storage.listdir(files.FOLDER)[0])
    except FileNotFoundError:
        return []
