"""What to label next: the list is made anew over the newest images that nobody has labelled."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain, zip_longest
from typing import Any
from uuid import UUID

import numpy as np
from django.conf import settings
from django.db.models import Exists, OuterRef, Q

from inspections.models import Capture, Line, ModelVersion, ReviewItem, Status, TeachPick
from inspections.review import listed
from ml.teaching import Pick, Why, pick
from workers.reckonings.embeddings import Beat, Kept, joined, kept, version_of

MOST = 20_000  # candidates, an even share of them from each line
LABELLED = 4_000  # newest labelled images that distances are measured to
JUDGED_NOW = 500  # of those, judged now because the version has kept nothing of them
ENOUGH = 5  # candidates for each pick, for the version in force to be reckoned with

Candidates = dict[UUID, tuple[int, bool]]  # capture -> line, passed


def reckon(seed: int, now: datetime, beat: Beat) -> tuple[list[TeachPick], dict[str, Any]]:
    """The new list, not yet written, and what is told of it. Lines that share a version in force share a list."""
    groups = _groups()
    total = sum(len(lines) for lines in groups.values())
    found = [
        _of_group(version, lines, settings.TEACH_LIST * len(lines) // total, total, seed, beat)
        for version, lines in groups.items()
    ]
    picks = [one for one in chain.from_iterable(zip_longest(*(some for some, _told in found))) if one]
    for rank, one in enumerate(picks):
        one.rank, one.made_at = rank, now
    return picks, {"groups": [told for _some, told in found], "picks": len(picks)}


def _groups() -> dict[ModelVersion | None, list[Line]]:
    default = ModelVersion.objects.filter(is_default=True).first()
    groups: dict[ModelVersion | None, list[Line]] = {}
    for line in Line.objects.select_related("version"):
        groups.setdefault(line.version or default, []).append(line)
    return groups


def _of_group(
    wanted: ModelVersion | None, lines: Sequence[Line], count: int, total: int, seed: int, beat: Beat
) -> tuple[list[TeachPick], dict[str, Any]]:
    candidates = {key: told for line in lines for key, told in _candidates(line, MOST // total)}
    version = version_of(list(candidates), wanted, ENOUGH * count)
    if version is None:
        return [], {"version": None, "candidates": len(candidates), "labelled": 0}
    there = kept(version, list(candidates), beat)
    known = joined(version, _labelled(lines), JUDGED_NOW, beat) if there.keys else there
    told = {"version": version.name, "candidates": len(there.keys), "labelled": len(known.keys)}
    return _picked(version, there, candidates, known, count, seed) if there.keys else [], told


def _candidates(line: Line, most: int) -> Iterator[tuple[UUID, tuple[int, bool]]]:
    """The newest judged images without a label, less those that are asked blind or measure people."""
    barred = ReviewItem.objects.open().filter(Q(blind=True) | ~Q(kind__in=listed.KINDS), capture=OuterRef("pk"))
    rows = Capture.objects.filter(line=line, label=None, status=Status.JUDGED).exclude(Exists(barred))
    for key, flagged in rows.order_by("-counted_at", "-id").values_list("pk", "flagged")[:most]:
        yield key, (line.pk, flagged is False)


def _labelled(lines: Sequence[Line]) -> list[UUID]:
    rows = Capture.objects.filter(line__in=lines, label__isnull=False).order_by("-counted_at", "-id")
    return list(rows.values_list("pk", flat=True)[:LABELLED])


def _picked(
    version: ModelVersion, there: Kept, candidates: Candidates, known: Kept, count: int, seed: int
) -> list[TeachPick]:
    passed = np.array([candidates[key][1] for key in there.keys])
    numbers = there.probabilities if np.isfinite(there.probabilities).any() else None
    known_rows = known.embeddings if known.keys else np.empty((0, there.embeddings.shape[1]), np.float16)
    found = pick(there.embeddings, numbers, passed, known_rows, count, np.random.default_rng(seed))
    return [_row(version, there, candidates, one) for one in found]


def _row(version: ModelVersion, there: Kept, candidates: Candidates, one: Pick) -> TeachPick:
    key = there.keys[one.index]
    codes = version.classes
    first = second = ""
    if one.why is Why.MARGIN and len(codes) > 1:
        first, second = (codes[place] for place in np.argsort(-there.probabilities[one.index])[:2])
    return TeachPick(
        capture_id=key, line_id=candidates[key][0], why=one.why.value, margin=one.margin, first=first, second=second,
        distance=one.distance,
    )  # fmt: skip
