"""Where a killed training goes on: one file, replaced whole after every epoch."""

from __future__ import annotations

import io
import os
import warnings
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from ml.data import DataError


def save(path: Path, state: dict[str, Any]) -> None:
    """Writes tensors and plain values: to a sibling, synced, then renamed over the old. OSError where it cannot, and
    then the old one still stands."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    raw = _Raw(part, "w")
    try:
        with io.BufferedWriter(raw) as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
    except (RuntimeError, OSError) as problem:
        part.unlink(missing_ok=True)
        raise raw.problem or problem from problem
    part.replace(path)


class _Raw(io.FileIO):
    """A file that remembers why it took no more: all that torch says then is that a position is not as expected."""

    problem: OSError | None = None

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError as problem:
            self.problem = OSError(problem.errno, problem.strerror, str(self.name))
            raise


def load(path: Path, identity: str) -> dict[str, Any] | None:
    """What was saved, None when nothing was. DataError if it belongs to another run (`identity`) or cannot be read.

    Tensors and plain values only: nothing that a file could make run is unpickled.
    """
    if not path.exists():
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch warns of files by other hands, which are refused below anyway
            state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        found = str(state["identity"])
    except (RuntimeError, OSError, KeyError, TypeError, EOFError, UnpicklingError) as problem:
        raise DataError(f"{path} is no checkpoint that can be read: delete it to start anew") from problem
    if found != identity:
        raise DataError(f"{path} belongs to another training (data, recipe or seed differ): delete it to start anew")
    return state
