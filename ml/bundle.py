"""A bundle: one trained model as a folder of safetensors weights, an ONNX graph and a JSON spec. Needs no library."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

FORMAT = 1
SPEC, WEIGHTS, GRAPH = "spec.json", "weights.safetensors", "graph.onnx"
REFERENCE = "unknown.reference"  # the tensor of reference embeddings beside the weights
LARGEST_SPEC = 4 << 20  # bytes; a spec is a few kB, so anything larger is not one


class BundleError(Exception):
    """The folder is not a bundle that may be used; the message is the reason in words."""


@dataclass(frozen=True)
class Input:
    """What the graph takes. A larger image is resized to width x height, or judged as at most max_tiles tiles of it."""

    width: int
    height: int
    channels: int
    large: str = "resize"
    max_tiles: int = 64


@dataclass(frozen=True)
class Unknown:
    """An image whose embedding lies further than `limit` from the reference embeddings is `unknown`.

    The references are the rows of tensor REFERENCE in the weights file (float16, unit length); the distance is
    Euclidean, averaged over the `neighbours` nearest; `limit` is its `quantile` point on validation data. Where several
    tiles each have a chance to be the odd one, the limit is `largest`, the greatest distance that validation saw.
    """

    limit: float
    largest: float
    neighbours: int = 3
    quantile: float = 0.995


@dataclass(frozen=True)
class Quality:
    """Limits beyond which an image is not judged: mean grey 0..255, and variance of the Laplacian at input size."""

    dark: float
    bright: float
    blurred: float


@dataclass(frozen=True)
class Probe:
    """`count` images made by `recipe` from `seed`, and what the graph must answer within `tolerance` (see ml.probe)."""

    recipe: str
    seed: int
    count: int
    logits: tuple[tuple[float, ...], ...]
    embedding: tuple[tuple[float, ...], ...]
    tolerance: float


@dataclass(frozen=True)
class Spec:
    """Everything a judge must know beside the weights."""

    name: str
    network: str
    stem: str
    classes: tuple[str, ...]
    input: Input
    mean: tuple[float, ...]
    std: tuple[float, ...]
    embedding_size: int
    temperature: float
    threshold: float
    shares: Mapping[str, float]
    unknown: Unknown
    quality: Quality
    heat_scale: float
    probe: Probe
    metrics: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    created_at: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    format: int = FORMAT

    @property
    def defects(self) -> tuple[str, ...]:
        """The classes without `good`."""
        return tuple(name for name in self.classes if name != "good")


def read(folder: Path) -> Spec:
    """The spec of the bundle in `folder`, checked for sense but not against its files. Raises BundleError."""
    raw = _json(folder / SPEC)
    if raw.get("format") != FORMAT:
        raise BundleError(f"format {raw.get('format')!r} is not the format {FORMAT} that this version reads")
    try:
        spec = _build(raw)
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise BundleError(f"{SPEC} does not describe a bundle: {problem}") from problem
    _check(spec)
    return spec


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


def write(folder: Path, spec: Spec, weights: bytes, graph: bytes, card: str = "") -> Spec:
    """Packs a bundle: to a `.part` sibling, synced, then renamed. Returns the spec with the hashes filled in.

    BundleError if `folder` already exists: a bundle never changes once written.
    """
    if folder.exists():
        raise BundleError(f"{folder} already exists")
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    contents = {WEIGHTS: weights, GRAPH: graph}
    packed = _with_files(spec, {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()})
    contents[SPEC] = (json.dumps(asdict(packed), indent=1, allow_nan=False) + "\n").encode()
    if card:
        contents["CARD.md"] = card.encode()
    for name, data in contents.items():
        _write_synced(part / name, data)
    _sync_folder(part)
    part.rename(folder)
    _sync_folder(folder.parent)
    return read(folder)


def _with_files(spec: Spec, files: dict[str, str]) -> Spec:
    values = {item.name: getattr(spec, item.name) for item in fields(spec)}
    return Spec(**{**values, "files": files})


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


def _build(raw: dict[str, Any]) -> Spec:
    probe = raw["probe"]
    return Spec(
        name=str(raw["name"]),
        network=str(raw["network"]),
        stem=str(raw["stem"]),
        classes=tuple(str(name) for name in raw["classes"]),
        input=Input(**raw["input"]),
        mean=_floats(raw["mean"]),
        std=_floats(raw["std"]),
        embedding_size=int(raw["embedding_size"]),
        temperature=float(raw["temperature"]),
        threshold=float(raw["threshold"]),
        shares={str(name): float(share) for name, share in raw["shares"].items()},
        unknown=Unknown(**raw["unknown"]),
        quality=Quality(**raw["quality"]),
        heat_scale=float(raw["heat_scale"]),
        probe=Probe(**{**probe, "logits": _rows(probe["logits"]), "embedding": _rows(probe["embedding"])}),
        metrics=dict(raw["metrics"]),
        data=dict(raw["data"]),
        training=dict(raw["training"]),
        created_at=str(raw["created_at"]),
        files={str(name): str(value) for name, value in raw["files"].items()},
    )


def _floats(values: Any) -> tuple[float, ...]:
    return tuple(float(value) for value in values)


def _rows(rows: Any) -> tuple[tuple[float, ...], ...]:
    return tuple(_floats(row) for row in rows)


def _check(spec: Spec) -> None:
    """Refuses a spec that would judge wrongly or not at all."""
    shape = spec.input
    numbers = (
        spec.temperature,
        spec.threshold,
        spec.unknown.limit,
        spec.unknown.largest,
        spec.heat_scale,
        *spec.mean,
        *spec.std,
    )
    sides = (shape.width, shape.height, shape.channels, shape.max_tiles, spec.embedding_size, spec.probe.count)
    rules = (
        (
            "good" in spec.classes and len(set(spec.classes)) == len(spec.classes) >= 2,
            "classes must be named once, good among them",
        ),
        ("unknown" not in spec.classes, "unknown is an answer and no class"),
        (all(isinstance(side, int) and side > 0 for side in sides), "sizes must be whole numbers above 0"),
        (
            shape.channels in (1, 3) and shape.width <= 4096 and shape.height <= 4096,
            "input must be 1 or 3 channels and at most 4096 px",
        ),
        (shape.large in ("resize", "tiles"), "input.large must be resize or tiles"),
        (len(spec.mean) == len(spec.std) == shape.channels, "mean and std need one figure a channel"),
        (all(math.isfinite(number) for number in numbers), "every figure must be finite"),
        (
            spec.temperature > 0 and min(spec.std) > 0 and spec.heat_scale > 0,
            "temperature, std and heat_scale must be above 0",
        ),
        (0 <= spec.threshold <= 1, "threshold must lie in 0..1"),
        (
            set(spec.shares) == set(spec.classes) and all(share > 0 for share in spec.shares.values()),
            "shares need every class, above 0",
        ),
        (
            len(spec.probe.logits) == len(spec.probe.embedding) == spec.probe.count,
            "the probe's answers do not match its count",
        ),
        ({WEIGHTS, GRAPH} <= set(spec.files), "files must name the weights and the graph"),
        (all(Path(name).name == name for name in spec.files), "files must lie in the bundle's own folder"),
    )
    for holds, reason in rules:
        if not holds:
            raise BundleError(f"{SPEC}: {reason}")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_synced(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
