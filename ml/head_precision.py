"""Which precision a new head is judged at: fewer bits where they are seen again to say the same."""

from __future__ import annotations

from collections.abc import Mapping

from ml import probe
from ml.data import Dataset
from ml.engines import CpuEngine, open_graph
from ml.gate import Candidate, Gate
from ml.gate_images import GateImages, gather
from ml.novelty import Known
from ml.precision import TOLERANCE, Choice
from ml.spec import GRAPH, GRAPH_INT8, Faster, Spec, Unknown

MOST = 1600  # images of the proof: some seconds in fp32


def choose(
    base: Spec, graphs: Mapping[str, bytes], plain: CpuEngine, pictures: Dataset | None, known: Known, unknown: Unknown
) -> Choice:
    """The base's own precision where the new head passes the gate at it, on `pictures` and views of them; else fp32.

    `graphs` hold the new head already; `plain` is the engine of the fp32 one. No drawn cloth fills up here, and without
    pictures there is no proof: fp32.
    """
    precision = base.engine.precision
    if precision == "fp32":
        return Choice(Faster(finding={"chosen": "fp32", "why": "the base's"}), {})
    if pictures is None:
        why = f"no images to prove the base's {precision} again: give --manifest"
        return Choice(Faster(finding={"chosen": "fp32", "why": why}), {})
    images = gather(pictures, base.input, "labelled", draw=False, most=MOST)
    way = Candidate(precision, str(base.engine.finding.get("chosen", precision)), graphs.get(GRAPH_INT8))
    tried = Gate(graphs[GRAPH], plain, plain.run(images.images), images, known, unknown).judge(way)
    finding = _finding(images, tried.found)
    if tried.found["refused"] is not None:
        return Choice(Faster(finding={**finding, "chosen": "fp32"}), {})
    with open_graph(way.graph or graphs[GRAPH], precision) as engine:
        asked = probe.ask(engine, base.input, tolerance=TOLERANCE)
    files = {GRAPH_INT8: way.graph} if way.graph and precision == "int8" else {}
    return Choice(Faster(precision, asked, {**finding, "chosen": way.about}), files)


def _finding(images: GateImages, found: Mapping[str, object]) -> dict[str, object]:
    return {
        "images": len(images.images), "smallest_class": images.smallest(), "origin": images.origin,
        "candidates": [dict(found)],
    }  # fmt: skip
