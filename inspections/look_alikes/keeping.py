"""What this process holds of the index: opened once, checked once, and opened anew when its files have changed."""

import threading
from dataclasses import dataclass

import structlog
from django.utils.translation import gettext as _

from inspections.look_alikes import files, graph
from inspections.look_alikes.table import Table
from inspections.models import ModelVersion

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Index:
    """Base and additions of one version, in the order in which they were written. `graph`: of the base, where it is
    large. `trouble`: what is wrong with a part of it, which is then not in it; empty where all is well."""

    name: str  # of the base
    base: files.Opened
    more: tuple[files.Opened, ...]
    graph: graph.Graph | None
    trouble: str = ""

    @property
    def tables(self) -> list[Table]:
        return [self.base.table, *(one.table for one in self.more)]

    @property
    def last(self) -> files.Opened:
        return self.more[-1] if self.more else self.base

    def __len__(self) -> int:
        return sum(len(table) for table in self.tables)


@dataclass(frozen=True)
class Missing:
    """There is nothing to be searched. `trouble`: why, in words; empty where none was ever built."""

    trouble: str = ""


Stamp = tuple[tuple[str, int, int], ...]  # name, bytes, time of writing
_held: dict[str, tuple[Stamp, Index | Missing]] = {}
_one_opens = threading.Lock()


def index_of(version: ModelVersion) -> Index | Missing:
    """The newest index of this version, as this process can search it."""
    with _one_opens:
        for _again in range(3):
            try:
                return _current(version)
            except FileNotFoundError:  # a worker took old files away between the listing and the opening
                continue
            except OSError as error:
                return Missing(str(error))
    return Missing()


def _current(version: ModelVersion) -> Index | Missing:
    folder = files.folder_of(version.digest)
    stamp = _stamp(folder)
    known = _held.get(version.digest)
    if known is None or known[0] != stamp:
        known = stamp, _opened(version, folder, [name for name, _size, _at in stamp])
        _held[version.digest] = known
        if known[1].trouble:
            log.warning("look-alikes-unusable", model=version.name, reason=known[1].trouble)
    return known[1]


def _stamp(folder: str) -> Stamp:
    found = []
    for name in files.names(folder):
        told = files.path_of(f"{folder}/{name}").stat()
        found.append((name, told.st_size, told.st_mtime_ns))
    return tuple(found)


def _opened(version: ModelVersion, folder: str, names: list[str]) -> Index | Missing:
    bases = [name for name in names if name.endswith(files.BASE)]
    if not bases:
        return Missing()
    name = bases[-1]
    try:
        base = files.opened(f"{folder}/{name}", version)
    except files.Unusable as error:
        return Missing(str(error))
    key = name.removesuffix(files.BASE)
    more, trouble = _additions(
        version, folder, [one for one in names if one.startswith(f"{key}.") and one.endswith(files.MORE)]
    )
    try:
        found = _graph(base, folder, key)
    except (files.Unusable, FileNotFoundError) as error:
        return Index(name, base, tuple(more), None, str(error))
    return Index(name, base, tuple(more), found, trouble)


def _additions(version: ModelVersion, folder: str, names: list[str]) -> tuple[list[files.Opened], str]:
    """Up to the first that is not whole: what came after it is read from the rows."""
    found: list[files.Opened] = []
    for name in names:
        try:
            found.append(files.opened(f"{folder}/{name}", version))
        except files.Unusable as error:
            return found, str(error)
    return found, ""


def _graph(base: files.Opened, folder: str, key: str) -> graph.Graph | None:
    """Checked before it is opened: the library trusts what it reads."""
    if base.header.graph is None:
        return None
    size, crc = base.header.graph
    path = files.path_of(f"{folder}/{key}{files.GRAPH}")
    if path.stat().st_size != size or files.checksum(path, 0) != crc:
        raise files.Unusable(_("its graph is damaged"))
    return graph.opened(path, base.header.size)
