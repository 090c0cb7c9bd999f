"""Confirming a draft: one transaction makes the class, its labels and what stands for it; from then on it is found."""

from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from inspections.models import AuditEvent, DefectClass, Label, Person, ProvisionalClass, Stage
from inspections.models.defect_class import UNKNOWN
from inspections.models.label import UNSURE
from inspections.new_class.prototypes import keep
from inspections.new_class.reckoned import Reckoned
from inspections.provisional import settle_trained
from inspections.review.answers import decide_many
from inspections.review.outcomes import Changed, Conflicts, DecidedMany
from inspections.review.outcomes import Refused as NotDecided
from inspections.snapshots import Refused

RESERVED = frozenset({UNKNOWN, UNSURE, "undo"})
LONGEST = 40  # of a code


@dataclass(frozen=True)
class Confirmed:
    provisional: ProvisionalClass
    defect_class: DefectClass
    labels: list[Label]


def confirm(draft: ProvisionalClass, person: Person, reckoned: Reckoned, now: datetime) -> Confirmed | Refused:
    """`reckoned` is what the person saw. Nothing is kept where anything stands in the way."""
    if objection := reckoned.objection or objection_to_name(draft.name):
        return Refused(objection)
    try:
        with transaction.atomic():
            done = _confirmed(draft, person, reckoned, now)
            if isinstance(done, Refused):
                transaction.set_rollback(True)
            return done
    except IntegrityError:
        return Refused(_("Somebody made a class of this name at this moment. Choose another name."))


def objection_to_name(name: str) -> str:
    """Why a class cannot be called so, in words."""
    if not name.strip():
        return _("Give the class a name.")
    code = code_of(name)
    if not code or code in RESERVED:
        return _("“%(name)s” can be no class's name: write letters or digits.") % {"name": name}
    same = DefectClass.objects.filter(name__iexact=name.strip()) | DefectClass.objects.filter(code=code)
    there = same.first()
    if there is None:
        return ""
    if not there.active:
        words = _("There is a retired class “%(name)s” (%(code)s). Take it into use again, or choose another name.")
        return words % {"name": there.name, "code": there.code}
    words = _("There is a class “%(name)s” (%(code)s) already: label these captures so, or choose another name.")
    return words % {"name": there.name, "code": there.code}


def code_of(name: str) -> str:
    """What machines and trainings call it."""
    return slugify(name).replace("-", "_")[:LONGEST].strip("_")


def _confirmed(draft: ProvisionalClass, person: Person, reckoned: Reckoned, now: datetime) -> Confirmed | Refused:
    held = ProvisionalClass.objects.select_for_update(of=("self",)).filter(pk=draft.pk, stage=Stage.DRAFT).first()
    if held is None:
        return Refused(_("This draft was confirmed or dropped already, in another window."))
    version, found, rivals = reckoned.version, reckoned.prototype, reckoned.rivals
    assert version is not None
    assert found is not None
    assert rivals is not None
    one = DefectClass.objects.create(
        code=code_of(held.name), name=held.name.strip(), family=held.family, critical=held.critical,
        definition=held.definition, provisional=True,
    )  # fmt: skip
    said = decide_many(person, [seen.capture for seen in reckoned.seen], one.code, now, expected=reckoned.labels)
    if not isinstance(said, DecidedMany):
        return Refused(_not_labelled(said))
    held.defect_class, held.stage, held.mm_per_px = one, Stage.STANDS, reckoned.mm_per_px
    held.confirmed_by, held.confirmed_at, held.figures = person, now, reckoned.figures
    held.save()
    held.lines.set(reckoned.lines)
    keep(held, version, found, rivals, len(reckoned.seen), now)
    settle_trained(now)
    told = {"name": one.name, "labels": len(said.labels), "lines": [line.slug for line in reckoned.lines]}
    AuditEvent.note(person, "class-from-examples", f"class {one.code}", now, **told, **reckoned.figures)
    return Confirmed(held, one, list(said.labels))


def _not_labelled(said: Conflicts | NotDecided) -> str:
    if isinstance(said, NotDecided):
        return _("The captures could not be labelled: %(reason)s") % {"reason": said.detail}
    changed = sum(isinstance(one, Changed) for one in said.rows)
    told = {"changed": changed, "held": len(said.rows) - changed}
    words = _(
        "Nothing was kept: somebody labelled %(changed)s of the captures meanwhile, and %(held)s are on somebody's "
        "screen. Look again."
    )
    return words % told
