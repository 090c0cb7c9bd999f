"""Have I labelled enough? A learning curve for each class, and what the next labels would bring. Pure numpy.

A linear probe learns from growing parts of the labelled sources and is tested on sources that it never saw, several
times. Through the means goes a power law, F1(n) = a - b n^-c, as learning curves mostly follow (Cortes and others,
NIPS 1993; Viering and Loog, IEEE TPAMI 45, 2023). It is an extrapolation, and says so by its interval.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml import linear
from ml.apart import Rows, deal, numbered, sources_of

Floats = NDArray[np.float64]

PARTS = 3  # one of them tests
ROUNDS = 8
SHARES = (0.125, 0.25, 0.4, 0.6, 0.8, 1.0)  # of the sources that teach
NEXT = 50
LEAST_SOURCES = 3
LEAST_LABELS = 12
BENDS = np.linspace(0.1, 1.5, 29)  # values of c that are tried
LEVEL = 0.9


@dataclass(frozen=True)
class Point:
    """F1 after `labels` labels of the class: the mean over the rounds, and the middle 90 % of them."""

    labels: float
    f1: float
    low: float
    high: float


@dataclass(frozen=True)
class Gain:
    """What NEXT more labels of the class would add to its F1, with a 90 % interval over the rounds.

    now: F1 with all the labels that there are, by the law; the points hold a part of them back, to be tested on.
    """

    now: float
    gain: float
    low: float
    high: float


@dataclass(frozen=True)
class Curve:
    """One class. `problem`: why nothing can be said (`few-sources`, `few-labels`, `one-class`), else empty."""

    code: str
    labels: int
    sources: int
    points: tuple[Point, ...] = ()
    next: Gain | None = None
    problem: str = ""


def curves(
    embeddings: NDArray[np.floating], labels: Sequence[str], sources: Sequence[str], rng: np.random.Generator
) -> list[Curve]:
    """One curve a class, in the order of the names, from embeddings (N, D), labels (N,) and sources (N,)."""
    names, targets = np.unique(np.asarray(labels), return_inverse=True)
    groups = numbered(sources)
    counts, spread = np.bincount(targets, minlength=len(names)), sources_of(targets, groups, len(names))
    problems = [_problem(int(n), int(s), len(names)) for n, s in zip(counts, spread, strict=True)]
    if all(problems):
        measured = np.empty((0, len(SHARES), len(names), 2))
    else:
        measured = np.stack([_round(embeddings, targets, groups, len(names), rng) for _ in range(ROUNDS)])
    return [
        _curve(str(name), int(counts[k]), int(spread[k]), problems[k], measured[:, :, k])
        for k, name in enumerate(names)
    ]


def _problem(labels: int, sources: int, classes: int) -> str:
    if classes < 2:
        return "one-class"
    if sources < LEAST_SOURCES:
        return "few-sources"
    return "few-labels" if labels < LEAST_LABELS else ""


def _round(
    embeddings: NDArray[np.floating], targets: Rows, groups: Rows, count: int, rng: np.random.Generator
) -> Floats:
    """(len(SHARES), K, 2): labels of each class that taught, and F1 on the part that was held out."""
    part = deal(targets, groups, PARTS, rng)
    tests, teaches = np.flatnonzero(part == 0), np.flatnonzero(part != 0)
    found = np.empty((len(SHARES), count, 2))
    for place, rows in enumerate(_nested(targets, groups, teaches, rng)):
        probe = linear.fit(embeddings[rows], targets[rows], count)
        said = probe.probabilities(embeddings[tests]).argmax(axis=1)
        found[place, :, 0] = np.bincount(targets[rows], minlength=count)
        found[place, :, 1] = f1(targets[tests], said, count)
    return found


def _nested(targets: Rows, groups: Rows, among: Rows, rng: np.random.Generator) -> Iterator[Rows]:
    """Growing parts, each class by its own shuffled sources, so that it has at least one from the start."""
    order = {group: place for place, group in enumerate(rng.permutation(np.unique(groups[among])))}
    mine = np.array([order[group] for group in groups[among]])
    ranks = np.empty(len(among), dtype=np.intp)
    last = np.empty(len(among), dtype=np.intp)
    for target in np.unique(targets[among]):
        rows = targets[among] == target
        _, ranks[rows] = np.unique(mine[rows], return_inverse=True)
        last[rows] = ranks[rows].max() + 1
    for share in SHARES:
        yield among[ranks < np.maximum(np.ceil(share * last), 1)]


def f1(truth: Rows, said: Rows, count: int) -> Floats:
    """F1 (K,) of each class; NaN where it does not occur."""
    table = np.zeros((count, count))
    np.add.at(table, (truth, said), 1)
    support = table.sum(axis=1)
    found = 2 * table.diagonal() / np.maximum(support + table.sum(axis=0), 1)
    return np.where(support > 0, found, np.nan)


def _curve(code: str, labels: int, sources: int, problem: str, rounds: Floats) -> Curve:
    """rounds (R, S, 2): labels and F1."""
    rounds = rounds[np.isfinite(rounds[:, :, 1]).all(axis=1)] if len(rounds) else rounds
    if problem or len(rounds) < 2:
        return Curve(code, labels, sources, problem=problem or "few-sources")
    ends = (1 - LEVEL) / 2, (1 + LEVEL) / 2
    points = [
        Point(float(step[:, 0].mean()), float(step[:, 1].mean()), *np.quantile(step[:, 1], ends).tolist())
        for step in rounds.transpose(1, 0, 2)
    ]
    return Curve(code, labels, sources, tuple(points), _gain(rounds, labels))


def _gain(rounds: Floats, labels: int) -> Gain:
    """By the fit through the means; the interval by fits through single rounds, which differ by who was held out."""
    law = _law(rounds)
    gains = [_next(_law(one[None]), labels) for one in rounds]
    low, high = np.quantile(gains, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]).tolist()
    gain = _next(law, labels)
    return Gain(law(labels), gain, min(low, gain), max(high, gain))


def _law(rounds: Floats) -> Law:
    return power_law(rounds[:, :, 0].mean(axis=0), rounds[:, :, 1].mean(axis=0))


def _next(law: Law, labels: int) -> float:
    return law(labels + NEXT) - law(labels)


@dataclass(frozen=True)
class Law:
    """F1(n) = a - b n^-c with 0 <= a <= 1, b >= 0."""

    a: float
    b: float
    c: float

    def __call__(self, labels: float) -> float:
        return float(self.a - self.b * max(labels, 1.0) ** -self.c)


def power_law(labels: Floats, values: Floats) -> Law:
    """Least squares: for each bend c the line in n^-c, held in its bounds; then the best bend."""
    tries = [_line(np.maximum(labels, 1.0) ** -bend, values, float(bend)) for bend in BENDS]
    return min(tries, key=lambda law: float(sum((law(n) - v) ** 2 for n, v in zip(labels, values, strict=True))))


def _line(shrunk: Floats, values: Floats, bend: float) -> Law:
    away = shrunk - shrunk.mean()
    slope = max(-float(away @ values) / max(float(away @ away), 1e-12), 0.0)
    top = float(values.mean()) + slope * float(shrunk.mean())
    if top > 1:
        top, slope = 1.0, max(float(shrunk @ (1 - values)) / max(float(shrunk @ shrunk), 1e-12), 0.0)
    return Law(top, slope, bend)
