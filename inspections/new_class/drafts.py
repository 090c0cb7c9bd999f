"""The draft of a class: one a person, kept as rows, so that a reload, another page or another device finds it again."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from inspections.models import AuditEvent, Capture, ClassExample, ExampleRole, Person, ProvisionalClass, Stage, Status
from inspections.models.defect_class import GOOD
from inspections.review.blind import withheld
from inspections.snapshots import Refused

MOST = 60  # captures in one draft: a class of more is trained, and a form takes a hundred fields


def draft_of(person: Person) -> ProvisionalClass | None:
    return ProvisionalClass.objects.filter(made_by=person, stage=Stage.DRAFT).first()


def mark(person: Person, keys: Collection[UUID], now: datetime) -> ProvisionalClass | Refused:
    """Put these captures into the person's draft as examples; all of them or, with the figures, none."""
    wanted = list(dict.fromkeys(keys))
    if objection := _too_many(len(wanted)) or _unfit(person, wanted):
        return Refused(objection)
    with transaction.atomic():
        draft = _held(person, now)
        there = set(draft.examples.values_list("capture_id", flat=True))
        if objection := _too_many(len(there | set(wanted))):
            return Refused(objection)
        rows = [ClassExample(provisional=draft, capture_id=key) for key in wanted if key not in there]
        ClassExample.objects.bulk_create(rows)
        draft.examples.filter(capture__in=wanted).update(role=ExampleRole.EXAMPLE)
        _note(person, now, marked=len(wanted))
    return draft


def keep(
    draft: ProvisionalClass, words: Mapping[str, Any], roles: Mapping[UUID, ExampleRole | None], now: datetime
) -> Refused | None:
    """`words`: name, family, definition, critical. `roles`: what its maker says of captures; None takes one out."""
    said = {key: role for key, role in roles.items() if role is not None}
    kept = set(draft.examples.values_list("capture_id", flat=True)) - roles.keys() | said.keys()
    if objection := _too_many(len(kept)) or _unfit(draft.made_by, _positive(said)):
        return Refused(objection)
    with transaction.atomic():
        ProvisionalClass.objects.select_for_update(of=("self",)).get(pk=draft.pk)
        ProvisionalClass.objects.filter(pk=draft.pk, stage=Stage.DRAFT).update(**words)
        draft.examples.filter(capture__in=list(roles)).delete()
        ClassExample.objects.bulk_create(
            [ClassExample(provisional=draft, capture_id=key, role=role) for key, role in said.items()]
        )
        counts = Counter(role.value if role else "out" for role in roles.values())
        _note(draft.made_by, now, **words, roles=dict(counts))
    draft.refresh_from_db()
    return None


def drop(draft: ProvisionalClass, now: datetime) -> None:
    with transaction.atomic():
        ProvisionalClass.objects.filter(pk=draft.pk, stage=Stage.DRAFT).delete()
        _note(draft.made_by, now, dropped=True)


def _held(person: Person, now: datetime) -> ProvisionalClass:
    """The draft, its row locked; a new one, or that of the same person in another window at this moment."""
    if draft_of(person) is None:
        try:
            with transaction.atomic():
                ProvisionalClass.objects.create(made_by=person, made_at=now)
        except IntegrityError:
            pass
    return ProvisionalClass.objects.select_for_update(of=("self",)).get(made_by=person, stage=Stage.DRAFT)


def _positive(roles: Mapping[UUID, ExampleRole]) -> list[UUID]:
    return [key for key, role in roles.items() if role != ExampleRole.REJECTED]


def _too_many(count: int) -> str:
    if count <= MOST:
        return ""
    words = {"count": count, "most": MOST}
    return (
        _("%(count)s captures are too many for a draft: %(most)s at most. For so many, label them and train.") % words
    )


def _unfit(person: Person, keys: Sequence[UUID]) -> str:
    """Why some of these can be no examples, with how many; empty where all can."""
    secret = withheld(person)
    if any(key in secret for key in keys):
        return _("You are asked about one of these in the queue; answer it there first.")
    rows = Capture.objects.seen_by(person).filter(pk__in=keys).select_related("label__defect_class")
    found = list(rows)
    good = sum(bool(row.label and row.label.defect_class and row.label.defect_class.code == GOOD) for row in found)
    counts = Counter(row.status for row in found)
    told = [
        _some(len(keys) - len(found), _("is no capture that you may see"), _("are no captures that you may see")),
        _some(counts[Status.PENDING], _("was not judged yet"), _("were not judged yet")),
        _some(counts[Status.FAILED], _("could not be judged"), _("could not be judged")),
        _some(good, _("is labelled good"), _("are labelled good")),
    ]
    objections = [one for one in told if one]
    if not objections:
        return ""
    of = ngettext("%(n)s capture can be no example", "%(n)s captures can be no examples", len(keys)) % {"n": len(keys)}
    return f"{of}: {', '.join(objections)}."


def _some(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}" if count else ""


def _note(person: Person, now: datetime, **detail: object) -> None:
    AuditEvent.note(person, "class-draft", f"person {person.get_username()}", now, **detail)
