"""What a draft would do, reckoned from embeddings that verdicts kept: nothing is judged for it, and nothing written.

All embeddings are of the version in force on the examples' lines: those of another version lie in another space.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import numpy as np

from inspections import look_alikes, registry
from inspections.models import (
    Capture,
    ClassExample,
    DefectClass,
    ExampleRole,
    ModelVersion,
    Person,
    ProvisionalClass,
    Status,
)
from inspections.models.defect_class import GOOD
from inspections.new_class import known, objections
from inspections.new_class.known import Known
from inspections.new_class.reckoned import MOST_LOST, Effect, Precision, Reckoned, Seen
from inspections.new_class.scales import scales_of
from inspections.review.blind import withheld
from ml.prototypes import Calibration, Floats, Prototype, Rows, calibrate, centres, distances, inside

LOOK_BACK = timedelta(days=30)
MOST_ALIKE = 36


def reckon(draft: ProvisionalClass, person: Person, now: datetime) -> Reckoned:
    """All that is told of it, with what stands in the way."""
    rows = _rows(draft, person)
    bare = Reckoned(
        "",
        seen=[_bare(one) for one in rows if one.role != ExampleRole.REJECTED],
        rejected=[_bare(one) for one in rows if one.role == ExampleRole.REJECTED],
    )
    chosen = [one.capture for one in bare.seen]
    if objection := objections.to_examples(chosen):
        return replace(bare, objection=objection)
    lines = sorted({one.line for one in chosen}, key=lambda line: line.slug)
    version, *others = {registry.in_force(line) for line in lines}
    if others or version is None:
        return replace(bare, objection=objections.to_versions(lines))
    found = look_alikes.embeddings_of(version, [one.pk for one in chosen])
    there = replace(bare, version=version, lines=lines, mm_per_px=next(iter(scales_of(chosen)), None))
    if objection := objections.to_embeddings(len(chosen), len(found), version):
        return replace(there, objection=objection)
    examples = np.stack([found[one.pk] for one in chosen])
    return _measured(there, version, examples, person, now)


def _measured(there: Reckoned, version: ModelVersion, examples: Rows, person: Person, now: datetime) -> Reckoned:
    """`examples` (n, D) in the order of `there.seen`."""
    mine = {one.capture.pk for one in (*there.seen, *there.rejected)}
    name, of, gold = known.golden(version)
    gold, labelled = gold.without(mine), known.labelled(version).without(mine)
    borrowed = _borrowed(version, labelled + gold, examples, mine)
    others = gold + labelled + borrowed
    if objection := objections.to_others(others.codes, version):
        return replace(there, objection=objection)
    found = _calibrated(examples, others, gold)
    rivals = centres(others.embeddings, others.codes)
    effects = _effects(version, gold if gold.keys else labelled, found.prototype, rivals)
    alike, note = _alike(there, found.prototype, rivals, person, now)
    far = distances(examples, found.prototype.centre[None])[:, 0]
    return replace(
        there,
        objection=objections.to_calibration(found) or objections.to_effects(effects),
        seen=[replace(one, distance=float(at)) for one, at in zip(there.seen, far, strict=True)],
        prototype=found.prototype,
        rivals=rivals,
        spread=[float(one) for one in found.spread],
        swallowed={code: float(share) for code, share in found.swallowed.items()},
        effects=effects,
        golden=name if gold.keys else "",
        measured=len(gold.keys) or len(labelled.keys),
        of=of,
        borrowed=len(borrowed.keys),
        alike=alike,
        alike_note=note,
        precision=_precision(found, alike),
    )


def _calibrated(examples: Rows, others: Known, gold: Known) -> Calibration:
    """Among all others, and among the golden ones by themselves: they weigh little among many labelled ones."""
    found = calibrate(examples, others.embeddings, others.codes, lost=MOST_LOST)
    if not gold.keys:
        return found
    alone = calibrate(examples, gold.embeddings, gold.codes, lost=MOST_LOST)
    radius = min(found.prototype.radius, alone.prototype.radius)
    return found._replace(prototype=Prototype(found.prototype.centre, radius))


def _rows(draft: ProvisionalClass, person: Person) -> list[ClassExample]:
    """Those that the person may still see, the newest capture last."""
    related = ("capture__line", "capture__camera", "capture__defect_class", "capture__label__defect_class")
    rows = draft.examples.select_related(*related).filter(capture__in=Capture.objects.seen_by(person))
    return list(rows.exclude(capture__in=withheld(person)).order_by("capture_id"))


def _bare(one: ClassExample) -> Seen:
    return Seen(one.capture, one.role, None)


# --- what it would do ------------------------------------------------------------------------------------------------


def _borrowed(version: ModelVersion, there: Known, examples: Rows, mine: set[UUID]) -> Known:
    enough = sum(code == GOOD for code in there.codes) >= known.GOOD_WANTED
    return known.of(version, {}) if enough else known.passed(version, examples, mine)


def _effects(version: ModelVersion, there: Known, prototype: Prototype, rivals: Floats) -> list[Effect]:
    """Recall, class by class, of the network alone and with the new class beside it."""
    if not there.keys:
        return []
    said = known.said_by(version, there.keys)
    critical = set(DefectClass.objects.filter(critical=True).values_list("code", flat=True))
    spared = np.array([said.get(key) in critical for key in there.keys])
    taken = (inside(there.embeddings, [prototype], rivals) == 0) & ~spared
    right = np.array([said.get(key) == code for key, code in zip(there.keys, there.codes, strict=True)])
    codes = np.asarray(there.codes, dtype=object)
    return [
        Effect(code, int(mine.sum()), float(right[mine].mean()), float((right & ~taken)[mine].mean()))
        for code in sorted(set(there.codes) & set(version.classes), key=lambda code: (code != GOOD, code))
        for mine in [codes == code]
    ]


def _alike(
    there: Reckoned, prototype: Prototype, rivals: Floats, person: Person, now: datetime
) -> tuple[list[Seen], str]:
    """The look-alikes of the last days on the class's lines, the nearest first, without what is asked blind."""
    assert there.version is not None
    lines, chosen = [line.pk for line in there.lines], {one.capture.pk for one in there.seen if one.role == "example"}
    most = MOST_ALIKE + len(chosen)
    found = look_alikes.near(there.version, prototype.centre[None], most, since=now - LOOK_BACK, line_ids=lines)
    far = {row.capture_id: row.distance for row in found.rows if row.capture_id not in chosen}
    related = ("line", "camera", "roll", "defect_class", "label__defect_class", "label__person")
    rows = Capture.objects.seen_by(person).filter(pk__in=far, status=Status.JUDGED).select_related(*related)
    captures = rows.exclude(pk__in=withheld(person)).in_bulk()
    kept = look_alikes.embeddings_of(there.version, list(captures))
    keys = sorted((key for key in captures if key in kept), key=lambda key: far[key])
    taken = inside(np.stack([kept[key] for key in keys]), [prototype], rivals) == 0 if keys else []
    roles = {one.capture.pk: one.role for one in (*there.seen, *there.rejected)}
    return [
        _alike_one(captures[key], far[key], bool(mine), roles) for key, mine in zip(keys, taken, strict=True)
    ], found.note


def _alike_one(one: Capture, far: float, mine: bool, roles: Mapping[UUID, str]) -> Seen:
    role = roles.get(one.pk, "")
    spared = one.label_id is None and one.defect_class is not None and one.defect_class.critical
    return Seen(one, role, far, inside=mine and not spared, others=one.label_id is not None and not role)


def _precision(found: Calibration, alike: Sequence[Seen]) -> Precision:
    """Examples and accepted ones that the others find, against look-alikes inside that are rejected or labelled."""
    right = int((found.spread <= found.prototype.radius).sum())
    wrong = sum(one.role == ExampleRole.REJECTED or one.others for one in alike if one.inside)
    return Precision(right, wrong)
