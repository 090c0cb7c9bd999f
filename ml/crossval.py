"""Cross-validation by source: every image judged by a network that never saw its source."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from ml import novelty
from ml.data import Dataset
from ml.fit import Trained, fit
from ml.folds import folds, thin
from ml.held import Held, judged
from ml.judged import Judged, figures
from ml.novelty import Known
from ml.order import Order
from ml.progress import READ
from ml.spec import Input, Unknown
from ml.train import answers

INNER = 4  # of the training side, one part in this many chooses the epoch, where the recipe keeps the best
HEADLINES = (
    "accuracy",
    "macro_f1",
    "macro_f1_top_class",
    "auroc",
    "average_precision",
    "ece",
    "escape_rate",
    "overkill",
)


def crossval(
    order: Order, data: Dataset, shape: Input, say: Callable[[str], None] = lambda text: None, until: float = 1.0
) -> Held:
    """Trains one network a fold and pools what each says of the images it did not see. DataError as splits.folds.

    `until`: the share of the whole work that is done with the last fold.
    """
    parts: list[tuple[NDArray[np.intp], Held]] = []
    for number, (train_rows, test_rows) in enumerate(folds(data, order.folds, order.seed)):
        part = f"fold-{number + 1}"
        order.progress.stage(f"fold {number + 1} of {order.folds}", READ + (until - READ) * (number + 1) / order.folds)
        train_on, check_on = _inner(order, data.take(train_rows))
        run = fit(order, train_on, check_on, part, shape)
        held, *_ = held_by(run, train_on, data.take(test_rows))
        right = float((held.logits.argmax(axis=1) == held.data.targets).mean())
        say(f"{part}: {len(test_rows)} images, top class right {right:.3f}, {held.seconds[0]:.0f} s")
        parts.append((test_rows, held))
    return _pooled(data, parts)


def _pooled(data: Dataset, parts: list[tuple[NDArray[np.intp], Held]]) -> Held:
    every = [held for _, held in parts]
    return Held(
        data=data.take(np.concatenate([rows for rows, _ in parts])),
        fold=np.concatenate([np.full(len(rows), number, dtype=np.intp) for number, (rows, _) in enumerate(parts)]),
        logits=np.concatenate([held.logits for held in every]),
        maps=np.concatenate([held.maps for held in every]),
        embedding=np.concatenate([held.embedding for held in every]),
        distance=np.concatenate([held.distance for held in every]),
        foreign=np.concatenate([held.foreign for held in every]),
        seconds=tuple(held.seconds[0] for held in every),
    )


def held_by(run: Trained, train_on: Dataset, check_on: Dataset) -> tuple[Held, Known, Unknown]:
    """What one network says of a side that it did not train on; and the cloth that it knows, with its limits."""
    said = answers(run.net, check_on.images, run.standardise)
    known, unknown = know(run, train_on, said[2])
    odd = known.look_distances(check_on.images, unknown) > (unknown.look_limit or np.inf)
    none = np.zeros(len(check_on.targets), dtype=np.intp)
    far = known.distances(said[2], unknown)
    held = Held(check_on, none, said[0], said[1], said[2], far, odd, (run.training["seconds"],))
    return held, known, unknown


def know(run: Trained, train_on: Dataset, check: NDArray[np.float32]) -> tuple[Known, Unknown]:
    """The cloth that a network knows by its training side; `check` (M, D): embeddings that set the limits."""
    seen = answers(run.net, train_on.images, run.standardise)[2]
    return novelty.fit(seen, train_on.targets, check, train_on.images, train_on.groups)


def _inner(order: Order, side: Dataset) -> tuple[Dataset, Dataset | None]:
    """All of the side where the last epoch is kept, or a class has one source left; else a part chooses the epoch."""
    if order.recipe.keep == "last" or thin(side, 2):
        return side, None
    train_rows, check_rows = folds(side, min(INNER, len(set(side.groups))), order.seed)[0]
    return side.take(train_rows), side.take(check_rows)


def report(held: Held, order: Order) -> dict[str, Any]:
    """Pooled figures with intervals over sources, each fold's own, and their mean with its interval over folds."""
    whole = judged(held, order.flag)
    parts = [figures(_part(whole, held.fold == number), draws=0) for number in np.unique(held.fold)]
    return {
        **figures(whole),
        "folds": [
            {"images": fold["images"], "sources": fold["sources"], **{name: fold[name] for name in HEADLINES}}
            for fold in parts
        ],
        "over_folds": {name: _mean([fold[name] for fold in parts]) for name in HEADLINES},
        "seconds": list(held.seconds),
        "split": f"{len(parts)} stratified folds, {held.data.split_by}",
    }


def _part(whole: Judged, rows: NDArray[np.bool_]) -> Judged:
    picked = np.flatnonzero(rows).tolist()
    return Judged(
        whole.classes, [whole.truth[i] for i in picked], [whole.said[i] for i in picked], whole.flagged[rows],
        whole.probabilities[rows], [whole.groups[i] for i in picked],
        [whole.names[i] for i in picked] if whole.names else (), None if whole.before is None else whole.before[rows],
    )  # fmt: skip


def _mean(values: list[float | None]) -> dict[str, Any]:
    """Mean and its 95 % interval by Student's t over folds, cut to 0..1: wide with three, as it should be."""
    known = [value for value in values if value is not None]
    if not known:
        return {"mean": None, "interval": None}
    mean = float(np.mean(known))
    if len(known) < 2:
        return {"mean": mean, "interval": None}
    reach = float(stdtrit(len(known) - 1, 0.975)) * float(np.std(known, ddof=1)) / len(known) ** 0.5
    return {"mean": mean, "interval": [max(0.0, mean - reach), min(1.0, mean + reach)]}
