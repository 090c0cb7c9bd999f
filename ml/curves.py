"""A picture of how training went: loss, macro-F1 and learning rate by epoch, one line for each part of the run."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from ml.refusal import DataError

PANELS = (("loss", "loss"), ("macro_f1", "macro-F1 on the validation side"), ("rate", "learning rate"))


def draw(log: Path, picture: Path) -> None:
    """Draws the JSON-lines log of `train` to a PNG or SVG file. DataError if the log cannot be read."""
    from matplotlib.figure import Figure  # only who wants a picture pays for the import

    runs = read(log)
    figure = Figure(figsize=(11, 3.4), layout="constrained")
    for axes, (key, title) in zip(figure.subplots(1, len(PANELS)), PANELS, strict=True):
        for name, epochs in runs.items():
            known = [(epoch["epoch"], epoch[key]) for epoch in epochs if key in epoch]
            if known:
                axes.plot(*zip(*known, strict=True), label=name, linewidth=1.5)
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("epoch")
        axes.grid(alpha=0.3)
    figure.axes[0].legend(fontsize=8)
    figure.savefig(picture)


def read(log: Path) -> dict[str, list[dict[str, Any]]]:
    """The epochs of each part of a run, in the order in which they were written."""
    runs: dict[str, list[dict[str, Any]]] = defaultdict(list)
    try:
        for line in log.read_text(encoding="utf-8").splitlines():
            epoch = json.loads(line)
            runs[str(epoch["run"])].append(epoch)
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise DataError(f"{log} is no log of a training: {problem}") from problem
    return dict(runs)
