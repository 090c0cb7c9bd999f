"""Pictures of a study: how it learnt, what homogenisation did, and how far the distances of classes lie apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ml.refusal import DataError

KINDS = ("png", "svg")
LOSS, BRIGHTNESS, DISTANCES = "loss", "brightness", "distances"
SAME, DIFFERENT, BOTH = "#1b7f79", "#c2410c", "#5b5f6b"


def draw(study: dict[str, Any], figures: dict[str, Any], folder: Path, kind: str = "png") -> list[Path]:
    """Writes LOSS, BRIGHTNESS and DISTANCES to a folder and returns where. DataError on a kind of file there is not."""
    if kind not in KINDS:
        raise DataError(f"a picture is {' or '.join(KINDS)}, not {kind!r}")
    folder.mkdir(parents=True, exist_ok=True)
    made = ((LOSS, _loss(study)), (BRIGHTNESS, _brightness(study)), (DISTANCES, _distances(figures)))
    for name, figure in made:
        figure.savefig(folder / f"{name}.{kind}", dpi=90)
    return [folder / f"{name}.{kind}" for name, _ in made]


def _figure(width: float) -> Any:
    from matplotlib.figure import Figure  # only who wants a picture pays for the import

    return Figure(figsize=(width, 3.6), layout="constrained")


def _loss(study: dict[str, Any]) -> Any:
    """Loss of training and of validation after each epoch, and recall@1 beside them, a line for each fold."""
    figure = _figure(9)
    left, right = figure.subplots(1, 2)
    folds = {name: part["history"] for name, part in study["parts"].items() if not part["without"]}
    for number, (name, history) in enumerate(folds.items()):
        colour = f"C{number}"
        for axes, key, style in ((left, "loss", "-"), (left, "check_loss", "--"), (right, "recall_at_1", "-")):
            known = [(epoch["epoch"], epoch[key]) for epoch in history if epoch.get(key) is not None]
            if known:
                label = f"{name}, held out" if key == "check_loss" else name
                axes.plot(*zip(*known, strict=True), style, color=colour, linewidth=1.4, label=label)
    for axes, title in ((left, f"loss ({study['recipe']['loss']})"), (right, "recall@1 among held-out images")):
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("epoch")
        axes.grid(alpha=0.3)
    if left.lines:
        left.legend(fontsize=7)
    else:
        left.text(0.5, 0.5, "nothing was trained", ha="center", transform=left.transAxes)
    return figure


def _brightness(study: dict[str, Any]) -> Any:
    """Mean grey level of each class on the first fold's training side, before and after homogenisation."""
    part = next(part for part in study["parts"].values() if not part["without"])
    names = [name for name in study["classes"] if part["brightness"]["before"][name] is not None]
    figure = _figure(7)
    axes = figure.subplots()
    for shift, (side, hatch) in zip((-0.2, 0.2), (("before", "//"), ("after", "")), strict=True):
        heights = [part["brightness"][side][name] for name in names]
        colour = BOTH if side == "before" else SAME
        bars = axes.bar([place + shift for place in range(len(names))], heights, 0.38, label=side, color=colour)
        for bar in bars:
            bar.set_hatch(hatch)
            bar.set_edgecolor("white")
    axes.axhline(part["level"], color="black", linewidth=1, linestyle=":", label=f"all images, {part['level']:.1f}")
    axes.set_xticks(range(len(names)), names, fontsize=8)
    axes.set_ylabel("mean grey level")
    axes.set_title(f"brightness of each class, homogenised: {study['recipe']['homogenise']}", fontsize=10)
    axes.legend(fontsize=8)
    return figure


def _distances(figures: dict[str, Any]) -> Any:
    """Distances of pairs of the first fold's held-out images, the overlap filled."""
    first = figures["overlap"][0]
    edges, width = first["edges"], first["edges"][1]
    both = [min(pair) for pair in zip(first["same"], first["different"], strict=True)]
    figure = _figure(7)
    axes = figure.subplots()
    for heights, label, colour in (
        (first["same"], "same class", SAME),
        (first["different"], "different classes", DIFFERENT),
    ):
        axes.stairs(heights, edges, label=label, color=colour, linewidth=1.6)
    middles = [edge + width / 2 for edge in edges[:-1]]
    axes.bar(middles, both, width, color=BOTH, alpha=0.45, hatch="..", label=f"overlap, {first['area']:.1%}")
    axes.axvline(first["threshold"], color="black", linestyle=":", linewidth=1, label=f"at {first['threshold']:.2f}")
    axes.set_xlabel("Euclidean distance of unit embeddings")
    axes.set_ylabel("share of pairs")
    axes.set_title("pairs of held-out images", fontsize=10)
    axes.legend(fontsize=8)
    return figure
