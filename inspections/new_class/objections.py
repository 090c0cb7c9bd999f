"""What stands in the way of a new class, in words with the figures; each is empty where nothing does."""

from collections.abc import Sequence

from django.utils.translation import gettext as _

from inspections import registry
from inspections.models import Capture, Line, ModelVersion, Status
from inspections.models.defect_class import GOOD, titles
from inspections.new_class.reckoned import MOST_LOST, Effect
from inspections.new_class.scales import same_scale, scale_of, scales_of
from ml.prototypes import Calibration

FEWEST = 3  # examples
COPIES = 0.005  # embeddings that lie no further apart are of one image
REACHES = 0.5  # of the examples, each found by the others, or they are no class


# --- before anything is measured -------------------------------------------------------------------------------------


def to_examples(chosen: Sequence[Capture]) -> str:
    return _few(len(chosen)) or _not_judged(chosen) or _called_good(chosen) or _scales(chosen)


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


def _scales(chosen: Sequence[Capture]) -> str:
    scales = scales_of(chosen)
    if not scales or same_scale(scales[0], scales[-1]):
        return ""
    by_camera = {f"{one.line.slug}/{one.camera.slug}": scale_of(one) for one in chosen}
    told = ", ".join(f"{camera} {mm:.3f}" for camera, mm in sorted(by_camera.items()) if mm is not None)
    return _("The examples are of several scales, in mm a pixel: %(told)s. Take those of one scale.") % {"told": told}


def to_versions(lines: Sequence[Line]) -> str:
    told = ", ".join(f"{line}: {registry.in_force(line) or '–'}" for line in lines)
    return _("The examples' lines are judged by different models (%(told)s). Take examples of one.") % {"told": told}


def to_embeddings(wanted: int, kept: int, version: ModelVersion) -> str:
    if kept == wanted:
        return ""
    words = _(
        "%(kept)s of %(wanted)s captures have an embedding of %(version)s, the model in force; the others were judged "
        "by another one. Take those out and mark newer ones."
    )
    return words % {"kept": kept, "wanted": wanted, "version": version}


# --- by what was measured --------------------------------------------------------------------------------------------


def to_others(codes: Sequence[str], version: ModelVersion) -> str:
    if GOOD in codes:
        return ""
    words = _("%(version)s has judged no good capture yet, so nobody can tell whether the class would take good ones.")
    return words % {"version": version}


def to_calibration(found: Calibration) -> str:
    spread = found.spread
    reached = int((spread <= found.prototype.radius).sum())
    told = {
        "least": _number(spread.min()), "most": _number(spread.max()), "radius": _number(found.prototype.radius),
        "reached": reached, "n": len(spread),
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


def to_effects(effects: Sequence[Effect]) -> str:
    dear = [one for one in effects if one.lost > MOST_LOST + 1e-9]
    if not dear:
        return ""
    names = titles()
    told = (f"{names.get(one.code, one.code)} {100 * one.before:.1f} → {100 * one.after:.1f} %" for one in dear)
    return _("It would cost old classes more than one point of recall: %(told)s.") % {"told": ", ".join(told)}


def _number(value: float) -> str:
    return f"{value:.2f}"
