"""`/teach/`: which images would teach most, whether there are enough labels, and which of them are probably wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from inspections import teaching
from inspections.models import Capture, DefectClass, Insight, InsightKind, Person, TeachPick
from inspections.pages import teach_labels
from inspections.pages.access import PersonRequest, deed, for_managers, lines_of, page
from inspections.pages.capture import found_for
from inspections.pages.capture_deeds import objection, uuid_of
from inspections.pages.history import answer_words
from inspections.pages.live import live
from inspections.pages.overview import class_names
from inspections.pages.teach_curves import curves
from inspections.review import answers, listed
from inspections.review.blind import withheld
from inspections.review.outcomes import Decided, Replayed
from inspections.review.reasons import pick_words
from inspections.review.wanted import Order, Wanted

PAGE, PART = "inspections/teach.html", "inspections/_teach.html"
SHOWN = 50


@dataclass(frozen=True)
class Shown:
    """One image of the list, with its reason."""

    capture: Capture
    why: str


@page
def teach(request: PersonRequest) -> HttpResponseBase:
    """What is there of both reckonings, and how they stand."""
    person, secret, names = request.user, withheld(request.user), class_names()
    wanted = Wanted(tuple(lines_of(person)), Order.TEACH)
    states = {kind: teaching.newest(kind) for kind in teaching.SHOWN}
    context = {
        "lines": wanted.lines,
        "picks": _picks(person, wanted, names, secret),
        "left": listed.left(person, wanted),
        "list_state": states[InsightKind.TEACH],
        "made_at": teaching.list_made_at(),
        "labels_state": states[InsightKind.LABELS],
        **_labels(teaching.newest_done(InsightKind.LABELS), person, names, secret),
    }
    return live(request, PAGE, PART, context, moving=any(one and one.is_live for one in states.values()))


def _picks(person: Person, wanted: Wanted, names: Mapping[str, str], secret: set[UUID]) -> Sequence[Shown]:
    rows = listed.open_to(person, wanted).exclude(capture__in=secret)
    related = ("capture__defect_class", "capture__line", "capture__roll")
    found: Sequence[TeachPick] = list(rows.select_related(*related)[:SHOWN])
    return [Shown(one.capture, pick_words(one, names)) for one in found]


def _labels(told: Insight | None, person: Person, names: Mapping[str, str], secret: set[UUID]) -> dict[str, Any]:
    if told is None or told.body is None:
        return {"told": None}
    captures = teach_labels.captures_for(told.body, person, secret)
    active = list(DefectClass.objects.filter(active=True).values_list("code", flat=True))
    drawn = curves(told.body, names)
    return {
        "told": told,
        "read": told.body["read"],
        "unread": told.body["labels"] - told.body["read"],
        "curves": drawn,
        "measured": [one for one in drawn if not one.problem],
        "suspects": teach_labels.suspects(told.body, captures, names, active),
        "pairs": teach_labels.pairs(told.body, captures, names),
    }


@deed
def ask(request: PersonRequest) -> HttpResponseBase:
    """Reckon both anew."""
    for_managers(request.user)
    teaching.ask_all(timezone.now(), request.user)
    messages.success(request, _("Asked for. It takes some seconds, and appears here by itself."))
    return HttpResponseRedirect(reverse("teach"))


@deed
def relabel(request: PersonRequest, key: UUID) -> HttpResponseBase:
    """Say again what an image shows whose label is doubted; then the list of doubtful ones again."""
    found = found_for(request.user, key)
    outcome = answers.decide(
        request.user,
        found,
        request.POST.get("answer", ""),
        timezone.now(),
        expected=uuid_of(request, "expected"),
        token=uuid_of(request, "token"),
    )
    if isinstance(outcome, Decided | Replayed):
        said = answer_words(outcome.label.answer, class_names())
        messages.success(request, _("Kept: %(answer)s.") % {"answer": said})
    else:
        messages.warning(request, objection(outcome))
    return HttpResponseRedirect(f"{reverse('teach')}#suspects")
