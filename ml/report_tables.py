"""The tables of a report. Every name from outside is escaped here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from ml.answers import UNKNOWN
from ml.judged import GOOD, PARTS, Judged

SOURCES = 40  # the worst; the rest are counted
HEADLINES = (
    ("macro_f1", "macro-F1", "mean F1 of the classes; unknown counts as wrong"),
    ("accuracy", "accuracy", "unknown counts as wrong"),
    ("auroc", "AUROC", "good against defect"),
    ("average_precision", "average precision", "good against defect"),
    ("escape_rate", "escape rate", "defects not flagged"),
    ("overkill", "overkill", "good flagged"),
    ("unknown_rate", "unknown", "answered unknown"),
    ("unknown_recall", "unknown found", "of the images that should be"),
    ("ece", "ECE", "calibration error, 15 bins"),
    ("ece_before", "ECE before", "without calibration"),
    ("brier", "Brier", "0 best, 2 worst"),
    ("brier_before", "Brier before", "without calibration"),
    ("macro_f1_top_class", "macro-F1, top class", "the most probable class, whatever the doubt"),
    ("accuracy_top_class", "accuracy, top class", "the most probable class, whatever the doubt"),
)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table that scrolls by itself where the page is narrow; cells are HTML already."""
    head = "".join(f"<th scope='col'>{escape(name)}</th>" for name in heads)
    body = "".join(
        f"<tr><th scope='row'>{first}</th>{''.join(f'<td>{cell}</td>' for cell in rest)}</tr>" for first, *rest in rows
    )
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def number(value: float | None) -> str:
    """Four places to read, the whole figure for machines."""
    return "none" if value is None else f'<data value="{value!r}">{value:.4f}</data>'


def span(ends: Sequence[float] | None) -> str:
    """A 95 % interval."""
    return "" if ends is None else f'<span class="span">{ends[0]:.3f} to {ends[1]:.3f}</span>'


def headlines(found: Mapping[str, Any]) -> str:
    """The headline figures with their intervals; figures that this report cannot have are left out."""
    tiles = (
        f'<div class="tile" data-figure="{key}"><h3>{name}</h3><p class="figure">{number(found[key])}</p>'
        f"<p>{span(found['interval'].get(key))}</p><p class='note'>{about}</p></div>"
        for key, name, about in HEADLINES
        if found.get(key) is not None
    )
    return f'<div class="tiles">{"".join(tiles)}</div>'


def classes(found: Mapping[str, Any]) -> str:
    """Precision, recall and F1 of each class with intervals."""
    rows = [
        (escape(name), *(f"{number(part[key])} {span(part['interval'][key])}" for key in PARTS), str(part["support"]))
        for name, part in found["per_class"].items()
    ]
    return table(("class", "precision", "recall", "F1", "images"), rows)


def confusion(found: Mapping[str, Any]) -> str:
    """Rows are the truth, columns the answer; the deeper the colour, the larger its share of the row."""
    part = found["confusion"]
    rows = []
    for index, (name, counts) in enumerate(zip(part["rows"], part["counts"], strict=True)):
        total = max(sum(counts), 1)
        cells = [_cell(count, count / total, index == column) for column, count in enumerate(counts)]
        rows.append((escape(name), *cells))
    return table(("truth, and answer:", *part["columns"]), rows)


def _cell(count: int, share: float, right: bool) -> str:
    if not count:
        return '<span class="cell">0</span>'
    return f'<span class="cell {"hit" if right else "miss"}" style="--share:{share:.2f}">{count}</span>'


def sources(judged: Judged) -> str:
    """One row a source, worst first. Without the class good nothing escapes and nothing good is flagged."""
    if not judged.groups:
        return "<p>Nobody said which image is of which source.</p>"
    truth, said, groups = (np.array(column, dtype=object) for column in (judged.truth, judged.said, judged.groups))
    flagged, positive = np.asarray(judged.flagged, dtype=bool), judged.positive
    counted = {"wrong": truth != said}
    if GOOD in judged.classes:
        counted |= {"escaped": positive & ~flagged, "good flagged": ~positive & flagged}
    counted["unknown"] = said == UNKNOWN
    rows: list[tuple[float, str, list[str]]] = []
    for name in sorted(set(judged.groups)):
        mine = groups == name
        counts = [int(mine.sum()), *(int((part & mine).sum()) for part in counted.values())]
        right = 1 - counts[1] / counts[0]
        cells = [escape(", ".join(sorted(set(truth[mine])))), *(str(count) for count in counts), f"{right:.0%}"]
        rows.append((right, name, cells))
    rows.sort(key=lambda row: (row[0], -int(row[2][1]), row[1]))  # the larger of equals first
    shown = [(escape(name), *cells) for _, name, cells in rows[:SOURCES]]
    left = len(rows) - len(shown)
    heads = ("source", "truth", "images", *counted, "right")
    return table(heads, shown) + (f"<p class='note'>{left} more sources do better or as well.</p>" if left else "")
