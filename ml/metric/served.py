"""A class that a bundle never learnt, from a few examples, by what the bundle itself says of an image.

What a mill meets when somebody marks examples of a new class: the same distances, by embeddings and by textures.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ml import bundle, splits
from ml.data import Dataset, check_rows, load, parse_merge, read_rows
from ml.drawn import draw
from ml.engines import open_engine
from ml.metric.measures import Side, side, unseen
from ml.refusal import DataError
from ml.spec import Spec

PARTS = 4  # of the sources of a new class: two give examples, the others are asked about


class Order(NamedTuple):
    """Which bundle, and images of its own classes and of others. `examples` of each of `draws`; `seed`: of what is
    drawn."""

    bundle: Path
    manifest: Path | None = None
    drawn: int = 0
    merge: tuple[str, ...] = ()
    examples: int = 5
    draws: int = 20
    seed: int = 0
    threads: int = 1


def measure(order: Order) -> dict[str, Any]:
    """Recall and precision of each class that the bundle does not know, by each thing that can be compared. Of its own
    classes only images that did not train it count. DataError where it knows every class."""
    spec = bundle.verify(order.bundle)
    data = _images(order, spec)
    strange = [name for name in data.classes if name not in spec.classes]
    if not strange:
        raise DataError(f"{order.bundle.name} knows every class of these images")
    parts = np.array([splits.place(group) for group in data.groups]).argsort().argsort() % PARTS
    parts = _of_groups(data, parts)
    engine = open_engine(order.bundle, spec, "cpu", order.threads)
    said = engine.run(data.images)
    rows = {"embedding": said.embedding, "texture": said.texture}
    kept = {name: value.astype(np.float16) for name, value in rows.items() if value.shape[1]}  # as verdicts keep them
    return {
        name: {
            what: _one(side(value, data.targets, data.groups), parts, data.classes.index(name), spec, data, order)
            for what, value in kept.items()
        }
        for name in strange
    }


def _one(
    all_: Side, parts: NDArray[np.intp], target: int, spec: Spec, data: Dataset, order: Order
) -> Mapping[str, list[float]]:
    known = np.isin(all_.targets, [data.classes.index(name) for name in spec.classes])
    mine = all_.targets == target
    halves = tuple(all_.take((parts % 2 == half) & (known | (mine & (parts >= 2)))) for half in (0, 1))
    found = unseen(all_.take(mine & (parts < 2)), (halves[0], halves[1]), target, order.examples, order.draws)
    return {name: [float(value) for value in values] for name, values in found._asdict().items()}


def _of_groups(data: Dataset, parts: NDArray[np.intp]) -> NDArray[np.intp]:
    """One part for all images of a source: that of its first."""
    first = {group: parts[row] for row, group in reversed(list(enumerate(data.groups)))}
    return np.array([first[group] for group in data.groups], dtype=np.intp)


def _images(order: Order, spec: Spec) -> Dataset:
    """At input size; without what trained the bundle."""
    shape = spec.input
    if order.manifest is None:
        return draw(order.drawn, order.seed, (shape.width, shape.height), shape.channels, order.threads)
    rows = read_rows(order.manifest, parse_merge(order.merge))
    check_rows(rows)
    own = [row for row in rows if row.label in spec.classes]
    trained = {row.line for row in splits.rows_on("train", own, spec.classes, shape)}
    held = [row for row in rows if row.line not in trained]
    names = (*spec.classes, *sorted({row.label for row in held} - set(spec.classes)))
    return load(held, names, replace(shape, large="resize"), "", mixed=True)


def lines(found: Mapping[str, Any]) -> Iterator[str]:
    """A row for each class and each thing compared: means over draws."""
    yield f"{'class':22} {'compared':10} {'recall':>7} {'precision':>10} {'lost':>6}"
    for name, kinds in found.items():
        for what, values in kinds.items():
            recall, precision, lost = (float(np.mean(values[key])) for key in ("recall", "precision", "lost"))
            yield f"{name:22} {what:10} {recall:7.3f} {precision:10.3f} {lost:6.3f}"
