"""Which precision a CPU judges a bundle at: fewer bits only where they were seen to say the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ml import probe
from ml.data import Dataset
from ml.engines import open_graph
from ml.gate import Gate, Tried, calibration
from ml.gate_images import GateImages, gather
from ml.novelty import Known
from ml.refusal import DataError
from ml.spec import GRAPH_INT8, PRECISIONS, Faster, Input, Unknown

WANTED = ("auto", *PRECISIONS)
TOLERANCE = 0.05  # of the probe: chips round sums of few bits differently


@dataclass(frozen=True)
class Choice:
    """What goes into the bundle: the spec's `engine`, and further files by name."""

    engine: Faster
    files: Mapping[str, bytes]


def choose(
    graph: bytes,
    shape: Input,
    train_on: Dataset,
    check_on: Dataset,
    known: Known,
    unknown: Unknown,
    wanted: str = "auto",
    side: str = "validation",
) -> Choice:
    """The fastest precision that says the same as fp32 on `check_on` (at input size), else fp32.

    `train_on` is what int8 takes its ranges from; `known` and `unknown` are how the bundle tells unknown cloth.
    `wanted` names one precision instead; DataError if it fails the gate.
    `side` says in the finding what `check_on` is: `training` where a network trained on all that there was.
    """
    if wanted not in WANTED:
        raise DataError(f"there is no precision {wanted!r}: use one of {', '.join(WANTED)}")
    if wanted == "fp32":
        return Choice(Faster(finding={"chosen": "fp32", "why": "asked for"}), {})
    images = _gather(check_on, train_on, shape, side)
    with open_graph(graph, "fp32") as plain:
        gate = Gate(graph, plain, plain.run(images.images), images, known, unknown)
        tried = list(gate.judge_all(calibration(train_on), PRECISIONS[1:] if wanted == "auto" else (wanted,)))
    passed = [one for one in tried if one.found["refused"] is None]
    if wanted != "auto" and not passed:
        raise DataError(f"{wanted} may not be used: {'; '.join(str(one.found['refused']) for one in tried)}")
    best = max(passed, key=lambda one: float(one.found["ratio"]), default=None)
    finding = _finding(images, tried, best)
    if best is None:
        return Choice(Faster(finding=finding), {})
    way = best.way
    with open_graph(way.graph or graph, way.precision) as engine:
        answers = probe.ask(engine, shape, tolerance=TOLERANCE)
    return Choice(Faster(way.precision, answers, finding), {GRAPH_INT8: way.graph} if way.graph else {})


def _gather(check_on: Dataset, train_on: Dataset, shape: Input, side: str) -> GateImages:
    """Of a class that nothing validates the training images must do: all that is asked is whether both say the same."""
    unseen = np.setdiff1d(train_on.targets, check_on.targets)
    more = train_on.take(np.flatnonzero(np.isin(train_on.targets, unseen)))
    if not len(more.targets):
        return gather(check_on, shape, side)
    both = (np.concatenate([check_on.images, more.images]), np.concatenate([check_on.targets, more.targets]))
    none = Dataset(*both, check_on.classes, (), (), "", "")
    found = gather(none, shape, side)
    return replace(found, origin={**found.origin, side: len(check_on.targets), "training": len(more.targets)})


def _finding(images: GateImages, tried: list[Tried], best: Tried | None) -> dict[str, Any]:
    return {
        "chosen": best.way.about if best else "fp32",
        "images": len(images.images),
        "smallest_class": images.smallest(),
        "origin": images.origin,
        "candidates": [one.found for one in tried],
    }
