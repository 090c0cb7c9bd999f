"""The report on a bundle and a manifest: what is said of both, and the images of the worst mistakes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ml import report
from ml.data import Row
from ml.decode import decode
from ml.evaluate import Evaluated
from ml.report_mistakes import Seen
from ml.spec import Spec


def of_bundle(spec: Spec, found: Evaluated, told: Mapping[str, Any]) -> str:
    """The HTML page; `told` are the figures as they are printed."""

    def look(row: int) -> Seen:
        return Seen(decode(found.rows[row].read(), 3), found.answers[row].heatmap)

    about = _model(spec) | _images(found.rows, told)
    return report.html(f"{spec.name}: judged", about, told, found.judged, spec.threshold, look)


def split_of(rows: Sequence[Row]) -> str:
    """How the sides of a manifest are told apart, in words."""
    return "given" if any(row.split for row in rows) else "by hash of the source or roll"


def _model(spec: Spec) -> dict[str, str]:
    shape, data = spec.input, spec.data
    return {
        "Model": f"{spec.name}: {spec.network}, input {shape.width} x {shape.height} x {shape.channels}",
        "Classes": ", ".join(spec.classes),
        "Trained on": f"{data.get('about', 'not stated')}; split {data.get('split', 'not stated')}",
        "Licence of that": str(data.get("licence", "not stated")),
        "Threshold": f"{spec.threshold:.4f}; temperature {spec.temperature:.3f}",
    }


def _images(rows: Sequence[Row], told: Mapping[str, Any]) -> dict[str, str]:
    licences = sorted({row.licence for row in rows if row.licence}) or ["not stated"]
    found = {
        "Judged": f"{told['images']} images of {told['sources']} sources; side {told['side']}, split {told['split']}",
        "Licence of these": "; ".join(licences),
    }
    if "as_unknown" in told:
        strange = told["as_unknown"]
        found["Should be unknown"] = f"{strange['images']} more images of {', '.join(strange['by_label'])}"
    return found
