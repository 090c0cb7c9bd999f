"""The gate: a network with fewer bits held against itself in fp32, on many images, and timed beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ml import chip
from ml.agreement import compare
from ml.data import Dataset
from ml.engines import CpuEngine, open_graph
from ml.gate_images import A_CLASS, IMAGES, GateImages
from ml.novelty import Known
from ml.preprocess import Pixels
from ml.probe import Answer
from ml.rounds import interleaved
from ml.spec import Unknown

CALIBRATION = 256  # training images that the ranges of int8 are read from
SPARED = (0, 1)  # first layers left in fp32, tried in this order
GAIN = 1.1  # how much faster than fp32 at least, or it is not worth a doubt
ROUNDS, PIECE = 7, 32  # of the timing; images


@dataclass(frozen=True)
class Candidate:
    """One way to run the network with fewer bits. `graph`: the file it needs, None where it is the plain one."""

    precision: str
    about: str
    graph: bytes | None = None


@dataclass(frozen=True)
class Tried:
    """A candidate and what was found of it; `found["refused"]` is None where it may be used."""

    way: Candidate
    found: dict[str, Any]


@dataclass(frozen=True)
class Gate:
    """What every candidate is held against: the plain graph's engine, and what it said of the images."""

    graph: bytes
    plain: CpuEngine
    said: Answer
    images: GateImages
    known: Known
    unknown: Unknown

    def judge_all(self, sample: Pixels, precisions: Sequence[str]) -> Iterator[Tried]:
        """Every candidate of these precisions; int8 stops at the first form that passes."""
        from ml.quantise import to_int8  # needs torch; judging a graph that is there does not

        if "bf16" in precisions:
            yield self.judge(Candidate("bf16", "bf16"))
        for spared in SPARED if "int8" in precisions else ():
            about = "int8, its first layer in fp32" if spared else "int8"
            tried = self.judge(Candidate("int8", about, to_int8(self.graph, sample, spared)))
            yield tried
            if tried.found["refused"] is None:
                return

    def judge(self, way: Candidate) -> Tried:
        found: dict[str, Any] = {"precision": way.precision, "about": way.about}
        if not chip.can(way.precision):
            return Tried(way, found | {"refused": f"this processor has no instructions for {way.precision}"})
        with open_graph(way.graph or self.graph, way.precision) as engine:
            agreement = compare(self.said, engine.run(self.images.images), self.images, self.known, self.unknown)
            piece = self.images.images[:PIECE]
            slow, fast = interleaved([lambda: self.plain.run(piece), lambda: engine.run(piece)], ROUNDS)
        speed = {"images_per_s": round(len(piece) / fast, 1), "ratio": round(slow / fast, 2)}
        too_slow = None if speed["ratio"] >= GAIN else "hardly faster than fp32"
        reason = _too_few(self.images) or agreement.objection() or too_slow
        return Tried(way, found | asdict(agreement) | speed | {"refused": reason})


def _too_few(images: GateImages) -> str | None:
    if len(images.images) < IMAGES or images.smallest() < A_CLASS:
        return f"{len(images.images)} images, {images.smallest()} of the smallest class, are too few to tell"
    return None


def calibration(train_on: Dataset) -> Pixels:
    """At most CALIBRATION training images, at random but always the same."""
    rows = np.random.default_rng(0).permutation(len(train_on.targets))[:CALIBRATION]
    return train_on.images[rows]
