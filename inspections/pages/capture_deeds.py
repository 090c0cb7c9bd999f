"""What people do on the page of one capture, by forms alone: label it, take a label back."""

from datetime import datetime
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _

from inspections.models import Label
from inspections.models.label import MOST_NOTE
from inspections.pages.access import PersonRequest, deed
from inspections.pages.capture import Draft, found_for, shown
from inspections.pages.history import answer_words, name_of
from inspections.pages.overview import class_names
from inspections.review import answers, undoing
from inspections.review.outcomes import Changed, Decided, Held, NotYours, Refused, Replayed


@deed
def label(request: PersonRequest, key: UUID) -> HttpResponseBase:
    """Say what it shows. What stands in the way is told on the page, which then asks again with everything kept."""
    found = found_for(request.user, key)
    answer, note = request.POST.get("answer", ""), request.POST.get("note", "")[:MOST_NOTE]
    outcome = answers.decide(
        request.user,
        found,
        answer,
        timezone.now(),
        expected=uuid_of(request, "expected"),
        token=uuid_of(request, "token"),
        note=note,
    )
    if isinstance(outcome, Decided | Replayed):
        said = answer_words(outcome.label.answer, class_names())
        messages.success(request, _("Kept: %(answer)s.") % {"answer": said})
        return HttpResponseRedirect(found.get_absolute_url())
    draft = Draft(answer, note, objection(outcome))
    status = 400 if isinstance(outcome, Refused) and outcome.kind.startswith("class-") else 409
    return shown(request, found_for(request.user, key), draft, status=status)


@deed
def undo(request: PersonRequest, key: UUID) -> HttpResponseBase:
    """Take a label back: one's own, and managers anyone's."""
    found = found_for(request.user, key)
    rows = Label.objects.select_related("person", "defect_class", "item", "capture").filter(capture=found)
    wanted = uuid_of(request, "label")
    taken = rows.filter(pk=wanted).first() if wanted else None
    if taken is None:
        raise Http404
    outcome = undoing.undo(request.user, taken, timezone.now())
    if isinstance(outcome, Decided | Replayed):
        said = answer_words(taken.answer, class_names())
        messages.success(request, _("Taken back: %(answer)s.") % {"answer": said})
        return HttpResponseRedirect(found.get_absolute_url())
    status = 403 if isinstance(outcome, NotYours) else 409
    return shown(request, found, Draft(objection=objection(outcome)), status=status)


def uuid_of(request: HttpRequest, name: str) -> UUID | None:
    """An id of a form; None where there is none, or what came is none."""
    try:
        return UUID(request.POST.get(name, ""))
    except ValueError:
        return None


def objection(outcome: Changed | Held | Refused | NotYours) -> str:
    """Why nothing was kept, in words of the page."""
    if isinstance(outcome, Held):
        who = {"person": name_of(outcome.by), "time": _clock(outcome.until)}
        return _("%(person)s decides this now, until %(time)s. Nothing was kept.") % who
    if isinstance(outcome, NotYours):
        return _("This is a label of %(person)s. A manager can take it back.") % {"person": name_of(outcome.by)}
    if isinstance(outcome, Changed):
        return _changed(outcome.by)
    return _refused(outcome.kind)


def _changed(by: Label | None) -> str:
    if by is None:
        return _("The label that you saw was taken back meanwhile. Nothing was kept: look again and decide.")
    said = {"person": name_of(by.person), "answer": answer_words(by.answer, class_names())}
    return _("%(person)s said meanwhile: %(answer)s. Nothing was kept: look again and decide.") % said


def _refused(kind: str) -> str:
    words = {
        "class-unknown": _("There is no such class. Nothing was kept: choose one of these."),
        "class-retired": _("This class was retired meanwhile. Nothing was kept: choose another one."),
        "not-judged": _("This capture has no verdict, so it takes no label."),
        "not-undoable": _("This cannot be taken back; decide again instead."),
    }
    return words.get(kind, _("This page was used already. Look again and decide."))


def _clock(moment: datetime) -> str:
    return f"{timezone.localtime(moment):%H:%M}"
