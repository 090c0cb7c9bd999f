"""A new head on the trunk of a bundle: only the last layer is fitted, in seconds. Needs no torch."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
from safetensors.numpy import save

from ml import bundle, card, novelty, probe
from ml.base import CLASSIFIER, Base
from ml.bundle import GRAPH, Spec, Unknown
from ml.calibrate import fit_temperature
from ml.data import DataError
from ml.engines import CpuEngine, open_graph
from ml.graph_head import exchange
from ml.head_data import HeadOrder, Labelled, gather
from ml.head_fit import Chosen, best, shares
from ml.head_precision import choose
from ml.held import Held, calibration, judged
from ml.judged import figures
from ml.kept import Floats
from ml.logistic import Layer
from ml.looks import held_out, looks
from ml.novelty import Known
from ml.quality import quality_limits

PARITY = 1e-3  # largest difference of the graph from the layer, relative above 1


def learn(order: HeadOrder) -> Spec:
    """Fits, calibrates, measures and writes the bundle. DataError or BundleError on what cannot be used."""
    began = time.perf_counter()
    if order.out.exists():
        raise DataError(f"{order.out} already exists")
    order.progress.stage("reading the base", 0.05)
    base = Base.load(order.base, order.threads, order.base_classes)
    order.progress.stage("reading what is labelled", 0.3)
    labelled = gather(order, base)
    order.progress.stage("fitting the last layer", 0.6)
    chosen = best(base, labelled, order.log)
    spec, weights, files = pack(order, base, labelled, chosen)
    spec = replace(spec, training={**spec.training, "seconds": round(time.perf_counter() - began, 1)})
    written = bundle.write(order.out, spec, weights, files.pop(GRAPH), card.text(spec), files)
    order.progress.done()
    return written


def pack(order: HeadOrder, base: Base, labelled: Labelled, chosen: Chosen) -> tuple[Spec, bytes, dict[str, bytes]]:
    """The spec, the weights file and the graphs, after the proof that the engine says what the layer says."""
    order.progress.stage("packing", 0.7)
    layer, (check, held) = chosen.layer, labelled.side(labelled.val)
    new = layer.weight.astype(np.float32), layer.bias.astype(np.float32)
    graphs = {name: exchange(graph, base.layer, new) for name, graph in base.graphs().items()}
    known, unknown = know(base, labelled)
    logits = layer.logits(check)
    temperature = fit_temperature(logits, held.targets)
    with open_graph(graphs[GRAPH]) as engine:
        asked, parity = probe.ask(engine, base.spec.input), _prove(engine, base.spec, layer)
        order.progress.stage("choosing precision", 0.95)
        choice = choose(base.spec, graphs, engine, labelled.pictures, known, unknown)
    order.progress.stage("packing", 0.99)
    measured = {**_measure(order, labelled, logits, known, unknown), "of": "the validation side, which calibrated"}
    spec = replace(
        base.spec, name=order.name or order.out.name, classes=held.classes, temperature=temperature,
        threshold=order.flag.threshold(logits, held, temperature), shares=shares(labelled), unknown=unknown,
        quality=quality_limits(labelled.pictures) if labelled.pictures else base.spec.quality, probe=asked,
        engine=choice.engine, training=_training(base, chosen), data=_provenance(order, labelled),
        metrics={
            "calibration": calibration(logits, held.targets, temperature), "parity": parity, "held_out": measured,
        },
        created_at=datetime.now(UTC).isoformat(timespec="seconds"), files={},
    )  # fmt: skip
    tensors = {**base.tensors, **dict(zip(CLASSIFIER, new, strict=True)), **known.tensors()}
    return spec, save(tensors), {GRAPH: graphs[GRAPH], **choice.files}


def know(base: Base, labelled: Labelled) -> tuple[Known, Unknown]:
    """The cloth it knows, and the limits. Of none of it the trunk learnt anything, so that a training source held out
    from the others is as good as one of the validation side, and both set the limits. Without pictures the base's looks
    stay."""
    embedding, data = labelled.side(labelled.train)
    reference = novelty.pick(embedding, data.targets, novelty.REFERENCES, seed=0).astype(np.float16).astype(np.float32)
    away = novelty.distances(labelled.embedding[labelled.val], reference, Unknown.neighbours)
    far = np.concatenate([away, novelty.apart(embedding, data.groups, Unknown.neighbours)])
    unknown = Unknown(
        limit=float(np.quantile(far, Unknown.quantile)), largest=float(far.max()),
        look_limit=base.spec.unknown.look_limit, look_neighbours=base.spec.unknown.look_neighbours,
        look_quantile=base.spec.unknown.look_quantile,
    )  # fmt: skip
    pictures = labelled.pictures
    if pictures is None or len(set(pictures.groups)) < 2:
        return Known(reference, base.looks), unknown
    rows = np.sort(np.random.default_rng(0).permutation(len(pictures.targets))[: novelty.REFERENCES])
    seen = looks(pictures.images[rows])
    apart = held_out(seen, [pictures.groups[row] for row in rows], Unknown.look_neighbours)
    limit = float(np.quantile(apart, Unknown.look_quantile))
    return Known(reference, seen), replace(
        unknown, look_limit=limit, look_neighbours=Unknown.look_neighbours, look_quantile=Unknown.look_quantile
    )


def _measure(order: HeadOrder, labelled: Labelled, logits: Floats, known: Known, unknown: Unknown) -> dict[str, Any]:
    """Figures on the validation side, each source calibrated without itself; looks count where there are pictures."""
    check, held = labelled.side(labelled.val)
    none, strange = np.zeros(len(logits), dtype=np.intp), np.zeros(len(logits), dtype=bool)
    if labelled.checked is not None:
        strange = known.look_distances(labelled.checked.images, unknown) > (unknown.look_limit or np.inf)
    maps, far = np.empty((len(logits), 0), dtype=np.float32), known.distances(check, unknown)
    return figures(judged(Held(held, none, logits, maps, check, far, strange), order.flag))


def _prove(engine: CpuEngine, spec: Spec, layer: Layer) -> float:
    """The greatest difference between the engine and the layer, in logits and in maps. DataError beyond PARITY."""
    said = engine.run(probe.images(spec.input, 1, 8))
    wanted = layer.logits(said.embedding)
    found = (said.logits, said.maps.mean(axis=(2, 3)) + layer.bias.astype(np.float32))
    apart = max(float(np.max(np.abs(one - wanted) / np.maximum(1, np.abs(wanted)))) for one in found)
    if not apart <= PARITY:
        raise DataError(f"the graph with the new layer differs from the layer by {apart:.3g}: nothing was written")
    return apart


def _training(base: Base, chosen: Chosen) -> dict[str, Any]:
    return {
        "preset": "head", "began": f"trunk of {base.spec.name}", "base": base.digest, "seed": 0,
        "strength": chosen.strength, "held_to": chosen.held_to, "best_macro_f1": chosen.macro_f1,
    }  # fmt: skip


def _provenance(order: HeadOrder, labelled: Labelled) -> dict[str, Any]:
    data, sides = labelled.data, (("train", labelled.train), ("val", labelled.val))
    return {
        "about": data.about, "digest": data.digest, "licence": order.licence or data.licence, "split": data.split_by,
        "counts": {side: data.take(rows).counts() for side, rows in sides},
    }  # fmt: skip
