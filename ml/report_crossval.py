"""The report on a cross-validation: each image with the heat-map of the network that had not seen its source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ml import report
from ml.held import Held, judged
from ml.order import Order
from ml.report_mistakes import Seen
from ml.verdict import heat

FAINT = 1e-6  # each map is drawn against its own strongest place


def of_crossval(held: Held, order: Order, told: Mapping[str, Any]) -> str:
    """The HTML page; `told` are the figures as they are printed."""
    said = judged(held, order.flag)

    def look(row: int) -> Seen:
        return Seen(held.data.images[row], heat(said.classes, said.probabilities[row], held.maps[[row]], FAINT)[0])

    about = {
        "Trained": f"{order.network} with preset {order.preset}, {len(told['folds'])} times",
        "Judged": f"{told['images']} images of {told['sources']} sources, each by the network that had not seen it",
        "Data": held.data.about,
        "Split": str(told["split"]),
        "Licence": order.licence or held.data.licence,
    }
    return report.html(f"{order.network}, {order.preset}: cross-validated", about, told, said, None, look)
