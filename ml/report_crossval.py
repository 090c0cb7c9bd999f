"""The report on a cross-validation: each image with the heat-map of the network that had not seen its source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml import report
from ml.crossval import Held, judged
from ml.judged import GOOD
from ml.order import Order
from ml.report_mistakes import Seen


def of_crossval(held: Held, order: Order, told: Mapping[str, Any]) -> str:
    """The HTML page; `told` are the figures as they are printed."""
    said = judged(held, order)

    def look(row: int) -> Seen:
        return Seen(held.data.images[row], _heat(held, row))

    about = {
        "Trained": f"{order.network} with preset {order.preset}, {len(told['folds'])} times",
        "Judged": f"{told['images']} images of {told['sources']} sources, each by the network that had not seen it",
        "Data": held.data.about,
        "Split": str(told["split"]),
        "Licence": order.licence or held.data.licence,
    }
    return report.html(f"{order.network}, {order.preset}: cross-validated", about, told, said, None, look)


def _heat(held: Held, row: int) -> NDArray[np.uint8]:
    """Evidence for the most probable defect against good, 0..255; against the other classes where none is good."""
    classes, logits, maps = held.data.classes, held.logits[row].copy(), held.maps[row]
    if GOOD in classes:
        good = classes.index(GOOD)
        logits[good] = -np.inf
        evidence = maps[int(logits.argmax())] - maps[good]
    else:
        shown = int(logits.argmax())
        evidence = maps[shown] - np.delete(maps, shown, axis=0).mean(axis=0)
    heat = np.rint(np.clip(evidence / max(float(evidence.max()), 1e-6), 0, 1) * 255)
    return np.asarray(heat, dtype=np.uint8)
