"""`python -m ml teaching-experiment`: embeddings of labelled images, both arms, a table, JSON and a drawing."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.answers import Item, Undecodable
from ml.inspector import Inspector
from ml.refusal import DataError
from ml.rows import Row, check_files, parse_merge, read_rows
from ml.trial import Cloth, Plan, compare

BATCH = 64
WIDTH, HEIGHT, LEFT, BOTTOM, EDGE = 640, 380, 44, 44, 28


def run(options: argparse.Namespace) -> str:
    """The table; the figures and the drawing go where the options say."""
    rows = read_rows(options.manifest, parse_merge(options.merge))
    check_files(rows)
    plan = Plan(options.start, options.batch, options.budget, options.seeds)
    if len(rows) * 2 // 3 < plan.budget:
        raise DataError(f"{len(rows)} images are too few for {plan.budget} labels beside those that test")
    cloth = Cloth(
        embeddings_of(rows, options.bundle, options.threads), [row.label for row in rows], [row.group for row in rows]
    )
    found = compare(cloth, plan)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1), encoding="utf-8")
    if options.svg:
        options.svg.write_text(drawing(found), encoding="utf-8")
    return table(found)


def embeddings_of(rows: Sequence[Row], bundle: Path, threads: int) -> NDArray[np.float16]:
    """(N, D), as the inspector keeps them. DataError naming an image that cannot be read."""
    inspector = Inspector.load(bundle, "cpu", threads)
    found = []
    for start in range(0, len(rows), BATCH):
        some = rows[start : start + BATCH]
        for row, answer in zip(some, inspector.judge([Item(row.read()) for row in some]), strict=True):
            if isinstance(answer, Undecodable):
                raise DataError(f"{row.where}: {answer.reason}")
            found.append(answer.embedding)
    return np.stack(found).astype(np.float16)


def table(found: dict[str, Any]) -> str:
    """One line a step, as Markdown."""
    lines = ["| labels | random | teach | teach less random | labels saved |", "|---|---|---|---|---|"]
    for place, labels in enumerate(found["labels"]):
        cells = [_cell(found["arms"][name], place) for name in ("random", "teach")]
        share = found["saved"][place]
        lines.append(
            f"| {labels} | {cells[0]} | {cells[1]} | {_cell(found['difference'], place, '+')} | "
            f"{'–' if share is None else f'{share:+.0%}'} |"
        )
    return "\n".join(lines)


def _cell(arm: dict[str, list[float]], place: int, sign: str = "") -> str:
    mean, low, high = (arm[part][place] for part in ("mean", "low", "high"))
    return f"{mean:{sign}.3f} [{low:{sign}.3f}, {high:{sign}.3f}]"


def drawing(found: dict[str, Any]) -> str:
    """Both curves with their bands as an SVG of its own colours, for light and dark pages alike."""
    labels = found["labels"]
    values = [value for arm in found["arms"].values() for part in ("low", "high") for value in arm[part]]
    low, high = np.floor(min(values) * 10) / 10, np.ceil(max(values) * 10) / 10

    def at(count: float, value: float) -> str:
        x = LEFT + (WIDTH - LEFT - EDGE) * (count - labels[0]) / (labels[-1] - labels[0])
        return f"{x:.1f},{EDGE + (HEIGHT - EDGE - BOTTOM) * (high - value) / (high - low):.1f}"

    parts = [_grid(labels, float(low), float(high), at)]
    for name, colour, dash in (("random", "#8a8f98", "6 5"), ("teach", "#c2410c", "none")):
        arm = found["arms"][name]
        band = [at(n, v) for n, v in zip(labels, arm["high"], strict=True)]
        band += [at(n, v) for n, v in zip(reversed(labels), reversed(arm["low"]), strict=True)]
        line = " ".join(at(n, v) for n, v in zip(labels, arm["mean"], strict=True))
        x, y = at(labels[-1], arm["mean"][-1]).split(",")
        parts += [
            f'<polygon points="{" ".join(band)}" fill="{colour}" opacity="0.18"/>',
            f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2.5" stroke-dasharray="{dash}"/>',
            f'<text x="{x}" y="{float(y) + (16 if name == "random" else -8):.1f}" fill="{colour}" '
            f'text-anchor="end">{escape(name)}</text>',
        ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        f'font-size="13" role="img" aria-label="Macro-F1 over labels, teach and random">{"".join(parts)}</svg>\n'
    )


def _grid(labels: Sequence[int], low: float, high: float, at: Any) -> str:
    drawn = []
    for value in np.arange(low, high + 0.05, 0.1):
        x, y = at(labels[0], value).split(",")
        drawn.append(f'<path d="M{x} {y}H{WIDTH - EDGE}" stroke="#8a8f98" stroke-width="0.5"/>')
        drawn.append(f'<text x="{LEFT - 6}" y="{float(y) + 4:.1f}" fill="#8a8f98" text-anchor="end">{value:.1f}</text>')
    for count in labels[:: max(1, len(labels) // 6)]:
        x, _ = at(count, low).split(",")
        drawn.append(f'<text x="{x}" y="{HEIGHT - BOTTOM + 18}" fill="#8a8f98" text-anchor="middle">{count}</text>')
    drawn.append(f'<text x="{WIDTH / 2}" y="{HEIGHT - 6}" fill="#8a8f98" text-anchor="middle">labels</text>')
    drawn.append('<text x="6" y="14" fill="#8a8f98">macro-F1</text>')
    return "".join(drawn)
