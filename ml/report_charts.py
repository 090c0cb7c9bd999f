"""The charts of a report: ROC, precision and recall, reliability, and where the scores lie."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ml.judged import GOOD, Judged
from ml.report_svg import Line, bars, chart, diagonal, draw, upright
from ml.weighted import BINS, Bools, Floats

POINTS = 200  # of a curve; the eye sees no more
STEPS = 40  # bars of a histogram


def charts(judged: Judged, threshold: float | None) -> list[tuple[str, str, str]]:
    """(heading, SVG, note) of each chart that these answers allow."""
    found = []
    both = GOOD in judged.classes and 0 < judged.positive.sum() < len(judged.truth)
    if both:
        found += [_roc(judged), _precision_recall(judged), _scores(judged, threshold)]
    if judged.counted.any():
        found.append(_reliability(judged))
    return found


def curve(positive: Bools, score: Floats) -> Floats:
    """(M, 3) for every threshold, strictest first: false alarm rate, recall, precision. Both sides must occur."""
    order = np.argsort(-score, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(score[order])), len(score) - 1)
    hits, alarms = np.cumsum(positive[order])[ends], np.cumsum(~positive[order])[ends]
    return np.stack([alarms / (~positive).sum(), hits / positive.sum(), hits / (hits + alarms)], axis=1)


def bins(confidence: Floats, correct: Bools, count: int = BINS) -> Floats:
    """(B, 3) for each bin that holds anything: mean confidence, accuracy, share of images."""
    place = np.clip(np.ceil(confidence * count).astype(int) - 1, 0, count - 1)
    rows = [
        (confidence[place == at].mean(), correct[place == at].mean(), (place == at).mean()) for at in np.unique(place)
    ]
    return np.array(rows)


def _thin(points: Floats) -> list[tuple[float, float]]:
    rows = np.unique(np.linspace(0, len(points) - 1, POINTS).astype(int))
    return [(float(x), float(y)) for x, y in points[rows]]


def _roc(judged: Judged) -> tuple[str, str, str]:
    line = [(0.0, 0.0), *_thin(curve(judged.positive, judged.score)[:, :2])]
    drawn = chart(
        "ROC curve", "share of good flagged", "share of defects flagged", [diagonal(), draw(Line(line, "one"))]
    )
    return "ROC", drawn, "Each point is one threshold. The dashed line is guessing."


def _precision_recall(judged: Judged) -> tuple[str, str, str]:
    line = _thin(curve(judged.positive, judged.score)[:, 1:])
    drawn = chart("Precision and recall", "recall", "precision", [draw(Line(line, "one"))])
    share = judged.positive.mean()
    return "Precision and recall", drawn, f"Here {share:.1%} are defects; precision falls where fewer are."


def _scores(judged: Judged, threshold: float | None) -> tuple[str, str, str]:
    sides = [_heights(judged.score[mine]) for mine in (~judged.positive, judged.positive)]
    tallest = max(max(side) for side in sides)
    parts = [
        bars([height / tallest for height in side], style) for side, style in zip(sides, ("one", "two"), strict=True)
    ]
    if threshold is not None:
        parts.append(upright(threshold, f"threshold {threshold:.3g}"))
    drawn = chart("Anomaly scores", "anomaly score", "share of images, root scale", parts, ticks=False)
    return "Anomaly scores", drawn, '<span class="key one"></span>good <span class="key two"></span>defects'


def _heights(scores: Floats) -> Sequence[float]:
    counts, _ = np.histogram(scores, bins=STEPS, range=(0, 1))
    heights: list[float] = np.sqrt(counts / counts.sum()).tolist()
    return heights


def _reliability(judged: Judged) -> tuple[str, str, str]:
    parts, keys = [diagonal()], []
    for chances, style, name in ((judged.before, "two", "before calibration"), (judged.probabilities, "one", "after")):
        if chances is None:
            continue
        sound = np.isfinite(chances).all(axis=1)
        right = chances[sound].argmax(axis=1) == judged.targets[sound]
        found = bins(chances[sound].max(axis=1), right)
        places = [(float(x), float(y)) for x, y in found[:, :2]]
        parts += [
            draw(Line(places, style)),
            draw(Line(places, style, [2 + 9 * float(size) ** 0.5 for size in found[:, 2]])),
        ]
        keys.append(f'<span class="key {style}"></span>{name if judged.before is not None else "as judged"}')
    drawn = chart("Reliability", "confidence", "share right", parts)
    return "Reliability", drawn, f"{' '.join(keys)}. A dot is one of {BINS} bins, larger with more images."
