"""What a draft would do, reckoned from embeddings that verdicts kept: nothing is judged for it, and nothing written.

All embeddings are of the version in force on the examples' lines: those of another version lie in another space.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import numpy as np
from django.utils.translation import gettext as _

from inspections import look_alikes, registry
from inspections.models import (
    Capture,
    ClassExample,
    DefectClass,
    ExampleRole,
    Line,
    ModelVersion,
    Person,
    ProvisionalClass,
    Status,
)
from inspections.models.defect_class import GOOD, titles
from inspections.new_class import known
from inspections.new_class.known import Known
from inspections.new_class.reckoned import MOST_LOST, Effect, Precision, Reckoned, Seen
from inspections.review.blind import withheld
from ml.prototypes import Calibration, Floats, Prototype, Rows, calibrate, centres, distances, inside

FEWEST = 3
LOOK_BACK = timedelta(days=30)
MOST_ALIKE = 36
COPIES = 0.005  # embeddings that lie no further apart are of one image
SCALES_APART = 1.1  # times: beyond, one flaw has another size in pixels
REACHES = 0.5  # of the examples, each found by the others, or they are no class


def reckon(draft: ProvisionalClass, person: Person, now: datetime) -> Reckoned:
    """All that is told of it, with what stands in the way."""
    rows = _rows(draft, person)
    bare = Reckoned(
        "",
        seen=[_bare(one) for one in rows if one.role != ExampleRole.REJECTED],
        rejected=[_bare(one) for one in rows if one.role == ExampleRole.REJECTED],
    )
    chosen = [one.capture for one in bare.seen]
    if objection := _few(len(chosen)) or _not_judged(chosen) or _called_good(chosen) or _scales(chosen):
        return replace(bare, objection=objection)
    lines = sorted({one.line for one in chosen}, key=lambda line: line.slug)
    versions = {registry.in_force(line) for line in lines}
    version = next(iter(versions))
    if len(versions) > 1 or version is None:
        return replace(bare, objection=_versions(lines))
    found = look_alikes.embeddings_of(version, [one.pk for one in chosen])
    there = replace(bare, version=version, lines=lines, mm_per_px=next(iter(_mm(chosen)), None))
    if len(found) < FEWEST or len(found) < len(chosen):
        return replace(there, objection=_not_kept(len(chosen), len(found), version))
    examples = np.stack([found[one.pk] for one in chosen])
    return _measured(there, examples, person, now)


def _measured(there: Reckoned, examples: Rows, person: Person, now: datetime) -> Reckoned:
    """`examples` (n, D) in the order of `there.seen`."""
    version = there.version
    assert version is not None
    mine = {one.capture.pk for one in (*there.seen, *there.rejected)}
    name, of, gold = known.golden(version)
    gold, labelled = gold.without(mine), known.labelled(version).without(mine)
    borrowed = _borrowed(version, labelled + gold, examples, mine)
    others = gold + labelled + borrowed
    if GOOD not in others.codes:
        words = _(
            "%(version)s has judged no good capture yet, so nobody can tell whether the class would take good ones."
        )
        return replace(there, objection=words % {"version": version})
    found = calibrate(examples, others.embeddings, others.codes, lost=MOST_LOST)
    if gold.keys:  # by itself too: a few golden images weigh little among many labelled ones
        alone = calibrate(examples, gold.embeddings, gold.codes, lost=MOST_LOST)
        radius = min(found.prototype.radius, alone.prototype.radius)
        found = found._replace(prototype=Prototype(found.prototype.centre, radius))
    rivals = centres(others.embeddings, others.codes)
    effects = _effects(version, gold if gold.keys else labelled, found.prototype, rivals)
    alike, note = _alike(there, found.prototype, rivals, person, now)
    far = distances(examples, found.prototype.centre[None])[:, 0]
    return replace(
        there,
        objection=objection_to(found) or _costs(effects),
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


def objection_to(found: Calibration) -> str:
    """Why these examples make no class; empty where they do."""
    spread = found.spread
    reached = int((spread <= found.prototype.radius).sum())
    told = {
        "least": _number(spread.min()), "most": _number(spread.max()), "radius": _number(found.prototype.radius),
        "asked": _number(found.asked), "reached": reached, "n": len(spread),
        "good": f"{100 * found.swallowed.get(GOOD, 0):.0f}",
    }  # fmt: skip
    if float(spread.max()) <= COPIES:
        return _("The examples are copies of one image, so they do not tell how far the class reaches. Mark others.")
    if found.swallows_good:
        words = _(
            "The examples make no class: they lie %(least)s to %(most)s from the mean of the others, and good captures "
            "lie as near. Take out those that do not belong, and say of the look-alikes which do."
        )
        return words % told
    if reached < REACHES * len(spread):
        words = _(
            "Only %(reached)s of %(n)s examples would be found by the others: they lie %(least)s to %(most)s apart, "
            "and beyond %(radius)s the class would take other classes' images. Take out those that do not belong."
        )
        return words % told
    return ""


def _rows(draft: ProvisionalClass, person: Person) -> list[ClassExample]:
    """Those that the person may still see, the newest capture last."""
    related = ("capture__line", "capture__camera", "capture__defect_class", "capture__label__defect_class")
    rows = draft.examples.select_related(*related).filter(capture__in=Capture.objects.seen_by(person))
    return list(rows.exclude(capture__in=withheld(person)).order_by("capture_id"))


def _bare(one: ClassExample) -> Seen:
    return Seen(one.capture, one.role, None)


# --- what stands in the way before anything is measured ------------------------------------------------------------


def _few(count: int) -> str:
    if count >= FEWEST:
        return ""
    return _("%(n)s of at least %(least)s examples: mark more; five are better.") % {"n": count, "least": FEWEST}


def _not_judged(chosen: Sequence[Capture]) -> str:
    count = sum(one.status != Status.JUDGED for one in chosen)
    return _("%(n)s of the captures have no verdict. Take them out.") % {"n": count} if count else ""


def _called_good(chosen: Sequence[Capture]) -> str:
    good = [one for one in chosen if one.label and one.label.defect_class and one.label.defect_class.code == GOOD]
    return _("%(n)s of the captures were labelled good meanwhile. Take them out.") % {"n": len(good)} if good else ""


def _mm(chosen: Sequence[Capture]) -> list[float]:
    return sorted({mm for one in chosen if (mm := scale_of(one)) is not None})


def scale_of(one: Capture) -> float | None:
    """Millimetres a pixel: the capture's, else its camera's; None where neither says."""
    return one.mm_per_px or one.camera.mm_per_px


def same_scale(one: float | None, other: float | None) -> bool:
    """Where one is not known nothing speaks against it."""
    return one is None or other is None or max(one, other) <= SCALES_APART * min(one, other)


def _scales(chosen: Sequence[Capture]) -> str:
    scales = _mm(chosen)
    if not scales or same_scale(scales[0], scales[-1]):
        return ""
    by_camera = {f"{one.line.slug}/{one.camera.slug}": scale_of(one) for one in chosen}
    told = ", ".join(f"{camera} {mm:.3f}" for camera, mm in sorted(by_camera.items()) if mm is not None)
    return _("The examples are of several scales, in mm a pixel: %(told)s. Take those of one scale.") % {"told": told}


def _versions(lines: Sequence[Line]) -> str:
    told = ", ".join(f"{line}: {registry.in_force(line) or '–'}" for line in lines)
    return _("The examples' lines are judged by different models (%(told)s). Take examples of one.") % {"told": told}


def _not_kept(wanted: int, kept: int, version: ModelVersion) -> str:
    words = _(
        "%(kept)s of %(wanted)s captures have an embedding of %(version)s, the model in force; the others were judged "
        "by another one. Take those out and mark newer ones."
    )
    return words % {"kept": kept, "wanted": wanted, "version": version}


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


def _costs(effects: Sequence[Effect]) -> str:
    names = titles()
    dear = [one for one in effects if one.lost > MOST_LOST + 1e-9]
    told = ", ".join(
        f"{names.get(one.code, one.code)} {100 * one.before:.1f} → {100 * one.after:.1f} %" for one in dear
    )
    words = _("It would cost old classes more than one point of recall: %(told)s.")
    return words % {"told": told} if dear else ""


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


def _number(value: float) -> str:
    return f"{value:.2f}"
