"""Judges labelled images through the inspector, exactly as in production, and counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ml.answers import Item, Judgement
from ml.data import DataError, Row
from ml.inspector import Inspector
from ml.metrics import summary

BATCH = 64


def evaluate(inspector: Inspector, images: Iterable[tuple[bytes, str]]) -> dict[str, Any]:
    """Figures (see ml.metrics.summary) over pairs of image bytes and true label. DataError on an unreadable image."""
    truth: list[str] = []
    judged: list[Judgement] = []
    batch: list[Item] = []
    for data, label in images:
        truth.append(label)
        batch.append(Item(data))
        if len(batch) == BATCH:
            judged += _judge(inspector, batch)
            batch = []
    judged += _judge(inspector, batch)
    return figures(inspector.spec.classes, truth, judged)


def figures(classes: Sequence[str], truth: Sequence[str], judged: Sequence[Judgement]) -> dict[str, Any]:
    """Figures over judgements and the true labels beside them."""
    none = [np.nan] * len(classes)
    probabilities = np.array([list(j.probabilities.values()) if j.probabilities else none for j in judged])
    flagged = np.array([j.flagged for j in judged])
    found = summary(truth, [j.label for j in judged], flagged, probabilities, tuple(classes))
    warned = sorted({warning for j in judged for warning in j.warnings})
    return {**found, "warnings": {name: sum(name in j.warnings for j in judged) for name in warned}}


def _judge(inspector: Inspector, batch: Sequence[Item]) -> list[Judgement]:
    answers = inspector.judge(batch)
    spoilt = [answer.reason for answer in answers if not isinstance(answer, Judgement)]
    if spoilt:
        raise DataError(f"unreadable image: {'; '.join(spoilt[:5])}")
    return [answer for answer in answers if isinstance(answer, Judgement)]


def evaluate_rows(inspector: Inspector, rows: Sequence[Row]) -> dict[str, Any]:
    """Figures over the rows of a manifest. DataError on labels that the bundle does not know."""
    foreign = sorted({row.label for row in rows} - set(inspector.spec.classes))
    if foreign:
        raise DataError(f"the bundle knows no class {', '.join(foreign)}: merge or leave out these rows")
    return evaluate(inspector, ((row.path.read_bytes(), row.label) for row in rows))
