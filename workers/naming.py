"""Provisional classes at work: what the network has judged, and a prototype names. Numpy alone, one query a batch.

A prototype changes what an answer is called and flags it, nothing else: probabilities, score, heat-map and embedding
stay the network's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import numpy as np

from inspections.models import Capture, ClassPrototype, DefectClass, ModelVersion, Stage
from inspections.new_class.scales import same_scale, scale_of
from ml.answers import Judgement, Undecodable
from ml.prototypes import Floats, Prototype, distances, inside

MOST_HELD = 200
NOT_SEEN = frozenset({"dark", "bright", "blurred", "not-a-number"})  # nothing can be told of such an image


@dataclass(frozen=True)
class Naming:
    """One prototype as a process holds it: its row never changes."""

    pk: int
    code: str
    lines: frozenset[int]
    mm_per_px: float | None
    prototype: Prototype
    rivals: Floats


Key = tuple[int, datetime]  # a row's key and when it was made: a database that was restored may give a key again
_held: dict[Key, Naming] = {}


def named(
    version: ModelVersion,
    captures: Sequence[Capture],
    answers: Sequence[Judgement | Undecodable],
    classes: Mapping[str, DefectClass],
) -> dict[UUID, Naming]:
    """By capture, the nearest prototype that takes it; most have none. What the network calls a critical class stays
    that: an alarm may wait for it."""
    there = _standing(version)
    if not there:
        return {}
    found: dict[UUID, Naming] = {}
    critical = {code for code, one in classes.items() if one.critical}
    judged = [(c, a) for c, a in zip(captures, answers, strict=True) if isinstance(a, Judgement)]
    rows = [(c, a) for c, a in judged if a.label not in critical and _can_be_told(a)]
    for line in {capture.line_id for capture, _ in rows}:
        mine = [one for one in there if line in one.lines]
        if mine:
            found |= _of_line(mine, [(c, a) for c, a in rows if c.line_id == line])
    return found


def still_standing(wanted: Mapping[UUID, Naming]) -> dict[UUID, Naming]:
    """Less those of classes that were taken back since, whose rows are held from here to the end of the transaction:
    who takes one back waits for what is being written, or is seen here."""
    keys = sorted({one.pk for one in wanted.values()})
    if not keys:
        return {}
    list(ClassPrototype.objects.select_for_update(of=("self",)).filter(pk__in=keys).order_by("pk").values("pk"))
    rows = ClassPrototype.objects.filter(pk__in=keys, provisional__stage=Stage.STANDS)
    standing = set(rows.filter(provisional__defect_class__active=True).values_list("pk", flat=True))
    return {key: one for key, one in wanted.items() if one.pk in standing}


def _standing(version: ModelVersion) -> list[Naming]:
    rows = ClassPrototype.objects.filter(version=version, problem="", provisional__stage=Stage.STANDS)
    keys = list(rows.filter(provisional__defect_class__active=True).values_list("pk", "made_at"))
    if new := [key for key in keys if key not in _held]:
        if len(_held) + len(new) > MOST_HELD:
            _held.clear()
            new = keys
        _hold(new)
    return [_held[key] for key in keys]


def _hold(keys: Sequence[Key]) -> None:
    rows = ClassPrototype.objects.filter(pk__in=[key for key, _made_at in keys]).select_related(
        "provisional__defect_class"
    )
    for row in rows.prefetch_related("provisional__lines"):
        one = row.provisional
        assert one.defect_class is not None
        _held[row.pk, row.made_at] = Naming(
            row.pk, one.defect_class.code, frozenset(line.pk for line in one.lines.all()), one.mm_per_px,
            Prototype(row.centre_row, row.radius), row.rival_rows,
        )  # fmt: skip


def _can_be_told(answer: Judgement) -> bool:
    return not NOT_SEEN & set(answer.warnings) and bool(np.isfinite(answer.compared).all())


def _of_line(there: Sequence[Naming], rows: Sequence[tuple[Capture, Judgement]]) -> dict[UUID, Naming]:
    """Of the prototypes that would take a capture, each against its own rivals, the nearest."""
    size = len(there[0].prototype.centre)
    fit = [(capture, answer) for capture, answer in rows if answer.compared.size == size]
    if not fit:
        return {}
    rows_fit = np.stack([answer.compared for _, answer in fit])
    takes = np.stack([inside(rows_fit, [one.prototype], one.rivals) == 0 for one in there], axis=1)
    far = np.where(takes, distances(rows_fit, np.stack([one.prototype.centre for one in there])), np.inf)
    nearest = far.argmin(axis=1)
    pairs = ((capture, there[nearest[row]]) for row, (capture, _) in enumerate(fit) if takes[row].any())
    return {capture.pk: one for capture, one in pairs if same_scale(one.mm_per_px, scale_of(capture))}
