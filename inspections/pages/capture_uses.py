"""What managers make of a capture: a control item whose answer is known, or the example of its class."""

from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _

from inspections.models import AuditEvent, Capture, DefectClass, Kind, KnownAnswer, ReviewItem, Status
from inspections.pages.access import PersonRequest, deed, for_managers
from inspections.pages.capture import Draft, found_for, shown
from inspections.pages.history import name_of
from inspections.review.blind import is_withheld


@deed
def known(request: PersonRequest, key: UUID) -> HttpResponseBase:
    """Say what it is for sure: it comes back as a control item. Without a class: not any more."""
    found = found_for(request.user, key)
    for_managers(request.user)
    objection = _not_now(request, found) or _set_known(request, found)
    return _answer(request, key, objection)


def _not_now(request: PersonRequest, found: Capture) -> str:
    if is_withheld(request.user, found):
        return _("You are asked about this image yourself. Answer first.")
    if found.status != Status.JUDGED:
        return _("This capture has no verdict, so it takes no label.")
    return ""


def _set_known(request: PersonRequest, found: Capture) -> str:
    """What stands in the way, or empty. `was` is the class that the reader saw."""
    wanted, seen = request.POST.get("class", ""), request.POST.get("was", "")
    chosen = DefectClass.objects.filter(code=wanted, active=True).first()
    if wanted and chosen is None:
        return _("There is no such class. Nothing was kept: choose one of these.")
    now = timezone.now()
    with transaction.atomic():
        Capture.objects.select_for_update(of=("self",)).get(pk=found.pk)
        row = KnownAnswer.objects.select_related("defect_class", "person").filter(capture=found).first()
        if seen != (row.defect_class.code if row else ""):
            return _changed(row)
        if chosen is None and row is None:
            return _("Choose a class first.")
        if chosen is None:
            KnownAnswer.objects.filter(capture=found).delete()
            _ask_no_more(found)
        else:
            values = {"line": found.line, "defect_class": chosen, "person": request.user, "at": now}
            KnownAnswer.objects.update_or_create(capture=found, defaults=values)
        AuditEvent.note(request.user, "known-answer", f"capture {found.pk}", now, before=seen, after=wanted)
    messages.success(request, _known_words(chosen))
    return ""


def _ask_no_more(found: Capture) -> None:
    """Questions with an answer that no longer counts; who is looking at one just now may finish."""
    asked = ReviewItem.objects.open().filter(capture=found, kind=Kind.CONTROL)
    asked.exclude(lease_until__gte=timezone.now()).update(closed_at=timezone.now())


def _changed(row: KnownAnswer | None) -> str:
    if row is None:
        return _("Somebody took the known answer away meanwhile. Nothing was kept: look again and decide.")
    said = {"person": name_of(row.person), "name": row.defect_class.name}
    return _("%(person)s set the known answer to %(name)s meanwhile. Nothing was kept: look again and decide.") % said


def _known_words(chosen: DefectClass | None) -> str:
    if chosen is None:
        return _("This image has no known answer any more.")
    return _("The known answer of this image is %(name)s now.") % {"name": chosen.name}


@deed
def example(request: PersonRequest, key: UUID) -> HttpResponseBase:
    """Make it the picture beside a class's definition."""
    found = found_for(request.user, key)
    for_managers(request.user)
    objection = _not_now(request, found) or _set_example(request, found)
    return _answer(request, key, objection)


def _set_example(request: PersonRequest, found: Capture) -> str:
    now = timezone.now()
    with transaction.atomic():
        row = DefectClass.objects.select_for_update(of=("self",)).filter(code=request.POST.get("class", "")).first()
        if row is None:
            return _("There is no such class. Nothing was kept: choose one of these.")
        before, row.example = row.example_id, found
        row.save(update_fields=["example"])
        was = {"before": str(before) if before else "", "after": str(found.pk)}
        AuditEvent.note(request.user, "example", f"class {row.code}", now, **was)
    messages.success(request, _("This image now stands beside the definition of %(name)s.") % {"name": row.name})
    return ""


def _answer(request: PersonRequest, key: UUID, objection: str) -> HttpResponseBase:
    found = found_for(request.user, key)
    if not objection:
        return HttpResponseRedirect(found.get_absolute_url())
    return shown(request, found, Draft(objection=objection), status=409)
