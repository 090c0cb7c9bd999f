"""What freezing would give now, counted.

Counting reads every label, so it takes as long as there are labels. Where there are few it is done at once. Beyond
that the clock counts every few minutes in which something has changed, and pages show its last count with the time of
it. Freezing itself always reads everything anew.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict

from inspections import teaching
from inspections.models import (
    Capture,
    DefectClass,
    Insight,
    InsightKind,
    JobState,
    Label,
    LeftOut,
    Purpose,
    Quarantine,
    Side,
    Snapshot,
    SourceSide,
)
from inspections.snapshots.candidates import Candidate
from inspections.snapshots.extending import used_by_training
from inspections.snapshots.freezing import Pool, golden_files, learnt_files, pool, sides_for
from inspections.snapshots.placing import Placed, for_golden, for_training
from inspections.snapshots.storing import described, in_order

AT_ONCE = 1_500  # labelled captures; they are read in a tenth of a second
MOST_FREE = 200  # sources that are named
MOVABLE = frozenset({Side.TRAIN, Side.VAL, LeftOut.DUPLICATE, LeftOut.CLASS})  # why it would not train, were it chosen


class OfClass(TypedDict):
    """The labelled captures of one class, were every class chosen. `rows`: by side, or why on none. `sources`: by side.
    `sound`: those that nothing speaks against."""

    rows: dict[str, int]
    sources: dict[str, int]
    sound: int


class Body(TypedDict):
    """As it is kept: by class code; the golden set's next version; the first sources that could be given to it."""

    classes: dict[str, OfClass]
    golden: dict[str, Any]
    free: list[tuple[str, dict[str, int]]]
    free_count: int


@dataclass(frozen=True)
class Foreseen:
    """`at`: when it was counted; None: now."""

    body: Body
    at: datetime | None = None

    def training(self, chosen: Collection[str]) -> Snapshot:
        """Of these classes; as `described` would tell it, without its digest."""
        counts: dict[str, dict[str, int]] = {}
        sources: dict[str, dict[str, int]] = {}
        left_out: Counter[str] = Counter()
        for code, told in sorted(self.body["classes"].items()):
            for key, count in told["rows"].items():
                if key in MOVABLE and code not in chosen:
                    left_out[LeftOut.CLASS] += count
                elif key in (Side.TRAIN, Side.VAL):
                    counts.setdefault(key, {})[code] = count
                    sources.setdefault(key, {})[code] = told["sources"][key]
                else:
                    left_out[key] += count
        return Snapshot(
            purpose=Purpose.TRAIN,
            classes=in_order({code for of_side in counts.values() for code in of_side}),
            counts=counts,
            sources=sources,
            left_out=dict(sorted(left_out.items())),
        )

    def golden(self) -> Snapshot:
        """The next version of the golden set."""
        return Snapshot(purpose=Purpose.GOLDEN, **self.body["golden"])

    @property
    def labelled(self) -> set[str]:
        """The classes that have a label which nothing speaks against."""
        return {code for code, told in self.body["classes"].items() if told["sound"]}

    def images(self, code: str, side: Side) -> int:
        told = self.body["classes"].get(code)
        return told["rows"].get(side, 0) if told else 0


def foresee(now: datetime, without: Quarantine | None = None) -> Foreseen:
    """For a page. `without`: a quarantine that is tried out; that is counted at once, however long it takes."""
    if without is not None or not _are_many():
        return Foreseen(counted(without))
    last = teaching.newest_done(InsightKind.COUNTS) or _kept(now)  # whoever looks first waits for it once
    return Foreseen(last.body or counted(), last.finished_at)


def keep_fresh(now: datetime) -> None:
    """For the clock: count anew where something has changed."""
    if _are_many():
        last = teaching.newest_done(InsightKind.COUNTS)
        if last is None or (last.body or {}).get("stamp") != _stamp():
            _kept(now)


def counted(without: Quarantine | None = None) -> Body:
    """By the functions that freeze."""
    found = pool(without)
    sides = sides_for(found)
    placed = for_training(found.candidates, sides, set(found.codes), golden_files())
    golden = described(Purpose.GOLDEN, for_golden(found.candidates, sides, learnt_files()), found.codes)
    trained = used_by_training()
    free = [one for one in found.candidates if one.source not in trained and sides.get(one.source) != Side.GOLDEN]
    named = _by_source(free, found.codes)
    return {
        "classes": _by_class(placed, found),
        "golden": {name: getattr(golden, name) for name in ("digest", "classes", "counts", "sources", "left_out")},
        "free": sorted(named.items())[:MOST_FREE],
        "free_count": len(named),
    }


def _are_many() -> bool:
    return Capture.objects.filter(label__isnull=False).order_by()[: AT_ONCE + 1].count() > AT_ONCE


def _kept(now: datetime) -> Insight:
    values = {"asked_at": now, "started_at": now, "finished_at": now}
    body = {"stamp": _stamp(), **counted()}  # taken first: what comes in between is counted again
    made = Insight.objects.create(kind=InsightKind.COUNTS, state=JobState.DONE, body=body, **values)
    Insight.objects.filter(kind=InsightKind.COUNTS, pk__lt=made.pk).delete()
    return made


def _stamp() -> list[Any]:
    """Differs where a label, a class, a quarantine, a snapshot or a side came or went; read from the indexes' ends."""
    newest = Label.objects.order_by("-id").values_list("id", flat=True).first()
    return [
        str(newest),
        sorted(DefectClass.objects.filter(active=True).values_list("pk", flat=True)),
        sorted(Quarantine.objects.filter(lifted_at=None).values_list("pk", flat=True)),
        Snapshot.objects.order_by("-id").values_list("id", flat=True).first(),
        SourceSide.objects.order_by("-id").values_list("id", flat=True).first(),
    ]


def _by_class(placed: list[Placed], found: Pool) -> dict[str, OfClass]:
    rows: Counter[tuple[int, str]] = Counter()
    sources: set[tuple[int, str, str]] = set()
    for row in placed:
        rows[row.candidate.class_id, row.reason or row.side] += 1
        sources.add((row.candidate.class_id, row.side, row.candidate.source))
    of_side = Counter((class_id, side) for class_id, side, _source in sources)
    sound = Counter(one.class_id for one in found.candidates if not one.reason)
    return {
        found.codes[class_id]: {
            "rows": _of(rows, class_id),
            "sources": {side: count for side, count in _of(of_side, class_id).items() if side != Side.OUT},
            "sound": sound[class_id],
        }
        for class_id in sorted({class_id for class_id, _key in rows})
    }


def _of(counts: Mapping[tuple[int, str], int], class_id: int) -> dict[str, int]:
    return {str(key): count for (one, key), count in sorted(counts.items()) if one == class_id}


def _by_source(candidates: Collection[Candidate], codes: Mapping[int, str]) -> dict[str, dict[str, int]]:
    """Labelled images by class, of each source."""
    counts: dict[str, dict[str, int]] = {}
    for one in candidates:
        mine, code = counts.setdefault(one.source, {}), codes[one.class_id]
        mine[code] = mine.get(code, 0) + 1
    return counts
