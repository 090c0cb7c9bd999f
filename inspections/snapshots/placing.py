"""On which side each candidate stands, or why on none."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from django.core.files.storage import FileSystemStorage, default_storage

from inspections.models import LeftOut, Side
from inspections.snapshots.bars import Bar
from inspections.snapshots.candidates import Candidate

FIRST_CLAIM = (Side.GOLDEN, Side.VAL, Side.TRAIN)  # of several images with the same bytes


@dataclass(frozen=True, slots=True)
class Placed:
    """One row of a snapshot to be."""

    candidate: Candidate
    side: Side
    reason: str = ""


def barred(candidates: Iterable[Candidate], active: Collection[int], bars: Sequence[Bar]) -> list[Candidate]:
    """The same, with the reason filled in where a class is retired, a quarantine stands or a file is gone."""
    return [one if one.reason else replace(one, reason=_bar(one, active, bars)) for one in candidates]


def _bar(one: Candidate, active: Collection[int], bars: Sequence[Bar]) -> str:
    if one.class_id not in active:
        return LeftOut.RETIRED
    if any(bar.holds(one.person, one.camera, one.labelled_at) for bar in bars):
        return LeftOut.QUARANTINED
    # Elsewhere than on a disk it would be a request an image; there the export names what is missing.
    if isinstance(default_storage, FileSystemStorage) and not default_storage.exists(one.path):
        return LeftOut.MISSING
    return ""


def agreed(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The same, without copies of one image that nothing stands in the way of and that bear labels of several classes:
    people disagree about it. A known answer settles it for all copies."""
    said: dict[bytes, set[tuple[bool, int]]] = {}
    for one in candidates:
        if not one.reason:
            said.setdefault(one.sha256, set()).add((one.sure, one.class_id))
    settled = {key: _settled(some) for key, some in said.items()}
    return [
        one if one.reason or settled[one.sha256] == one.class_id else replace(one, reason=LeftOut.CONFLICTING)
        for one in candidates
    ]


def _settled(said: Collection[tuple[bool, int]]) -> int | None:
    """The class of an image, of whether each is known and which it is; None where they are several."""
    known = {key for sure, key in said if sure} or {key for _sure, key in said}
    return known.pop() if len(known) == 1 else None


def sources_of(candidates: Iterable[Candidate]) -> dict[int, set[str]]:
    """The sources of each class, of what nothing stands in the way."""
    found: dict[int, set[str]] = {}
    for one in candidates:
        if not one.reason:
            found.setdefault(one.class_id, set()).add(one.source)
    return found


def for_training(
    candidates: Sequence[Candidate], sides: Mapping[str, Side], chosen: Collection[int], golden: Collection[bytes] = ()
) -> list[Placed]:
    """Train and validation rows of the chosen classes; a class without an image to train on is left out whole.

    `golden`: the files in the golden set, of which no copy trains.
    """
    keepers = _keepers(candidates, sides) | dict.fromkeys(golden, Side.GOLDEN)
    rows = [_training_row(one, sides, keepers, chosen) for one in candidates]
    trained = {row.candidate.class_id for row in rows if row.side == Side.TRAIN}
    return [
        Placed(row.candidate, Side.OUT, LeftOut.CLASS)
        if row.side != Side.OUT and row.candidate.class_id not in trained
        else row
        for row in rows
    ]


def _training_row(
    one: Candidate, sides: Mapping[str, Side], keepers: Mapping[bytes, Side], chosen: Collection[int]
) -> Placed:
    if one.reason:
        return Placed(one, Side.OUT, one.reason)
    if sides[one.source] == Side.GOLDEN:
        return Placed(one, Side.OUT, LeftOut.GOLDEN)
    if one.class_id not in chosen:
        return Placed(one, Side.OUT, LeftOut.CLASS)
    if keepers[one.sha256] != sides[one.source]:
        return Placed(one, Side.OUT, LeftOut.DUPLICATE)
    return Placed(one, sides[one.source])


def for_golden(
    candidates: Iterable[Candidate], sides: Mapping[str, Side], learnt: Collection[bytes] = ()
) -> list[Placed]:
    """What is labelled on the sources of the golden side; what of it nobody can be sure of is left out.

    `learnt`: the files of which some copy trained or validated. None of them can judge what learnt it, so that a copy
    that comes later, under a golden source, does not close the gate to every version for ever.
    """
    mine = [one for one in candidates if sides.get(one.source) == Side.GOLDEN]
    reasons = [one.reason or (LeftOut.DUPLICATE if one.sha256 in learnt else "") for one in mine]
    return [Placed(one, Side.OUT if why else Side.GOLDEN, why) for one, why in zip(mine, reasons, strict=True)]


def _keepers(candidates: Iterable[Candidate], sides: Mapping[str, Side]) -> dict[bytes, Side]:
    """Which side keeps an image, by its bytes: the same one may have come under sources of several sides.

    A roll that is kept for the golden set keeps its images also while something speaks against their labels.
    """
    found: dict[bytes, Side] = {}
    for one in candidates:
        if not one.reason or sides.get(one.source) == Side.GOLDEN:
            found[one.sha256] = min(found.get(one.sha256, Side.TRAIN), sides[one.source], key=FIRST_CLAIM.index)
    return found
