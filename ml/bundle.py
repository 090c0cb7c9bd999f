"""A bundle: one trained model as a folder of safetensors weights, an ONNX graph and a JSON spec. Needs no library."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ml.spec import (
    FORMAT,
    GRAPH,
    GRAPH_INT8,
    REFERENCE,
    SPEC,
    WEIGHTS,
    BundleError,
    Faster,
    Input,
    Probe,
    Quality,
    Spec,
    Unknown,
    parse,
)

__all__ = [
    "FORMAT",
    "GRAPH",
    "GRAPH_INT8",
    "REFERENCE",
    "SPEC",
    "WEIGHTS",
    "BundleError",
    "Faster",
    "Input",
    "Probe",
    "Quality",
    "Spec",
    "Unknown",
    "digest",
    "read",
    "verify",
    "write",
]

LARGEST_SPEC = 4 << 20  # bytes; a spec is a few kB, so anything larger is not one


def read(folder: Path) -> Spec:
    """The spec of the bundle in `folder`, checked for sense but not against its files. Raises BundleError."""
    return parse(_json(folder / SPEC))


def verify(folder: Path) -> Spec:
    """`read`, and every named file is there with its SHA-256. Raises BundleError."""
    spec = read(folder)
    for name, expected in spec.files.items():
        path = folder / name
        if path.is_symlink() or not path.is_file():
            raise BundleError(f"{name} is missing")
        if _sha256(path) != expected:
            raise BundleError(f"{name} is not the file that was packed (its SHA-256 differs)")
    return spec


def digest(folder: Path) -> str:
    """SHA-256 hex of spec.json, which names the hash of every other file: the identity of the bundle."""
    try:
        return _sha256(folder / SPEC)
    except OSError as problem:
        raise BundleError(f"{SPEC} cannot be read: {problem.strerror}") from problem


def write(
    folder: Path, spec: Spec, weights: bytes, graph: bytes, card: str = "", more: Mapping[str, bytes] | None = None
) -> Spec:
    """Packs a bundle: to a `.part` sibling, synced, then renamed. Returns the spec with the hashes filled in.

    `more`: further files by name, such as GRAPH_INT8; they are hashed like the weights and the graph.

    BundleError if `folder` already exists: a bundle never changes once written. OSError, and nothing left behind, where
    the disk takes no more.
    """
    if folder.exists():
        raise BundleError(f"{folder} already exists")
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    contents = {WEIGHTS: weights, GRAPH: graph, **(more or {})}
    packed = replace(spec, files={name: hashlib.sha256(data).hexdigest() for name, data in contents.items()})
    contents[SPEC] = (json.dumps(asdict(packed), indent=1, allow_nan=False) + "\n").encode()
    if card:
        contents["CARD.md"] = card.encode()
    try:
        for name, data in contents.items():
            _write_synced(part / name, data)
        _sync_folder(part)
    except OSError:
        shutil.rmtree(part, ignore_errors=True)
        raise
    part.rename(folder)
    _sync_folder(folder.parent)
    return read(folder)


def _json(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > LARGEST_SPEC:
            raise BundleError(f"{SPEC} is too large to be a spec")
        raw = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as problem:
        raise BundleError(f"there is no {SPEC} in {path.parent.name}: not a bundle") from problem
    except (OSError, ValueError, RecursionError) as problem:
        raise BundleError(f"{SPEC} cannot be read: {problem}") from problem
    if not isinstance(raw, dict):
        raise BundleError(f"{SPEC} does not hold an object")
    return raw


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_synced(path: Path, data: bytes) -> None:
    try:
        with path.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as problem:
        raise OSError(problem.errno, problem.strerror, str(path)) from problem


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
