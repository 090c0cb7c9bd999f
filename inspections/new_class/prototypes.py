"""Prototypes as rows: one for each version that judges lines of a provisional class and does not know it itself."""

from datetime import datetime

from django.utils.translation import gettext as _

from inspections.models import ClassPrototype, ModelVersion, ProvisionalClass, Stage
from inspections.models.defect_class import GOOD
from inspections.models.provisional import packed
from inspections.new_class.known import Known
from inspections.new_class.objections import FEWEST, to_calibration
from inspections.new_class.reckoned import MOST_LOST
from inspections.provisional import versions_of
from ml.prototypes import Floats, Prototype, calibrate, centres


def keep(
    provisional: ProvisionalClass, version: ModelVersion, found: Prototype, rivals: Floats, examples: int, now: datetime
) -> ClassPrototype:
    return ClassPrototype.objects.create(
        provisional=provisional, version=version, centre=packed(found.centre), radius=found.radius,
        rivals=packed(rivals), examples=examples, made_at=now,
    )  # fmt: skip


def make(
    provisional: ProvisionalClass, version: ModelVersion, examples: Floats, others: Known, now: datetime
) -> ClassPrototype:
    """For a version that came after the class: from its labelled captures, as that version embeds them, (n, D).

    Where they make no class there, the row says why and takes nothing, so that nobody tries again and again.
    """
    if len(examples) < FEWEST:
        words = _("%(version)s could look at %(n)s of its captures only; %(least)s are needed.")
        told = {"version": version, "n": len(examples), "least": FEWEST}
        return _without(provisional, version, words % told, len(examples), now)
    if GOOD not in others.codes:
        words = _("%(version)s has judged no good capture to hold it against.") % {"version": version}
        return _without(provisional, version, words, len(examples), now)
    found = calibrate(examples, others.embeddings, others.codes, lost=MOST_LOST)
    if objection := to_calibration(found):
        return _without(provisional, version, objection, len(examples), now)
    return keep(provisional, version, found.prototype, centres(others.embeddings, others.codes), len(examples), now)


def _without(
    provisional: ProvisionalClass, version: ModelVersion, problem: str, examples: int, now: datetime
) -> ClassPrototype:
    return ClassPrototype.objects.create(
        provisional=provisional, version=version, centre=b"", radius=0.0, rivals=b"", examples=examples,
        problem=problem[:300], made_at=now,
    )  # fmt: skip


def lacking() -> list[tuple[ProvisionalClass, ModelVersion]]:
    """What stands and has no prototype for a version in force on its lines that does not know it."""
    standing = ProvisionalClass.objects.standing().select_related("defect_class").prefetch_related("prototypes")
    return [
        (one, version)
        for one in standing
        for version in sorted(versions_of(one), key=lambda version: version.pk)
        if _needs(one, version)
    ]


def is_work_left() -> bool:
    """Whether a worker has anything to make or to take back."""
    return ProvisionalClass.objects.filter(stage=Stage.ENDING).exists() or bool(lacking())


def wanted_by(version: ModelVersion) -> list[ProvisionalClass]:
    """The standing classes that this version, about to come into force, neither knows nor has a prototype of."""
    standing = ProvisionalClass.objects.standing().select_related("defect_class").prefetch_related("prototypes")
    return [one for one in standing if _needs(one, version)]


def _needs(one: ProvisionalClass, version: ModelVersion) -> bool:
    assert one.defect_class is not None
    known = one.defect_class.code in version.classes
    return not known and all(there.version_id != version.pk for there in one.prototypes.all())
