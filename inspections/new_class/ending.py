"""Taking a class back. It is closed at once; what it gave is taken back in parts, each with its counts in one commit.

A worker that judges at the same moment holds the prototypes' rows while it writes: so whoever writes before the close
is seen by what follows it, and whoever comes after finds the class closed.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils.translation import gettext as _

from inspections import bell
from inspections.models import (
    AuditEvent,
    ClassPrototype,
    DefectClass,
    JobState,
    KnownAnswer,
    Label,
    ModelVersion,
    Person,
    ProvisionalClass,
    Stage,
    TrainingRun,
    Verdict,
)
from inspections.review.effective import settle
from inspections.review.rows import locked
from inspections.review.undoing import undo
from inspections.snapshots import Refused

AT_ONCE = 200  # verdicts in one commit


def take_back(provisional: ProvisionalClass, person: Person, now: datetime, reason: str) -> ProvisionalClass | Refused:
    """Close it to new captures and retire the class; a worker takes back what it gave."""
    with transaction.atomic():
        held = ProvisionalClass.objects.select_for_update(of=("self",)).get(pk=provisional.pk)
        if objection := _no_reason(reason) or objection_to_taking_back(held, person):
            return Refused(objection)
        assert held.defect_class_id is not None
        list(ClassPrototype.objects.select_for_update(of=("self",)).filter(provisional=held).order_by("pk"))
        held.stage, held.ended_by, held.ended_at, held.reason = Stage.ENDING, person, now, reason.strip()[:500]
        held.save(update_fields=["stage", "ended_by", "ended_at", "reason"])
        DefectClass.objects.filter(pk=held.defect_class_id).update(active=False, provisional=False)
        known, _by_model = KnownAnswer.objects.filter(defect_class=held.defect_class_id).delete()
        told = {"reason": held.reason, "labels": _labels(held).count(), "known_answers": known}
        AuditEvent.note(person, "class-taken-back", f"class {_code(held)}", now, **told)
        bell.ring_on_commit(bell.PROVISIONAL)
    return held


def objection_to_taking_back(provisional: ProvisionalClass, person: Person) -> str:
    """Why this person cannot take it back now, in words."""
    if provisional.stage in {Stage.ENDING, Stage.TAKEN_BACK}:
        return _("It was taken back already.")
    if provisional.stage == Stage.DRAFT or provisional.defect_class_id is None:
        return _("It was never confirmed.")
    code = _code(provisional)
    if knows := next((one for one in ModelVersion.objects.order_by("id") if code in one.classes), None):
        words = _("%(version)s has learnt it, so it cannot be taken back: retire the class instead.")
        return words % {"version": knows}
    for run in TrainingRun.objects.live().select_related("snapshot").exclude(state=JobState.CANCELLING):
        if code in run.snapshot.classes:
            return _("Training %(run)s is learning it now: cancel that first.") % {"run": run.pk}
    others = 0 if person.sees_every_line else _labels(provisional).exclude(person=person).count()
    if others:
        return _("%(n)s labels of it are other people's: a manager can take it back.") % {"n": others}
    return ""


def carry_on(now: datetime) -> int:
    """What still stands of classes that were taken back is taken back; how much that was. A second run is harmless."""
    ending = ProvisionalClass.objects.filter(stage=Stage.ENDING).select_related("ended_by", "defect_class")
    return sum(_finish(one, now) for one in ending)


def _no_reason(reason: str) -> str:
    return "" if reason.strip() else _("Say why: the reason is kept with the class.")


def left_of(provisional: ProvisionalClass) -> int:
    """Verdicts that are still to be given back to the network."""
    return _given(provisional).count()


def _finish(one: ProvisionalClass, now: datetime) -> int:
    assert one.ended_by is not None
    verdicts = undone = 0
    while done := _give_back(one):
        verdicts += done
    for label in _labels(one).select_related("person", "item", "defect_class").order_by("id"):
        undo(one.ended_by, label, now)
        undone += 1
    with transaction.atomic():
        ended = ProvisionalClass.objects.filter(pk=one.pk, stage=Stage.ENDING).update(stage=Stage.TAKEN_BACK)
        if ended:
            told = {"labels": undone, "verdicts": verdicts}
            AuditEvent.note(one.ended_by, "class-removed", f"class {_code(one)}", now, **told)
    return undone + verdicts


def _give_back(one: ProvisionalClass) -> int:
    """Some verdicts get the network's own answer again, and their captures are counted by it. Flagged stays."""
    keys = list(_given(one).order_by("prototype_id", "id").values_list("pk", "capture_id")[:AT_ONCE])
    if not keys:
        return 0
    with transaction.atomic():
        rows = locked(capture for _verdict, capture in keys)
        Verdict.objects.filter(pk__in=[verdict for verdict, _capture in keys]).update(defect_class=F("model_class"))
        settle(rows)
    return len(keys)


def _given(one: ProvisionalClass) -> QuerySet[Verdict]:
    prototypes = list(ClassPrototype.objects.filter(provisional=one).values_list("pk", flat=True))
    return Verdict.objects.filter(prototype__in=prototypes, defect_class=one.defect_class_id)


def _labels(one: ProvisionalClass) -> QuerySet[Label]:
    """The answers that name it and stand."""
    return Label.objects.standing().filter(defect_class=one.defect_class_id)


def _code(one: ProvisionalClass) -> str:
    assert one.defect_class is not None
    return one.defect_class.code
