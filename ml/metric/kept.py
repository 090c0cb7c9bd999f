"""What a study keeps, read and written. No torch.

study.json         what was asked, the data's digest, and what each part says of itself
PART.safetensors   weights of a part, trunk and head
PART.npz           embeddings of all images by that part, and which of them trained it
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.metric.measures import Side, side
from ml.refusal import DataError

STUDY = "study.json"
FORMAT = 1
TRAINED, HELD, SPARED = 0, 1, 2  # of an image: trained the part, was held out, or is of the class that it never saw


def read(folder: Path) -> dict[str, Any]:
    """study.json of a folder. DataError if it is none."""
    try:
        study: dict[str, Any] = json.loads((folder / STUDY).read_text(encoding="utf-8"))
        if study["format"] != FORMAT or not isinstance(study["parts"], dict):
            raise ValueError(f"format {study['format']!r} is not {FORMAT}")
    except (OSError, ValueError, LookupError, TypeError) as problem:
        raise DataError(f"{folder} holds no study of a metric: {problem}") from problem
    return study


def begun(folder: Path, told: dict[str, Any]) -> dict[str, Any]:
    """The study so far, if the folder holds the very one that `told` tells of, or nothing yet; DataError if it holds
    anything else."""
    held = {path.suffix for path in folder.iterdir()} if folder.is_dir() else set()
    if not (folder / STUDY).is_file() and held <= {".pt"} and (folder.is_dir() or not folder.exists()):
        return {"format": FORMAT, **told, "parts": {}}  # killed in its first part, or not begun
    study = read(folder)
    differs = [name for name, value in told.items() if study.get(name) != json.loads(json.dumps(value))]
    if differs:
        raise DataError(f"{folder} holds another study ({', '.join(differs)} differ): choose another --out")
    return study


def write(folder: Path, study: dict[str, Any]) -> None:
    part = folder / (STUDY + ".part")
    part.write_text(json.dumps(study, indent=1) + "\n", encoding="utf-8")
    part.replace(folder / STUDY)


def write_embeddings(
    place: Path, embeddings: NDArray[np.float32], targets: NDArray[np.intp], groups: tuple[str, ...],
    sides: NDArray[np.uint8],
) -> None:  # fmt: skip
    """Embeddings (N, D), classes, groups, and the side of each image (N,)."""
    np.savez(place, embedding=embeddings, target=targets, group=np.array(groups), side=sides)


def sides(folder: Path, name: str) -> tuple[Side, Side, Side]:
    """What trained a part, what was held out, and what it was spared of the class that it never saw. DataError where
    the file is missing or no such thing."""
    try:
        with np.load(folder / f"{name}.npz", allow_pickle=False) as kept:
            every = side(kept["embedding"], kept["target"].astype(np.intp), kept["group"].tolist())
            where = kept["side"]
    except (OSError, ValueError, LookupError, zipfile.BadZipFile) as problem:
        raise DataError(f"{folder / name}.npz cannot be read as embeddings: {problem}") from problem
    return every.take(where == TRAINED), every.take(where == HELD), every.take(where == SPARED)
