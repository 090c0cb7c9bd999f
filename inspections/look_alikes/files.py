"""The index as files in storage: each is written once and never changed, so that readers need no lock.

`look-alikes/<digest of the version>/` holds a base, `<id>.base`, what came since, `<id>.<id>.more`, and, beside a
large base, a graph for approximate search, `<id>.graph`. Ids rise with time: the newest base
counts, and what was added to it.
A file begins with a magic word and a CRC-32 of all the rest: a header in JSON, then the columns of a `Table`, each
beginning on 64 bytes.
"""

import json
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.utils.translation import gettext as _

from inspections.ids import new_id
from inspections.look_alikes.table import KEY, Table
from inspections.models import ModelVersion

FOLDER = "look-alikes"
BASE, MORE, GRAPH = ".base", ".more", ".graph"
MAGIC = b"SELVALIKE1"
FORMAT = 1
START = len(MAGIC) + 4  # the checksum is of everything from here on
ALIGNED = 64
PIECE = 1 << 22
COLUMNS: tuple[tuple[str, Any], ...] = (("keys", KEY), ("lines", "<i4"), ("times", "<i8"), ("embeddings", "<i2"))


class Unusable(Exception):
    """Why a file cannot be searched, in words."""


@dataclass(frozen=True)
class Header:
    """`through`: every verdict up to this id was looked at. `graph`: bytes and CRC-32 of the graph beside it.
    `compared`: which column of evidence it holds; files of before there were two do not say."""

    digest: str
    size: int  # figures an embedding
    count: int
    through: str
    graph: tuple[int, int] | None = None
    format: int = FORMAT
    compared: str = "embedding"


@dataclass(frozen=True)
class Opened:
    header: Header
    table: Table  # mapped, not read

    @property
    def through(self) -> UUID:
        return UUID(self.header.through)


def folder_of(digest: str) -> str:
    return f"{FOLDER}/{digest[:24]}"


def names(folder: str) -> list[str]:
    """What lies there, oldest first; nothing where nothing was ever written."""
    try:
        found = default_storage.listdir(folder)[1]
    except FileNotFoundError:
        return []
    return sorted(name for name in found if name.endswith((BASE, MORE, GRAPH)))


def path_of(name: str) -> Path:
    """Where the file lies: it is mapped from the disk, and never read whole."""
    return Path(default_storage.path(name))


def write_base(version: ModelVersion, table: Table, through: UUID, graph: Path | None) -> str:
    """Store a new base, after its graph. Returns its name."""
    key = new_id()
    folder = folder_of(version.digest)
    told = None
    if graph is not None:
        told = graph.stat().st_size, checksum(graph, 0)
        with graph.open("rb") as file:
            default_storage.save(f"{folder}/{key}{GRAPH}", File(file))
    return _write(f"{folder}/{key}{BASE}", version, table, through, told)


def write_more(version: ModelVersion, base: str, table: Table, through: UUID) -> str:
    """Store what came since, beside the base of this name."""
    key = base.removesuffix(BASE)
    return _write(f"{folder_of(version.digest)}/{key}.{new_id()}{MORE}", version, table, through, None)


def _write(name: str, version: ModelVersion, table: Table, through: UUID, graph: tuple[int, int] | None) -> str:
    size = table.embeddings.shape[1]
    header = Header(version.digest, size, len(table), str(through), graph, compared=version.compares)
    crc = 0
    with tempfile.TemporaryFile(dir=settings.DATA) as out:
        out.write(bytes(START))
        for piece in _pieces(header, table):
            crc = zlib.crc32(piece, crc)
            out.write(piece)
        out.seek(0)
        out.write(MAGIC + crc.to_bytes(4, "little"))
        out.seek(0)
        default_storage.save(name, File(out))
    return name


def _pieces(header: Header, table: Table) -> Iterator[bytes | memoryview]:
    text = json.dumps(asdict(header)).encode()
    yield len(text).to_bytes(4, "little") + text
    at = START + 4 + len(text)
    for name, kind in COLUMNS:
        column = np.ascontiguousarray(getattr(table, name), dtype=kind)
        padding = -at % ALIGNED
        yield bytes(padding)
        yield memoryview(column.view(np.uint8)).cast("B") if column.size else b""  # type: ignore[arg-type]
        at += padding + column.nbytes


def opened(name: str, version: ModelVersion) -> Opened:
    """A file that is whole and this version's. Unusable where it is not, FileNotFoundError where it is gone."""
    path = path_of(name)
    with path.open("rb") as file:
        begin = file.read(START + 4)
        if len(begin) < START + 4 or not begin.startswith(MAGIC):
            raise Unusable(_("it is no index"))
        length = int.from_bytes(begin[START:], "little")
        text = file.read(min(length, PIECE))
    if checksum(path, START) != int.from_bytes(begin[len(MAGIC) : START], "little"):
        raise Unusable(_("it is damaged: its checksum is another"))
    header = Header(**json.loads(text))  # the checksum was right: nobody but `_write` wrote it
    if header.format != FORMAT or header.digest != version.digest:
        raise Unusable(_("it is of another version of the model"))
    if header.compared != version.compares:
        raise Unusable(_("it compares something else"))
    return Opened(header, _mapped(path, header, START + 4 + length))


def _mapped(path: Path, header: Header, at: int) -> Table:
    columns: dict[str, Any] = {}
    for name, kind in COLUMNS:
        shape = (header.count, header.size) if name == "embeddings" else (header.count,)
        at += -at % ALIGNED
        columns[name] = np.memmap(path, dtype=kind, mode="r", offset=at, shape=shape) if header.count else None
        at += int(np.prod(shape)) * np.dtype(kind).itemsize
    return Table(**columns) if header.count else Table.empty(header.size)


def checksum(path: Path, start: int) -> int:
    """CRC-32 of a file from there on."""
    crc = 0
    with path.open("rb") as file:
        file.seek(start)
        while piece := file.read(PIECE):
            crc = zlib.crc32(piece, crc)
    return crc


def remove(folder: str, some: list[str]) -> None:
    """Files that nobody opens any more; who holds one open reads on."""
    for name in some:
        default_storage.delete(f"{folder}/{name}")
