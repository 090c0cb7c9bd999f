"""What a judge must know beside the weights: the spec of a bundle, and the refusal of one that makes no sense."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import NoneType
from typing import Any, TypeVar

FORMAT = 1
SPEC, WEIGHTS, GRAPH = "spec.json", "weights.safetensors", "graph.onnx"
GRAPH_INT8 = "graph.int8.onnx"  # the same network with whole numbers inside; only where ml.precision saw it agree
PRECISIONS = ("fp32", "bf16", "int8")
REFERENCE = "unknown.reference"  # the tensor of reference embeddings beside the weights
LOOKS = "unknown.looks"  # the tensor of reference looks (see ml.looks) beside them
DEEPEST = 32  # of lists and objects in one another
LARGEST_TEXTURE = 4096
LARGEST_PROBE = 64_000_000  # values of all its images together
KINDS: Mapping[str, tuple[type, ...]] = {
    "int": (int,), "float": (int, float), "str": (str,), "float | None": (int, float, NoneType),
}  # fmt: skip
Part = TypeVar("Part", "Input", "Unknown", "Quality", "Probe")


class BundleError(Exception):
    """The folder is not a bundle that may be used; the message is the reason in words."""


@dataclass(frozen=True)
class Input:
    """What the graph takes. A larger image is resized to width x height, or judged as at most max_tiles tiles of it.

    homogenise: the mean grey level to which every image is moved after its own was recorded, or None.
    """

    width: int
    height: int
    channels: int
    large: str = "resize"
    max_tiles: int = 64
    homogenise: float | None = None


@dataclass(frozen=True)
class Unknown:
    """An image whose embedding lies further than `limit` from the reference embeddings is `unknown`.

    The references are the rows of tensor REFERENCE in the weights file (float16, unit length); the distance is
    Euclidean, averaged over the `neighbours` nearest; `limit` is its `quantile` point on validation data. Where several
    tiles each have a chance to be the odd one, the limit is `largest`, the greatest distance that validation saw.

    So is an image whose look (see ml.looks; the median over its tiles) lies further than `look_limit` from the rows of
    tensor LOOKS: the `look_quantile` point of training images whose own source was held out. None: looks do not count.
    """

    limit: float
    largest: float
    neighbours: int = 1
    quantile: float = 0.995
    look_limit: float | None = None
    look_neighbours: int = 5
    look_quantile: float = 0.99


@dataclass(frozen=True)
class Quality:
    """Limits beyond which an image is not judged: mean grey 0..255, and variance of the Laplacian at input size."""

    dark: float
    bright: float
    blurred: float


@dataclass(frozen=True)
class Probe:
    """`count` images made by `recipe` from `seed`, and what the graph must answer within `tolerance` (see ml.probe).
    `texture`: nothing where the graph gives none."""

    recipe: str
    seed: int
    count: int
    logits: tuple[tuple[float, ...], ...]
    embedding: tuple[tuple[float, ...], ...]
    tolerance: float
    texture: tuple[tuple[float, ...], ...] = ()


@dataclass(frozen=True)
class Faster:
    """The precision that a CPU judges at. `probe` is what that precision answers (None for fp32, which has the spec's
    own); `finding` is what ml.precision measured of every candidate, and why it chose or refused it."""

    precision: str = "fp32"
    probe: Probe | None = None
    finding: Mapping[str, Any] = field(default_factory=dict)


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
    texture_size: int = 0  # figures of a texture (see ml.texture); 0: the graph gives none
    flips: bool = False  # whether the graph judges each image in its four mirrorings
    contrast: str = "set"  # how the graph normalises pixels: see ml.standardise
    metrics: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    created_at: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    engine: Faster = field(default_factory=Faster)
    format: int = FORMAT

    @property
    def defects(self) -> tuple[str, ...]:
        """The classes without `good`."""
        return tuple(name for name in self.classes if name != "good")


def parse(raw: Mapping[str, Any]) -> Spec:
    """A spec from what JSON held. Raises BundleError with the reason."""
    if raw.get("format") != FORMAT:
        raise BundleError(f"format {raw.get('format')!r} is not the format {FORMAT} that this version reads")
    try:
        _plain(raw)
        spec = _build(raw)
        _check(spec)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as problem:
        raise BundleError(f"{SPEC} does not describe a bundle: {problem!r}") from problem
    return spec


def _plain(value: Any, depth: int = 0) -> None:
    """ValueError for what JSON may hold and no database takes: numbers that are none, NUL, half a character."""
    if depth > DEEPEST:
        raise ValueError(f"it is nested more than {DEEPEST} deep")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("it holds a number that is none")
    if isinstance(value, str) and any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in value):
        raise ValueError("it holds text that cannot be kept")
    parts: list[Any] = [*value.items()] if isinstance(value, dict) else []
    parts += value if isinstance(value, list | tuple) else ()
    for part in parts:
        _plain(part, depth + 1)


def _typed(part: Part) -> Part:
    """The part, if every figure in it is of the kind that is declared; else TypeError."""
    for one in fields(part):
        kinds, value = KINDS.get(str(one.type)), getattr(part, one.name)
        if kinds and (not isinstance(value, kinds) or isinstance(value, bool)):
            raise TypeError(f"{one.name} must be {one.type}")
    return part


def _build(raw: Mapping[str, Any]) -> Spec:
    return Spec(
        name=str(raw["name"]),
        network=str(raw["network"]),
        stem=str(raw["stem"]),
        classes=tuple(str(name) for name in raw["classes"]),
        input=_typed(Input(**raw["input"])),
        mean=_floats(raw["mean"]),
        std=_floats(raw["std"]),
        embedding_size=int(raw["embedding_size"]),
        temperature=float(raw["temperature"]),
        threshold=float(raw["threshold"]),
        shares={str(name): float(share) for name, share in raw["shares"].items()},
        unknown=_typed(Unknown(**raw["unknown"])),
        quality=_typed(Quality(**raw["quality"])),
        heat_scale=float(raw["heat_scale"]),
        probe=_probe(raw["probe"]),
        texture_size=int(raw.get("texture_size", 0)),
        flips=bool(raw.get("flips", False)),
        contrast=str(raw.get("contrast", "set")),
        metrics=dict(raw["metrics"]),
        data=dict(raw["data"]),
        training=dict(raw["training"]),
        created_at=str(raw["created_at"]),
        files={str(name): str(value) for name, value in raw["files"].items()},
        engine=_engine(raw.get("engine", {})),
    )


def _probe(raw: Mapping[str, Any]) -> Probe:
    rows = {name: _rows(raw.get(name, ())) for name in ("logits", "embedding", "texture")}
    return _typed(Probe(**{**raw, **rows}))


def _engine(raw: Mapping[str, Any]) -> Faster:
    probe = raw.get("probe")
    return Faster(str(raw.get("precision", "fp32")), probe and _probe(probe), dict(raw.get("finding", {})))


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
        spec.unknown.look_limit or 0.0,
        spec.heat_scale,
        *spec.mean,
        *spec.std,
    )
    sides = (shape.width, shape.height, shape.channels, shape.max_tiles, spec.embedding_size, spec.probe.count)
    probes = [one for one in (spec.probe, spec.engine.probe) if one]
    rules = (
        (
            len(set(spec.classes)) == len(spec.classes) >= 2,
            "classes must be named once, and be two or more",
        ),
        ("unknown" not in spec.classes, "unknown is an answer and no class"),
        (all(isinstance(side, int) and side > 0 for side in sides), "sizes must be whole numbers above 0"),
        (
            shape.channels in (1, 3) and shape.width <= 4096 and shape.height <= 4096,
            "input must be 1 or 3 channels and at most 4096 px",
        ),
        (spec.contrast in ("set", "image"), "contrast must be set or image"),
        (shape.large in ("resize", "tiles"), "input.large must be resize or tiles"),
        (
            shape.homogenise is None or 0 <= shape.homogenise <= 255,
            "input.homogenise must be a grey level in 0..255",
        ),
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
        (0 <= spec.texture_size <= LARGEST_TEXTURE, f"texture_size must lie in 0..{LARGEST_TEXTURE}"),
        (
            all(len(one.texture) == (one.count if spec.texture_size else 0) for one in probes),
            "the probe's textures do not match its count",
        ),
        (
            all(_is_askable(one, shape) for one in probes),
            "the probe must be of a seed in 0..2147483647, and not too large to be asked",
        ),
        (
            1 <= spec.unknown.neighbours <= 1000 and 1 <= spec.unknown.look_neighbours <= 1000,
            "neighbours must lie in 1..1000",
        ),
        (spec.engine.precision in PRECISIONS, f"engine.precision must be one of {', '.join(PRECISIONS)}"),
        (
            spec.engine.precision == "fp32" or spec.engine.probe is not None,
            "a precision other than fp32 needs a probe of its own",
        ),
        (spec.engine.precision != "int8" or GRAPH_INT8 in spec.files, f"int8 needs {GRAPH_INT8} among its files"),
        ({WEIGHTS, GRAPH} <= set(spec.files), "files must name the weights and the graph"),
        (
            all(Path(name).name == name and len(name) <= 100 for name in spec.files),
            "files must lie in the bundle's own folder",
        ),
    )
    for holds, reason in rules:
        if not holds:
            raise BundleError(f"{SPEC}: {reason}")


def _is_askable(probe: Probe, shape: Input) -> bool:
    values = probe.count * shape.width * shape.height * shape.channels
    return 0 <= probe.seed < 1 << 31 and 0 < values <= LARGEST_PROBE and math.isfinite(probe.tolerance)
