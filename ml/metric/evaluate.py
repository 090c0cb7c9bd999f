"""The figures of a study, from its kept embeddings. Pure numpy: no image is read and no network runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ml import metrics, novelty
from ml.intervals import interval
from ml.metric.kept import sides
from ml.metric.measures import Retrieved, Side, Unseen, few_shot, retrieve, unseen
from ml.metric.overlap import overlap
from ml.refusal import DataError

SHOTS = (1, 5, 10)
UNSEEN_SHOTS = 5
DRAWS = 20
Floats = NDArray[np.float64]


def figures(folder: Path, study: dict[str, Any]) -> dict[str, Any]:
    """Everything that is measured of a study. DataError where a part is missing or cannot be read."""
    whole = {name: sides(folder, name) for name, part in study["parts"].items() if not part["without"]}
    lacking = [(part["without"], sides(folder, name)) for name, part in study["parts"].items() if part["without"]]
    if not whole:
        raise DataError(f"{folder} has no part that is done")
    told = {key: study[key] for key in ("preset", "network", "size", "about", "split", "classes")}
    return {
        **told, "folds": len(whole),
        "held": _retrieval([(held, held) for _, held, _ in whole.values()]),
        "labelled": _retrieval([(held, trained) for trained, held, _ in whole.values()]),
        "shots": {str(shots): _shots(list(whole.values()), shots) for shots in SHOTS},
        "unseen": _unseen(study["classes"], lacking),
        "overlap": [overlap(held) for _, held, _ in whole.values()],
    }  # fmt: skip


def _retrieval(pairs: list[tuple[Side, Side]]) -> dict[str, Any]:
    """recall@1 and mAP@R over the queries of all folds, each against its own fold's gallery."""
    found = [retrieve(queries, gallery) for queries, gallery in pairs]
    both = Retrieved(*(np.concatenate(column) for column in zip(*found, strict=True)))
    groups = np.concatenate([queries.groups for queries, _ in pairs])
    known = ~np.isnan(both.first)
    return {
        "queries": int(known.sum()), "without_relatives": int((~known).sum()),
        "recall_at_1": _mean(both.first[known], groups[known]),
        "map_at_r": _mean(both.precision[known], groups[known]),
    }  # fmt: skip


def _mean(values: Floats, groups: NDArray[np.object_]) -> dict[str, Any]:
    """A mean with its interval by bootstrap over groups."""
    if not len(values):
        return {"mean": None, "interval": None}
    ends = interval(lambda weights: (weights @ values) / weights.sum(axis=1), groups.astype(str).tolist())
    return {"mean": float(values.mean()), "interval": None if ends is None else ends.tolist()}


def _shots(folds: list[tuple[Side, Side, Side]], shots: int) -> dict[str, Any]:
    """Accuracy of the nearest prototype, over classes and over images: examples from the training side's sources, and
    examples from held-out sources. The mean over folds of each draw; the interval is over the draws."""
    found: dict[str, Any] = {}
    for of, pairs in (
        ("labelled", [(trained, held) for trained, held, _ in folds]),
        ("held", [(held, held) for _, held, _ in folds]),
    ):
        drawn = np.mean([few_shot(examples, queries, shots, DRAWS) for examples, queries in pairs], axis=0)
        found[of] = {"balanced": _drawn(drawn[:, 0]), "accuracy": _drawn(drawn[:, 1])}
    return found


def _drawn(values: Floats) -> dict[str, Any]:
    """Mean and middle 95 % of draws; nothing where a draw had nothing to ask."""
    if np.isnan(values).any():
        return {"mean": None, "interval": None}
    return {"mean": float(values.mean()), "interval": np.quantile(values, [0.025, 0.975]).tolist()}


def _unseen(classes: list[str], lacking: list[tuple[str, tuple[Side, Side, Side]]]) -> dict[str, Any]:
    """Each class left out: recall and precision from five examples, and the AUROC of `unknown`; and their mean."""
    found: dict[str, list[_Found]] = {name: [] for name, _ in lacking}
    for name, three in lacking:
        one = _one_unseen(classes.index(name), *three)
        found[name] += [one] if one else []
    known = {name: _told(folds) for name, folds in found.items() if folds}
    if not known:
        return {"classes": {}, "mean": {}}
    means = {key: float(np.mean([one[key]["mean"] for one in known.values()])) for key in ("recall", "precision")}
    means["auroc"] = float(np.mean([one["auroc"] for one in known.values()]))
    return {"classes": known, "mean": means, "not_measured": sorted(found.keys() - known.keys())}


class _Found(NamedTuple):
    """One class left out of one fold: what its examples take, the AUROC of `unknown`, and how many images were held."""

    taken: Unseen
    auroc: float
    images: int


def _told(folds: list[_Found]) -> dict[str, Any]:
    """The mean of each draw over folds."""
    taken = [np.mean(column, axis=0) for column in zip(*(one.taken for one in folds), strict=True)]
    told = {key: _drawn(values) for key, values in zip(Unseen._fields, taken, strict=True)}
    return told | {
        "auroc": float(np.mean([one.auroc for one in folds])),
        "images": sum(one.images for one in folds), "folds": len(folds),
    }  # fmt: skip


def _one_unseen(target: int, trained: Side, held: Side, spared: Side) -> _Found | None:
    """None where the held-out side has no image of the class, or no two halves of sources of the others."""
    own = held.targets == target
    halves = _halves(held)
    others = [half.targets[half.targets != target] for half in halves]
    if not own.any() or min(map(len, others)) < 1 or len(spared.targets) < UNSEEN_SHOTS:
        return None
    far = novelty.distances(held.embeddings, novelty.unit(trained.embeddings), 1)
    auroc = metrics.auroc(own, far.astype(np.float64))
    return _Found(unseen(spared, halves, target, UNSEEN_SHOTS, DRAWS), auroc or 0.0, int(own.sum()))


def _halves(known: Side) -> tuple[Side, Side]:
    """Two halves by group, each class spread over both as far as its groups go."""
    place = {group: index % 2 for index, group in enumerate(_by_class(known))}
    dealt = np.array([place[group] for group in known.groups], dtype=np.intp)
    return known.take(dealt == 0), known.take(dealt == 1)


def _by_class(known: Side) -> list[str]:
    """The groups in the order of their first class, then by name."""
    first: dict[str, int] = {}
    for group, target in zip(known.groups, known.targets.tolist(), strict=True):
        first[group] = min(target, first.get(group, target))
    return sorted(first, key=lambda group: (first[group], group))
