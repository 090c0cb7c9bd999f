"""Judges labelled images through the inspector, exactly as in production, and counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from ml.answers import UNKNOWN, Item, Judgement
from ml.calibrate import undo_temperature
from ml.data import DataError, Row
from ml.inspector import Inspector
from ml.intervals import interval
from ml.judged import Judged, figures
from ml.weighted import share

BATCH = 64


def evaluate(inspector: Inspector, images: Iterable[tuple[bytes, str]], groups: Sequence[str] = ()) -> dict[str, Any]:
    """Figures (see ml.judged.figures) over pairs of image bytes and true label. DataError on an unreadable image.

    `groups` names each image's source or roll; without them there are no intervals.
    """
    truth: list[str] = []

    def told() -> Iterator[bytes]:
        for data, label in images:
            truth.append(label)
            yield data

    judged = judge(inspector, told())
    return counted(pool(inspector, truth, judged, groups), judged)


def judge(inspector: Inspector, images: Iterable[bytes]) -> list[Judgement]:
    """The judgements of these images, a batch of bytes held at a time. DataError if any cannot be read."""
    rest = iter(images)
    found: list[Judgement] = []
    while batch := list(islice(rest, BATCH)):
        found += _judge(inspector, batch)
    return found


def _judge(inspector: Inspector, batch: Sequence[bytes]) -> list[Judgement]:
    answers = inspector.judge([Item(data) for data in batch])
    spoilt = [answer.reason for answer in answers if not isinstance(answer, Judgement)]
    if spoilt:
        raise DataError(f"unreadable image: {'; '.join(spoilt[:5])}")
    return [answer for answer in answers if isinstance(answer, Judgement)]


def pool(
    inspector: Inspector,
    truth: Sequence[str],
    judged: Sequence[Judgement],
    groups: Sequence[str] = (),
    names: Sequence[str] = (),
) -> Judged:
    """Judgements and the truth beside them as arrays."""
    spec = inspector.spec
    none = [np.nan] * len(spec.classes)
    chances = np.array([list(j.probabilities.values()) if j.probabilities else none for j in judged], dtype=float)
    chances = chances.reshape(len(judged), len(spec.classes))
    return Judged(
        classes=spec.classes,
        truth=list(truth),
        said=[j.label for j in judged],
        flagged=np.array([j.flagged for j in judged], dtype=bool),
        probabilities=chances,
        groups=list(groups),
        names=list(names),
        before=undo_temperature(chances, spec.temperature),
    )


def counted(judged: Judged, answers: Sequence[Judgement]) -> dict[str, Any]:
    """The figures, and how often each warning was given."""
    return {**figures(judged), "warnings": _warnings(answers)}


@dataclass(frozen=True)
class Evaluated:
    """Figures over a manifest; its rows whose class the bundle knows, what was said as arrays, and each answer."""

    figures: dict[str, Any]
    rows: list[Row]
    judged: Judged
    answers: list[Judgement]


def evaluate_rows(inspector: Inspector, rows: Sequence[Row], as_unknown: Collection[str] = ()) -> Evaluated:
    """Figures over the rows of a manifest.

    Rows whose label is among `as_unknown` should be called unknown: they count in `unknown_recall` alone. DataError on
    any other label that the bundle does not know.
    """
    strange = [row for row in rows if row.label in as_unknown]
    known = [row for row in rows if row.label not in as_unknown]
    foreign = sorted({row.label for row in known} - set(inspector.spec.classes))
    if foreign:
        raise DataError(
            f"the bundle knows no class {', '.join(foreign)}: merge or leave out these rows, or judge them --as-unknown"
        )
    answers = judge(inspector, (row.read() for row in known))
    groups, names = [row.group for row in known], [row.name for row in known]
    judged = pool(inspector, [row.label for row in known], answers, groups, names)
    found = counted(judged, answers)
    return Evaluated(_with_strange(found, inspector, strange) if strange else found, known, judged, answers)


def _with_strange(found: dict[str, Any], inspector: Inspector, rows: Sequence[Row]) -> dict[str, Any]:
    """Adds the share called unknown of images that should be, over all and by label, and the share flagged."""
    answers = judge(inspector, (row.read() for row in rows))
    unknown = np.array([answer.label == UNKNOWN for answer in answers])
    ones, groups = np.ones((1, len(rows))), [row.group for row in rows]
    ends = interval(lambda weights: share(weights, unknown), groups)
    labels = np.array([row.label for row in rows])
    return {
        **found,
        "unknown_recall": float(unknown.mean()),
        "interval": {**found["interval"], "unknown_recall": None if ends is None else ends.tolist()},
        "as_unknown": {
            "images": len(rows),
            "sources": len(set(groups)),
            "flagged": float(np.mean([answer.flagged for answer in answers])),
            "by_label": {name: float(share(ones, unknown, labels == name)[0]) for name in sorted(set(labels.tolist()))},
            "warnings": _warnings(answers),
        },
    }


def _warnings(answers: Sequence[Judgement]) -> dict[str, int]:
    """How often each warning was given."""
    return dict(sorted(Counter(warning for answer in answers for warning in answer.warnings).items()))
