"""The train and crossval commands: data to bundle or figures, with nothing left half-written when refused."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from ml import card, crossval, splits, together
from ml.bundle import Spec
from ml.data import DataError, Dataset, check_rows, class_names, load, parse_merge, read_rows
from ml.drawn import draw
from ml.evaluate import evaluate
from ml.fit import Trained, fit
from ml.held import Held
from ml.inspector import Inspector
from ml.network_names import objection, untaught
from ml.order import Order
from ml.pack import Made, Packed, pack
from ml.progress import LEARNT, READ, SILENT
from ml.refresh import base_of, settled
from ml.spec import Input, Unknown
from ml.splits import Split

Say = Callable[[str], None]


def learn(order: Order, say: Say = lambda text: None) -> Spec | None:
    """Trains, calibrates, evaluates and writes the bundle. DataError on data that cannot be used.

    Under torchrun every process trains and only the first writes; the others get None.
    """
    refuse_out(order.out)
    torch.set_num_threads(order.threads)
    team = together.join()
    order = settled(order)
    order = order if team.first else replace(order, progress=SILENT)
    data, shape = gather(order)
    make = _on_folds if order.recipe.calibrate == "folds" else _on_sides
    made = make(order, data, shape, say)
    if not team.first:
        together.leave(team)
        return None
    written = finish(order, made, data)
    together.leave(team)
    return written


def finish(order: Order, made: Made, data: Dataset) -> Spec:
    """Packs, measures on what neither trained nor calibrated, and writes."""
    assert order.out is not None
    packed = pack(order, made)
    order.progress.stage("judging what was held out", 1.0)
    metrics = made.metrics or _measured(packed, data)
    final = replace(packed.spec, metrics={**packed.spec.metrics, **metrics})
    written = packed.write(order.out, metrics, card.text(final))
    order.progress.done()
    return written


def refuse_out(out: Path | None) -> None:
    """DataError where a bundle is to go that is there already: a bundle never changes."""
    if out is None or out.exists():
        raise DataError(f"{out} already exists")


def _on_sides(order: Order, data: Dataset, shape: Input, say: Say) -> Made:
    """One network on the train side; the validation side chooses the epoch and calibrates."""
    split = splits.split(data)
    refuse_thin(order, data, split.train)
    order.progress.stage("training", LEARNT)
    train_on, check_on = data.take(split.train), data.take(split.val)
    run = fit(order, train_on, check_on, "train", shape)
    return made_on_sides(order, data, split, run, train_on, check_on)


def made_on_sides(
    order: Order, data: Dataset, split: Split, run: Trained, train_on: Dataset, check_on: Dataset
) -> Made:
    """What a network that trained on one side leaves: the validation side's answers calibrate it."""
    sides = (("train", split.train), ("val", split.val), ("test", split.test))
    held, known, unknown = crossval.held_by(run, train_on, check_on)
    data_of = _provenance(order, data, data.split_by if any(data.splits) else f"{data.split_by}, 70/20/10", sides)
    return Made(run, train_on, held, known, unknown, {}, data_of)


def _on_folds(order: Order, data: Dataset, shape: Input, say: Say) -> Made:
    """Folds calibrate and give the figures; then one network trains on everything."""
    if any(data.splits):
        raise DataError("a manifest with a split column cannot be calibrated on folds: use --calibrate validation")
    refuse_thin(order, data, np.arange(len(data.targets), dtype=np.intp))
    folds_end = READ + (LEARNT - READ) * (order.folds - 1) / order.folds  # each trains on all but its own part
    held = crossval.crossval(order, data, shape, say, folds_end)
    metrics = {"held_out": {**crossval.report(held, order), "of": "networks trained alike, out of fold"}}
    order.progress.stage("training on everything", LEARNT)
    run = fit(order, data, None, "whole", shape)
    how = f"{order.folds} stratified folds by {data.split_by}; the network kept trained on all"
    everything = (("train", np.arange(len(data.targets), dtype=np.intp)),)
    known, unknown = crossval.know(run, data, held.embedding)
    # The answers are those of sister networks, whose embeddings are not this one's: their distances were taken at home.
    far = held.distance
    unknown = replace(unknown, limit=float(np.quantile(far, Unknown.quantile)), largest=float(far.max()))
    return Made(run, data, held, known, unknown, metrics, _provenance(order, data, how, everything))


def cross_validate(order: Order, say: Say = lambda text: None) -> tuple[Held, dict[str, Any]]:
    """What `python -m ml crossval` does: out-of-fold answers, and the figures over them."""
    torch.set_num_threads(order.threads)
    order = settled(order)
    data, shape = gather(order, given=False)
    held = crossval.crossval(order, data, shape, say)
    return held, {**crossval.report(held, order), "network": order.network, "preset": order.preset}


def gather(order: Order, given: bool = True) -> tuple[Dataset, Input]:
    """The labelled images of an order at input size, and the input as the bundle will say it.

    Unless `given`, a split column is checked and then set aside: near-duplicates are joined, as folds need it.
    """
    _refuse_early(order)
    order.progress.stage("drawing cloth" if order.manifest is None else "reading images", READ)
    shape = order.shape
    if order.manifest is None:
        data = draw(order.drawn, order.seed, (order.size, order.size), order.channels, order.threads)
    else:
        rows = read_rows(order.manifest, parse_merge(order.merge), order.source_file)
        classes = class_names(rows, order.classes)
        check_rows(rows)
        splits.guard(rows)
        about = f"{len(rows)} images of {(order.manifest if order.manifest.is_dir() else order.manifest.parent).name}"
        data = splits.settle(load(rows, classes, shape, about, order.resize_mixed), order.leave_twins)
        if any(data.splits) and not given:
            data = splits.settle(replace(data, splits=("",) * len(data.splits)))
    if order.homogenise:
        base = base_of(order)
        level = base.input.homogenise if base else None
        level = float(data.measured().light.mean()) if level is None else level
        data, shape = data.homogenised(level), replace(shape, homogenise=level)
    return data, shape


def refuse_thin(order: Order, data: Dataset, train: NDArray[np.intp]) -> None:
    """Drawn cloth comes as it comes: whoever draws little of it is only trying."""
    if order.manifest is not None:
        splits.refuse_thin(data, train)


def _refuse_early(order: Order) -> None:
    """DataError on a network, stem or recipe that there is not, before anything is read."""
    reason = objection(order.network, order.stem)
    if reason is None and order.recipe.start != "base":
        reason = untaught(order.network)
    if reason:
        raise DataError(reason)
    if order.weights and not order.weights.is_dir() and order.recipe.start != "imagenet":
        raise DataError(f"{order.weights} is no bundle's folder, and only --start imagenet reads a file of weights")
    if order.recipe.flips and order.fixed:
        names = ", ".join(order.fixed)
        raise DataError(f"{names} may not be mirrored, so no image can be judged mirrored: --no-flips")


def _measured(packed: Packed, data: Dataset) -> dict[str, Any]:
    """Figures on the test side; on the validation side where a given split has no other, which then says so."""
    sides = splits.split(data)
    if len(sides.test):
        return held_out(packed, data.take(sides.test))
    found = held_out(packed, data.take(sides.val))
    return {"held_out": {**found["held_out"], "of": "the validation side, which chose the epoch and calibrated"}}


def held_out(packed: Packed, test: Dataset) -> dict[str, Any]:
    """Figures on the test side, through the very inspector that will serve."""
    if not len(test.targets):
        return {}
    with TemporaryDirectory() as folder:
        packed.write(Path(folder) / "draft")
        inspector = Inspector.load(Path(folder) / "draft", device="cpu")
        pairs = ((png(image), test.classes[target]) for image, target in zip(test.images, test.targets, strict=True))
        return {"held_out": evaluate(inspector, pairs, test.groups)}


def png(image: NDArray[np.uint8]) -> bytes:
    """Lossless bytes of (H, W, C), quickly: level 1 of zlib's, as in ml.draw."""
    out = io.BytesIO()
    Image.fromarray(image[..., 0] if image.shape[2] == 1 else image).save(out, "PNG", compress_level=1)
    return out.getvalue()


def _provenance(order: Order, data: Dataset, how: str, sides: Sequence[tuple[str, NDArray[np.intp]]]) -> dict[str, Any]:
    return {
        "about": data.about,
        "digest": data.digest,
        "licence": order.licence or data.licence,
        "split": how,
        "counts": {side: data.take(rows).counts() for side, rows in sides},
    }
