"""One HTML file on what a model said of labelled images: no script, nothing from elsewhere, light and dark."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from ml.judged import Judged
from ml.report_charts import charts
from ml.report_mistakes import Look, mistakes
from ml.report_tables import classes, confusion, headlines, sources

TEMPLATE = Path(__file__).with_name("report.html")


def html(
    title: str,
    about: Mapping[str, str],
    found: Mapping[str, Any],
    judged: Judged,
    threshold: float | None = None,
    look: Look | None = None,
) -> str:
    """The page. `found` are the figures of `judged` (see ml.judged.figures); `about` says in words what was judged, on
    which data, split and licence; `look` gives the image of a row and its heat-map."""
    parts = {
        "title": escape(title),
        "lead": escape(_lead(found)),
        "about": "".join(f"<dt>{escape(key)}</dt><dd>{escape(value)}</dd>" for key, value in about.items()),
        "headlines": headlines(found),
        "interval": escape(_interval(found)),
        "classes": classes(found),
        "confusion": confusion(found),
        "charts": "".join(
            f'<div class="chart"><h3>{name}</h3>{svg}<p class="note">{note}</p></div>'
            for name, svg, note in charts(judged, threshold)
        ),
        "sources": sources(judged),
        "mistakes": mistakes(judged, look),
    }
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(parts)


def _lead(found: Mapping[str, Any]) -> str:
    silent = found["images"] and found["accuracy_top_class"] == 0 and found["ece"] is None
    sources = f" of {found['sources']} sources" if found["sources"] else ""
    told = f"{found['images']} images{sources}."
    if not found["images"]:
        return "No images whose class the model knows."
    return f"{told} The model answered none of them in numbers: all are unknown." if silent else told


def _interval(found: Mapping[str, Any]) -> str:
    how = found["bootstrap"]
    if how["groups"] < 2:
        return "No intervals: they need two sources at least."
    return (
        f"Below each figure its {how['level']:.0%} interval: {how['draws']} bootstrap draws over {how['groups']} "
        "sources (rolls, where they are known), because images of one source are alike."
    )
