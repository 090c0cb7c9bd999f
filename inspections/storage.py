"""Files on a disk: a file is there whole or not at all, even if the process is killed in the middle."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import FileSystemStorage


class AtomicFileStorage(FileSystemStorage):
    """Writes to a `.part` beside the name and renames. `DURABILITY=power` also syncs the file and its folder."""

    def _save(self, name: str, content: File[Any]) -> str:
        target = Path(self.path(name))
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f"{target.name}.{os.getpid()}.part")
        try:
            self._write(part, content)
            part.rename(target)
        except OSError:
            part.unlink(missing_ok=True)
            raise
        if settings.DURABILITY == "power":
            _sync_folder(target.parent)
        return name

    def _write(self, part: Path, content: File[Any]) -> None:
        with part.open("wb") as out:
            for chunk in content.chunks():
                out.write(chunk)
            if settings.DURABILITY == "power":
                out.flush()
                os.fsync(out.fileno())


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
