"""Challenger and champion on the same golden images: the bytes that the cameras sent, each bundle's own threshold."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any
from uuid import UUID

import numpy as np
from django.conf import settings

from inspections.models import ModelVersion, Side, Snapshot, SnapshotRow
from inspections.models.capture import path_of
from ml.answers import UNKNOWN, Item, Judgement, Undecodable
from ml.bundle import BundleError
from ml.golden import Witness
from ml.judged import Judged
from workers.inspectors import MillInspector
from workers.stored import in_parts, stored

CHUNK = 32  # images held at a time
TIMED = 30  # images whose latency is measured, one by one

Beat = Callable[[], None]  # raises where the work was taken away


@dataclass(frozen=True)
class Golden:
    """One image of the golden set, with the class that people gave it."""

    capture: UUID
    path: str
    truth: str
    source: str


@dataclass
class Contest:
    """What was said of the golden images that could be read. `gone`: those that could not."""

    rows: list[Golden] = field(default_factory=list)
    challenger: list[Judgement] = field(default_factory=list)
    champion: list[Judgement] = field(default_factory=list)
    witness: Witness | None = None
    roots: list[Witness] = field(default_factory=list)  # of those whose weights the challenger began with
    gone: int = 0
    latency_ms: float | None = None

    @property
    def truth(self) -> list[str]:
        return [row.truth for row in self.rows]

    @property
    def sources(self) -> list[str]:
        return [row.source for row in self.rows]

    def answers(self) -> list[list[Any]]:
        """For the report's page: capture, truth, and what each said with its confidence."""
        both: Sequence[Judgement | None] = self.champion or [None] * len(self.rows)
        return [
            [str(row.capture), row.truth, *_said(old), *_said(new)]
            for row, old, new in zip(self.rows, both, self.challenger, strict=True)
        ]


def golden_rows(golden: Snapshot) -> list[Golden]:
    """Those whose class the mill still uses, in the order of the snapshot."""
    rows = SnapshotRow.objects.filter(snapshot=golden, side=Side.GOLDEN, defect_class__active=True)
    wanted = rows.order_by("id").values_list("capture_id", "capture__suffix", "defect_class__code", "source")
    return [Golden(key, path_of(key, suffix), code, source) for key, suffix, code, source in wanted]


@dataclass(frozen=True)
class Unloadable:
    """Why a version cannot judge here, in words."""

    reason: str


def opened(version: ModelVersion) -> MillInspector | Unloadable:
    """Every hash checked, the engine open, the probe asked."""
    try:
        return MillInspector.of(version, settings.DEVICE)
    except (BundleError, OSError, RuntimeError, ValueError, ImportError) as problem:
        return Unloadable(str(problem) or type(problem).__name__)


def hold(
    new: MillInspector,
    old: MillInspector | None,
    rows: Sequence[Golden],
    beat: Beat,
    roots: Sequence[MillInspector] = (),
) -> Contest:
    """Challenger and champion judge all of them; the roots only tell how near these are to what they know."""
    found = Contest(witness=Witness.of(new), roots=[Witness.of(one) for one in roots])
    for chunk in in_parts(rows, CHUNK):
        _see(found, new, old, chunk, beat)
    return found


def _see(found: Contest, new: MillInspector, old: MillInspector | None, chunk: Sequence[Golden], beat: Beat) -> None:
    """`beat` between all that takes long: large images, tile by tile, are seconds each."""
    beat()
    read = [(row, data) for row in chunk if (data := stored(row.path)) is not None]
    items = [Item(data) for _row, data in read]
    fresh = new.judge(items)
    beat()
    stale: Sequence[Judgement | Undecodable | None] = old.judge(items) if old else [None] * len(items)
    before = len(found.rows)
    for (row, _data), one, other in zip(read, fresh, stale, strict=True):
        if isinstance(one, Undecodable) or isinstance(other, Undecodable):
            continue
        found.rows.append(row)
        found.challenger.append(one)
        if other is not None:
            found.champion.append(other)
    found.gone += len(chunk) - (len(found.rows) - before)
    if found.latency_ms is None and items:
        beat()
        found.latency_ms = _latency(new, items[:TIMED])
    for witness in (found.witness, *found.roots):
        beat()
        if witness:
            witness.see([item.data for item in items])


def _latency(inspector: MillInspector, items: Sequence[Item]) -> float:
    """Median milliseconds of an image judged alone; the engine is warm by then."""
    times = []
    for item in items:
        began = time.perf_counter()
        inspector.judge([item])
        times.append((time.perf_counter() - began) * 1000)
    return median(times)


def judged(contest: Contest, said: Sequence[Judgement], classes: tuple[str, ...], own: Sequence[str]) -> Judged:
    """As arrays for the figures. `classes`: every class that the truth or the version names; `own`: the version's."""
    chances = np.zeros((len(said), len(classes)))
    places = [classes.index(code) for code in own]
    for place, one in enumerate(said):
        chances[place] = np.nan if one.probabilities is None else 0.0
        if one.probabilities is not None:
            chances[place, places] = [one.probabilities[code] for code in own]
    labels = [one.label if one.label in classes else UNKNOWN for one in said]
    flagged = np.array([one.flagged for one in said], dtype=bool)
    return Judged(classes, contest.truth, labels, flagged, chances, contest.sources)


def _said(one: Judgement | None) -> tuple[str | None, float | None]:
    if one is None:
        return None, None
    return one.label, None if one.confidence is None else round(one.confidence, 4)
