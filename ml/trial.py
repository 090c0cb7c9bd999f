"""Teaching against chance: the same labels bought in two orders, the same head learnt of each. Pure numpy.

Whole sources are held out and tested on. Both arms begin with the same random images and buy a batch at a time from the
rest: one by `teaching.pick`, with the probabilities of the head that the labels so far gave; one at random.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml import linear
from ml.apart import Rows, deal, numbered
from ml.enough import f1
from ml.teaching import pick

Floats = NDArray[np.float64]
Arm = Callable[[Rows, Rows, linear.Probe, np.random.Generator], Rows]

PARTS = 3  # one of them tests
LEVEL = 0.9


@dataclass(frozen=True)
class Plan:
    """How many labels: at the start, in each batch, and in the end; and how often it is done."""

    start: int = 40
    batch: int = 20
    budget: int = 400
    seeds: int = 5

    @property
    def steps(self) -> list[int]:
        return list(range(self.start, self.budget + 1, self.batch))


@dataclass(frozen=True)
class Cloth:
    """N labelled images: embeddings (N, D), labels and sources (N,)."""

    embeddings: NDArray[np.floating]
    labels: Sequence[str]
    sources: Sequence[str]


def compare(cloth: Cloth, plan: Plan, good: str = "good") -> dict[str, Any]:
    """Macro-F1 on held-out sources after each batch, of both arms, and what teaching saves."""
    names, targets = np.unique(np.asarray(cloth.labels), return_inverse=True)
    groups, count = numbered(cloth.sources), len(names)
    passes = names.tolist().index(good) if good in names else -1

    def taught(have: Rows, rest: Rows, probe: linear.Probe, rng: np.random.Generator) -> Rows:
        said = probe.probabilities(cloth.embeddings[rest])
        passed = said.argmax(axis=1) == passes
        found = pick(cloth.embeddings[rest], said, passed, cloth.embeddings[have], plan.batch, rng)
        return rest[[one.index for one in found]]

    def by_chance(have: Rows, rest: Rows, probe: linear.Probe, rng: np.random.Generator) -> Rows:
        return np.asarray(rng.permutation(rest)[: plan.batch])

    arms: Mapping[str, Arm] = {"random": by_chance, "teach": taught}
    found = {
        name: np.stack([_run(cloth.embeddings, targets, groups, count, arm, plan, seed) for seed in range(plan.seeds)])
        for name, arm in arms.items()
    }
    return _told(found, plan)


def _run(
    embeddings: NDArray[np.floating], targets: Rows, groups: Rows, count: int, arm: Arm, plan: Plan, seed: int
) -> Floats:
    """Macro-F1 after each step. The sides and the start depend on the seed alone, not on the arm."""
    rng = np.random.default_rng(seed)
    part = deal(targets, groups, PARTS, rng)
    tests, rest = np.flatnonzero(part == 0), rng.permutation(np.flatnonzero(part != 0))
    have, rest = rest[: plan.start], rest[plan.start :]
    reached = []
    for labels in plan.steps:
        probe = linear.fit(embeddings[have], targets[have], count)
        said = probe.probabilities(embeddings[tests]).argmax(axis=1)
        reached.append(float(np.nanmean(f1(targets[tests], said, count))))
        if labels < plan.steps[-1]:
            bought = arm(have, rest, probe, rng)
            have, rest = np.concatenate([have, bought]), rest[~np.isin(rest, bought)]
    return np.array(reached)


def _told(found: Mapping[str, Floats], plan: Plan) -> dict[str, Any]:
    apart = found["teach"] - found["random"]
    means = {name: values.mean(axis=0) for name, values in found.items()}
    return {
        "labels": plan.steps,
        "arms": {name: _arm(values) for name, values in found.items()},
        "difference": _arm(apart),
        "saved": saved(plan.steps, means["random"], means["teach"]),
    }


def _arm(values: Floats) -> dict[str, list[float]]:
    """Means over the seeds, and the middle 90 % of them."""
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return {"mean": values.mean(axis=0).tolist(), "low": low.tolist(), "high": high.tolist()}


def saved(labels: Sequence[int], random: Floats, teach: Floats) -> list[float | None]:
    """For each step the share of labels that teaching saves: where it first reaches what chance has reached there.

    By the running best of both, straight between the steps. Below 0 it needs more; None where it never gets there, or
    where chance got no further than before.
    """
    best, reached = np.maximum.accumulate(random), np.maximum.accumulate(teach)
    found: list[float | None] = []
    for place, (count, wanted) in enumerate(zip(labels, best, strict=True)):
        new = place > 0 and wanted > best[place - 1]
        found.append(1 - needed / count if new and (needed := _needed(labels, reached, float(wanted))) else None)
    return found


def _needed(labels: Sequence[int], reached: Floats, wanted: float) -> float | None:
    there = np.flatnonzero(reached >= wanted)
    if not len(there):
        return None
    place = int(there[0])
    if place == 0:
        return float(labels[0])
    before, after = float(reached[place - 1]), float(reached[place])
    return labels[place - 1] + (labels[place] - labels[place - 1]) * (wanted - before) / (after - before)
