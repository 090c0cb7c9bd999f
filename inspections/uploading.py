"""A bundle that an admin uploads as a zip: unpacked within bounds, only what a bundle has, nothing that runs."""

import os
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import IO

from django.conf import settings
from django.utils.translation import gettext as _

from inspections import gate, registry
from inspections.models import ModelVersion, Origin, Person
from inspections.snapshots import Refused
from ml.bundle import GRAPH, GRAPH_INT8, SPEC, WEIGHTS, BundleError

ALLOWED = frozenset({SPEC, WEIGHTS, GRAPH, GRAPH_INT8, registry.BESIDE})
MOST_ENTRIES = 20
PIECE = 1 << 20
PACKED = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})


@dataclass(frozen=True)
class Added:
    """`was_here`: the same bundle had been added before."""

    version: ModelVersion
    was_here: bool


def add_uploaded(file: IO[bytes], by: Person, now: datetime) -> Added | Refused:
    """Keep the bundle as a candidate. A worker loads it and asks its probe first of all: the gate's first rules."""
    folder = Path(settings.BUNDLES)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix=registry.UPLOADING) as scratch:
            unpack(file, Path(scratch), settings.MODEL_UPLOAD_BYTES)
            known = registry.find(Path(scratch))
            version = registry.add(Path(scratch), now, origin=Origin.UPLOADED, by=by)
    except BundleError as problem:
        return Refused(_("The bundle was refused: %(reason)s") % {"reason": problem})
    if known is None:
        gate.ask(version, None, now)
    return Added(version, known is not None)


def unpack(file: IO[bytes], folder: Path, most: int) -> None:
    """Write the bundle's files to `folder`, at most so many bytes. BundleError names what else is in it."""
    try:
        with zipfile.ZipFile(file) as archive:
            for entry, name in _entries(archive):
                most -= _write(archive, entry, folder / name, most)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError) as problem:
        raise BundleError(f"it is no zip that can be read: {problem}") from problem


def _entries(archive: zipfile.ZipFile) -> Iterator[tuple[zipfile.ZipInfo, str]]:
    """The files of one bundle, at the top or in one folder, by the name that each will have."""
    found = archive.infolist()
    if len(found) > MOST_ENTRIES:
        raise BundleError(f"it holds {len(found)} files, and a bundle has {len(ALLOWED)}")
    folders, seen = set(), set()
    for entry in found:
        path = PurePosixPath(entry.filename)
        if entry.is_dir() and len(path.parts) == 1 and ".." not in path.parts:
            continue
        kind = stat.S_IFMT(entry.external_attr >> 16)
        is_file = not entry.is_dir() and kind in (0, stat.S_IFREG)
        is_inside = not path.is_absolute() and ".." not in path.parts and len(path.parts) <= 2
        if not (is_file and is_inside and path.name in ALLOWED and entry.compress_type in PACKED) or "\\" in str(path):
            raise BundleError(f"it holds {entry.filename[:80]!r}, which no bundle has")
        folders.add(path.parent)
        if len(folders) > 1 or path.name in seen:
            raise BundleError(f"it holds {path.name} twice, or files of two folders")
        seen.add(path.name)
        yield entry, path.name


def _write(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, most: int) -> int:
    """How many bytes were written; what a zip says of its sizes is not believed."""
    written = 0
    with archive.open(entry) as source, target.open("xb") as out:
        while piece := source.read(PIECE):
            written += len(piece)
            if written > most:
                raise BundleError(f"it unpacks to more than {settings.MODEL_UPLOAD_BYTES} bytes")
            out.write(piece)
        out.flush()
        os.fsync(out.fileno())
    return written


def packed(version: ModelVersion) -> IO[bytes]:
    """The bundle as a zip, in a file that vanishes when it is closed. BundleError where its files are not whole."""
    if not registry.bundle_is_there(version):
        raise BundleError("its files are not whole")
    out = tempfile.TemporaryFile()  # noqa: SIM115  the answer closes it
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:  # weights do not shrink
        for path in sorted(version.folder.iterdir()):
            if path.name in ALLOWED:
                archive.write(path, f"{version.name}/{path.name}")
    out.seek(0)
    return out
