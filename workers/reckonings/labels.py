"""What the labels tell: whether there are enough of them, which are probably wrong, and which classes are confused."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from inspections.models import KnownAnswer, ModelVersion
from inspections.snapshots.candidates import Candidate
from inspections.snapshots.freezing import pool
from ml import enough, suspects
from workers.reckonings.embeddings import Beat, joined, version_of

MOST_A_CLASS = 2_000  # the newest of them
JUDGED_NOW = 4_000
SUSPECTS = 60


def reckon(seed: int, beat: Beat) -> tuple[ModelVersion | None, dict[str, Any]]:
    """The version whose embeddings it was, and the figures as they are kept."""
    found = pool()
    codes = found.codes
    usable = _newest([one for one in found.candidates if not one.reason])
    beat()
    default = ModelVersion.objects.filter(is_default=True).first()
    version = default or version_of([one.capture for one in usable], None, 0)
    if version is None or not usable:
        return version, {"labels": len(usable), "read": 0, "curves": [], "suspects": [], "pairs": []}
    there = joined(version, [one.capture for one in usable], JUDGED_NOW, beat)
    by_key = {one.capture: one for one in usable}
    rows = [by_key[key] for key in there.keys]
    labels, sources = [codes[one.class_id] for one in rows], [one.source for one in rows]
    body = {"labels": len(usable), "read": len(rows), **_told(there.embeddings, labels, sources, rows, seed, beat)}
    return version, body


def _newest(rows: Sequence[Candidate]) -> list[Candidate]:
    """At most so many of each class."""
    counts: dict[int, int] = {}
    kept: list[Candidate] = []
    for one in sorted(rows, key=lambda one: one.label, reverse=True):
        counts[one.class_id] = counts.get(one.class_id, 0) + 1
        if counts[one.class_id] <= MOST_A_CLASS:
            kept.append(one)
    return kept


def _told(
    embeddings: Any, labels: Sequence[str], sources: Sequence[str], rows: Sequence[Candidate], seed: int, beat: Beat
) -> dict[str, Any]:
    if not rows:
        return {"curves": [], "suspects": [], "pairs": []}
    rng = np.random.default_rng(seed)
    curves = enough.curves(embeddings, labels, sources, rng)
    beat()
    opinion = suspects.opinion(embeddings, labels, sources, rng)
    sure = set(KnownAnswer.objects.values_list("capture_id", flat=True))
    wrong = [one for one in suspects.suspects(opinion) if rows[one.index].capture not in sure] if opinion else []
    pairs = suspects.confused(opinion) if opinion else []
    return {
        "curves": [_curve(one) for one in curves],
        "suspects": [_suspect(one, rows) for one in wrong[:SUSPECTS]],
        "suspected": len(wrong),
        "pairs": [_pair(one, rows) for one in pairs],
    }


def _curve(one: enough.Curve) -> dict[str, Any]:
    return {
        "code": one.code,
        "labels": one.labels,
        "sources": one.sources,
        "points": [[round(value, 4) for value in (p.labels, p.f1, p.low, p.high)] for p in one.points],
        "next": {name: round(value, 4) for name, value in asdict(one.next).items()} if one.next else None,
        "problem": one.problem,
    }


def _suspect(one: suspects.Suspect, rows: Sequence[Candidate]) -> dict[str, Any]:
    return {
        "capture": str(rows[one.index].capture),
        "label": str(rows[one.index].label),
        "given": one.given,
        "opinion": one.opinion,
        "chance": round(one.chance, 4),
        "own": round(one.own, 4),
    }


def _pair(one: suspects.Pair, rows: Sequence[Candidate]) -> dict[str, Any]:
    return {
        "first": one.first,
        "second": one.second,
        "count": one.count,
        "share": round(one.share, 4),
        "captures": [str(rows[index].capture) for index in one.indexes],
    }
